// What the data plane needs of the machine beside its nft table: a few sysctls and one routing rule with its
// table. Every previous value is remembered and given back; nothing that is not named here is touched.

import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { GatewayInterfaces } from '../data-plane.ts';
import { CLASS_MASK, CLASS_PROXY } from './marks.ts';
import { PROXY_ROUTING_TABLE, PROXY_RULE_PRIORITY } from './names.ts';

export class HostSettingError extends Error {
  override readonly name = 'HostSettingError';
}

export interface SysctlFiles {
  /** Undefined when this kernel has no such setting. */
  read(key: string): string | undefined;
  write(key: string, value: string): void;
}

export const procSysctls: SysctlFiles = {
  read(key) {
    try {
      return readFileSync(`/proc/sys/${key}`, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  write(key, value) {
    writeFileSync(`/proc/sys/${key}`, value);
  },
};

/** Runs a program to its end; rejects with what it wrote on standard error. */
export type RunProgram = (command: string, args: readonly string[]) => Promise<void>;

export const runProgram: RunProgram = (command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < 4096) output += text;
    });
    child.on('error', cause => reject(new HostSettingError(`cannot run ${command}`, { cause })));
    child.on('close', code =>
      code === 0
        ? resolve()
        : reject(new HostSettingError(`${command} ${args.join(' ')} failed: ${output.trim()}`)),
    );
  });

/** Sysctls by path below /proc/sys, each with the reason. */
export function sysctlsFor({ inside, outside }: GatewayInterfaces): ReadonlyMap<string, string> {
  const wanted = new Map([
    ['net/ipv4/ip_forward', '1'],
    // A packet in the middle of an unknown connection must not start a flow that is judged as a new one.
    ['net/netfilter/nf_conntrack_tcp_loose', '0'],
    // A one-armed gateway must not tell clients of a shorter way round itself; either of the two is enough to send.
    ['net/ipv4/conf/all/send_redirects', '0'],
    // Nobody outside chooses the gateway's routes. On a router either needs `all` and the interface to be accepted.
    ['net/ipv4/conf/all/accept_redirects', '0'],
    ['net/ipv4/conf/all/accept_source_route', '0'],
  ]);
  for (const name of new Set([...inside, outside])) {
    // Loose: replies may come from where our own route does not lead. The larger of this and `all` counts.
    wanted.set(`net/ipv4/conf/${name}/rp_filter`, '2');
    wanted.set(`net/ipv4/conf/${name}/send_redirects`, '0');
  }
  return wanted;
}

export class HostSettings {
  readonly #sysctls: SysctlFiles;
  readonly #run: RunProgram;
  readonly #previous = new Map<string, string>();
  readonly #memory: string | undefined;
  #routed = false;

  /** `memory` is a file that keeps the previous values, so that a later process can restore what a killed one changed. */
  constructor(
    options: { readonly sysctls?: SysctlFiles; readonly run?: RunProgram; readonly memory?: string } = {},
  ) {
    this.#sysctls = options.sysctls ?? procSysctls;
    this.#run = options.run ?? runProgram;
    this.#memory = options.memory;
    for (const [key, value] of readMemory(options.memory)) this.#previous.set(key, value);
  }

  async apply(interfaces: GatewayInterfaces): Promise<void> {
    for (const [key, value] of sysctlsFor(interfaces)) {
      const previous = this.#sysctls.read(key);
      if (previous === undefined) throw new HostSettingError(missing(key));
      if (previous === value) continue;
      if (!this.#previous.has(key)) {
        // On disk before the change: a kill between the two loses nothing.
        this.#previous.set(key, previous);
        this.#remember();
      }
      try {
        this.#sysctls.write(key, value);
      } catch (cause) {
        throw new HostSettingError(`cannot set sysctl ${key} to ${value}`, { cause });
      }
    }
    // A rule that a killed gateway left is the same rule; removing it first keeps it single.
    await this.#run('ip', ['-4', 'rule', 'del', ...routingRule()]).catch(() => {});
    await this.#run('ip', ['-4', 'rule', 'add', ...routingRule()]);
    const route = [
      '-4',
      'route',
      'replace',
      'local',
      'default',
      'dev',
      'lo',
      'table',
      String(PROXY_ROUTING_TABLE),
    ];
    await this.#run('ip', route);
    this.#routed = true;
  }

  #remember(): void {
    if (this.#memory === undefined) return;
    writeFileSync(this.#memory, JSON.stringify(Object.fromEntries(this.#previous)), { mode: 0o600 });
  }

  /** Gives everything back; a setting that cannot be restored does not keep the others from it. */
  async restore(): Promise<void> {
    const failures: unknown[] = [];
    for (const [key, value] of this.#previous) {
      try {
        if (this.#sysctls.read(key) !== undefined) this.#sysctls.write(key, value);
      } catch (error) {
        failures.push(error);
      }
    }
    this.#previous.clear();
    if (this.#memory !== undefined) rmSync(this.#memory, { force: true });
    if (this.#routed) {
      this.#routed = false;
      await this.#run('ip', ['-4', 'rule', 'del', ...routingRule()]).catch(error => failures.push(error));
      const flush = ['-4', 'route', 'flush', 'table', String(PROXY_ROUTING_TABLE)];
      await this.#run('ip', flush).catch(error => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not every setting could be restored');
  }
}

function missing(key: string): string {
  const [, name] = /^net\/ipv4\/conf\/(.+)\/[^/]+$/.exec(key) ?? [];
  return name === undefined || name === 'all'
    ? `this machine has no sysctl ${key}`
    : `there is no interface ${name}`;
}

/** The routing rule and its table, where a killed process left them. */
export async function removeRoutingRule(run: RunProgram = runProgram): Promise<void> {
  await run('ip', ['-4', 'rule', 'del', ...routingRule()]).catch(() => {});
  await run('ip', ['-4', 'route', 'flush', 'table', String(PROXY_ROUTING_TABLE)]).catch(() => {});
}

function readMemory(path: string | undefined): [string, string][] {
  if (path === undefined) return [];
  try {
    return Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>);
  } catch {
    // None was written, or only half of it: the settings then stay as they are.
    return [];
  }
}

function routingRule(): string[] {
  const mark = `0x${CLASS_PROXY.toString(16)}/0x${CLASS_MASK.toString(16)}`;
  return ['fwmark', mark, 'lookup', String(PROXY_ROUTING_TABLE), 'priority', String(PROXY_RULE_PRIORITY)];
}
