// DNS over TCP (RFC 7766): messages with a length in front, several on one connection, answered in order. A connection
// that says nothing for ten seconds, or does not read its answers, is closed.

import type { Socket } from 'node:net';

const IDLE_MS = 10_000;
const MAX_UNSENT_BYTES = 256 * 1024;

/** `answer` gives undefined where the client shall wait in vain. */
export function serveDnsOverTcp(socket: Socket, answer: (message: Buffer) => Buffer | undefined): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const length = pending.readUInt16BE(0);
      if (pending.length < length + 2) return;
      const response = answer(pending.subarray(2, length + 2));
      pending = pending.subarray(length + 2);
      if (!response) continue;
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(response.length, 0);
      socket.write(Buffer.concat([prefix, response]));
      if (socket.writableLength > MAX_UNSENT_BYTES) {
        socket.destroy();
        return;
      }
    }
  });
}
