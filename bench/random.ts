// Rules and flows that look like people's, the same in every run.

import type { ApplicationRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { IANA_PRIVATE_RANGES, type Ipv4Range, prefixOf } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';

/** Numbers from 0 to `below`, the same sequence each time (a linear congruential generator, Numerical Recipes). */
export function createRandom(seed = 1): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const TEN = 0x0a000000;
/** Every workload: the rules that everybody shares have it as source. */
export const CLUSTER: readonly Ipv4Range[] = [{ first: TEN, last: TEN + 0xffffff }];
/** The destination of the last network rule, which no other one covers. */
export const LAST_ADDRESS = 0xc6336401;
export const LAST_NAME = 'last.example.org';
const INTERNET = 0x14000000;
const SERVICES: readonly (readonly PortRange[])[] = [
  [{ first: 443, last: 443 }],
  [{ first: 22, last: 22 }],
  [
    { first: 5432, last: 5432 },
    { first: 6379, last: 6379 },
  ],
  [{ first: 8000, last: 8999 }],
  [ALL_PORTS],
];

const refOf = (rule: number) => ({ policy: 'p', group: 'g', collection: 'c', rule: `rule-${rule}` });

/** A subnet of the cluster for two of three rules, the whole cluster for the others. */
function sourcesOf(rule: number, random: (below: number) => number): readonly Ipv4Range[] {
  if (random(3) === 0) return CLUSTER;
  return [prefixOf(TEN + ((rule * 256) & 0xffffff), 24)];
}

export function randomNetworkRules(count: number, { fqdns = 0 } = {}): NetworkRule[] {
  const random = createRandom();
  return Array.from({ length: count }, (_, rule): NetworkRule => {
    const isLast = rule === count - 1;
    const byName = !isLast && random(count) < fqdns;
    const destination = prefixOf(INTERNET + random(0x60000000), 16 + random(17));
    return {
      ref: refOf(rule),
      action: random(5) === 0 && !isLast ? 'Deny' : 'Allow',
      protocols: isLast ? ['TCP'] : [(['TCP', 'UDP', 'Any'] as const)[random(3)] ?? 'TCP'],
      sources: isLast ? CLUSTER : sourcesOf(rule, random),
      destinations: byName ? [] : [isLast ? [{ first: LAST_ADDRESS, last: LAST_ADDRESS }] : [destination]],
      destinationFqdns: byName ? [`db-${rule}.example.net`] : [],
      destinationPorts: isLast ? [ALL_PORTS] : (SERVICES[random(SERVICES.length)] ?? [ALL_PORTS]),
    };
  });
}

export function randomApplicationRules(count: number): ApplicationRule[] {
  const random = createRandom();
  return Array.from({ length: count }, (_, rule): ApplicationRule => {
    const isLast = rule === count - 1;
    const text = isLast
      ? LAST_NAME
      : ([`api.team-${rule}.example.com`, `*.team-${rule}.example.com`, `*team-${rule}.example.net`][
          random(3)
        ] ?? '');
    const pattern = parseFqdnPattern(text);
    if (!pattern) throw new Error(`${text} is no pattern`);
    return {
      ref: refOf(rule),
      action: 'Allow',
      sources: isLast ? CLUSTER : sourcesOf(rule, random),
      protocols: [
        { protocol: 'Https', port: 443 },
        { protocol: 'Http', port: 80 },
      ],
      targets: [{ pattern, tag: '' }],
    };
  });
}

export function policyOf(
  rules: Partial<Pick<ResolvedPolicy, 'networkRules' | 'applicationRules'>>,
): ResolvedPolicy {
  return {
    firewallId: 'bench',
    threatIntel: { mode: 'Off', allowedAddresses: [], allowedFqdns: [] },
    natRules: [],
    networkRules: [],
    applicationRules: [],
    infrastructureRules: [],
    bindNetworkFqdns: false,
    dns: { enableProxy: true, servers: [] },
    privateRanges: IANA_PRIVATE_RANGES,
    privateAddress: 0xc0a80004,
    publicIps: [{ name: 'pip', address: 0xcb007101 }],
    ...rules,
  };
}
