// What the machine itself says: addresses of its interfaces, and who is logged in over SSH.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseIpv4 } from '#net/ipv4.ts';
import type { MachineAddresses } from './local-addresses.ts';

interface Link {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local?: string }[];
}

/** Asked of `ip`, since Node leaves out interfaces that have no cable at the moment. */
export function machineAddresses(
  inside: readonly string[],
  text = execFileSync('ip', ['-j', '-4', 'address', 'show'], { encoding: 'utf8' }),
): MachineAddresses {
  const links = JSON.parse(text) as readonly Link[];
  const addressesOf = ({ addr_info = [] }: Link) =>
    addr_info.map(({ local = '' }) => parseIpv4(local)).filter(address => address !== undefined);
  return {
    inside: inside.flatMap(name => links.filter(({ ifname }) => ifname === name).flatMap(addressesOf)),
    all: links.flatMap(addressesOf),
  };
}

/** All interfaces, also those that are down or have no address (proc_pid_net(5)). */
export function interfaceNames(table = readFileSync('/proc/self/net/dev', 'utf8')): readonly string[] {
  return table
    .split('\n')
    .map(line => /^\s*([^:|\s]+):/.exec(line)?.[1])
    .filter(name => name !== undefined);
}

export interface Session {
  readonly source: number;
  readonly port: number;
}

const ESTABLISHED = '01';
const SSH_PORT = 22;

/** Connections to this machine's SSH: what rules that nobody thought about would cut. */
export function sshSessions(table = readFileSync('/proc/self/net/tcp', 'utf8')): readonly Session[] {
  return table.split('\n').flatMap(line => {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (state !== ESTABLISHED || port !== SSH_PORT) return [];
    const source = fromKernelHex(remote.split(':')[0] ?? '');
    return source >>> 24 === 127 ? [] : [{ source, port }];
  });
}

/** proc(5) prints the address as the CPU reads it, which on all CPUs we run on is little-endian. */
function fromKernelHex(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}
