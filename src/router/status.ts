// `postern status`: whether this router is up, which firewall it enforces, and whether the newest files are in force.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandName } from '#state/command-name.ts';
import type { RunningProcess } from '#state/process-file.ts';
import type { RouterPaths } from './paths.ts';

export interface StatusOptions {
  readonly router: RunningProcess | undefined;
  readonly gateway: RunningProcess | undefined;
  readonly paths: RouterPaths;
  readonly json: boolean;
}

/** What became of the configuration folder when it was last read. */
export interface FilesState {
  readonly folder: string;
  readonly readAt: string;
  /** Flags of `postern up` that say how rules are read; absent in what an older version wrote. */
  readonly options?: readonly string[];
  /** Files with threat-intelligence feeds, and servers asked where the firewall names none; absent likewise. */
  readonly threatFeeds?: readonly string[];
  readonly dnsServers?: readonly string[];
  readonly faults: readonly string[];
}

/** How the gateway ended when it last ended by itself. */
export interface GatewayFault {
  readonly text: string;
  readonly at: string;
}

/** What the gateway writes to its state folder after each program. */
interface GatewayState {
  readonly process?: number;
  readonly revision?: string;
  readonly firewallId?: string;
  readonly appliedAt?: string;
  readonly rules?: { readonly network: number; readonly application: number; readonly nat: number };
  readonly error?: string;
}

/** Exit status 0: up and in force; 1: not up, or not in force. */
export function printStatus({ router, gateway, paths, json }: StatusOptions): number {
  const enforced = readJson<GatewayState>(join(paths.gatewayState, 'status.json'));
  const files = readJson<FilesState>(paths.files);
  const api = readJson<{ url: string }>(join(paths.state, 'api.json'));
  // Of no interest once it runs again.
  const fault =
    router && !(gateway && enforced?.process === gateway.pid)
      ? readJson<GatewayFault>(paths.gatewayFault)
      : undefined;
  const healthy =
    router !== undefined &&
    gateway !== undefined &&
    enforced?.process === gateway.pid &&
    enforced.error === undefined &&
    files?.faults.length === 0;
  if (json) {
    const answer = {
      up: router !== undefined,
      inForce: healthy,
      process: router?.pid ?? null,
      gatewayProcess: gateway?.pid ?? null,
      gatewayFault: fault ?? null,
      enforced: enforced ?? null,
      files: files ?? null,
      api: router && api ? api.url : null,
      state: paths.state,
    };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return healthy ? 0 : 1;
  }
  const rows: [string, string][] = [
    ['Router', router ? `up, process ${router.pid}` : `not up (${commandName()} up starts it)`],
    [
      'Gateway',
      gateway
        ? `${enforced?.process === gateway.pid ? 'running' : 'starting'}, process ${gateway.pid}`
        : enforced
          ? 'not running; the kernel keeps its last rules'
          : 'not running',
    ],
  ];
  if (fault) rows.push(['', `it ended with ${fault.text} (${fault.at})`]);
  if (enforced) rows.push(...enforcedRows(enforced));
  if (files) rows.push(...fileRows(files));
  if (router && api) rows.push(['API', api.url]);
  rows.push(['State', paths.state], ['Logs', `${paths.logs} (${commandName()} logs reads them)`]);
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(10)}${value}\n`);
  return healthy ? 0 : 1;
}

function enforcedRows({ firewallId, rules, appliedAt, error }: GatewayState): [string, string][] {
  const rows: [string, string][] = [];
  if (firewallId !== undefined) rows.push(['Firewall', firewallId.split('/').at(-1) ?? '']);
  if (rules)
    rows.push([
      'Rules',
      `${rules.network} network, ${rules.application} application, ${rules.nat} NAT; in force since ${appliedAt}`,
    ]);
  if (error !== undefined) rows.push(['Refused', `the newest rules, by the gateway: ${error}`]);
  return rows;
}

function fileRows({ folder, readAt, options = [], faults }: FilesState): [string, string][] {
  const optionRows: [string, string][] = options.length === 0 ? [] : [['Options', options.join(' ')]];
  if (faults.length === 0) return [['Files', `${folder}, read ${readAt}`], ...optionRows];
  return [
    ...optionRows,
    ['Files', `${folder}, NOT in force since ${readAt}; the last good rules are:`],
    ...faults.map((fault): [string, string] => ['', fault]),
  ];
}

/** Undefined where the file is not there, or is just being written. */
function readJson<T>(path: string): T | undefined {
  try {
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
  } catch {
    return undefined;
  }
}
