// A TCP socket as something to await: `read` when bytes are wanted, `write` until they are on their way. Nothing is
// read that nobody asked for beyond the socket's own buffer, which is how back-pressure passes through the engine:
// a slow reader at one end leaves the bytes with the sender at the other. Every socket error ends in `Gone`, thrown
// from the call that waits; none is ever unhandled.

import type { Socket } from 'node:net';
import { resetSocket } from '#netlink/reset-socket.ts';

/** The connection broke, was reset, or was cut. */
export class Gone extends Error {}

export class ByteStream {
  readonly socket: Socket;
  readonly #onActivity: () => void;
  #unread: Buffer | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #interrupted = false;
  #error: Error | undefined;

  /** `onActivity` is told of every read and every finished write. */
  constructor(socket: Socket, onActivity: () => void) {
    this.socket = socket;
    this.#onActivity = onActivity;
    const wakeReader = () => this.#wakeReader?.();
    const wakeWriter = () => this.#wakeWriter?.();
    socket.on('readable', () => {
      if (this.#wakeReader) this.#wakeReader();
      // Nobody waits and nothing is there: this is the end of the stream, which shows itself only when read.
      else if (socket.readableLength === 0) socket.read();
    });
    socket.on('end', wakeReader);
    socket.on('drain', () => {
      onActivity();
      wakeWriter();
    });
    socket.on('error', error => {
      this.#error = error;
    });
    socket.on('close', () => {
      wakeReader();
      wakeWriter();
    });
  }

  /** The next bytes, or null when the other side has finished sending. One call at a time. */
  async read(): Promise<Buffer | null> {
    const unread = this.#unread;
    if (unread) {
      this.#unread = undefined;
      return unread;
    }
    for (;;) {
      // In this order: a socket that finished in order is destroyed as soon as both directions have.
      if (this.socket.readableEnded) return null;
      this.#check();
      const chunk: Buffer | null = this.socket.read();
      if (chunk) {
        this.#onActivity();
        return chunk;
      }
      await new Promise<void>(resolve => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
      if (this.#interrupted) {
        this.#interrupted = false;
        throw new Gone('nobody wants to read any more');
      }
    }
  }

  /** Ends a waiting `read` with `Gone`; no bytes are lost, and the next `read` works. */
  interruptRead(): void {
    if (!this.#wakeReader) return;
    this.#interrupted = true;
    this.#wakeReader();
  }

  /** Puts bytes back that belong to whoever reads next. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#unread = this.#unread ? Buffer.concat([bytes, this.#unread]) : bytes;
  }

  /** Resolves when the socket's buffer has room again. One call at a time. */
  async write(bytes: Buffer): Promise<void> {
    this.#check();
    if (bytes.length === 0 || this.socket.write(bytes)) return;
    while (this.socket.writableNeedDrain) {
      await new Promise<void>(resolve => {
        this.#wakeWriter = resolve;
      });
      this.#wakeWriter = undefined;
      this.#check();
    }
  }

  /** Finishes sending; the other direction goes on. */
  end(): void {
    this.socket.end();
  }

  /** RST to the other end, whatever is still to be sent. */
  reset(): void {
    resetSocket(this.socket);
  }

  /** Bytes have arrived, or the end has, that nobody has asked for yet. */
  get hasArrivals(): boolean {
    return (
      this.#unread !== undefined ||
      this.socket.readableLength > 0 ||
      this.socket.readableEnded ||
      this.socket.destroyed
    );
  }

  get closed(): boolean {
    return this.socket.closed;
  }

  whenClosed(): Promise<void> {
    if (this.socket.closed) return Promise.resolve();
    return new Promise(resolve => this.socket.once('close', () => resolve()));
  }

  #check(): void {
    if (this.socket.destroyed) throw new Gone('the connection is gone', { cause: this.#error });
  }
}

/** Copies until `source` has finished sending, then finishes `sink`. */
export async function pump(source: ByteStream, sink: ByteStream): Promise<void> {
  for (;;) {
    const chunk = await source.read();
    if (chunk === null) break;
    await sink.write(chunk);
  }
  sink.end();
}

/** Both directions, each ending on its own. */
export async function pumpBoth(a: ByteStream, b: ByteStream): Promise<void> {
  await Promise.all([pump(a, b), pump(b, a)]);
}
