// For tests: the small world of lint, where rules also stand twice and contradict each other.

import fc from 'fast-check';
import type { Flow } from '#ir/decision.ts';
import type { ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { randomFlows, randomRules, randomSettings, type World } from '#ir/random-policies.ts';

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
const address = fc.constantFrom(...ADDRESSES);
const claimProtocols = ['Http', 'Https'] as const;
const world: World = {
  ref: fc.constant({ policy: '', group: '', collection: 'c', rule: '' }),
  address,
  port: fc.constantFrom(...PORTS),
  addressParts: { minLength: 1, maxLength: 2 },
  portParts: { minLength: 1, maxLength: 1 },
  mostDestinations: 1,
  networkNames: NETWORK_NAMES,
  patterns: PATTERNS,
  targets: { maxLength: 2 },
  claimProtocols,
  own: OWN,
  privateAddress: PRIVATE,
  natAddresses: [...OWN, PRIVATE],
  translated: { address: fc.constantFrom(0x0a000002, 0x0b000000), port: fc.constant(80) },
};
const { network, application, nat } = randomRules(world);

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

export const policies: fc.Arbitrary<ResolvedPolicy> = fc.record({
  ...randomSettings(world),
  natRules: named(nat, 'nat', 3),
  networkRules: named(network, 'network', 5),
  applicationRules: named(application, 'application', 5),
  infrastructureRules: named(application, 'infrastructure', 1),
});

export const flows: fc.Arbitrary<Flow> = randomFlows({
  address,
  port: fc.constantFrom(...PORTS, 2, 81),
  claim: fc.record({
    protocol: fc.constantFrom(...claimProtocols),
    fqdn: fc.option(fc.constantFrom(...CLAIMED), { nil: undefined, freq: 8 }),
  }),
});
