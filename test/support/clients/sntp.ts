// One SNTP exchange (RFC 4330) with a name or address: `sntp.ts HOST`. Prints {"ok":boolean,"stratum":number,"offsetMs":number,"error":string|null}.

import './guard.ts';
import { createSocket } from 'node:dgram';

const [host = ''] = process.argv.slice(2);
/** Seconds between 1900 (NTP) and 1970 (Unix). */
const EPOCH = 2_208_988_800;

const request = Buffer.alloc(48);
request[0] = (4 << 3) | 3;
const sentAt = Date.now();
request.writeUInt32BE(Math.floor(sentAt / 1000) + EPOCH, 40);
request.writeUInt32BE(process.pid, 44);

function finish(result: object): never {
  process.stdout.write(`${JSON.stringify({ ok: false, stratum: 0, offsetMs: 0, error: null, ...result })}\n`);
  process.exit(0);
}

const socket = createSocket('udp4');
setTimeout(() => finish({ error: 'timeout' }), 2500);
socket.on('error', error => finish({ error: error.message }));
socket.on('message', reply => {
  const isServer = reply.length >= 48 && ((reply[0] ?? 0) & 7) === 4;
  // The originate timestamp must be ours, or the answer is not to this question.
  const isOurs = reply.subarray(24, 32).equals(request.subarray(40, 48));
  const transmitted = (reply.readUInt32BE(40) - EPOCH) * 1000 + (reply.readUInt32BE(44) / 2 ** 32) * 1000;
  finish({ ok: isServer && isOurs, stratum: reply[1] ?? 0, offsetMs: Math.round(transmitted - Date.now()) });
});
socket.connect(123, host, () => socket.send(request));
