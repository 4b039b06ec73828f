// UDP for every address. Node does not tell to which address a datagram was sent, nor does it send from an address that no
// interface has, so datagrams are received and sent by libc: in batches on a thread of libuv's pool, and without waiting.

import koffi from 'koffi';
import {
  AF_INET,
  closeSocket,
  int32,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SOL_SOCKET,
  setOption,
  timeval,
} from '#netlink/libc.ts';
import { openTransparentSocket } from '#netlink/transparent-socket.ts';

const libc = koffi.load(null);
const shutdown = libc.func('int shutdown(int, int)');
const recvmmsg = libc.func('int recvmmsg(int, void *, uint, int, void *)');
const sendmsg = libc.func('int64 sendmsg(int, void *, int)');

const SOL_IP = 0;
const IP_PKTINFO = 8;
const IP_ORIGDSTADDR = 20;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const MSG_WAITFORONE = 0x10000;
const SHUT_RDWR = 2;

const BATCH = 32;
const MAX_DATAGRAM = 65_536;
/** Sizes and offsets of glibc's structures where pointers have 64 bits. */
const SOCKADDR_BYTES = 16;
const MSGHDR_BYTES = 56;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const CONTROL_BYTES = 64;
const CMSG_HEADER_BYTES = 16;
/** How long a blocked receive may hold up closing. */
const RECEIVE_TIMEOUT_MS = 1000;
const RETRY_MS = 20;
const MAX_SENDERS = 256;

export interface Datagram {
  readonly data: Buffer;
  readonly client: number;
  readonly clientPort: number;
  readonly server: number;
  readonly serverPort: number;
}

/** All UDP datagrams that tproxy hands to `port`, with the address they were sent to. */
export class DatagramSocket {
  readonly #fd: number;
  readonly #onDatagram: (datagram: Datagram) => void;
  readonly #messages = Buffer.alloc(BATCH * MMSGHDR_BYTES);
  readonly #vectors = Buffer.alloc(BATCH * IOVEC_BYTES);
  readonly #sources = Buffer.alloc(BATCH * SOCKADDR_BYTES);
  readonly #controls = Buffer.alloc(BATCH * CONTROL_BYTES);
  readonly #data = Buffer.allocUnsafeSlow(BATCH * MAX_DATAGRAM);
  /** Sockets to send from, by source port; the one unused for longest goes first. */
  readonly #senders = new Map<number, number>();
  #closed: Promise<void> | undefined;
  #finish: () => void = () => {};

  constructor(port: number, onDatagram: (datagram: Datagram) => void) {
    this.#onDatagram = onDatagram;
    this.#fd = openTransparentSocket('udp', port);
    setOption(this.#fd, SOL_IP, IP_ORIGDSTADDR, int32(1));
    setOption(this.#fd, SOL_SOCKET, SO_RCVBUF, int32(4 * 2 ** 20));
    setOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeval(RECEIVE_TIMEOUT_MS));
    for (let index = 0; index < BATCH; index++) this.#point(index);
    this.#receive();
  }

  /** Sends from the address and port that the datagram had been sent to. False: it could not be sent now, and is lost. */
  reply({ client, clientPort, server, serverPort }: Datagram, data: Buffer): boolean {
    if (this.#closed) return false;
    const to = Buffer.alloc(SOCKADDR_BYTES);
    to.writeUInt16LE(AF_INET, 0);
    to.writeUInt16BE(clientPort, 2);
    to.writeUInt32BE(client, 4);
    const control = Buffer.alloc(32);
    control.writeBigUInt64LE(28n, 0);
    control.writeInt32LE(SOL_IP, 8);
    control.writeInt32LE(IP_PKTINFO, 12);
    control.writeUInt32BE(server, CMSG_HEADER_BYTES + 4);
    const vector = Buffer.alloc(IOVEC_BYTES);
    if (data.length > 0) vector.writeBigUInt64LE(koffi.address(data), 0);
    vector.writeBigUInt64LE(BigInt(data.length), 8);
    const message = Buffer.alloc(MSGHDR_BYTES);
    message.writeBigUInt64LE(koffi.address(to), 0);
    message.writeUInt32LE(SOCKADDR_BYTES, 8);
    message.writeBigUInt64LE(koffi.address(vector), 16);
    message.writeBigUInt64LE(1n, 24);
    message.writeBigUInt64LE(koffi.address(control), 32);
    message.writeBigUInt64LE(BigInt(control.length), 40);
    try {
      return Number(sendmsg(this.#sender(serverPort), message, MSG_DONTWAIT)) === data.length;
    } catch {
      return false; // No descriptor left for a new source port: as on a real network, the answer is lost.
    }
  }

  /** Resolves when no thread waits for datagrams any more. */
  close(): Promise<void> {
    this.#closed ??= new Promise(resolve => {
      this.#finish = resolve;
      shutdown(this.#fd, SHUT_RDWR); // It fails on an unconnected socket and wakes the waiting thread all the same.
    });
    return this.#closed;
  }

  #sender(port: number): number {
    const fd = this.#senders.get(port) ?? openTransparentSocket('udp', port);
    this.#senders.delete(port);
    this.#senders.set(port, fd);
    const [oldest] = this.#senders;
    if (this.#senders.size > MAX_SENDERS && oldest) {
      this.#senders.delete(oldest[0]);
      closeSocket(oldest[1]);
    }
    return fd;
  }

  #point(index: number): void {
    const at = index * MMSGHDR_BYTES;
    const address = (buffer: Buffer, offset: number) => koffi.address(buffer) + BigInt(offset);
    this.#vectors.writeBigUInt64LE(address(this.#data, index * MAX_DATAGRAM), index * IOVEC_BYTES);
    this.#vectors.writeBigUInt64LE(BigInt(MAX_DATAGRAM), index * IOVEC_BYTES + 8);
    this.#messages.writeBigUInt64LE(address(this.#sources, index * SOCKADDR_BYTES), at);
    this.#messages.writeBigUInt64LE(address(this.#vectors, index * IOVEC_BYTES), at + 16);
    this.#messages.writeBigUInt64LE(1n, at + 24);
    this.#messages.writeBigUInt64LE(address(this.#controls, index * CONTROL_BYTES), at + 32);
  }

  #receive(): void {
    for (let index = 0; index < BATCH; index++) {
      const at = index * MMSGHDR_BYTES;
      this.#messages.writeUInt32LE(SOCKADDR_BYTES, at + 8);
      this.#messages.writeBigUInt64LE(BigInt(CONTROL_BYTES), at + 40);
      this.#messages.writeInt32LE(0, at + 48);
    }
    const startedAt = performance.now();
    recvmmsg.async(this.#fd, this.#messages, BATCH, MSG_WAITFORONE, null, (error: unknown, count: number) => {
      if (this.#closed) {
        for (const fd of [this.#fd, ...this.#senders.values()]) closeSocket(fd);
        this.#senders.clear();
        this.#finish();
        return;
      }
      for (let index = 0; index < count; index++) this.#take(index);
      // The time-out is the usual failure; another one, such as an interrupt, must not make a busy loop.
      const failedFast = (error || count < 0) && performance.now() - startedAt < RETRY_MS;
      if (failedFast) setTimeout(() => this.#receive(), RETRY_MS);
      else this.#receive();
    });
  }

  #take(index: number): void {
    const at = index * MMSGHDR_BYTES;
    if ((this.#messages.readInt32LE(at + 48) & MSG_TRUNC) !== 0) return;
    const control = index * CONTROL_BYTES;
    const hasAddress =
      Number(this.#messages.readBigUInt64LE(at + 40)) >= CMSG_HEADER_BYTES + 8 &&
      this.#controls.readInt32LE(control + 12) === IP_ORIGDSTADDR;
    if (!hasAddress) return;
    const source = index * SOCKADDR_BYTES;
    const target = control + CMSG_HEADER_BYTES;
    const length = this.#messages.readUInt32LE(at + MSGHDR_BYTES);
    this.#onDatagram({
      data: Buffer.from(this.#data.subarray(index * MAX_DATAGRAM, index * MAX_DATAGRAM + length)),
      client: this.#sources.readUInt32BE(source + 4),
      clientPort: this.#sources.readUInt16BE(source + 2),
      server: this.#controls.readUInt32BE(target + 4),
      serverPort: this.#controls.readUInt16BE(target + 2),
    });
  }
}
