// Holds many connections to an echo port at once and says a word on each: `internet-crowd.ts ADDRESS PORT COUNT`.
// Prints {"open":number,"echoed":number,"error":string|null} when all have answered or twenty seconds have passed.

import { connect, type Socket } from 'node:net';

const [address = '', port = '0', count = '0'] = process.argv.slice(2);
const wanted = Number(count);
const result = { open: 0, echoed: 0, error: null as string | null };

const sockets: Socket[] = [];

function finish(): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

setTimeout(finish, 20_000);
for (let index = 0; index < wanted; index++) {
  const socket = connect(Number(port), address, () => {
    result.open++;
    // Only once everybody is there do they begin to speak.
    if (result.open === wanted) for (const each of sockets) each.write('x');
  });
  socket.on('data', () => {
    if (++result.echoed === wanted) finish();
  });
  socket.on('error', error => {
    result.error ??= error.message;
  });
  sockets.push(socket);
}
