// For tests: random policies and flows in a small world, so that rules overlap, touch, repeat and contradict each other.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Flow } from '#ir/decision.ts';
import type { AddressSet, ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { parseTagPattern } from '#net/fqdn.ts';
import { mergeRanges } from '#net/ipv4.ts';

export const ADDRESSES = [
  0x09ffffff, 0x0a000000, 0x0a000001, 0x0a000002, 0x0a000003, 0x0affffff, 0x0b000000, 0xdfffffff, 0xe0000000,
];
export const PORTS = [1, 53, 80, 443, 444, 65535];
export const NETWORK_NAMES = ['a.example.org', 'b.example.org'];
export const CLAIMED = [
  'a.example.org',
  'b.example.org',
  'example.org',
  'badexample.org',
  'x.a.example.org',
  'other.test',
];
export const PATTERNS = [
  '*',
  '*.example.org',
  '*example.org',
  '*.a.example.org',
  'a.example.org',
  'b.example.org',
];
const OWN = [0x0a000001, 0x0b000000];
const PRIVATE = 0x0a000003;
const EVERYWHERE: AddressSet = [{ first: 0, last: 0xffffffff }];

const address = fc.constantFrom(...ADDRESSES);
const range = fc.tuple(address, address).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const addresses: fc.Arbitrary<AddressSet> = fc.oneof(
  fc.constant(EVERYWHERE),
  fc.array(range, { minLength: 1, maxLength: 2 }).map(mergeRanges),
);
const port = fc.constantFrom(...PORTS);
const ports = fc.oneof(
  fc.constant([{ first: 0, last: 65535 }]),
  fc.tuple(port, port).map(([a, b]) => [{ first: Math.min(a, b), last: Math.max(a, b) }]),
);
const action = fc.constantFrom('Allow' as const, 'Deny' as const);
const ref = fc.constant({ policy: '', group: '', collection: 'c', rule: '' });
const claimProtocol = fc.constantFrom('Http' as const, 'Https' as const);

const networkRule: fc.Arbitrary<NetworkRule> = fc.record({
  ref,
  action,
  protocols: fc.uniqueArray(
    fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const, 'Any' as const),
    {
      minLength: 1,
    },
  ),
  sources: addresses,
  destinations: fc.array(addresses, { maxLength: 1 }),
  destinationFqdns: fc.uniqueArray(fc.constantFrom(...NETWORK_NAMES), { maxLength: 2 }),
  destinationPorts: ports,
});
const applicationRule: fc.Arbitrary<ApplicationRule> = fc
  .record({
    ref,
    action,
    sources: addresses,
    destinations: fc.option(addresses, { nil: undefined }),
    protocols: fc.array(fc.record({ protocol: claimProtocol, port }), { minLength: 1, maxLength: 2 }),
    targets: fc.array(
      fc
        .constantFrom(...PATTERNS)
        .map(text => ({ pattern: parseTagPattern(text) ?? assert.fail(text), tag: '' })),
      { maxLength: 2 },
    ),
  })
  .map(({ destinations, ...rule }) => (destinations ? { ...rule, destinations } : rule));
const natRule: fc.Arbitrary<NatRule> = fc.record({
  ref,
  protocols: fc.uniqueArray(fc.constantFrom('TCP' as const, 'UDP' as const), { minLength: 1 }),
  sources: addresses,
  destinations: fc.constantFrom(...[...OWN, PRIVATE].map(first => [{ first, last: first }])),
  destinationPorts: ports,
  translatedAddress: fc.constantFrom(0x0a000002, 0x0b000000),
  translatedPort: fc.constant(80),
});

/** Rules with names of their own, some of them twice or nearly so. */
function named<T extends NetworkRule | ApplicationRule | NatRule>(
  rules: fc.Arbitrary<T>,
  pass: string,
  maxLength: number,
): fc.Arbitrary<T[]> {
  return fc.array(fc.tuple(rules, fc.nat(9)), { maxLength }).map(list =>
    list.map(([rule, twin], index) => {
      const other = twin < index ? list[twin]?.[0] : undefined;
      const copied = other && 'action' in rule ? { ...other, action: rule.action } : (other ?? rule);
      return { ...copied, ref: { policy: '', group: '', collection: pass, rule: `r${index}` } };
    }),
  );
}

export const randomPolicies: fc.Arbitrary<ResolvedPolicy> = fc.record({
  firewallId: fc.constant('fw'),
  threatIntel: fc.constant({ mode: 'Alert' as const, allowedAddresses: [], allowedFqdns: [] }),
  natRules: named(natRule, 'nat', 3),
  networkRules: named(networkRule, 'network', 5),
  applicationRules: named(applicationRule, 'application', 5),
  infrastructureRules: named(applicationRule, 'infrastructure', 1),
  bindNetworkFqdns: fc.boolean(),
  dns: fc.record({ enableProxy: fc.boolean(), servers: fc.constant([]) }),
  privateRanges: fc.oneof(fc.constant([{ first: 0x0a000000, last: 0x0affffff }]), addresses),
  privateAddress: fc.constantFrom(0, PRIVATE),
  publicIps: fc.subarray(OWN).map(list => list.map(one => ({ name: 'pip', address: one }))),
});

export const randomFlows: fc.Arbitrary<Flow> = fc
  .record({
    protocol: fc.constantFrom<Flow['protocol']>('TCP', 'TCP', 'TCP', 'UDP', 'ICMP', 47),
    source: address,
    destination: address,
    destinationPort: fc.constantFrom(...PORTS, 2, 81),
    from: fc.constantFrom('inside' as const, 'inside' as const, 'outside' as const),
    claim: fc.option(
      fc.record({
        protocol: claimProtocol,
        fqdn: fc.option(fc.constantFrom(...CLAIMED), { nil: undefined, freq: 8 }),
      }),
      { nil: undefined, freq: 6 },
    ),
  })
  .map(({ claim, ...flow }) => (claim ? { ...flow, claim } : flow));
