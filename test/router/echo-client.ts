// Sends one line to an echo server over TCP or UDP and prints what comes back within a time: `echo-client ADDRESS PORT tcp|udp MS`.

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [address = '', port = '0', protocol = 'tcp', timeout = '1500'] = process.argv.slice(2);

function end(text: string): never {
  process.stdout.write(`${text}\n`);
  process.exit(0);
}

setTimeout(() => end(''), Number(timeout));
if (protocol === 'udp') {
  const socket = createSocket('udp4');
  socket.on('message', message => end(message.toString().trim()));
  socket.on('error', error => end(`error ${error.message}`));
  socket.send('hello\n', Number(port), address);
} else {
  const socket = connect(Number(port), address, () => socket.write('hello\n'));
  socket.on('data', data => end(data.toString().trim()));
  socket.on('error', error => end(`error ${(error as NodeJS.ErrnoException).code}`));
}
