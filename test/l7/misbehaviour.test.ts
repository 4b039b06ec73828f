// Clients and servers that send nonsense, stop in the middle or reset: each harms its own connection only.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { L7Engine } from '#dataplane/l7/engine.ts';
import { resetSocket } from '#netlink/reset-socket.ts';
import { FakeSink } from '#telemetry/fake-sink.ts';
import { PRELOGIN, TABULAR_RESULT, writePrelogin, writeTdsPacket } from '#wire/tds.ts';
import { Client, eventually, helloFor, rule, rules, serve, startBench } from './bench.ts';
import { ON, prelogin } from './tds.ts';

const names = { 'a.example.org': ['192.0.2.1'] };
const REQUEST = 'POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: chunked\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n';

/** One character a byte. */
const bytes = (buffer: Buffer) => buffer.toString('latin1');
const PRELOGIN_PACKET = bytes(writeTdsPacket(PRELOGIN, writePrelogin(prelogin(ON))));
const PRELOGIN_ANSWER = bytes(writeTdsPacket(TABULAR_RESULT, writePrelogin(prelogin(ON))));
const WRAPPED_HELLO = bytes(writeTdsPacket(PRELOGIN, await helloFor('a.example.org')));

type Ending = 'finish' | 'reset' | 'destroy';

const piece = fc.oneof(
  fc.constantFrom(GET, REQUEST, '5\r\nhello\r\n', '0\r\n\r\n', '\x16\x03\x01\x00\x05', '\r\n', 'zz'),
  fc.constantFrom(PRELOGIN_PACKET, PRELOGIN_PACKET + WRAPPED_HELLO, WRAPPED_HELLO, '\x12\x01\x00\x09'),
  fc.string({ maxLength: 20 }),
);
const answerPiece = fc.oneof(
  fc.constantFrom(
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    '0\r\n\r\n',
    PRELOGIN_ANSWER,
  ),
  fc.string({ maxLength: 20 }),
);
const ending = fc.constantFrom<Ending>('finish', 'reset', 'destroy');

function finish(socket: net.Socket, how: Ending): void {
  if (how === 'finish') socket.end();
  else if (how === 'reset') resetSocket(socket);
  else socket.destroy();
}

test('no sequence of nonsense stops the engine or leaves a connection behind', {
  timeout: 60_000,
}, async () => {
  let script: { readonly pieces: readonly string[]; readonly ending: Ending } = {
    pieces: [],
    ending: 'finish',
  };
  await using server = await serve(socket => {
    const { pieces, ending } = script;
    socket.once('data', () => {
      for (const text of pieces) socket.write(text, 'latin1');
      finish(socket, ending);
    });
    socket.on('data', () => undefined);
    socket.on('end', () => socket.end());
  });
  for (const [port, servers] of [
    [80, { '192.0.2.1:80': server.port }],
    [443, { '192.0.2.1:443': server.port }],
    [1433, { '192.0.2.1:1433': server.port }],
  ] as const) {
    await using bench = await startBench({
      port,
      names,
      servers,
      rules: rules([rule('Allow', 'org', ['*.example.org'], 'http=80', 'https=443', 'mssql=1433')]),
      limits: { idleMs: 400, headDeadlineMs: 200 },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 6 }),
        ending,
        fc.array(answerPiece, { maxLength: 4 }),
        ending,
        async (pieces, clientEnding, answer, serverEnding) => {
          script = { pieces: answer, ending: serverEnding };
          const socket = net.connect({ host: '127.0.0.1', port: bench.port });
          socket.on('error', () => undefined);
          socket.on('data', () => undefined);
          await once(socket, 'connect');
          for (const text of pieces) socket.write(text, 'latin1');
          await new Promise(resolve => setImmediate(resolve));
          finish(socket, clientEnding);
        },
      ),
      { numRuns: 250 },
    );
    await eventually('all connections are gone', () => bench.engine.statistics.open === 0, 5000);
    assert.deepEqual(bench.reports, []);
    using client = new Client(bench.port);
    client.send(port === 80 ? 'GET / HTTP/1.1\r\nHost: x.example.com\r\n\r\n' : 'no');
    if (port === 80) await client.take('470');
    else await client.closed;
  }
});

test('an engine without rules refuses everybody, and ends when it is closed with connections open', async () => {
  const engine = new L7Engine({
    resolver: { resolve: async () => [] },
    log: new FakeSink(),
    forbiddenAddresses: () => [],
    hasName: () => false,
    mode: () => ({ address: 1, port: 80 }),
  });
  const { port } = await engine.listen();
  using early = new Client(port);
  await early.closed;
  assert.equal(early.error, 'ECONNRESET');
  await engine.close();

  const bench = await startBench({ names });
  using client = new Client(bench.port);
  await eventually('it is open', () => bench.engine.statistics.open === 1);
  await bench.engine.close();
  await client.closed;
  assert.equal(client.error, 'ECONNRESET');
});
