// What the checks of the showcase share: the names of examples/egress.sh, the hosts they use, and the ways to look at what a
// packet met.

import assert from 'node:assert/strict';
import type { Lab, Result } from '../lab.ts';

export const GROUP = 'egress-rg';
export const FIREWALL = 'egress-fw';
/** In AzureCloud.eastus and AzureCloud.westus as published; both answer in the lab. */
export const EASTUS_ADDRESS = '20.42.0.10';
export const WESTUS_ADDRESS = '13.64.0.10';
export const WEB_ADDRESS = '10.42.1.80';
export const FIREWALL_PRIVATE = '10.42.2.4';

/** The lab's Internet for the showcase: two sites on one address, and names that move at every question. */
export const INTERNET = {
  shared: [['cdn-one.example.net', 'cdn-two.example.net']],
  rotating: ['*.moving.example.org'],
  records: { 'intranet.example.org': { addresses: ['10.42.3.10'] } },
};

export interface Check {
  /** Heading it stands under. */
  readonly group: string;
  readonly title: string;
  /** What was seen, in a line; further lines are what a command printed. */
  readonly run: (lab: Lab) => Promise<string>;
}

export async function prepareHosts(lab: Lab): Promise<void> {
  const subnet = await subnetId(lab, 'aks-subnet');
  await ok(lab.command(['add-host', 'node-1', '--vnet-subnet-id', subnet]));
  await ok(lab.command(['add-host', 'web', '--vnet-subnet-id', subnet, '--private-ip', WEB_ADDRESS]));
  await ok(lab.command(['add-host', 'visitor', '--internet']));
}

export function subnetId(lab: Lab, name: string): Promise<string> {
  return lab.azOk(
    'network',
    'vnet',
    'subnet',
    'show',
    '-g',
    GROUP,
    '--vnet-name',
    'egress-vnet',
    '-n',
    name,
    '--query',
    'id',
    '-o',
    'tsv',
  );
}

export function publicIp(lab: Lab, name = 'egress-ip'): Promise<string> {
  return lab.azOk(
    'network',
    'public-ip',
    'show',
    '-g',
    GROUP,
    '-n',
    name,
    '--query',
    'ipAddress',
    '-o',
    'tsv',
  );
}

export async function ok(result: Promise<Result>): Promise<Result> {
  const { status, stdout, stderr } = await result;
  assert.equal(status, 0, `status ${status}: ${stderr || stdout}`);
  return result;
}

export interface Page {
  readonly status: number;
  readonly exit: number;
  readonly body: string;
  readonly error: string;
}

const CURL = ['curl', '-sS', '--max-time', '8', '-w', '\n%{http_code}'];

export async function curl(lab: Lab, host: string, ...args: string[]): Promise<Page> {
  const { status, stdout, stderr } = await lab.exec(host, [...CURL, ...args]);
  const cut = stdout.lastIndexOf('\n');
  return {
    status: Number(stdout.slice(cut + 1)),
    exit: status,
    body: stdout.slice(0, cut),
    error: stderr.trim(),
  };
}

export interface Whoami {
  readonly name: string;
  readonly server: string;
  readonly client: string;
}

export async function whoami(lab: Lab, host: string, url: string, ...args: string[]): Promise<Whoami> {
  const page = await curl(lab, host, ...args, `${url}/whoami`);
  assert.equal(page.status, 200, `${url}: ${page.error || page.body}`);
  return JSON.parse(page.body) as Whoami;
}

export async function resolve(lab: Lab, host: string, name: string): Promise<string> {
  const { stdout } = await lab.exec(host, ['dig', '+short', '+time=2', '+tries=2', name]);
  return stdout.trim().split('\n').at(-1) ?? '';
}

export interface Echo {
  readonly echoed: boolean;
  readonly error: string | null;
}

export const echo = (
  lab: Lab,
  host: string,
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
  timeoutMs = 2500,
) => lab.client<Echo>(host, 'echo', [protocol, address, String(port), String(timeoutMs)]);

export const passes = async (lab: Lab, protocol: 'tcp' | 'udp', address: string, port: number) => {
  const { echoed, error } = await echo(lab, 'node-1', protocol, address, port);
  assert.ok(echoed, `${protocol} ${address}:${port} did not pass: ${error}`);
};

export const isDropped = async (lab: Lab, protocol: 'tcp' | 'udp', address: string, port: number) => {
  const { echoed } = await echo(lab, 'node-1', protocol, address, port, 1200);
  assert.ok(!echoed, `${protocol} ${address}:${port} passed`);
};

export async function deniedReason(
  lab: Lab,
  matches: (record: Record<string, unknown>) => boolean,
): Promise<string> {
  const record = await lab.logged(record => record.Action === 'Deny' && matches(record));
  assert.ok(record, 'the denial is not in the log');
  return String(record.ActionReason);
}

export const networkRule = (...args: string[]) => [
  'network',
  'firewall',
  'network-rule',
  ...args,
  '-g',
  GROUP,
  '-f',
  FIREWALL,
];
