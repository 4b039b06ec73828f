// A web server: takes what it is sent and answers with the client's address. `web-server PORT`.

import { createServer } from 'node:http';

createServer((request, response) => {
  request.resume();
  request.once('end', () => response.end(`${request.socket.remoteAddress}\n`));
}).listen(Number(process.argv[2]), '0.0.0.0', () => process.stdout.write('ready\n'));
