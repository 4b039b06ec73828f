// Many connections, and many bytes to ends that do not take them: the engine's memory must not follow either.
// The engine runs in a process of its own and tells its resident memory.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, serve } from './bench.ts';

const MIB = 1024 * 1024;
const CONNECTIONS = 2000;

interface Report {
  readonly rss: number;
  readonly open: number;
  readonly accepted: number;
}

async function startEngine(serverPort: number) {
  const child: ChildProcess = fork(join(import.meta.dirname, 'load-process.ts'), [String(serverPort)], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
  const ask = async (): Promise<Report> => {
    child.send('report');
    return ((await once(child, 'message')) as [Report])[0];
  };
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    port,
    report: ask,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

const request = 'GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n';

test('a slow reader of 100 MiB holds the server back, and memory stays flat', {
  timeout: 60_000,
}, async () => {
  const size = 100 * MIB;
  let sent = 0;
  await using server = await serve(socket => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const block = Buffer.alloc(256 * 1024, 7);
      const more = () => {
        while (sent < size) {
          sent += block.length;
          if (!socket.write(block)) {
            socket.once('drain', more);
            return;
          }
        }
      };
      more();
    });
  });
  await using engine = await startEngine(server.port);
  const before = await engine.report();
  const client = net.connect({ host: '127.0.0.1', port: engine.port });
  client.on('error', () => undefined);
  client.write(request);
  client.pause();
  await sleep(700);
  const stalled = sent;
  await sleep(300);
  assert.equal(sent, stalled, 'the server was stopped');
  assert.ok(stalled < 60 * MIB, `${(stalled / MIB).toFixed(0)} MiB went into buffers, the kernel's included`);
  const blocked = await engine.report();
  assert.ok(
    blocked.rss - before.rss < 30 * MIB,
    `grew by ${((blocked.rss - before.rss) / MIB).toFixed(0)} MiB`,
  );
  let received = 0;
  let peak = 0;
  client.on('data', chunk => {
    received += chunk.length;
  });
  for (client.resume(); received < size; ) {
    await sleep(20);
    peak = Math.max(peak, (await engine.report()).rss);
  }
  assert.ok(
    peak - before.rss < 60 * MIB,
    `grew by ${((peak - before.rss) / MIB).toFixed(0)} MiB while it streamed`,
  );
  client.destroy();
});

test('2,000 connections, each with an answer that its client leaves unread, stay within bounds', {
  timeout: 90_000,
}, async t => {
  const body = Buffer.alloc(64 * 1024, 'b');
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length * 2}\r\n\r\n`;
  await using server = await serve(socket => {
    socket.on('data', () => {
      socket.write(answer);
      socket.write(body);
      socket.write(body);
    });
  });
  await using engine = await startEngine(server.port);
  const before = await engine.report();
  const clients: { readonly socket: net.Socket; received: number }[] = [];
  const open = async () => {
    const client = { socket: net.connect({ host: '127.0.0.1', port: engine.port }), received: 0 };
    client.socket.on('error', () => undefined);
    client.socket.on('data', chunk => {
      client.received += chunk.length;
    });
    client.socket.pause();
    clients.push(client);
    await once(client.socket, 'connect');
    client.socket.write(request);
  };
  try {
    for (let batch = 0; batch < CONNECTIONS / 200; batch++)
      await Promise.all(Array.from({ length: 200 }, open));
    await eventually('the server has them all', () => server.sockets.size === CONNECTIONS, 20_000);
    await sleep(1000);
    const full = await engine.report();
    assert.equal(full.open, CONNECTIONS);
    const perConnection = (full.rss - before.rss) / CONNECTIONS;
    t.diagnostic(`${(perConnection / 1024).toFixed(0)} KiB a connection`);
    assert.ok(perConnection < 160 * 1024, `${(perConnection / 1024).toFixed(0)} KiB a connection`);
    // Two more answers each: more bytes, not more memory.
    for (const client of clients) client.socket.resume();
    for (let answers = 1; ; answers++) {
      const whole = answers * (answer.length + body.length * 2);
      await eventually('all answers arrived', () => clients.every(c => c.received >= whole), 20_000);
      if (answers === 3) break;
      for (const client of clients) client.socket.write(request);
    }
    await sleep(500);
    const after = await engine.report();
    assert.equal(after.open, CONNECTIONS);
    const growth = (after.rss - full.rss) / MIB;
    t.diagnostic(`${growth.toFixed(0)} MiB more after three answers`);
    assert.ok(growth < 100, `grew by ${growth.toFixed(0)} MiB with the bytes`);
  } finally {
    for (const client of clients) client.socket.destroy();
  }
});
