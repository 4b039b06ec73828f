// A real router between namespaces made with plain `ip` commands, without lab code:
//
//   node 10.42.1.4 -- in0 10.42.1.1 ┐                                              ┌ internet: every other address
//                                   router -- out0 52.186.0.4 -- 52.186.0.1 internet
//   web 10.42.3.50 -- in1 10.42.3.1 ┘              52.186.0.5                      └ 52.186.1.1 -- visitor 52.186.1.4
//
// The router's rules come from JSON files (printed-rules.ts); its firewall's private address 10.42.2.4 is on no
// interface, as on a router that takes a cloud firewall's place. Everything goes when the test ends.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Result, ROOT, type RunOptions, readJsonLines } from '../support/lab.ts';
import { Namespaces, untilPrinted } from '../support/namespaces.ts';

export const POSTERN = join(ROOT, 'bin/postern');
export const NODE = join(ROOT, 'scripts/node');
export const CLIENT = '10.42.1.4';
export const DNS = '10.42.1.1';
export const WEB = '10.42.3.50';
export const VISITOR = '52.186.1.4';
export const PUBLIC = ['52.186.0.4', '52.186.0.5'] as const;
export const UP = ['--inside', 'in0', '--inside', 'in1', '--outside', 'out0', '--dns-server', '8.8.8.8'];
export const IN_FORCE = 'Rules are in force';

/** Names at fixed addresses, and one that every test may ask for. */
const INTERNET = {
  records: {
    'one.example.com': { addresses: ['93.184.1.1'] },
    'two.example.com': { addresses: ['93.184.1.2'] },
    'feed.example.com': { addresses: ['93.184.1.3'] },
  },
};

export class RouterNet {
  readonly net: Namespaces;
  /** Parent of everything on disk. */
  readonly folder: string;
  readonly config: string;
  /** What `postern up` has written so far. */
  said = '';
  complaints = '';

  private constructor(net: Namespaces, folder: string) {
    this.net = net;
    this.folder = folder;
    this.config = join(folder, 'config');
    this.makeConfig();
  }

  makeConfig(): void {
    mkdirSync(this.config, { recursive: true });
  }

  static async open(
    options: { readonly user?: boolean; readonly internet?: boolean } = {},
  ): Promise<RouterNet> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-router-'));
    const net = await Namespaces.open(['node', 'web', 'router', 'internet', 'visitor'], options);
    const opened = new RouterNet(net, folder);
    try {
      await net.link('node', 'eth0', `${CLIENT}/24`, 'router', 'in0', '10.42.1.1/24');
      await net.link('web', 'eth0', `${WEB}/24`, 'router', 'in1', '10.42.3.1/24');
      await net.link('router', 'out0', `${PUBLIC[0]}/24`, 'internet', 'wan', '52.186.0.1/24');
      await net.link('visitor', 'eth0', `${VISITOR}/24`, 'internet', 'far', '52.186.1.1/24');
      const ip = (host: string, ...args: string[]) => net.ok(host, ['ip', ...args]);
      await ip('router', 'address', 'add', `${PUBLIC[1]}/24`, 'dev', 'out0');
      await ip('node', 'route', 'add', 'default', 'via', '10.42.1.1');
      await ip('web', 'route', 'add', 'default', 'via', '10.42.3.1');
      await ip('router', 'route', 'add', 'default', 'via', '52.186.0.1');
      await ip('visitor', 'route', 'add', 'default', 'via', '52.186.1.1');
      if (options.internet ?? true) await opened.startInternet();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** The router has one interface, `eth0`; `cloud` routes and is to translate the public IP. See one-armed.test.ts. */
  static async openOneArmed(): Promise<RouterNet> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-router-'));
    const net = await Namespaces.open(['node', 'web', 'router', 'cloud', 'internet', 'visitor']);
    const opened = new RouterNet(net, folder);
    try {
      await net.link('node', 'eth0', `${CLIENT}/24`, 'cloud', 'node0', '10.42.1.1/24');
      await net.link('web', 'eth0', `${WEB}/24`, 'cloud', 'web0', '10.42.3.1/24');
      await net.link('router', 'eth0', '10.42.2.4/24', 'cloud', 'router0', '10.42.2.1/24');
      await net.link('cloud', 'wan0', `${PUBLIC[0]}/24`, 'internet', 'wan', '52.186.0.1/24');
      await net.link('visitor', 'eth0', `${VISITOR}/24`, 'internet', 'far', '52.186.1.1/24');
      const ip = (host: string, ...args: string[]) => net.ok(host, ['ip', ...args]);
      await ip('node', 'route', 'add', 'default', 'via', '10.42.1.1');
      await ip('web', 'route', 'add', 'default', 'via', '10.42.3.1');
      await ip('router', 'route', 'add', 'default', 'via', '10.42.2.1');
      await ip('cloud', 'route', 'add', 'default', 'via', '52.186.0.1');
      await ip('visitor', 'route', 'add', 'default', 'via', '52.186.1.1');
      await net.ok('cloud', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
      // What a user-defined route does: whatever the hosts send goes to the router, what it sends does not.
      for (const [priority, device] of [
        ['100', 'node0'],
        ['101', 'web0'],
      ] as const)
        await ip('cloud', 'rule', 'add', 'priority', priority, 'iif', device, 'lookup', '100');
      await ip('cloud', 'route', 'add', 'default', 'via', '10.42.2.4', 'table', '100');
      await opened.startInternet();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async startInternet(): Promise<void> {
    await this.net.ok('internet', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    await this.net.ok('internet', 'ip route add local 0.0.0.0/0 dev lo table main'.split(' '));
    writeFileSync(join(this.folder, 'internet.json'), JSON.stringify(INTERNET));
    const state = join(this.folder, 'internet');
    const command = ['internet', '--config', join(this.folder, 'internet.json'), '--state', state];
    await this.net.start('internet', [POSTERN, ...command], 'ready', 20_000);
  }

  /** Writes a file of the configuration folder as an editor does: as a whole. */
  write(name: string, content: unknown): void {
    const file = join(this.config, name);
    writeFileSync(`${file}.tmp`, typeof content === 'string' ? content : JSON.stringify(content));
    renameSync(`${file}.tmp`, file);
  }

  /** The environment of Postern's commands on the router. */
  get env(): Readonly<Record<string, string>> {
    return { POSTERN_STATE: join(this.folder, 'state') };
  }

  postern(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.net.exec('router', [POSTERN, ...args], { timeoutMs: 30_000, env: this.env, ...options });
  }

  /** `postern up` in the foreground; resolves when its rules are in force. */
  async up(args: readonly string[] = UP): Promise<ChildProcess> {
    const child = this.net.spawn('router', [POSTERN, 'up', '--config', this.config, ...args], this.env);
    child.stdout?.on('data', chunk => {
      this.said += chunk;
    });
    child.stderr?.on('data', chunk => {
      this.complaints += chunk;
    });
    await untilPrinted(child, IN_FORCE, 20_000);
    return child;
  }

  async status(): Promise<{
    inForce: boolean;
    process: number;
    gatewayProcess: number;
    files: { faults: string[] };
  }> {
    return JSON.parse((await this.postern(['status', '-o', 'json'])).stdout);
  }

  /** Kills a process of the router by its id as `postern status` tells it. */
  async kill(pid: number, signal = 'KILL'): Promise<void> {
    await this.net.ok('router', ['kill', `-${signal}`, String(pid)]);
  }

  curl(host: string, ...args: string[]): Promise<Result> {
    const ca = join(this.folder, 'internet/ca.pem');
    return this.net.exec(host, ['curl', '-sS', '--max-time', '4', '--cacert', ca, ...args]);
  }

  /** HTTPS to a name at an address, and the status of the answer; 0 when there is none. */
  async https(name: string, address: string): Promise<number> {
    const { stdout } = await this.curl(
      'node',
      ...['-o', '/dev/null', '-w', '%{http_code}', '--resolve', `${name}:443:${address}`, `https://${name}/`],
    );
    return Number(stdout);
  }

  /** One line to a TCP or UDP echo server; what comes back, empty for nothing. */
  async echo(
    target: string,
    port: number,
    { host = 'node', udp = false, timeoutMs = 1500 } = {},
  ): Promise<string> {
    const client = join(ROOT, 'test/router/echo-client.ts');
    const { stdout } = await this.net.exec(host, [
      NODE,
      client,
      target,
      String(port),
      udp ? 'udp' : 'tcp',
      String(timeoutMs),
    ]);
    return stdout.trim();
  }

  async dig(...args: string[]): Promise<string> {
    const command = ['dig', '+time=1', '+tries=2', '+short', ...args];
    return (await this.net.exec('node', command)).stdout.trim();
  }

  log(): Record<string, unknown>[] {
    return readJsonLines(join(this.folder, 'state/router/logs/firewall.jsonl'));
  }

  /** Waits for a log record that fits; the log is written in batches. */
  async logged(
    fits: (record: Record<string, unknown>) => boolean,
    what: string,
  ): Promise<Record<string, unknown>> {
    for (let waited = 0; waited < 5000; waited += 100) {
      const found = this.log().find(fits);
      if (found) return found;
      await sleep(100);
    }
    const seen = this.log()
      .slice(-5)
      .map(record => JSON.stringify(record));
    assert.fail(`the log has no ${what}; its end is\n${seen.join('\n')}`);
  }

  /** What the Internet saw: one record a connection or datagram. */
  journal(): Record<string, unknown>[] {
    return readJsonLines(join(this.folder, 'internet/internet.jsonl'));
  }

  /** Everything a router changes: tables, routing rules, sysctls. */
  async kernelState(): Promise<string> {
    const parts = await Promise.all(
      [
        ['nft', 'list', 'ruleset'],
        ['ip', 'rule'],
        ['ip', '-4', 'route', 'show', 'table', 'all'],
        ['sh', '-c', 'sysctl -a 2>/dev/null | grep -E "forward|rp_filter|redirects|tcp_loose"'],
      ].map(async command => (await this.net.ok('router', command)).stdout),
    );
    return parts.join('\n');
  }

  async close(): Promise<void> {
    await this.net.close();
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
