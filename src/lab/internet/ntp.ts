// The server side of SNTP (RFC 5905, RFC 4330): one request to one answer, for every address of the lab's Internet. The
// clock is the machine's own and is not disciplined, so the answer claims no more than stratum 2 and a millisecond.

const PACKET_BYTES = 48;
/** Seconds from 1900 to 1970. */
const EPOCH_SECONDS = 2_208_988_800;
const MODE_SYMMETRIC_ACTIVE = 1;
const MODE_SYMMETRIC_PASSIVE = 2;
const MODE_CLIENT = 3;
const MODE_SERVER = 4;
/** 2^-10 s. */
const PRECISION = -10;

/** Undefined: the datagram is no time request (control and private modes are never answered: they amplify). */
export function answerNtp(request: Buffer, receivedAt: number, sentAt: number): Buffer | undefined {
  if (request.length < PACKET_BYTES) return undefined;
  const first = request.readUInt8(0);
  const version = (first >> 3) & 7;
  const mode = first & 7;
  if (version < 1 || version > 4 || (mode !== MODE_CLIENT && mode !== MODE_SYMMETRIC_ACTIVE))
    return undefined;
  const response = Buffer.alloc(PACKET_BYTES);
  response.writeUInt8((version << 3) | (mode === MODE_CLIENT ? MODE_SERVER : MODE_SYMMETRIC_PASSIVE), 0);
  response.writeUInt8(2, 1);
  response.writeUInt8(request.readUInt8(2), 2);
  response.writeInt8(PRECISION, 3);
  response.writeUInt32BE(0x00000042, 4); // root delay, 1 ms in 16.16 fixed point
  response.writeUInt32BE(0x00000042, 8); // root dispersion
  response.writeUInt32BE(0x7f7f0101, 12); // reference: an undisciplined local clock, 127.127.1.1
  writeTimestamp(response, 16, Math.floor(receivedAt / 16_000) * 16_000);
  request.copy(response, 24, 40, 48);
  writeTimestamp(response, 32, receivedAt);
  writeTimestamp(response, 40, sentAt);
  return response;
}

function writeTimestamp(buffer: Buffer, offset: number, unixMs: number): void {
  const seconds = Math.floor(unixMs / 1000);
  buffer.writeUInt32BE((seconds + EPOCH_SECONDS) % 2 ** 32, offset);
  buffer.writeUInt32BE(Math.floor(((unixMs - seconds * 1000) / 1000) * 2 ** 32), offset + 4);
}
