import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { writeQuery } from '#wire/dns-write.ts';
import { framed } from './exchange.ts';
import { DnsListener, type Handler } from './listener.ts';

const QUESTION = writeQuery(1, 'example.org', 1);
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).reverse()) await close();
});

let nextPort = 31_000 + (process.pid % 1000);

async function listening(handler: Handler): Promise<number> {
  const listener = new DnsListener({ handler, report: assert.fail });
  const port = nextPort++;
  await listener.open('127.0.0.1', port);
  cleanUp.push(() => listener.close());
  return port;
}

async function connected(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1').on('error', () => undefined),
  );
  for (const socket of sockets) cleanUp.push(() => socket.destroy());
  await pause(200);
  return sockets;
}

describe('what one client can take', () => {
  it('is 2,048 unanswered questions; answered ones make room', async () => {
    const replies: (() => void)[] = [];
    const port = await listening((_bytes, _client, reply) => replies.push(() => reply(undefined)));
    const socket = createSocket('udp4');
    cleanUp.push(() => socket.close());
    const send = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        socket.send(QUESTION, port, '127.0.0.1');
        if (index % 50 === 0) await pause(2);
      }
      await pause(50);
    };
    for (let round = 0; round < 20 && replies.length < 2048; round++) await send(500);
    await send(200);
    assert.equal(replies.length, 2048);
    for (const reply of replies.splice(0)) reply();
    await send(10);
    assert.equal(replies.length, 10);
  });

  it('is 64 connections', async () => {
    const port = await listening(() => undefined);
    const sockets = await connected(port, 70);
    const refused = (): number => sockets.filter(socket => socket.destroyed || socket.readableEnded).length;
    for (let tries = 0; tries < 60 && refused() < 6; tries++) await pause(50);
    assert.equal(refused(), 6);
  });

  it('is 32 unanswered questions on a connection, which then waits', async () => {
    const replies: (() => void)[] = [];
    const port = await listening((_bytes, _client, reply) => replies.push(() => reply(QUESTION)));
    const [socket] = await connected(port, 1);
    assert.ok(socket);
    let received = 0;
    socket.on('data', chunk => {
      received += chunk.length;
    });
    socket.write(Buffer.concat(Array.from({ length: 40 }, () => framed(QUESTION))));
    for (let tries = 0; tries < 60 && replies.length < 32; tries++) await pause(50);
    await pause(50);
    assert.equal(replies.length, 32);
    for (const reply of replies.splice(0)) reply();
    const expected = 32 * (QUESTION.length + 2);
    for (let tries = 0; tries < 60 && (replies.length < 8 || received < expected); tries++) await pause(50);
    assert.equal(replies.length, 8);
    assert.equal(received, expected);
  });
});

it('a client that does not read its answers does not fill the memory', async () => {
  const large = new Uint8Array(60_000);
  let handled = 0;
  const port = await listening((_bytes, _client, reply) => {
    handled++;
    reply(large);
  });
  const [socket] = await connected(port, 1);
  assert.ok(socket);
  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: 2000 }, () => framed(QUESTION))));
  await pause(300);
  assert.ok(handled < 500, `${handled} answers were made`);
});
