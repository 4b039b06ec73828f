// An echo server for a host of the lab, TCP and UDP on one port: `echo-server.ts PORT`. Says "ready", and stops at the
// end of its input, printing {"clients":[...]}.

import './guard.ts';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const clients = new Set<string>();

const udp = createSocket('udp4');
udp.on('message', (data, { address, port }) => {
  clients.add(`udp ${address}`);
  udp.send(data, port, address);
});
const tcp = createServer(socket => {
  clients.add(`tcp ${socket.remoteAddress}`);
  socket.on('error', () => {});
  socket.pipe(socket);
});
udp.bind(port, '0.0.0.0', () => tcp.listen(port, '0.0.0.0', () => process.stdout.write('ready\n')));
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ clients: [...clients].sort() })}\n`);
  process.exit(0);
});
