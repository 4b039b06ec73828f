// Two large policies of the kind people have, for the benchmark: many subnets, a handful of addresses and ports a rule,
// service tags and IP groups of thousands of entries, names; and a second policy with some rules changed. The same every time.

import type { AddressSet, ApplicationRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { ALL_IPV4, IANA_PRIVATE_RANGES, mergeRanges, prefixOf } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';

export interface BenchPolicies {
  readonly rules: number;
  /** One rule in so many differs between the two; 1 makes two policies that share nothing but their addresses. */
  readonly changeEvery: number;
  readonly groupEntries?: number;
}

const COMMON_PORTS = [
  22, 25, 53, 80, 123, 389, 443, 445, 587, 636, 1433, 3306, 3389, 5432, 5671, 8080, 8443, 9092,
];

export function benchPolicies({
  rules,
  changeEvery,
  groupEntries = 5000,
}: BenchPolicies): [ResolvedPolicy, ResolvedPolicy] {
  const random = numbersFrom(42);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const several = <T>(count: number, make: () => T): T[] =>
    Array.from({ length: 1 + Math.floor(random() * count) }, make);
  const subnets = Array.from({ length: 400 }, (_, index) => prefixOf(0x0a000000 + index * 256, 24));
  const groups: AddressSet[] = Array.from({ length: 12 }, () =>
    mergeRanges(
      Array.from({ length: groupEntries }, () => {
        const first = Math.floor(0x0b000000 + random() * 0xc0000000);
        return { first, last: first };
      }),
    ),
  );
  const tags: AddressSet[] = Array.from({ length: 20 }, () =>
    mergeRanges(
      Array.from({ length: 800 }, () => prefixOf(0x14000000 + Math.floor(random() * 0x20000000), 22)),
    ),
  );
  const sources = (): AddressSet => {
    const kind = random();
    if (kind < 0.02) return [ALL_IPV4];
    if (kind < 0.04) return [prefixOf(0x0a000000, 8)];
    if (kind < 0.1) return pick(groups);
    return mergeRanges(several(4, () => pick(subnets)));
  };
  const destinations = (): AddressSet[] => {
    const kind = random();
    if (kind < 0.01) return [[ALL_IPV4]];
    if (kind < 0.2) return [pick(tags)];
    if (kind < 0.3) return [pick(groups)];
    return [
      mergeRanges(
        several(4, () =>
          random() < 0.5
            ? pick(subnets)
            : prefixOf(0x20000000 + Math.floor(random() * 0x40000000), 24 + pick([0, 4, 8])),
        ),
      ),
    ];
  };
  const ports = (): PortRange[] =>
    random() < 0.05
      ? [ALL_PORTS]
      : mergeRanges(
          several(4, () => {
            const first = random() < 0.7 ? pick(COMMON_PORTS) : 1024 + Math.floor(random() * 60000);
            return { first, last: random() < 0.9 ? first : Math.min(65535, first + 100) };
          }),
        );
  const ref = (collection: string, index: number) => ({
    policy: 'bench',
    group: `group-${index % 20}`,
    collection,
    rule: `rule-${index}`,
  });
  const network = (index: number): NetworkRule => {
    const named = random() < 0.1;
    return {
      ref: ref('network', index),
      action: random() < 0.85 ? 'Allow' : 'Deny',
      protocols: [pick(['TCP', 'TCP', 'UDP', 'Any'] as const)],
      sources: sources(),
      destinations: named ? [] : destinations(),
      destinationFqdns: named ? [`host-${index % 150}.example.org`] : [],
      destinationPorts: ports(),
    };
  };
  const application = (index: number): ApplicationRule => ({
    ref: ref('application', index),
    action: random() < 0.9 ? 'Allow' : 'Deny',
    sources: sources(),
    protocols: pick([
      [{ protocol: 'Https', port: 443 }],
      [
        { protocol: 'Http', port: 80 },
        { protocol: 'Https', port: 443 },
      ],
      [{ protocol: 'Https', port: 8443 }],
    ] as const),
    targets: several(4, () => {
      const site = `site-${Math.floor(random() * 1500)}.example.com`;
      return random() < 0.3
        ? { pattern: { kind: 'suffix', suffix: `.${site}` }, tag: '' }
        : { pattern: { kind: 'exact', name: `www.${site}` }, tag: '' };
    }),
  });
  const half = Math.floor(rules / 2);
  const networkRules = Array.from({ length: half }, (_, index) => network(index));
  const applicationRules = Array.from({ length: rules - half }, (_, index) => application(index));
  const changed = <T>(list: readonly T[], make: (index: number) => T): T[] =>
    list.map((rule, index) => (index % changeEvery === changeEvery - 1 ? make(index) : rule));
  const policy = (rest: Pick<ResolvedPolicy, 'networkRules' | 'applicationRules'>): ResolvedPolicy => ({
    firewallId: 'bench',
    threatIntel: { mode: 'Off', allowedAddresses: [], allowedFqdns: [] },
    natRules: [],
    infrastructureRules: [],
    bindNetworkFqdns: false,
    dns: { enableProxy: true, servers: [] },
    privateRanges: IANA_PRIVATE_RANGES,
    privateAddress: 0x0aff0004,
    publicIps: [{ name: 'pip', address: 0x14010101 }],
    ...rest,
  });
  return [
    policy({ networkRules, applicationRules }),
    policy({
      networkRules: changed(networkRules, network),
      applicationRules: changed(applicationRules, application),
    }),
  ];
}

/** Numbers between 0 and 1 that look random (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
