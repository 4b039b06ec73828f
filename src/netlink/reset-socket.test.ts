// A reset must reach the other end at once, with bytes still to be sent, and leave nothing of the socket behind.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { resetSocket } from './reset-socket.ts';

async function pair() {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  accepted.on('error', () => {});
  return { server, client, accepted };
}

for (const [name, before] of [
  ['an idle socket', () => {}],
  [
    'a socket with megabytes to send to a reader that has stopped',
    (socket: net.Socket) => socket.write(Buffer.alloc(16 * 2 ** 20)),
  ],
  ['a socket whose end is on its way', (socket: net.Socket) => socket.end('the last words')],
] as const) {
  test(`the other end of ${name} sees ECONNRESET`, async () => {
    const { server, client, accepted } = await pair();
    client.pause();
    before(accepted);
    resetSocket(accepted);
    assert.ok(accepted.destroyed);
    client.resume();
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    server.close();
    await once(server, 'close');
  });
}

test('a socket that is still connecting, and one that is gone, are only closed', async () => {
  const connecting = net.connect(9, '127.0.0.1');
  connecting.on('error', () => {});
  resetSocket(connecting);
  resetSocket(connecting);
  await once(connecting, 'close');
});
