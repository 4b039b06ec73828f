// Bare TCP SYNs in another host's name, which make the ends of an idle connection speak (a challenge
// acknowledgement, RFC 5961), so that rules can answer them with a reset that fits. Building is pure.

import type { FlowTuple } from './conntrack.ts';
import {
  AF_INET,
  closeSocket,
  int32,
  openSocket,
  SO_MARK,
  SOCK_RAW,
  SOL_SOCKET,
  sendBytes,
  setOption,
} from './libc.ts';

const IPPROTO_RAW = 255;
const TCP = 6;
const SYN = 0x02;

/** An IPv4 SYN from `source` to `destination`. The kernel fills in the IP checksum and identification. */
export function encodeSyn({ source, destination, sourcePort, destinationPort }: FlowTuple): Buffer {
  const packet = Buffer.alloc(40);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(40, 2);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(TCP, 9);
  packet.writeUInt32BE(source, 12);
  packet.writeUInt32BE(destination, 16);
  packet.writeUInt16BE(sourcePort, 20);
  packet.writeUInt16BE(destinationPort, 22);
  packet.writeUInt8(5 << 4, 32);
  packet.writeUInt8(SYN, 33);
  packet.writeUInt16BE(1024, 34);
  packet.writeUInt16BE(tcpChecksum(packet), 36);
  return packet;
}

function tcpChecksum(packet: Buffer): number {
  let sum = TCP + 20;
  for (let offset = 12; offset < 40; offset += 2) sum += packet.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export class ProbeSocket {
  readonly #fd: number;

  /** `mark` is the packet mark that the ruleset exempts from tracking. */
  constructor(mark: number) {
    this.#fd = openSocket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    setOption(this.#fd, SOL_SOCKET, SO_MARK, int32(mark | 0));
  }

  send(tuple: FlowTuple): void {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.writeUInt32BE(tuple.destination, 4);
    sendBytes(this.#fd, encodeSyn(tuple), address);
  }

  close(): void {
    closeSocket(this.#fd);
  }
}
