// Accepting TCP connections for the whole Internet: every listener counts into one limit, so that a flood is refused
// instead of running out of descriptors, and every connection is written into the journal with the address and port
// that the client had asked for.

import { createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '#netlink/reset-socket.ts';
import { openTransparentSocket } from '#netlink/transparent-socket.ts';
import type { Journal } from './journal.ts';

/** As much as the kernel keeps by default (net.core.somaxconn). */
const BACKLOG = 4096;

export interface Ends {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
}

export class Acceptor {
  readonly #journal: Journal;
  readonly #limit: number;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];

  constructor(journal: Journal, limit: number) {
    this.#journal = journal;
    this.#limit = limit;
  }

  /** Resolves when the port answers. `allowHalfOpen` as in Node: the handler ends its own side. */
  async listen(port: number, handle: (socket: Socket, ends: Ends) => void): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, socket =>
      this.#accept(socket, handle),
    );
    this.#servers.push(server);
    const fd = openTransparentSocket('tcp', port);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ fd }, BACKLOG, () => {
        server.off('error', reject);
        server.on('error', () => {}); // EMFILE and its like: the connection is lost, the listener goes on.
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const closed = this.#servers.map(server => new Promise<void>(resolve => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #accept(socket: Socket, handle: (socket: Socket, ends: Ends) => void): void {
    socket.on('error', () => socket.destroy());
    const ends = endsOf(socket);
    if (!ends || this.#sockets.size >= this.#limit) {
      resetSocket(socket);
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#journal.write({ protocol: 'tcp', ...ends });
    handle(socket, ends);
  }
}

/** Undefined: the client has gone already. */
function endsOf(socket: Socket): Ends | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return { client: remoteAddress, clientPort: remotePort, server: localAddress, serverPort: localPort };
}

/** Sends back what arrives, with back-pressure and half-close. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}
