// Says a word to an echo server and tells whether it came back: `echo.ts tcp|udp ADDRESS PORT [TIMEOUT_MS]`.
// Prints {"echoed":boolean,"error":string|null,"ms":number}.

import './guard.ts';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [protocol = 'tcp', address = '', port = '0', timeout = '2500'] = process.argv.slice(2);
const word = `postern ${process.pid} ${Date.now()}`;
const started = performance.now();

function finish(echoed: boolean, error: string | null): never {
  process.stdout.write(`${JSON.stringify({ echoed, error, ms: Math.round(performance.now() - started) })}\n`);
  process.exit(0);
}

setTimeout(() => finish(false, 'timeout'), Number(timeout));
if (protocol === 'udp') {
  const socket = createSocket('udp4');
  socket.on('message', data => finish(data.toString() === word, null));
  socket.on('error', error => finish(false, error.message));
  socket.connect(Number(port), address, () => socket.send(word));
} else {
  const socket = connect(Number(port), address, () => socket.write(word));
  let seen = '';
  socket.on('data', data => {
    seen += data;
    if (seen.includes(word)) finish(true, null);
  });
  socket.on('error', error => finish(false, error.message));
}
