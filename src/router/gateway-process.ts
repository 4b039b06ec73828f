// Runs `postern gateway` as a child and starts it again when it dies. Between its death and its restart the kernel
// keeps the last rules, and on `stop` too. What it says is passed on, and its last words are kept for who asks why.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepEnd, lastWords } from './last-words.ts';

export interface GatewayProcessOptions {
  readonly command: readonly string[];
  /** Each time it ended by itself: how, and what it said at last. */
  readonly onExit: (status: string, words: string | undefined) => void;
  /** Takes what it says on standard error, as it comes. */
  readonly complain: (text: string) => void;
}

const RESTART_MS = [200, 500, 1000, 2000, 5000];
/** A gateway that ran this long was well; the next crash starts the waits anew. */
const HEALTHY_MS = 60_000;
const STOP_MS = 10_000;
const LAST_WORDS_MS = 200;

export class GatewayProcess {
  readonly #options: GatewayProcessOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #crashes = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
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
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'pipe'], detached: true });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = keepEnd(said, text);
      this.#options.complain(text);
    });
    let ended = false;
    const end = (how: string) => {
      if (this.#stopping || ended) return;
      ended = true;
      this.#options.onExit(how, lastWords(said));
      if (performance.now() - startedAt > HEALTHY_MS) this.#crashes = 0;
      const wait = RESTART_MS[Math.min(this.#crashes, RESTART_MS.length - 1)] ?? 5000;
      this.#crashes += 1;
      this.#restart = setTimeout(() => this.#start(), wait);
    };
    child.on('error', error => end(error.message));
    child.on('exit', (code, signal) => {
      const how = signal ? `signal ${signal}` : `status ${code}`;
      // What it said last is still on its way; a child of its own may hold the pipe open for longer.
      const timer = setTimeout(() => end(how), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(timer);
        end(how);
      });
    });
  }
}
