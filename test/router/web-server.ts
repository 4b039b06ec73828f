// A web server inside: answers every request with the client's address. `web-server PORT`.

import { createServer } from 'node:http';

const port = Number(process.argv[2]);
createServer((request, response) => response.end(`${request.socket.remoteAddress}\n`)).listen(
  port,
  '0.0.0.0',
  () => {
    process.stdout.write('ready\n');
  },
);
