// A program that runs in one of the lab's namespaces for as long as it is wanted: started again when it dies, with
// growing waits, and asked to end before it is made to. What it prints goes to a log of its own; that it ended, and
// why, to the lab's log and into its status.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastWords } from './last-words.ts';
import { OutputLog } from './output-log.ts';

export interface KeptProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** File for what it prints. */
  readonly output: string;
  readonly log: (line: string) => void;
}

export interface ProcessStatus {
  readonly name: string;
  /** Absent while it waits to be started again. */
  readonly pid?: number;
  readonly restarts: number;
  /** File with what it printed. */
  readonly output: string;
  /** Why it ended last, and how often in a row for this reason; absent when it never did. */
  readonly ended?: { readonly reason: string; readonly count: number; readonly at: string };
}

const RESTART_MS = [100, 300, 1000, 2000, 5000];
/** One that ran this long was well; the next crash starts the waits anew. */
const HEALTHY_MS = 60_000;
const STOP_MS = 5000;
const MAX_LINE_CHARACTERS = 4096;
/** Enough for an error with its stack. */
const MAX_LAST_LINES = 40;

export class KeptProcess {
  readonly #options: KeptProcessOptions;
  readonly #output: OutputLog;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #restarts = 0;
  #crashes = 0;
  #ended: ProcessStatus['ended'];
  /** Resolves at the first line the program prints, rejects if it ends before. */
  readonly ready: Promise<void>;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
    this.#output = new OutputLog(options.output);
    this.ready = this.#start();
    this.ready.catch(() => {});
  }

  get status(): ProcessStatus {
    const pid = this.#running()?.pid;
    const { name, output } = this.#options;
    return {
      name,
      restarts: this.#restarts,
      output,
      ...(pid === undefined ? {} : { pid }),
      ...(this.#ended ? { ended: this.#ended } : {}),
    };
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
    const { name, command, environment } = this.#options;
    const startedAt = performance.now();
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment } });
    this.#child = child;
    const errors: string[] = [];
    const noteError = (line: string) => {
      errors.push(line);
      if (errors.length > MAX_LAST_LINES) errors.shift();
      this.#output.write(line);
    };
    return new Promise<void>((resolve, reject) => {
      onLines(child.stdout, line => {
        resolve();
        if (line !== 'ready') this.#output.write(line);
      });
      onLines(child.stderr, noteError);
      // A program that cannot be started is told of here, and ends like any other below.
      child.on('error', error => noteError(error.message));
      child.on('close', (code, signal) => {
        const how = signal ?? `status ${code}`;
        reject(new Error(`${name} ended with ${how}: ${errors.join('\n') || 'it said nothing'}`));
        if (!this.#stopping) this.#startAgain(`${how}: ${lastWords(errors) || 'it said nothing'}`, startedAt);
      });
    });
  }

  #startAgain(reason: string, startedAt: number): void {
    const { name, log } = this.#options;
    log(`${name}: ended with ${reason}; starts again`);
    const count = this.#ended?.reason === reason ? this.#ended.count + 1 : 1;
    this.#ended = { reason, count, at: new Date().toISOString() };
    if (performance.now() - startedAt > HEALTHY_MS) this.#crashes = 0;
    const wait = RESTART_MS[Math.min(this.#crashes, RESTART_MS.length - 1)] ?? 5000;
    this.#crashes++;
    this.#timer = setTimeout(() => {
      this.#restarts++;
      this.#start().catch(() => {});
    }, wait);
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
  // What a program says last may lack its line break.
  stream?.on('end', () => {
    if (rest !== '') listener(rest);
  });
}
