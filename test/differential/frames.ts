// The packets of the kernel test: the first one of a flow, carrying a number that survives translation of addresses and ports,
// and the reading of that number from whatever arrives. Pure.

export interface WireFlow {
  /** 32 bits, different for every packet of a run. */
  readonly id: number;
  readonly protocol: number;
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

export interface Arrival extends WireFlow {
  /** A packet of ours, or what a machine said to it. */
  readonly kind: 'packet' | 'answer';
}

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const GRE = 47;
const SCTP = 132;

/** Tells our SYNs from those of real connections. */
const WINDOW = 23_913;
const MAGIC = 0x706f7374;
const ETHERNET = 14;
const IP_HEADER = 20;
const DNS_HEADER = 12;
const SYN = 2;
const ACK = 16;

export function frameOf(flow: WireFlow, ends: { readonly from: Buffer; readonly to: Buffer }): Buffer {
  const body = bodyOf(flow);
  const frame = Buffer.alloc(ETHERNET + IP_HEADER + body.length);
  ends.to.copy(frame, 0);
  ends.from.copy(frame, 6);
  frame.writeUInt16BE(0x0800, 12);
  const packet = frame.subarray(ETHERNET);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(flow.id & 0xffff, 4);
  packet[8] = 64;
  packet[9] = flow.protocol;
  packet.writeUInt32BE(flow.source, 12);
  packet.writeUInt32BE(flow.destination, 16);
  packet.writeUInt16BE(fold(sumOf(packet, 0, IP_HEADER)), 10);
  body.copy(packet, IP_HEADER);
  return frame;
}

function bodyOf(flow: WireFlow): Buffer {
  switch (flow.protocol) {
    case TCP: {
      const body = Buffer.alloc(20);
      writePorts(body, flow);
      body.writeUInt32BE(flow.id, 4);
      body[12] = 0x50;
      body[13] = SYN;
      body.writeUInt16BE(WINDOW, 14);
      body.writeUInt16BE(transportChecksum(flow, body), 16);
      return body;
    }
    case UDP: {
      // A DNS query for an address, so that the DNS proxy answers it.
      const name = Buffer.from(`\x08${hex(flow.id)}\x02id\x07example\x00`, 'latin1');
      const body = Buffer.concat([Buffer.alloc(8 + DNS_HEADER), name, Buffer.from([0, 1, 0, 1])]);
      writePorts(body, flow);
      body.writeUInt16BE(body.length, 4);
      body.writeUInt16BE(flow.id & 0xffff, 8);
      body[10] = 1;
      body.writeUInt16BE(1, 12);
      body.writeUInt16BE(transportChecksum(flow, body), 6);
      return body;
    }
    case ICMP: {
      const body = Buffer.alloc(16);
      body[0] = 8;
      body.writeUInt16BE(flow.id & 0xffff, 4);
      body.writeUInt32BE(MAGIC, 8);
      body.writeUInt32BE(flow.id, 12);
      body.writeUInt16BE(fold(sumOf(body, 0, body.length)), 2);
      return body;
    }
    case SCTP: {
      const body = Buffer.alloc(32);
      writePorts(body, flow);
      body[12] = 1;
      body.writeUInt16BE(20, 14);
      body.writeUInt32BE(flow.id || 1, 16);
      body.writeUInt32BE(64_240, 20);
      body.writeUInt32BE(0x00010001, 24);
      body.writeUInt32BE(flow.id, 28);
      body.writeUInt32LE(crc32c(body), 8);
      return body;
    }
    default: {
      const body = Buffer.alloc(12);
      // A GRE header without options that carries IPv4; to other protocols just bytes.
      if (flow.protocol === GRE) body.writeUInt16BE(0x0800, 2);
      body.writeUInt32BE(MAGIC, 4);
      body.writeUInt32BE(flow.id, 8);
      return body;
    }
  }
}

/** Undefined for packets that are not the first of one of our flows, nor an answer to it. */
export function readPacket(packet: Buffer): Arrival | undefined {
  const at = ((packet[0] ?? 0) & 15) * 4;
  const protocol = packet[9] ?? 0;
  const body = packet.subarray(at);
  const ends = {
    protocol,
    source: packet.readUInt32BE(12),
    destination: packet.readUInt32BE(16),
    sourcePort: 0,
    destinationPort: 0,
  };
  const ported = () => ({
    ...ends,
    sourcePort: body.readUInt16BE(0),
    destinationPort: body.readUInt16BE(2),
  });
  switch (protocol) {
    case TCP: {
      const flags = body[13] ?? 0;
      if (flags === SYN && body.readUInt16BE(14) === WINDOW)
        return { ...ported(), kind: 'packet', id: body.readUInt32BE(4) };
      if ((flags & 63) !== (SYN | ACK)) return undefined;
      return { ...ported(), kind: 'answer', id: (body.readUInt32BE(8) - 1) >>> 0 };
    }
    case UDP: {
      const label = 8 + DNS_HEADER;
      if (body.length < label + 9 || body[label] !== 8) return undefined;
      const id = Number.parseInt(body.toString('latin1', label + 1, label + 9), 16);
      if (Number.isNaN(id)) return undefined;
      return { ...ported(), kind: ((body[10] ?? 0) & 0x80) === 0 ? 'packet' : 'answer', id };
    }
    case ICMP:
      if (body[0] !== 8 || body.length < 16 || body.readUInt32BE(8) !== MAGIC) return undefined;
      return { ...ends, kind: 'packet', id: body.readUInt32BE(12) };
    case SCTP:
      if (body.length < 32 || body[12] !== 1) return undefined;
      return { ...ported(), kind: 'packet', id: body.readUInt32BE(28) };
    default:
      if (body.length < 12 || body.readUInt32BE(4) !== MAGIC) return undefined;
      return { ...ends, kind: 'packet', id: body.readUInt32BE(8) };
  }
}

function writePorts(body: Buffer, { sourcePort, destinationPort }: WireFlow): void {
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
}

function hex(id: number): string {
  return id.toString(16).padStart(8, '0');
}

/** RFC 1071. */
function sumOf(bytes: Buffer, sum: number, length: number): number {
  let total = sum;
  for (let at = 0; at < length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return total;
}

function fold(total: number): number {
  let sum = total;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function transportChecksum({ protocol, source, destination }: WireFlow, body: Buffer): number {
  const pseudo =
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    body.length;
  const padded = body.length % 2 === 0 ? body : Buffer.concat([body, Buffer.alloc(1)]);
  return fold(sumOf(padded, pseudo, padded.length));
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let crc = value;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** RFC 4960 appendix B, over a packet whose checksum is zero. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 255] ?? 0);
  return ~crc >>> 0;
}
