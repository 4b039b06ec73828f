// Runs `postern gateway` as a child and starts it again when it dies. Between its death and its restart the kernel
// keeps the last rules. On `stop` it is asked to leave, and takes its rules with it.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GatewayProcessOptions {
  readonly command: readonly string[];
  readonly onExit: (status: string) => void;
}

const RESTART_MS = [200, 500, 1000, 2000, 5000];
/** A gateway that ran this long was well; the next crash starts the waits anew. */
const HEALTHY_MS = 60_000;
const STOP_MS = 10_000;

export class GatewayProcess {
  readonly #options: GatewayProcessOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #crashes = 0;

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(STOP_MS, undefined, { ref: false })]);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
  }

  #start(): void {
    const startedAt = performance.now();
    const [program = '', ...args] = this.#options.command;
    // In a process group of its own: Ctrl-C is for the router, which then asks the gateway.
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    this.#child = child;
    child.on('error', error => this.#options.onExit(error.message));
    child.on('exit', (code, signal) => {
      if (this.#stopping) return;
      this.#options.onExit(signal ? `signal ${signal}` : `status ${code}`);
      if (performance.now() - startedAt > HEALTHY_MS) this.#crashes = 0;
      const wait = RESTART_MS[Math.min(this.#crashes, RESTART_MS.length - 1)] ?? 5000;
      this.#crashes += 1;
      setTimeout(() => {
        if (!this.#stopping) this.#start();
      }, wait);
    });
  }
}
