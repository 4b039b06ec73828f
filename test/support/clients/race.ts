// Asks for names never asked before and connects in the same tick in which each answer arrives:
// `race.ts SERVER SUFFIX COUNT PORT`. Prints how many connected and how many segments this host's TCP had to send again:
// {"answered":number,"connected":number,"retransmitted":number}.

import './guard.ts';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { decode, encode } from 'dns-packet';

const [server = '', suffix = '', count = '1000', port = '7000'] = process.argv.slice(2);
const total = Number(count);
/** Questions in flight; a client, not a flood. */
const PARALLEL = 20;

/** `RetransSegs` of RFC 1213's tcp group, for this network namespace. */
function retransmitted(): number {
  const lines = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter(line => line.startsWith('Tcp:'));
  const [names = [], values = []] = lines.map(line => line.split(' '));
  return Number(values[names.indexOf('RetransSegs')]);
}

const before = retransmitted();
const socket = createSocket('udp4');
const names = new Map<number, string>();
let asked = 0;
let answered = 0;
let connected = 0;
let finished = 0;

function ask(): void {
  if (asked >= total) return;
  const id = asked;
  const name = `n${id}.${suffix}`;
  names.set(id, name);
  asked += 1;
  socket.send(encode({ type: 'query', id, flags: 0x100, questions: [{ type: 'A', name }] }));
}

function finish(): void {
  finished += 1;
  ask();
  if (finished < total) return;
  process.stdout.write(
    `${JSON.stringify({ answered, connected, retransmitted: retransmitted() - before })}\n`,
  );
  process.exit(0);
}

socket.on('message', data => {
  const reply = decode(data);
  if (!names.delete(reply.id ?? -1)) return;
  const address = reply.answers?.find(answer => answer.type === 'A');
  if (address?.type !== 'A') return finish();
  answered += 1;
  const connection = connect(Number(port), address.data, () => {
    connected += 1;
    connection.destroy();
    finish();
  });
  connection.on('error', () => finish());
});
socket.connect(53, server, () => {
  for (let i = 0; i < PARALLEL; i += 1) ask();
});
setTimeout(() => {
  process.stdout.write(
    `${JSON.stringify({ answered, connected, retransmitted: retransmitted() - before, timedOut: true })}\n`,
  );
  process.exit(0);
}, 45_000);
