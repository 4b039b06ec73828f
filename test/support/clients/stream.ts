// Holds connections to an echo server and says a word on each ten times a second, and counts what fails:
// `stream.ts ADDRESS PORT CONNECTIONS`. Says "ready" once all are open. At the end of its input it prints
// {"open":number,"lost":number,"lostAt":[epoch ms],"echoes":number}.

import './guard.ts';
import { connect } from 'node:net';

const [address = '', port = '9000', count = '10'] = process.argv.slice(2);
let open = 0;
let echoes = 0;
const lostAt: number[] = [];

for (let i = 0; i < Number(count); i += 1) {
  let ended = false;
  let lastEcho = Date.now();
  const lose = () => {
    if (ended) return;
    ended = true;
    open -= 1;
    lostAt.push(Date.now());
    socket.destroy();
  };
  const socket = connect(Number(port), address, () => {
    open += 1;
    if (open === Number(count)) process.stdout.write('ready\n');
    setInterval(() => {
      if (ended) return;
      socket.write('word');
      if (Date.now() - lastEcho > 5000) lose();
    }, 100);
  });
  socket.on('data', () => {
    lastEcho = Date.now();
    echoes += 1;
  });
  socket.on('error', lose);
  socket.on('close', lose);
}

process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ open, lost: lostAt.length, lostAt, echoes })}\n`);
  process.exit(0);
});
