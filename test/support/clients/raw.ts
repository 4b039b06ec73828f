// Sends packets exactly as they are given, whoever they claim to come from: `raw.ts PACKET...`, each the hexadecimal
// bytes of an IPv4 packet, optionally with `*COUNT` behind it. Prints {"sent":number,"failed":number}.

import './guard.ts';
import { AF_INET, closeSocket, openSocket, SOCK_RAW, sendBytes } from '#netlink/libc.ts';

/** IPPROTO_RAW: the header comes with the data. */
const RAW = 255;

const socket = openSocket(AF_INET, SOCK_RAW, RAW);
let sent = 0;
let failed = 0;
for (const argument of process.argv.slice(2)) {
  const [hex = '', count = '1'] = argument.split('*');
  const packet = Buffer.from(hex, 'hex');
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  packet.copy(address, 4, 16, 20);
  for (let i = 0; i < Number(count); i += 1) {
    try {
      sendBytes(socket, packet, address);
      sent += 1;
    } catch {
      failed += 1;
    }
  }
}
closeSocket(socket);
process.stdout.write(`${JSON.stringify({ sent, failed })}\n`);
