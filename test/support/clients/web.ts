// A small web server for a host of the lab: `web.ts PORT TEXT`. Says "ready", answers every request with TEXT and the
// client's address, and stops at the end of its input, printing {"clients":[...]}.

import './guard.ts';
import { createServer } from 'node:http';

const [port = '80', text = 'hello'] = process.argv.slice(2);
const clients = new Set<string>();

const server = createServer((request, response) => {
  const client = request.socket.remoteAddress ?? '';
  clients.add(client.replace('::ffff:', ''));
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ text, client })}\n`);
});
server.listen(Number(port), '0.0.0.0', () => process.stdout.write('ready\n'));
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ clients: [...clients] })}\n`);
  process.exit(0);
});
