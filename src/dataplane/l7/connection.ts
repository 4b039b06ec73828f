// One client connection with what belongs to it: the stream to the client, the stream to the server once there is
// one, and the claim it was let through for. It can be cut at any instant from outside, which makes whatever its
// handler awaits throw `Gone`.

import type { Socket } from 'node:net';
import { ByteStream, Gone } from './byte-stream.ts';
import type { Claim, Ends } from './judge.ts';

/** What was allowed: asked again whenever the rules change. */
export interface Binding {
  readonly claim: Claim;
  readonly targetUrl: string;
}

export class Connection {
  readonly ends: Ends;
  readonly client: ByteStream;
  lastActivityAt: number;
  binding: Binding | undefined;
  #upstream: { readonly stream: ByteStream; readonly address: number; readonly name: string } | undefined;
  readonly #clock: () => number;
  readonly #cut = new AbortController();
  #deadline: NodeJS.Timeout | undefined;

  constructor(socket: Socket, ends: Ends, clock: () => number) {
    this.ends = ends;
    this.#clock = clock;
    this.lastActivityAt = clock();
    this.client = new ByteStream(socket, () => this.#touch());
    // A client that was reset has no use for the rest; one that finished in order may still have bytes under way.
    socket.on('close', hadError => {
      if (hadError) this.cut();
    });
  }

  get upstream(): ByteStream | undefined {
    return this.#upstream?.stream;
  }

  /** Address the server was reached at; it is the one that was checked. */
  get serverAddress(): number | undefined {
    return this.#upstream?.address;
  }

  /** Aborts when the connection is cut. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  /** Takes over a connected socket. `name` is the one it was resolved from. */
  attach(socket: Socket, address: number, name: string): ByteStream {
    if (this.signal.aborted) {
      socket.destroy();
      throw new Gone('the connection was cut while its server was being reached');
    }
    this.dropUpstream();
    const stream = new ByteStream(socket, () => this.#touch());
    this.#upstream = { stream, address, name };
    this.#touch();
    return stream;
  }

  /** The open stream to that name's server, if its last answer ended cleanly and nothing came since. */
  reusable(name: string): ByteStream | undefined {
    const upstream = this.#upstream;
    return upstream?.name === name && !upstream.stream.hasArrivals ? upstream.stream : undefined;
  }

  dropUpstream(): void {
    this.#upstream?.stream.socket.destroy();
    this.#upstream = undefined;
  }

  /** RST to both ends, at once. */
  cut(): void {
    this.stopDeadline();
    this.#cut.abort();
    this.client.reset();
    this.#upstream?.stream.reset();
  }

  startDeadline(timeoutMs: number, onExpiry: () => void): void {
    this.stopDeadline();
    this.#deadline = setTimeout(onExpiry, timeoutMs);
  }

  stopDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** Bytes wait for an end that does not take them. */
  get isBlocked(): boolean {
    return this.client.socket.writableLength > 0 || (this.upstream?.socket.writableLength ?? 0) > 0;
  }

  async whenClosed(): Promise<void> {
    await Promise.all([this.client.whenClosed(), this.upstream?.whenClosed()]);
  }

  #touch(): void {
    this.lastActivityAt = this.#clock();
  }
}
