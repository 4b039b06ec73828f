// IPv4 packets as an attacker would make them: every field can be given, nothing is checked but the checksums, which
// are right so that nobody discards the packet for the wrong reason. Pure.

import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const GRE = 47;
export const ESP = 50;
export const SCTP = 132;

export const FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 };

export interface Ipv4Fields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly ttl?: number;
  readonly id?: number;
  /** In units of eight bytes. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  /** A multiple of four bytes. */
  readonly options?: Buffer;
}

export function ipv4(fields: Ipv4Fields): Buffer {
  const options = fields.options ?? Buffer.alloc(0);
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + fields.payload.length, 2);
  header.writeUInt16BE(fields.id ?? 0x4242, 4);
  header.writeUInt16BE((fields.moreFragments ? 0x2000 : 0) | (fields.fragmentOffset ?? 0), 6);
  header[8] = fields.ttl ?? 64;
  header[9] = fields.protocol;
  header.writeUInt32BE(number(fields.source), 12);
  header.writeUInt32BE(number(fields.destination), 16);
  options.copy(header, 20);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, fields.payload]);
}

export interface Ends {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export function udpSegment(ends: Ends, text: string): Buffer {
  const segment = Buffer.concat([Buffer.alloc(8), Buffer.from(text)]);
  segment.writeUInt16BE(ends.sourcePort, 0);
  segment.writeUInt16BE(ends.destinationPort, 2);
  segment.writeUInt16BE(segment.length, 4);
  segment.writeUInt16BE(transportChecksum(ends, UDP, segment), 6);
  return segment;
}

export interface TcpFields {
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly text?: string;
}

export function tcpSegment(ends: Ends, fields: TcpFields): Buffer {
  const segment = Buffer.concat([Buffer.alloc(20), Buffer.from(fields.text ?? '')]);
  segment.writeUInt16BE(ends.sourcePort, 0);
  segment.writeUInt16BE(ends.destinationPort, 2);
  segment.writeUInt32BE(fields.sequence ?? 1000, 4);
  segment.writeUInt32BE(fields.acknowledgement ?? 0, 8);
  segment[12] = 0x50;
  segment[13] = fields.flags;
  segment.writeUInt16BE(64_240, 14);
  segment.writeUInt16BE(transportChecksum(ends, TCP, segment), 16);
  return segment;
}

export const udp = (ends: Ends, text: string, more: Partial<Ipv4Fields> = {}): Buffer =>
  ipv4({ ...ends, protocol: UDP, payload: udpSegment(ends, text), ...more });

export const tcp = (ends: Ends, fields: TcpFields, more: Partial<Ipv4Fields> = {}): Buffer =>
  ipv4({ ...ends, protocol: TCP, payload: tcpSegment(ends, fields), ...more });

export function icmp(
  source: string,
  destination: string,
  type: number,
  code: number,
  rest: Buffer,
  more: Partial<Ipv4Fields> = {},
): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), rest]);
  message.writeUInt16BE(checksum(message), 2);
  return ipv4({ source, destination, protocol: ICMP, payload: message, ...more });
}

export interface Seen {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly bytes: Buffer;
}

/** What a packet that arrived says of itself; ports are those of TCP and UDP. */
export function seen(hex: string): Seen {
  const bytes = Buffer.from(hex, 'hex');
  const transport = bytes.subarray(((bytes[0] ?? 0) & 15) * 4);
  const hasPorts = transport.length >= 4;
  return {
    source: formatIpv4(bytes.readUInt32BE(12)),
    destination: formatIpv4(bytes.readUInt32BE(16)),
    protocol: bytes[9] ?? 0,
    sourcePort: hasPorts ? transport.readUInt16BE(0) : 0,
    destinationPort: hasPorts ? transport.readUInt16BE(2) : 0,
    bytes,
  };
}

function number(address: string): number {
  const parsed = parseIpv4(address);
  if (parsed === undefined) throw new Error(`${address} is not an IPv4 address`);
  return parsed;
}

function transportChecksum({ source, destination }: Ends, protocol: number, segment: Buffer): number {
  const pseudo = Buffer.alloc(12);
  pseudo.writeUInt32BE(number(source), 0);
  pseudo.writeUInt32BE(number(destination), 4);
  pseudo[9] = protocol;
  pseudo.writeUInt16BE(segment.length, 10);
  return checksum(Buffer.concat([pseudo, segment]));
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
