// A lab for tests and for the demo, driven only through the commands a user has: `postern lab ...` and the shell in it.

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AS_NOBODY } from './privileges.ts';
import { RUNNER_NETNS } from './runner-netns.ts';

export const ROOT = join(import.meta.dirname, '../..');
const POSTERN = join(ROOT, 'bin/postern');
const NODE = join(ROOT, 'scripts/node');
const CLIENTS = join(ROOT, 'test/support/clients');
/** A client inside a host; it refuses to run where the test runner runs. */
const clientCommand = (name: string, args: readonly string[]) => [
  ...['env', `POSTERN_RUNNER_NETNS=${RUNNER_NETNS}`],
  ...[NODE, join(CLIENTS, `${name}.ts`), ...args],
];

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Past the time-out it is killed and the status is 124. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
  const started = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...options.env } });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs ?? 60_000);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', chunk => stdout.push(chunk));
  child.stderr.on('data', chunk => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
  clearTimeout(timer);
  return {
    status: timedOut ? 124 : status,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
    ms: performance.now() - started,
  };
}

export interface LabOptions {
  readonly name?: string;
  /** File with the lab's Internet: names that share an address, names that change theirs. */
  readonly internet?: string;
  /** Files with threat-intelligence feeds. */
  readonly threatFeeds?: readonly string[];
  /** More flags of `postern lab up`. */
  readonly flags?: readonly string[];
  /** Where the lab is kept; without, a folder of its own that goes with it. */
  readonly state?: string;
  /** Run everything as a user without privileges. */
  readonly unprivileged?: boolean;
}

export class Lab {
  readonly name: string;
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #isStateOwn: boolean;
  readonly #prefix: readonly string[];

  private constructor(name: string, prefix: readonly string[], state: string | undefined) {
    this.name = name;
    this.state = state ?? mkdtempSync(join(tmpdir(), 'postern-'));
    this.#isStateOwn = state === undefined;
    this.#prefix = prefix;
    this.env = { POSTERN_STATE: this.state };
  }

  static async up({
    name = `t${process.pid}`,
    internet,
    threatFeeds = [],
    flags = [],
    state,
    unprivileged = false,
  }: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(name, unprivileged ? AS_NOBODY : [], state);
    if (unprivileged && process.geteuid?.() === 0) chownSync(lab.state, 65534, 65534);
    const files = [
      ...(internet ? ['--internet', internet] : []),
      ...threatFeeds.flatMap(file => ['--threat-feed', file]),
      ...flags,
    ];
    const result = await lab.command(['up', ...files]);
    if (result.status !== 0) {
      // In somebody's state folder the lab of this name may be his, which is why it could not come up.
      if (state === undefined) await lab.down();
      throw new Error(
        `postern lab up failed with status ${result.status}:\n${result.stdout}${result.stderr}`,
      );
    }
    return lab;
  }

  get folder(): string {
    return join(this.state, 'labs', this.name);
  }

  /** `postern lab --name NAME ...`. */
  command(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(this.#postern('lab', '--name', this.name, ...args), {
      ...options,
      env: { ...this.env, ...options.env },
    });
  }

  exec(host: string, command: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.command(['exec', host, '--', ...command], options);
  }

  /** Runs one of test/support/clients inside a host; its last line of output is JSON. */
  async client<T>(host: string, name: string, args: readonly string[], options: RunOptions = {}): Promise<T> {
    const result = await this.exec(host, clientCommand(name, args), options);
    const line = result.stdout.trim().split('\n').at(-1) ?? '';
    if (result.status !== 0 || line === '') {
      throw new Error(
        `client ${name} on ${host} ended with status ${result.status}: ${result.stderr || result.stdout}`,
      );
    }
    return JSON.parse(line) as T;
  }

  /** Starts a client that runs until it is killed; resolves when it printed its first line. */
  async background(host: string, name: string, args: readonly string[]): Promise<Background> {
    const command = this.#postern(
      'lab',
      '--name',
      this.name,
      'exec',
      host,
      '--',
      ...clientCommand(name, args),
    );
    return Background.start(this.spawn(command));
  }

  /** Starts a command of this lab with its pipes open. */
  spawn(command: readonly string[]): ChildProcess {
    const [program = '', ...args] = command;
    return spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...this.env } });
  }

  /** A bash in the workstation that reads commands from its input. */
  spawnShell(): ChildProcess {
    return this.spawn(
      this.#postern('lab', '--name', this.name, 'shell', '-c', 'exec bash --noprofile --norc -s'),
    );
  }

  #postern(...args: readonly string[]): string[] {
    return [...this.#prefix, POSTERN, ...args];
  }

  /** Another command of Postern's, told which lab is meant. */
  postern(...args: readonly string[]): Promise<Result> {
    return run(this.#postern(...args), { env: { ...this.env, POSTERN_LAB: this.name } });
  }

  az(...args: readonly string[]): Promise<Result> {
    return run(this.#postern('az', ...args), { env: { ...this.env, POSTERN_LAB: this.name } });
  }

  /** As `az`, but a failure throws. */
  async azOk(...args: readonly string[]): Promise<string> {
    const result = await this.az(...args);
    if (result.status !== 0)
      throw new Error(`az ${args.join(' ')} ended with status ${result.status}: ${result.stderr}`);
    return result.stdout.trim();
  }

  async shell(script: string, options: RunOptions = {}): Promise<Result> {
    return this.command(['shell', '-c', script], options);
  }

  /** Decisions the firewall logged so far. */
  logs(): Record<string, unknown>[] {
    return readJsonLines(join(this.folder, 'logs/firewall.jsonl'));
  }

  /** Waits for a decision in the log, which is written in batches. */
  async logged(
    matches: (record: Record<string, unknown>) => boolean,
    timeoutMs = 3000,
  ): Promise<Record<string, unknown> | undefined> {
    for (let waited = 0; ; waited += 100) {
      const found = this.logs().findLast(matches);
      if (found || waited >= timeoutMs) return found;
      await sleep(100);
    }
  }

  async down(): Promise<Result> {
    const result = await this.command(['down']);
    if (this.#isStateOwn) rmSync(this.state, { recursive: true, force: true });
    return result;
  }
}

export class Background {
  readonly #child: ChildProcess;
  readonly lines: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(child: ChildProcess): Promise<Background> {
    const background = new Background(child);
    await new Promise<void>((resolve, reject) => {
      let rest = '';
      let complaint = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString()).slice(-4096);
      });
      child.stdout?.on('data', (chunk: Buffer) => {
        rest += chunk.toString();
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        background.lines.push(...lines);
        if (background.lines.length > 0) resolve();
      });
      child.once('error', reject);
      child.once('close', code =>
        reject(new Error(`the client ended early with status ${code}: ${complaint}`)),
      );
    });
    return background;
  }

  /** Closes its standard input, at which the clients stop, and gives its last line as JSON. */
  async stop<T>(): Promise<T> {
    const closed = new Promise<void>(resolve => this.#child.once('close', () => resolve()));
    if (this.#child.exitCode === null) {
      this.#child.stdin?.end();
      await closed;
    }
    return JSON.parse(this.lines.at(-1) ?? 'null') as T;
  }
}

/** One bash in the lab's workstation that keeps its variables between commands. */
export class LabShell {
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', chunk => {
      this.#stdout += chunk;
    });
    child.stderr?.on('data', chunk => {
      this.#stderr += chunk;
    });
  }

  static open(lab: Lab): LabShell {
    return new LabShell(lab.spawnShell());
  }

  async run(command: string, timeoutMs = 60_000): Promise<Result> {
    const started = performance.now();
    this.#stdout = '';
    this.#stderr = '';
    const mark = `--done-${Math.random().toString(36).slice(2)}-`;
    this.#child.stdin?.write(`${command}\nprintf -- '${mark}%d-\\n' $?; printf -- '${mark}\\n' >&2\n`);
    while (!(this.#stdout.includes(mark) && this.#stderr.includes(mark))) {
      if (this.#child.exitCode !== null) throw new Error(`the lab's shell ended: ${this.#stderr}`);
      if (performance.now() - started > timeoutMs)
        throw new Error(`the lab's shell did not finish: ${command}`);
      await sleep(5);
    }
    const end = this.#stdout.indexOf(mark);
    return {
      status: Number.parseInt(this.#stdout.slice(end + mark.length), 10),
      stdout: this.#stdout.slice(0, end),
      stderr: this.#stderr.slice(0, this.#stderr.indexOf(mark)),
      ms: performance.now() - started,
    };
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#child.once('close', () => resolve()));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await closed;
  }
}

/** The commands of a shell script, each with its continuation lines, without comments and settings. */
export function commandsOf(script: string): string[] {
  const commands: string[] = [];
  let current = '';
  for (const line of script.split('\n')) {
    if (current === '' && (line.trim() === '' || line.trimStart().startsWith('#'))) continue;
    current += (current === '' ? '' : '\n') + line;
    if (line.endsWith('\\')) continue;
    commands.push(current);
    current = '';
  }
  return commands;
}

export function readJsonLines(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>);
}
