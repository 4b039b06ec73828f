// What differs between two policies beside their rules. Settings that decide about flows (private ranges, the DNS proxy,
// addresses, binding) are in the comparison of flows as well; threat intelligence is told here alone, since what it denies
// depends on a feed.

import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, formatRange } from '#net/ipv4.ts';

export interface SettingChange {
  readonly setting: string;
  readonly before: string;
  readonly after: string;
}

const SETTINGS: readonly (readonly [name: string, of: (policy: ResolvedPolicy) => string])[] = [
  ['threat intelligence mode', ({ threatIntel }) => threatIntel.mode],
  [
    'threat intelligence allowed addresses',
    ({ threatIntel }) => list(threatIntel.allowedAddresses.map(formatRange)),
  ],
  [
    'threat intelligence allowed FQDNs',
    ({ threatIntel }) => list(threatIntel.allowedFqdns.map(formatFqdnPattern).sort()),
  ],
  ['private ranges', ({ privateRanges }) => list(privateRanges.map(formatRange))],
  ['DNS proxy', ({ dns }) => (dns.enableProxy ? 'on' : 'off')],
  ['DNS servers', ({ dns }) => list(dns.servers.map(formatIpv4))],
  ['private address', ({ privateAddress }) => (privateAddress === 0 ? 'none' : formatIpv4(privateAddress))],
  ['public addresses', ({ publicIps }) => list(publicIps.map(({ address }) => formatIpv4(address)).sort())],
  ['network FQDN rules bound to names', ({ bindNetworkFqdns }) => (bindNetworkFqdns ? 'on' : 'off')],
];

export function compareSettings(a: ResolvedPolicy, b: ResolvedPolicy): SettingChange[] {
  return SETTINGS.map(([setting, of]) => ({ setting, before: of(a), after: of(b) })).filter(
    ({ before, after }) => before !== after,
  );
}

function list(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}
