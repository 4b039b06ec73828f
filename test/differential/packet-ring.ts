// Raw Ethernet on one device: sends frames as they are, and captures every IPv4 packet that arrives into a ring that the kernel
// shares with us (AF_PACKET, TPACKET_V2: packet(7)), so that a burst is never lost to a small socket buffer. Needs
// CAP_NET_RAW in the network namespace.

import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { bindSocket, int32, openSocket, SOCK_RAW, sendBytes, setOption } from '#netlink/libc.ts';

const libc = koffi.load(null);
const calls = {
  mmap: libc.func(
    'void *mmap(void *address, size_t length, int protection, int flags, int fd, intptr_t offset)',
  ),
  setAffinity: libc.func('int sched_setaffinity(int thread, size_t length, const uint8_t *mask)'),
  ifIndex: libc.func('unsigned int if_nametoindex(const char *name)'),
};

const AF_PACKET = 17;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS_VERSION = 10;
const TPACKET_V2 = 1;
const ETH_P_IP = 0x0800;
const READ_AND_WRITE = 3;
const MAP_SHARED = 1;

const FRAME_BYTES = 256;
const BLOCK_BYTES = 64 * 1024;
const BLOCKS = 64;
const FRAMES = (BLOCK_BYTES / FRAME_BYTES) * BLOCKS;
const STATUS_USER = 1;

export class PacketRing {
  readonly #sender: number;
  readonly #ring: DataView;
  readonly #bytes: Buffer;
  #next = 0;

  constructor(device: string) {
    const index = calls.ifIndex(device) as number;
    if (index === 0) throw new Error(`there is no device ${device}`);
    const receiver = openSocket(AF_PACKET, SOCK_RAW, 0);
    setOption(receiver, SOL_PACKET, PACKET_STATISTICS_VERSION, int32(TPACKET_V2));
    const request = Buffer.from(Uint32Array.of(BLOCK_BYTES, BLOCKS, FRAME_BYTES, FRAMES).buffer);
    setOption(receiver, SOL_PACKET, PACKET_RX_RING, request);
    const length = BLOCK_BYTES * BLOCKS;
    const memory = calls.mmap(null, length, READ_AND_WRITE, MAP_SHARED, receiver, 0) as unknown;
    const shared = koffi.view(memory, length) as ArrayBuffer;
    this.#ring = new DataView(shared);
    this.#bytes = Buffer.from(shared);
    // Packets come from here on.
    bindSocket(receiver, linkAddress(ETH_P_IP, index));
    this.#sender = openSocket(AF_PACKET, SOCK_RAW, 0);
    bindSocket(this.#sender, linkAddress(0, index));
  }

  send(frame: Buffer): void {
    sendBytes(this.#sender, frame, null);
  }

  /** Hands over every IP packet that has arrived; the bytes are valid during the call only. */
  take(onPacket: (packet: Buffer) => void): number {
    let taken = 0;
    for (;;) {
      const at = this.#next * FRAME_BYTES;
      if ((this.#ring.getUint32(at, true) & STATUS_USER) === 0) return taken;
      const captured = this.#ring.getUint32(at + 8, true);
      const frame = this.#ring.getUint16(at + 12, true);
      const packet = this.#ring.getUint16(at + 14, true);
      onPacket(this.#bytes.subarray(at + packet, at + frame + captured));
      this.#ring.setUint32(at, 0, true);
      this.#next = (this.#next + 1) % FRAMES;
      taken += 1;
    }
  }
}

/**
 * Keeps this thread on one processor. The kernel queues packets by processor, so only then do packets that are sent one after
 * the other pass one after the other.
 */
export function stayOnOneProcessor(): void {
  const allowed = processorsIn(
    /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0',
  );
  const processor = allowed[process.pid % allowed.length] ?? 0;
  const mask = Buffer.alloc(128);
  mask[processor >> 3] = 1 << (processor & 7);
  if ((calls.setAffinity(0, mask.length, mask) as number) !== 0)
    throw new Error(`cannot stay on processor ${processor}`);
}

/** `0-3,8` is five processors. */
function processorsIn(list: string): number[] {
  return list.split(',').flatMap(part => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** `struct sockaddr_ll`. */
function linkAddress(protocol: number, index: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeUInt16BE(protocol, 2);
  bytes.writeInt32LE(index, 4);
  return bytes;
}
