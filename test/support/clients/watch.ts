// Sees every IPv4 packet that arrives at this host: says "ready", and at the end of its input prints
// {"packets":["<hexadecimal bytes from the IP header on>",...]}, at most 20,000 of them.

import './guard.ts';
import {
  int32,
  openSocket,
  receiveBytes,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SOL_SOCKET,
  setOption,
  timeval,
} from '#netlink/libc.ts';

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
/** ETH_P_IP in network order: only what arrives, without its link header. */
const IPV4 = 0x0008;
const MAX_PACKETS = 20_000;

const socket = openSocket(AF_PACKET, SOCK_DGRAM, IPV4);
setOption(socket, SOL_SOCKET, SO_RCVBUF, int32(8 * 1024 * 1024));
setOption(socket, SOL_SOCKET, SO_RCVTIMEO, timeval(5));
const buffer = Buffer.alloc(65_536);
const packets: string[] = [];

function read(): void {
  for (let round = 0; round < 100; round += 1) {
    const length = receiveBytes(socket, buffer);
    if (length === undefined) break;
    if (packets.length < MAX_PACKETS) packets.push(buffer.toString('hex', 0, Math.min(length, 256)));
  }
  setTimeout(read, 5);
}

read();
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ packets })}\n`, () => process.exit(0));
});
