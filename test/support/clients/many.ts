// Opens many TCP connections to one address and port at once and reads from each who it is to the server:
// `many.ts ADDRESS PORT COUNT`. The server is an HTTP server that answers /whoami with {"client": ...}.
// Prints {"clients":{"<address>":count},"failed":number}.

import './guard.ts';
import { connect } from 'node:net';

const [address = '', port = '80', count = '400', host = 'example.org'] = process.argv.slice(2);
const clients: Record<string, number> = {};
let failed = 0;
let open = 0;

async function one(): Promise<void> {
  await new Promise<void>(resolve => {
    let seen = '';
    let settled = false;
    const socket = connect(Number(port), address, () =>
      socket.write(`GET /whoami HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    );
    const settle = (client: string | undefined) => {
      if (settled) return;
      settled = true;
      if (client === undefined) failed += 1;
      else clients[client] = (clients[client] ?? 0) + 1;
      resolve();
    };
    socket.setTimeout(10_000, () => settle(undefined));
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
    socket.on('data', data => {
      seen += data;
      const match = /"client"\s*:\s*"([^"]+)"/.exec(seen);
      if (match) settle(match[1]);
    });
    open += 1;
  });
}

await Promise.all(Array.from({ length: Number(count) }, one));
process.stdout.write(`${JSON.stringify({ clients, failed, open })}\n`);
process.exit(0);
