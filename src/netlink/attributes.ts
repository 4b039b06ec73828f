// Netlink attributes (type, length, value, padded to four bytes) as bytes, both ways. Pure. Headers are in the
// host's byte order, which is little-endian on every machine Postern runs on; nfnetlink payloads are big-endian.

const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const HEADER = 4;

export type Attributes = ReadonlyMap<number, Buffer>;

export function attribute(type: number, value: Uint8Array): Buffer {
  const length = HEADER + value.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, HEADER);
  return bytes;
}

export function nested(type: number, ...children: readonly Buffer[]): Buffer {
  return attribute(type | NESTED, Buffer.concat(children));
}

export function text(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`));
}

export function u8(type: number, value: number): Buffer {
  return attribute(type, Buffer.of(value));
}

export function u16(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attribute(type, bytes);
}

export function u32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return attribute(type, bytes);
}

export function u64(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.round(value)));
  return attribute(type, bytes);
}

/** Attributes by type; of a type that repeats, the last counts. */
export function parseAttributes(bytes: Buffer): Attributes {
  return new Map(listAttributes(bytes).map(({ type, value }) => [type, value]));
}

/** Attributes in their order. A malformed tail ends the reading. */
export function listAttributes(bytes: Buffer): { readonly type: number; readonly value: Buffer }[] {
  const found: { type: number; value: Buffer }[] = [];
  let offset = 0;
  while (offset + HEADER <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < HEADER || offset + length > bytes.length) break;
    found.push({
      type: bytes.readUInt16LE(offset + 2) & TYPE_MASK,
      value: bytes.subarray(offset + HEADER, offset + length),
    });
    offset += (length + 3) & ~3;
  }
  return found;
}
