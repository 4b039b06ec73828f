// Two HTTP requests on one connection with different Hosts: `keepalive.ts ADDRESS HOST_1 HOST_2`.
// Prints {"statuses":[...],"names":[...]}: status and X-Lab-Name or body's "name" of each answer that came.

import './guard.ts';
import { connect } from 'node:net';

const [address = '', first = '', second = ''] = process.argv.slice(2);
const request = (host: string) => `GET /whoami HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
let seen = '';
let sent = 1;

function statuses(): number[] {
  return [...seen.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(match => Number(match[1]));
}

function finish(): never {
  const names = [...seen.matchAll(/"name"\s*:\s*"([^"]*)"/g)].map(match => match[1]);
  process.stdout.write(`${JSON.stringify({ statuses: statuses(), names })}\n`);
  process.exit(0);
}

const socket = connect(80, address, () => socket.write(request(first)));
socket.on('data', data => {
  seen += data;
  if (sent === 1 && /\}\s*$/.test(seen)) {
    sent = 2;
    socket.write(request(second));
  } else if (statuses().length === 2) setTimeout(finish, 100);
});
socket.on('error', finish);
socket.on('close', finish);
setTimeout(finish, 5000);
