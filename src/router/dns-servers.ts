// Which DNS servers a router asks when its firewall names none: those of the machine. Behind the stub of
// systemd-resolved stand the real ones, which it writes beside it.

import { existsSync, readFileSync } from 'node:fs';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';
const STUB = '127.0.0.53';
/** The resolver of the C library asks no more (resolv.conf(5)). */
const MOST = 3;

/** IPv4 addresses of the machine's name servers, in order. */
export function systemDnsServers(
  read: (path: string) => string | undefined = readIfThere,
): readonly string[] {
  const servers = nameServers(read(RESOLV_CONF) ?? '');
  return servers.includes(STUB) ? withFallback(nameServers(read(BEHIND_STUB) ?? ''), servers) : servers;
}

const withFallback = (servers: readonly string[], others: readonly string[]) =>
  servers.length > 0 ? servers : others;

function nameServers(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .map(word => parseIpv4(word ?? ''))
    .filter(address => address !== undefined)
    .map(formatIpv4)
    .slice(0, MOST);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
