// One NETLINK_NETFILTER socket. The kernel handles a request inside `send`, so its answer waits in the socket
// when `send` returns; every read nevertheless has a time limit, so that a lost answer is an error, not a hang.

import { NetlinkError } from './errors.ts';
import {
  AF_NETLINK,
  bindSocket,
  closeSocket,
  int32,
  openSocket,
  receiveBytes,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SOCK_RAW,
  SOL_SOCKET,
  sendBytes,
  setOption,
  timeval,
} from './libc.ts';
import { errnoOf, type NetlinkMessage, parseMessages, TYPE_DONE, TYPE_ERROR } from './messages.ts';

const NETLINK_NETFILTER = 12;
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;
const EPROTO = 71;
/** Larger than any datagram the kernel sends us: dumps use at most 32 kB, NFLOG what we ask for (64 kB). */
const READ_BYTES = 128 * 1024;

export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #sequence = 1;
  #open = true;

  constructor(options: { readonly receiveTimeoutMs?: number; readonly receiveBufferBytes?: number } = {}) {
    const { receiveTimeoutMs = 2_000, receiveBufferBytes } = options;
    this.#fd = openSocket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    try {
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF_NETLINK, 0);
      bindSocket(this.#fd, address);
      setOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeval(receiveTimeoutMs));
      if (receiveBufferBytes !== undefined) {
        setOption(this.#fd, SOL_SOCKET, SO_RCVBUF, int32(receiveBufferBytes));
        // A reader that falls behind loses messages, which their sequence numbers show; it must not fail.
        setOption(this.#fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, int32(1));
      }
    } catch (error) {
      closeSocket(this.#fd);
      throw error;
    }
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) & 0x7fffffff;
    return this.#sequence;
  }

  send(bytes: Buffer): void {
    sendBytes(this.#fd, bytes, null);
  }

  /** Messages of one datagram; undefined after the time limit. They are valid until the next read. */
  receive(): NetlinkMessage[] | undefined {
    const length = receiveBytes(this.#fd, this.#buffer);
    return length === undefined ? undefined : parseMessages(this.#buffer.subarray(0, length));
  }

  /**
   * Reads until the request numbered `last` is acknowledged. Answers errnos of the requests from `first` to
   * `last` that failed, by sequence number. Left-over answers of earlier requests are passed over.
   */
  acknowledgements(what: string, first: number, last: number): Map<number, number> {
    const failed = new Map<number, number>();
    for (;;) {
      const messages = this.receive();
      if (messages === undefined) throw new NetlinkError(`${what}: no answer from the kernel`, EPROTO);
      for (const message of messages) {
        if (message.type !== TYPE_ERROR || message.sequence < first || message.sequence > last) continue;
        const errno = errnoOf(message);
        if (errno !== 0) failed.set(message.sequence, errno);
        if (message.sequence === last) return failed;
      }
    }
  }

  /** All messages of a dump, each handed over while its bytes are valid. */
  dump(what: string, sequence: number, onMessage: (message: NetlinkMessage) => void): void {
    for (;;) {
      const messages = this.receive();
      if (messages === undefined) throw new NetlinkError(`${what}: the dump stopped`, EPROTO);
      for (const message of messages) {
        if (message.sequence !== sequence) continue;
        if (message.type === TYPE_ERROR || message.type === TYPE_DONE) {
          const errno = errnoOf(message);
          if (errno !== 0) throw new NetlinkError(what, errno);
          return;
        }
        onMessage(message);
      }
    }
  }

  close(): void {
    if (this.#open) closeSocket(this.#fd);
    this.#open = false;
  }
}
