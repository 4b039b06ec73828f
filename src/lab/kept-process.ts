// A program that runs in one of the lab's namespaces for as long as it is wanted: started again when it dies, with
// growing waits, and asked to end before it is made to. What it prints goes to the lab's log.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface KeptProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

export interface ProcessStatus {
  readonly name: string;
  /** Absent while it waits to be started again. */
  readonly pid?: number;
  readonly restarts: number;
}

const RESTART_MS = [100, 300, 1000, 2000, 5000];
/** One that ran this long was well; the next crash starts the waits anew. */
const HEALTHY_MS = 60_000;
const STOP_MS = 5000;
const MAX_LINE_CHARACTERS = 4096;

export class KeptProcess {
  readonly #options: KeptProcessOptions;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #restarts = 0;
  #crashes = 0;
  /** Resolves at the first line the program prints, rejects if it ends before. */
  readonly ready: Promise<void>;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
    this.ready = this.#start();
    this.ready.catch(() => {});
  }

  get status(): ProcessStatus {
    const pid = this.#running()?.pid;
    return { name: this.#options.name, restarts: this.#restarts, ...(pid === undefined ? {} : { pid }) };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#running();
    if (!child) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(STOP_MS, undefined, { ref: false })]);
    if (!this.#running()) return;
    child.kill('SIGKILL');
    await gone;
  }

  #running(): ChildProcess | undefined {
    const child = this.#child;
    return child && child.exitCode === null && child.signalCode === null && child.pid !== undefined
      ? child
      : undefined;
  }

  #start(): Promise<void> {
    const { name, command, environment, log } = this.#options;
    const startedAt = performance.now();
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment } });
    this.#child = child;
    let lastError = '';
    const ready = new Promise<void>((resolve, reject) => {
      onLines(child.stdout, line => {
        resolve();
        if (line !== 'ready') log(`${name}: ${line}`);
      });
      onLines(child.stderr, line => {
        lastError = lastError === '' ? line : `${lastError}\n${line}`.slice(-MAX_LINE_CHARACTERS);
        log(`${name}: ${line}`);
      });
      child.on('error', reject);
      child.on('close', (code, signal) =>
        reject(
          new Error(`${name} ended with ${signal ?? `status ${code}`}: ${lastError || 'it said nothing'}`),
        ),
      );
    });
    child.on('error', error => log(`${name}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (this.#stopping) return;
      log(`${name}: ended with ${signal ?? `status ${code}`}, starts again`);
      if (performance.now() - startedAt > HEALTHY_MS) this.#crashes = 0;
      const wait = RESTART_MS[Math.min(this.#crashes, RESTART_MS.length - 1)] ?? 5000;
      this.#crashes++;
      this.#timer = setTimeout(() => {
        this.#restarts++;
        this.#start().catch(() => {});
      }, wait);
    });
    return ready;
  }
}

function onLines(stream: NodeJS.ReadableStream | null, listener: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    for (const line of lines) if (line !== '') listener(line.slice(0, MAX_LINE_CHARACTERS));
  });
}
