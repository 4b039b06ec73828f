// Network namespaces for tests that send packets, without any lab code: plain `ip` commands inside an `unshare`.
//
//   const unavailable = await namespacesUnavailable();
//   describe('...', { skip: unavailable ?? false }, () => {
//     it('...', async () => {
//       await using net = await Namespaces.open(['client', 'server']);
//       await net.link('client', 'eth0', '192.0.2.1/24', 'server', 'eth0', '192.0.2.2/24');
//       const { stdout } = await net.ok('client', ['ping', '-c', '1', '192.0.2.2']);
//
// `openRoutedPath()` gives the usual three: a client behind a gateway, and a server on its other side.
//
// Promises. Nothing on the machine's own network changes: every namespace is checked not to be the one the test runner
// is in, and none has a link to it. As root plain namespaces are used; without root, or with `{ user: true }`, a user
// namespace. All processes live in a PID namespace whose first process reads a pipe from the test; when the test ends in
// whatever way, kill -9 included, the pipe closes and the kernel removes processes, namespaces, links and rules.
// /run is private and empty, so `ip netns` inside sees only these namespaces; where the kernel lets us mount /proc,
// process ids inside are those of the PID namespace.

import './runner-netns.ts';
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { type Result, type RunOptions, run } from './lab.ts';

const HOLDER = `
mount -t proc proc /proc 2>/dev/null
mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/netns && ip link set lo up && echo ready && exec cat >/dev/null
`;
const OPEN_MS = 10_000;

export interface NamespaceOptions {
  /** True: inside a user namespace even as root. */
  readonly user?: boolean;
}

/** Undefined, or the reason why namespaces cannot be made here, for a test to skip with. */
export async function namespacesUnavailable(): Promise<string | undefined> {
  try {
    const net = await Namespaces.open(['probe']);
    await net.close();
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${(error as Error).message}`;
  }
}

export class Namespaces {
  readonly #holder: ChildProcess;
  /** Process id, as the test sees it, of the first process of the PID namespace. */
  readonly #init: number;
  readonly #isUser: boolean;
  readonly #hosts = new Set<string>();
  readonly #children = new Set<ChildProcess>();

  private constructor(holder: ChildProcess, init: number, isUser: boolean) {
    this.#holder = holder;
    this.#init = init;
    this.#isUser = isUser;
  }

  static async open(
    hosts: readonly string[],
    { user = process.getuid?.() !== 0 }: NamespaceOptions = {},
  ): Promise<Namespaces> {
    const flags = [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      ...(user ? ['--user', '--map-root-user'] : []),
    ];
    const holder = spawn('unshare', [...flags, 'sh', '-c', HOLDER], { stdio: 'pipe' });
    await untilReady(holder);
    const init = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim());
    const net = new Namespaces(holder, init, user);
    try {
      assertElsewhere(readlinkSync(`/proc/${init}/ns/net`));
      for (const host of hosts) await net.add(host);
      return net;
    } catch (error) {
      await net.close();
      throw error;
    }
  }

  /** Another namespace; its loopback is up and IPv6 does not wait for duplicate address detection. */
  async add(host: string): Promise<void> {
    await this.#inside(['ip', 'netns', 'add', host]);
    this.#hosts.add(host);
    const { stdout } = await this.ok(host, ['readlink', '/proc/self/ns/net']);
    assertElsewhere(stdout.trim());
    await this.ok(host, ['ip', 'link', 'set', 'lo', 'up']);
    await this.exec(host, ['sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0']);
  }

  /** Joins two namespaces by a pair of links, each up and with its address (`192.0.2.1/24`; empty: none). */
  async link(
    a: string,
    aDevice: string,
    aAddress: string,
    b: string,
    bDevice: string,
    bAddress: string,
  ): Promise<void> {
    await this.#inside([
      'ip',
      'link',
      'add',
      aDevice,
      'netns',
      a,
      'type',
      'veth',
      'peer',
      'name',
      bDevice,
      'netns',
      b,
    ]);
    for (const [host, device, address] of [
      [a, aDevice, aAddress],
      [b, bDevice, bAddress],
    ] as const) {
      if (address !== '') await this.ok(host, ['ip', 'address', 'add', address, 'dev', device]);
      await this.ok(host, ['ip', 'link', 'set', device, 'up']);
    }
  }

  /** Runs a command in a namespace to its end. */
  exec(host: string, command: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(this.#command(host, command), options);
  }

  /** As `exec`; a status other than 0 throws with what the command said. */
  async ok(host: string, command: readonly string[], options: RunOptions = {}): Promise<Result> {
    const result = await this.exec(host, command, options);
    assert.equal(
      result.status,
      0,
      `${host}: ${command.join(' ')} ended with ${result.status}: ${result.stderr || result.stdout}`,
    );
    return result;
  }

  /** Starts a command that goes on, such as a server. It ends with the namespaces, at the latest. */
  spawn(host: string, command: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [program = '', ...args] = this.#command(host, command);
    const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** As `spawn`, and resolves when the command has printed `text`. */
  async start(
    host: string,
    command: readonly string[],
    text: string,
    timeoutMs = 10_000,
  ): Promise<ChildProcess> {
    const child = this.spawn(host, command);
    await untilPrinted(child, text, timeoutMs);
    return child;
  }

  /** Signals a command that `spawn` or `start` started; its handle's own `kill` would only reach the program in between. */
  signal(child: ChildProcess, signal: NodeJS.Signals): void {
    const inner = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    assert.match(inner, /^\d+$/, 'the command is not running');
    process.kill(Number(inner), signal);
  }

  /** Ends all processes and removes all namespaces. May be called again. */
  async close(): Promise<void> {
    const gone = [this.#holder, ...this.#children].map(closed);
    this.#holder.stdin?.end();
    await Promise.all(gone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #command(host: string, command: readonly string[]): string[] {
    assert.ok(this.#hosts.has(host), `there is no namespace '${host}'`);
    return [...this.#enter(), 'nsenter', `--net=/run/netns/${host}`, '--', ...command];
  }

  #enter(): string[] {
    const flags = [
      '--mount',
      '--net',
      '--pid',
      ...(this.#isUser ? ['--user', '--preserve-credentials'] : []),
    ];
    return ['nsenter', '--target', String(this.#init), ...flags, `--wdns=${process.cwd()}`, '--'];
  }

  async #inside(command: readonly string[]): Promise<void> {
    const result = await run([...this.#enter(), ...command]);
    assert.equal(result.status, 0, `${command.join(' ')} ended with ${result.status}: ${result.stderr}`);
  }
}

/**
 * client 10.42.1.4 -- 10.42.1.1 gateway 198.51.100.1 -- 198.51.100.2 server, which owns 192.0.2.0/24 as well. The gateway
 * forwards; its devices are `inside` and `outside`. The server knows no way to 10.42.1.0/24, as the Internet does not.
 */
export async function openRoutedPath(options: NamespaceOptions = {}): Promise<Namespaces> {
  const net = await Namespaces.open(['client', 'gateway', 'server'], options);
  try {
    await net.link('client', 'eth0', '10.42.1.4/24', 'gateway', 'inside', '10.42.1.1/24');
    await net.link('gateway', 'outside', '198.51.100.1/24', 'server', 'eth0', '198.51.100.2/24');
    await net.ok('client', ['ip', 'route', 'add', 'default', 'via', '10.42.1.1']);
    await net.ok('gateway', ['ip', 'route', 'add', 'default', 'via', '198.51.100.2']);
    await net.ok('gateway', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    await net.ok('server', ['ip', 'route', 'add', 'local', '192.0.2.0/24', 'dev', 'lo']);
    return net;
  } catch (error) {
    await net.close();
    throw error;
  }
}

function assertElsewhere(namespace: string): void {
  assert.notEqual(
    namespace,
    readlinkSync('/proc/self/ns/net'),
    "this is the test runner's own network namespace",
  );
  assert.match(namespace, /^net:\[\d+\]$/);
}

function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise(resolve => child.once('close', () => resolve()));
}

async function untilReady(holder: ChildProcess): Promise<void> {
  try {
    await untilPrinted(holder, 'ready', OPEN_MS);
  } catch (error) {
    holder.kill('SIGKILL');
    throw error;
  }
}

/** Waits for `text` on standard output; the error tells what the command said instead. */
export function untilPrinted(child: ChildProcess, text: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let errors = '';
    const fail = (what: string) => reject(new Error(`${what}: ${(errors || said).trim()}`));
    const timer = setTimeout(() => fail(`no '${text}' within ${timeoutMs} ms`), timeoutMs);
    child.once('error', error => fail(error.message));
    child.once('close', status => {
      clearTimeout(timer);
      fail(`ended with status ${status}`);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk).slice(-4000);
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-4000);
      if (!said.includes(text)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
