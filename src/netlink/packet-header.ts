// The first bytes of a logged packet: addresses, protocol and ports. Pure. IPv6 addresses stay text, since
// Postern denies IPv6 and only has to say what it denied.

import ipaddr from 'ipaddr.js';

export interface PacketHeader {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** 0 for protocols without ports and for truncated packets. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** ICMP type; 0 for other protocols. */
  readonly icmpType: number;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const WITH_PORTS = new Set([TCP, UDP, 33, 132, 136]);

export function parsePacketHeader(packet: Buffer): PacketHeader | undefined {
  const version = packet.length > 0 ? packet.readUInt8(0) >>> 4 : 0;
  if (version === 4 && packet.length >= 20) {
    return withPorts(packet, (packet.readUInt8(0) & 15) * 4, {
      version: 4,
      protocol: packet.readUInt8(9),
      source: packet.subarray(12, 16).join('.'),
      destination: packet.subarray(16, 20).join('.'),
    });
  }
  if (version === 6 && packet.length >= 40) {
    return withPorts(packet, 40, {
      version: 6,
      protocol: packet.readUInt8(6),
      source: ipv6Text(packet.subarray(8, 24)),
      destination: ipv6Text(packet.subarray(24, 40)),
    });
  }
  return undefined;
}

function withPorts(
  packet: Buffer,
  offset: number,
  head: Pick<PacketHeader, 'version' | 'protocol' | 'source' | 'destination'>,
): PacketHeader {
  const ports = WITH_PORTS.has(head.protocol) && packet.length >= offset + 4;
  const icmp = (head.protocol === ICMP || head.protocol === ICMPV6) && packet.length > offset;
  return {
    ...head,
    sourcePort: ports ? packet.readUInt16BE(offset) : 0,
    destinationPort: ports ? packet.readUInt16BE(offset + 2) : 0,
    icmpType: icmp ? packet.readUInt8(offset) : 0,
  };
}

function ipv6Text(bytes: Buffer): string {
  return new ipaddr.IPv6([...bytes]).toRFC5952String();
}
