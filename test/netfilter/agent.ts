// The test's end of a process in a namespace that answers JSON lines: `{"id":1,"op":"connect",...}` in,
// `{"id":1,"result":...}` or `{"id":1,"error":"..."}` out. Lines without an id are events.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Namespaces } from '../support/namespaces.ts';

const NODE = join(import.meta.dirname, '../../scripts/node');
const CALL_MS = 20_000;

export class Agent {
  readonly child: ChildProcess;
  readonly events: unknown[] = [];
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #next = 1;
  #said = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-4000);
    });
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', line => {
        const message = JSON.parse(line) as { id?: number; result?: unknown; error?: string };
        const pending = message.id === undefined ? undefined : this.#pending.get(message.id);
        if (message.id === undefined || pending === undefined) return this.events.push(message);
        this.#pending.delete(message.id);
        if (message.error === undefined) pending.resolve(message.result);
        else pending.reject(new Error(message.error));
      });
    // A call to a process that was killed fails when its end is seen, not as an error of the pipe.
    child.stdin?.on('error', () => {});
    child.once('close', status => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`the process ended with ${status}: ${this.#said}`));
      this.#pending.clear();
    });
  }

  /** Starts `script` in a namespace; it must answer `ping`. */
  static async start(net: Namespaces, host: string, script: string, ...args: string[]): Promise<Agent> {
    const agent = new Agent(net.spawn(host, [NODE, join(import.meta.dirname, script), ...args]));
    await agent.call('ping');
    return agent;
  }

  call<T>(op: string, args: object = {}): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer to ${op} within ${CALL_MS} ms: ${this.#said}`)),
        CALL_MS,
      );
      this.#pending.set(id, {
        resolve: value => {
          clearTimeout(timer);
          resolve(value as T);
        },
        reject: error => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.child.stdin?.write(`${JSON.stringify({ id, op, ...args })}\n`);
    });
  }
}

/** The other end: answers each line with what `handlers[op]` resolves to. */
export function serve(handlers: Readonly<Record<string, (args: never) => unknown>>): void {
  const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
  createInterface({ input: process.stdin })
    .on('line', async line => {
      const { id, op, ...args } = JSON.parse(line) as { id: number; op: string };
      try {
        const handler = op === 'ping' ? () => 'pong' : handlers[op];
        if (handler === undefined) throw new Error(`unknown op ${op}`);
        say({ id, result: (await handler(args as never)) ?? null });
      } catch (error) {
        say({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    })
    .on('close', () => process.exit(0));
}
