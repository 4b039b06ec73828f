// For tests: random rules, settings and flows out of the few addresses, ports and names of a small world, so that rules overlap,
// touch and repeat, and flows meet them. Each test brings a world of its own.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RuleRef } from '#model/rule-ref.ts';
import { parseTagPattern } from '#net/fqdn.ts';
import { ALL_IPV4, mergeRanges } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import type { Claim, Flow } from './decision.ts';
import type {
  AddressSet,
  ApplicationProtocol,
  ApplicationRule,
  NatRule,
  NetworkRule,
  ResolvedPolicy,
} from './policy.ts';

export interface World {
  readonly ref: fc.Arbitrary<RuleRef>;
  readonly address: fc.Arbitrary<number>;
  readonly port: fc.Arbitrary<number>;
  /** Of the parts of one list; lists of addresses and of ports may also be everything. */
  readonly addressParts: fc.ArrayConstraints;
  readonly portParts: fc.ArrayConstraints;
  readonly mostDestinations: number;
  readonly networkNames: readonly string[];
  readonly patterns: readonly string[];
  readonly targets: fc.ArrayConstraints;
  readonly claimProtocols: readonly ApplicationProtocol[];
  /** The public addresses of the firewall, and its private one. */
  readonly own: readonly number[];
  readonly privateAddress: number;
  /** Where NAT rules stand. */
  readonly natAddresses: readonly number[];
  readonly translated: { readonly address: fc.Arbitrary<number>; readonly port: fc.Arbitrary<number> };
}

function rangesBetween(ends: fc.Arbitrary<number>): fc.Arbitrary<PortRange> {
  return fc.tuple(ends, ends).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
}

export function addressSets({ address, addressParts }: World): fc.Arbitrary<AddressSet> {
  return fc.oneof(fc.constant([ALL_IPV4]), fc.array(rangesBetween(address), addressParts).map(mergeRanges));
}

export function randomRules(world: World): {
  readonly network: fc.Arbitrary<NetworkRule>;
  readonly application: fc.Arbitrary<ApplicationRule>;
  readonly nat: fc.Arbitrary<NatRule>;
} {
  const { ref, port } = world;
  const addresses = addressSets(world);
  const ports = fc.oneof(fc.constant([ALL_PORTS]), fc.array(rangesBetween(port), world.portParts));
  const action = fc.constantFrom('Allow' as const, 'Deny' as const);
  const target = fc
    .constantFrom(...world.patterns)
    .map(text => ({ pattern: parseTagPattern(text) ?? assert.fail(text), tag: '' }));
  return {
    network: fc.record({
      ref,
      action,
      protocols: fc.uniqueArray(
        fc.constantFrom<NetworkRule['protocols'][number]>('TCP', 'UDP', 'ICMP', 'Any'),
        {
          minLength: 1,
        },
      ),
      sources: addresses,
      destinations: fc.array(addresses, { maxLength: world.mostDestinations }),
      destinationFqdns: fc.uniqueArray(fc.constantFrom(...world.networkNames), { maxLength: 2 }),
      destinationPorts: ports,
    }),
    application: fc
      .record({
        ref,
        action,
        sources: addresses,
        destinations: fc.option(addresses, { nil: undefined }),
        protocols: fc.array(fc.record({ protocol: fc.constantFrom(...world.claimProtocols), port }), {
          minLength: 1,
          maxLength: 2,
        }),
        targets: fc.array(target, world.targets),
      })
      .map(({ destinations, ...rule }) => (destinations ? { ...rule, destinations } : rule)),
    nat: fc.record({
      ref,
      protocols: fc.uniqueArray(fc.constantFrom<NatRule['protocols'][number]>('TCP', 'UDP'), {
        minLength: 1,
      }),
      sources: addresses,
      destinations: fc.constantFrom(...world.natAddresses.map(first => [{ first, last: first }])),
      destinationPorts: ports,
      translatedAddress: world.translated.address,
      translatedPort: world.translated.port,
    }),
  };
}

type Rules = 'natRules' | 'networkRules' | 'applicationRules' | 'infrastructureRules' | 'skippedRules';

/** All of a policy but its rules, for `fc.record`. */
export function randomSettings(world: World): {
  readonly [Setting in Exclude<keyof ResolvedPolicy, Rules>]-?: fc.Arbitrary<ResolvedPolicy[Setting]>;
} {
  return {
    firewallId: fc.constant('fw'),
    threatIntel: fc.constant({ mode: 'Alert', allowedAddresses: [], allowedFqdns: [] }),
    bindNetworkFqdns: fc.boolean(),
    dns: fc.record({ enableProxy: fc.boolean(), servers: fc.constant([]) }),
    privateRanges: fc.oneof(fc.constant([{ first: 0x0a000000, last: 0x0affffff }]), addressSets(world)),
    privateAddress: fc.constantFrom(0, world.privateAddress),
    publicIps: fc.subarray([...world.own]).map(list => list.map(address => ({ name: 'pip', address }))),
  };
}

export function randomFlows(parts: {
  readonly address: fc.Arbitrary<number>;
  readonly destination?: fc.Arbitrary<number>;
  readonly port: fc.Arbitrary<number>;
  readonly claim: fc.Arbitrary<Claim>;
}): fc.Arbitrary<Flow> {
  return fc
    .record({
      protocol: fc.constantFrom<Flow['protocol']>('TCP', 'TCP', 'TCP', 'UDP', 'ICMP', 47),
      source: parts.address,
      destination: parts.destination ?? parts.address,
      destinationPort: parts.port,
      from: fc.constantFrom<Flow['from']>('inside', 'inside', 'outside'),
      claim: fc.option(parts.claim, { nil: undefined, freq: 6 }),
    })
    .map(({ claim, ...flow }) => (claim ? { ...flow, claim } : flow));
}
