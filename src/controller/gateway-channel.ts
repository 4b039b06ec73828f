// The controller's end of the control channel: a Unix socket to which gateways connect, JSON one message a line
// (docs/architecture.md). It holds what each gateway should run and hears what it does run; what that means for a
// firewall's provisioning state is the controller's business.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Program } from '#ir/program.ts';
import { packProgram } from '#ir/program-text.ts';

export interface GatewayStatus {
  readonly revision: string;
  readonly state: 'Applied' | 'Failed';
  readonly error?: string;
}

export interface GatewayChannel {
  /** States what the gateway of this firewall, given by its id, shall run; undefined: nothing is known of it any more. */
  desire(firewallId: string, program: Program | undefined): void;
  onStatus(listener: (firewallId: string, status: GatewayStatus) => void): void;
  close(): Promise<void>;
}

/** A gateway says little: a hello and statuses. */
const MAX_LINE_BYTES = 64 * 1024;

interface Peer {
  readonly socket: Socket;
  /** Lower case: an id, a name that only one firewall has, or empty for the only firewall there is. */
  readonly firewall: string;
  sent: string;
}

export class SocketGatewayChannel implements GatewayChannel {
  readonly #server: Server;
  readonly #path: string;
  readonly #peers = new Set<Peer>();
  readonly #sockets = new Set<Socket>();
  /** By firewall id in lower case. */
  readonly #programs = new Map<string, Program>();
  #listener: (firewallId: string, status: GatewayStatus) => void = () => {};

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

  desire(firewallId: string, program: Program | undefined): void {
    if (program) this.#programs.set(firewallId.toLowerCase(), program);
    else this.#programs.delete(firewallId.toLowerCase());
    for (const peer of this.#peers) this.#send(peer);
  }

  onStatus(listener: (firewallId: string, status: GatewayStatus) => void): void {
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
    const lines = createInterface({ input: socket });
    // It says again what the socket says, and an error that nobody hears would end the control plane.
    lines.on('error', () => {});
    lines.on('line', line => {
      const message = parseMessage(line);
      if (message?.type === 'hello' && !peer) {
        peer = { socket, firewall: message.firewall, sent: '' };
        this.#peers.add(peer);
        this.#send(peer);
      } else if (message?.type === 'status' && peer) {
        const id = this.#idOf(peer);
        // What failed may be tried again with the same content.
        if (message.state === 'Failed' && peer.sent === message.revision) peer.sent = '';
        if (id !== undefined) this.#listener(id, message);
      } else socket.destroy();
    });
  }

  #idOf({ firewall }: Peer): string | undefined {
    const ids = [...this.#programs.keys()].filter(
      id => firewall === '' || id === firewall || id.endsWith(`/azurefirewalls/${firewall}`),
    );
    return ids.length === 1 ? ids[0] : undefined;
  }

  #send(peer: Peer): void {
    const program = this.#programs.get(this.#idOf(peer) ?? '');
    if (!program || program.revision === peer.sent) return;
    peer.sent = program.revision;
    peer.socket.write(`${JSON.stringify({ type: 'program', program: packProgram(program) })}\n`);
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
