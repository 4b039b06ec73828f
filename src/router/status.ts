// `postern status`: whether this router is up, which firewall it enforces, and whether the newest files are in force.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningProcess } from './process-file.ts';

export interface StatusOptions {
  readonly running: RunningProcess | undefined;
  readonly stateDir: string;
  readonly json: boolean;
}

/** What the gateway writes to its state folder after each program. */
interface GatewayState {
  readonly revision: string;
  readonly firewallId: string;
  readonly appliedAt: string;
  readonly rules: { readonly network: number; readonly application: number; readonly nat: number };
  readonly error?: string;
}

/** Exit status 0: up and in force; 1: not up, or not in force. */
export function printStatus({ running, stateDir, json }: StatusOptions): number {
  const gateway = readJson<GatewayState>(join(stateDir, 'gateway/status.json'));
  const api = readJson<{ url: string }>(join(stateDir, 'api.json'));
  const healthy = running !== undefined && gateway !== undefined && gateway.error === undefined;
  if (json) {
    const answer = {
      up: running !== undefined,
      process: running?.pid ?? null,
      gateway: gateway ?? null,
      api: api?.url ?? null,
      state: stateDir,
    };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return healthy ? 0 : 1;
  }
  const rows: [string, string][] = [
    ['Router', running ? `up, process ${running.pid}` : 'not up (postern up starts it)'],
  ];
  if (gateway) {
    const { network, application, nat } = gateway.rules;
    rows.push(['Firewall', gateway.firewallId.split('/').at(-1) ?? '']);
    rows.push([
      'Rules',
      `${network} network, ${application} application, ${nat} NAT; in force since ${new Date(gateway.appliedAt).toLocaleString()}`,
    ]);
    if (gateway.error !== undefined) rows.push(['Refused', `the newest rules: ${gateway.error}`]);
  }
  if (running && api) rows.push(['API', api.url]);
  rows.push(['State', `${stateDir} (logs in ${join(stateDir, 'logs')})`]);
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(10)}${value}\n`);
  return healthy ? 0 : 1;
}

function readJson<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}
