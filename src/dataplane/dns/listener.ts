// The sockets that clients ask on: one address and port, UDP and TCP. Replies leave from there and nowhere else. A
// client may send several questions over one TCP connection and gets the answers as they come. How many clients,
// connections and unanswered questions there may be is bounded, for all together and for each client.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import { framed } from './exchange.ts';

const MAX_PENDING = 8192;
/** A host that asks for a thousand names at once is served; one that asks for dead names cannot starve the others. */
const MAX_PENDING_PER_CLIENT = 2048;
const MAX_CONNECTIONS = 512;
const MAX_CONNECTIONS_PER_CLIENT = 64;
const MAX_PENDING_PER_CONNECTION = 32;
const MAX_UNSENT_BYTES = 256 * 1024;
/** RFC 7766 section 6.2.3 asks for a few seconds. */
const IDLE_MS = 10_000;
/** A burst of questions must fit while this thread does something else. The kernel may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface ListenAddress {
  readonly address: number;
  readonly port: number;
}

export interface Client {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
}

/** Must call `reply` once: with the bytes to send, or undefined to stay silent. */
export type Handler = (
  bytes: Uint8Array,
  client: Client,
  reply: (bytes: Uint8Array | undefined) => void,
) => void;

export interface ListenerOptions {
  readonly handler: Handler;
  readonly report: (message: string) => void;
  readonly idleMs?: number;
}

export class DnsListener {
  readonly #handler: Handler;
  readonly #report: (message: string) => void;
  readonly #idleMs: number;
  #udp: UdpSocket | undefined;
  #tcp: TcpServer | undefined;
  readonly #connections = new Set<Socket>();
  readonly #connectionsOf = new Counter();
  readonly #pendingOf = new Counter();
  #pending = 0;

  constructor({ handler, report, idleMs = IDLE_MS }: ListenerOptions) {
    this.#handler = handler;
    this.#report = report;
    this.#idleMs = idleMs;
  }

  /** Rejects, with nothing left open, when the address cannot be had. */
  async open(address: string, port: number): Promise<void> {
    try {
      this.#udp = await openUdp(
        address,
        port,
        (bytes, client) => this.#onDatagram(bytes, client),
        this.#report,
      );
      this.#tcp = await openTcp(address, port, socket => this.#onConnection(socket), this.#report);
    } catch (error) {
      await this.close();
      throw new Error(`The DNS proxy cannot listen on ${address} port ${port}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    const [udp, tcp] = [this.#udp, this.#tcp];
    this.#udp = undefined;
    this.#tcp = undefined;
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([
      udp && new Promise<void>(resolve => udp.close(resolve)),
      tcp && new Promise<void>(resolve => tcp.close(() => resolve())),
    ]);
  }

  #onDatagram(bytes: Uint8Array, client: Client): void {
    this.#handle(bytes, client, answer => {
      // A reply that cannot be sent is a lost packet, which the client knows how to handle.
      if (answer) this.#udp?.send(answer, client.port, client.address, () => undefined);
    });
  }

  /** False when the question was not taken because too many are waiting. */
  #handle(bytes: Uint8Array, client: Client, reply: (bytes: Uint8Array | undefined) => void): boolean {
    if (this.#pending >= MAX_PENDING || this.#pendingOf.get(client.address) >= MAX_PENDING_PER_CLIENT)
      return false;
    this.#pending++;
    this.#pendingOf.add(client.address, 1);
    this.#handler(bytes, client, answer => {
      this.#pending--;
      this.#pendingOf.add(client.address, -1);
      reply(answer);
    });
    return true;
  }

  #onConnection(socket: Socket): void {
    const address = socket.remoteAddress;
    const port = socket.remotePort;
    const tooMany =
      address === undefined ||
      port === undefined ||
      this.#connections.size >= MAX_CONNECTIONS ||
      this.#connectionsOf.get(address) >= MAX_CONNECTIONS_PER_CLIENT;
    if (tooMany) {
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    this.#connectionsOf.add(address, 1);
    socket.on('close', () => {
      this.#connections.delete(socket);
      this.#connectionsOf.add(address, -1);
    });
    serveConnection(socket, this.#idleMs, (bytes, reply) =>
      this.#handle(bytes, { address, port, protocol: 'tcp' }, reply),
    );
  }
}

type Ask = (bytes: Uint8Array, reply: (bytes: Uint8Array | undefined) => void) => boolean;

function serveConnection(socket: Socket, idleMs: number, ask: Ask): void {
  let received: Buffer = Buffer.alloc(0);
  let pending = 0;
  let ended = false;
  let idle = setTimeout(() => socket.destroy(), idleMs);
  // Only whole questions and answers count as life, so that single bytes do not hold a connection open.
  const alive = (): void => {
    clearTimeout(idle);
    idle = setTimeout(() => socket.destroy(), idleMs);
  };
  const work = (): void => {
    while (
      received.length >= 2 &&
      pending < MAX_PENDING_PER_CONNECTION &&
      socket.writableLength < MAX_UNSENT_BYTES
    ) {
      const length = received.readUInt16BE(0);
      if (received.length < 2 + length) break;
      const question = Uint8Array.from(received.subarray(2, 2 + length));
      received = received.subarray(2 + length);
      alive();
      pending++;
      if (!ask(question, answered)) {
        socket.destroy();
        return;
      }
    }
    if (pending >= MAX_PENDING_PER_CONNECTION || socket.writableLength >= MAX_UNSENT_BYTES) socket.pause();
    else socket.resume();
    if (ended && pending === 0) socket.end();
  };
  const answered = (answer: Uint8Array | undefined): void => {
    pending--;
    if (socket.destroyed) return;
    if (answer) socket.write(framed(answer));
    alive();
    // Not from within `work`, which an answer from the cache arrives in.
    queueMicrotask(work);
  };
  socket.on('data', chunk => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    work();
  });
  socket.on('drain', work);
  socket.on('end', () => {
    ended = true;
    work();
  });
  // The close that follows does all there is to do.
  socket.on('error', () => undefined);
  socket.on('close', () => clearTimeout(idle));
}

function openUdp(
  address: string,
  port: number,
  onMessage: (bytes: Uint8Array, client: Client) => void,
  report: (message: string) => void,
): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      lookup: (host, _options, callback) => callback(null, host, 4),
    });
    socket.once('error', reject);
    socket.on('message', (bytes, sender) =>
      onMessage(bytes, { address: sender.address, port: sender.port, protocol: 'udp' }),
    );
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      socket.on('error', error => report(`DNS proxy, UDP: ${error.message}`));
      resolve(socket);
    });
  });
}

function openTcp(
  address: string,
  port: number,
  onConnection: (socket: Socket) => void,
  report: (message: string) => void,
): Promise<TcpServer> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', error => report(`DNS proxy, TCP: ${error.message}`));
      resolve(server);
    });
  });
}

/** Counts by key, without keeping zeroes. */
class Counter {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, change: number): void {
    const count = this.get(key) + change;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
