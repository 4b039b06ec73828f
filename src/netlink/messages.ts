// Netlink messages as bytes: the 16-byte header, nfnetlink's own four bytes, and the acknowledgements and errors
// that come back. Pure; `NetlinkSocket` moves the bytes.

export const FLAG_REQUEST = 0x001;
export const FLAG_ACK = 0x004;
export const FLAG_DUMP = 0x300;
export const FLAG_CREATE = 0x400;

export const TYPE_ERROR = 2;
export const TYPE_DONE = 3;

const HEADER = 16;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** One nfnetlink message: `type` is `subsystem << 8 | operation`, `resource` is nfgenmsg's `res_id`. */
export function nfMessage(options: {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly family?: number;
  readonly resource?: number;
  readonly attributes?: readonly Buffer[];
}): Buffer {
  const { type, flags, sequence, family = 0, resource = 0, attributes = [] } = options;
  const body = Buffer.concat(attributes);
  const bytes = Buffer.alloc(HEADER + 4 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.writeUInt8(family, HEADER);
  bytes.writeUInt16BE(resource, HEADER + 2);
  bytes.set(body, HEADER + 4);
  return bytes;
}

/** Every whole message of one read. */
export function parseMessages(bytes: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + HEADER <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < HEADER || offset + length > bytes.length) break;
    messages.push({
      type: bytes.readUInt16LE(offset + 4),
      flags: bytes.readUInt16LE(offset + 6),
      sequence: bytes.readUInt32LE(offset + 8),
      body: bytes.subarray(offset + HEADER, offset + length),
    });
    offset += (length + 3) & ~3;
  }
  return messages;
}

/** Errno of an NLMSG_ERROR or NLMSG_DONE message, positive; 0 is an acknowledgement. */
export function errnoOf(message: NetlinkMessage): number {
  return message.body.length >= 4 ? Math.abs(message.body.readInt32LE(0)) : 0;
}
