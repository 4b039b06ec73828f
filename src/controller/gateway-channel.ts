// The controller's end of the control channel: a Unix socket to which gateways connect, JSON one message a line
// (docs/architecture.md). It holds what each gateway should run and hears what it does run; what that means for a
// firewall's provisioning state is the controller's business.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Program } from '#ir/program.ts';

export interface GatewayStatus {
  readonly revision: string;
  readonly state: 'Applied' | 'Failed';
  readonly error?: string;
}

export interface GatewayChannel {
  /** States what the gateway of this firewall shall run; undefined: nothing is known of it any more. */
  desire(firewall: string, program: Program | undefined): void;
  /** Names of the firewalls whose gateway is connected. */
  connected(): string[];
  onStatus(listener: (firewall: string, status: GatewayStatus) => void): void;
  close(): Promise<void>;
}

/** A gateway says little: a hello and statuses. */
const MAX_LINE_BYTES = 64 * 1024;

interface Peer {
  readonly socket: Socket;
  /** Empty: the only firewall there is, whatever its name. */
  readonly firewall: string;
  sent: string;
}

export class SocketGatewayChannel implements GatewayChannel {
  readonly #server: Server;
  readonly #path: string;
  readonly #peers = new Set<Peer>();
  readonly #sockets = new Set<Socket>();
  readonly #programs = new Map<string, Program>();
  #listener: (firewall: string, status: GatewayStatus) => void = () => {};

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
    server.on('connection', socket => this.#accept(socket));
  }

  static async listen(path: string): Promise<SocketGatewayChannel> {
    rmSync(path, { force: true });
    const server = createServer();
    const channel = new SocketGatewayChannel(server, path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const before = process.umask(0o177);
      server.listen(path, () => resolve());
      process.umask(before);
    });
    chmodSync(path, 0o600);
    return channel;
  }

  desire(firewall: string, program: Program | undefined): void {
    if (program) this.#programs.set(firewall, program);
    else this.#programs.delete(firewall);
    for (const peer of this.#peers) this.#send(peer);
  }

  connected(): string[] {
    return [...this.#peers].map(peer => this.#nameOf(peer)).filter(name => name !== undefined);
  }

  onStatus(listener: (firewall: string, status: GatewayStatus) => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
    rmSync(this.#path, { force: true });
  }

  #accept(socket: Socket): void {
    let peer: Peer | undefined;
    let pending = 0;
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (peer) this.#peers.delete(peer);
    });
    socket.on('data', chunk => {
      const end = chunk.lastIndexOf(10);
      pending = end >= 0 ? chunk.length - end : pending + chunk.length;
      if (pending > MAX_LINE_BYTES) socket.destroy();
    });
    createInterface({ input: socket }).on('line', line => {
      const message = parseMessage(line);
      if (message?.type === 'hello' && !peer) {
        peer = { socket, firewall: message.firewall, sent: '' };
        this.#peers.add(peer);
        this.#send(peer);
      } else if (message?.type === 'status' && peer) {
        const name = this.#nameOf(peer);
        // What failed may be tried again with the same content.
        if (message.state === 'Failed' && peer.sent === message.revision) peer.sent = '';
        if (name !== undefined) this.#listener(name, message);
      } else socket.destroy();
    });
  }

  #nameOf(peer: Peer): string | undefined {
    if (peer.firewall !== '') return this.#programs.has(peer.firewall) ? peer.firewall : undefined;
    return this.#programs.size === 1 ? [...this.#programs.keys()][0] : undefined;
  }

  #send(peer: Peer): void {
    const name = this.#nameOf(peer);
    const program = name === undefined ? undefined : this.#programs.get(name);
    if (!program || program.revision === peer.sent) return;
    peer.sent = program.revision;
    peer.socket.write(`${JSON.stringify({ type: 'program', program })}\n`);
  }
}

type Message =
  | { readonly type: 'hello'; readonly firewall: string }
  | ({ readonly type: 'status' } & GatewayStatus);

function parseMessage(line: string): Message | undefined {
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    if (value.type === 'hello' && typeof value.firewall === 'string') {
      return { type: 'hello', firewall: value.firewall.toLowerCase() };
    }
    if (
      value.type === 'status' &&
      typeof value.revision === 'string' &&
      (value.state === 'Applied' || value.state === 'Failed')
    ) {
      const error = typeof value.error === 'string' ? { error: value.error } : {};
      return { type: 'status', revision: value.revision, state: value.state, ...error };
    }
  } catch {
    // Not JSON: the caller closes the connection.
  }
  return undefined;
}
