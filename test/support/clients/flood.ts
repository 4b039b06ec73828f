// Sends UDP packets, each a flow of its own, to one address and port: `flood.ts ADDRESS PORT COUNT PER_SECOND`.
// Prints {"sent":number}.

import './guard.ts';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

const [address = '', port = '0', count = '1000', perSecond = '1000'] = process.argv.slice(2);
const TICK_MS = 20;
const perTick = Math.max(1, Math.round((Number(perSecond) * TICK_MS) / 1000));

let sent = 0;
while (sent < Number(count)) {
  const batch = Array.from({ length: perTick }, () => createSocket('udp4'));
  await Promise.all(
    batch.map(
      socket => new Promise<void>(resolve => socket.send('x', Number(port), address, () => resolve())),
    ),
  );
  for (const socket of batch) socket.close();
  sent += perTick;
  await sleep(TICK_MS);
}
process.stdout.write(`${JSON.stringify({ sent })}\n`);
