// The gateway's end of the control channel: connects to the control plane's Unix socket, hands programs over one
// after the other, reports each one's fate, and reconnects for ever. While nobody is there the last program stays in force.

import { createConnection, type Socket } from 'node:net';
import type { Program } from '#ir/program.ts';
import { restoreProgram } from '#ir/program-text.ts';

export interface ControlClientOptions {
  readonly path: string;
  /** Id of the firewall this gateway serves, or its name where only one has it; empty: the only one. */
  readonly firewall: string;
  /** Applies a program; rejects if it is not in force. Called one at a time, always with the newest. */
  readonly apply: (program: Program) => Promise<void>;
  readonly onState?: (state: 'connected' | 'disconnected') => void;
}

const RECONNECT_MS = 250;
const MAX_PROGRAM_BYTES = 256 * 1024 * 1024;

export class ControlClient {
  readonly #options: ControlClientOptions;
  #socket: Socket | undefined;
  #newest: Program | undefined;
  #busy = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ControlClientOptions) {
    this.#options = options;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const socket = createConnection(this.#options.path);
    this.#socket = socket;
    let parts: Buffer[] = [];
    let size = 0;
    socket.on('connect', () => {
      this.#options.onState?.('connected');
      socket.write(`${JSON.stringify({ type: 'hello', firewall: this.#options.firewall })}\n`);
    });
    socket.on('data', chunk => {
      let rest: Buffer = chunk;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        this.#receive(Buffer.concat([...parts, rest.subarray(0, end)]).toString());
        parts = [];
        size = 0;
        rest = rest.subarray(end + 1);
      }
      parts.push(rest);
      size += rest.length;
      if (size > MAX_PROGRAM_BYTES) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#options.onState?.('disconnected');
      if (!this.#closed) this.#timer = setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #receive(line: string): void {
    const message = JSON.parse(line) as { type?: string; program?: unknown };
    if (message.type !== 'program') return;
    this.#newest = restoreProgram(message.program);
    if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#newest) {
      const program = this.#newest;
      this.#newest = undefined;
      try {
        await this.#options.apply(program);
        this.#report({ revision: program.revision, state: 'Applied' });
      } catch (error) {
        this.#report({
          revision: program.revision,
          state: 'Failed',
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    this.#busy = false;
  }

  #report(status: { revision: string; state: 'Applied' | 'Failed'; error?: string }): void {
    if (this.#socket?.writable) this.#socket.write(`${JSON.stringify({ type: 'status', ...status })}\n`);
  }
}
