// On random policies and flows, a program says what `decide` says. A failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import type { AddressSet, ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { formatProgram, parseProgram } from '#ir/program-text.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { compile } from './compile.ts';
import { runProgram } from './testing.ts';

describe('a program says what decide says', () => {
  // A small world, so that rules overlap and flows hit them.
  const address = fc.integer({ min: 0x0a000000, max: 0x0a00001f });
  const range = fc.tuple(address, address).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  const addresses: fc.Arbitrary<AddressSet> = fc.oneof(
    fc.constant([{ first: 0, last: 0xffffffff }]),
    fc.array(range, { maxLength: 3 }).map(mergeRanges),
  );
  const port = fc.constantFrom(22, 53, 80, 443, 8443);
  const portRanges = fc.oneof(
    fc.constant([{ first: 0, last: 65535 }]),
    fc.array(
      fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
      { minLength: 1, maxLength: 2 },
    ),
  );
  const name = fc.constantFrom('a.example.org', 'b.example.org', 'example.org', 'c.example.net');
  const action = fc.constantFrom('Allow' as const, 'Deny' as const);
  const ref = fc.uuid().map(rule => ({ policy: '', group: '', collection: 'c', rule }));
  const networkRule: fc.Arbitrary<NetworkRule> = fc.record({
    ref,
    action,
    protocols: fc.uniqueArray(
      fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const, 'Any' as const),
      { minLength: 1 },
    ),
    sources: addresses,
    destinations: fc.array(addresses, { maxLength: 3 }),
    destinationFqdns: fc.uniqueArray(name, { maxLength: 2 }),
    destinationPorts: portRanges,
  });
  const applicationProtocol = fc.constantFrom('Http' as const, 'Https' as const, 'Mssql' as const);
  const ofApplication = {
    ref,
    sources: addresses,
    protocols: fc.array(fc.record({ protocol: applicationProtocol, port }), { minLength: 1, maxLength: 2 }),
    targets: fc.array(
      fc
        .constantFrom('*', '*.example.org', '*example.org', 'a.example.org', 'c.example.net')
        .map(text => ({ pattern: parseFqdnPattern(text) ?? assert.fail(text), tag: '' })),
      { minLength: 1, maxLength: 12 },
    ),
  };
  const applicationRule: fc.Arbitrary<ApplicationRule> = fc
    .record({ ...ofApplication, action, destinations: fc.option(addresses, { nil: undefined }) })
    .map(({ destinations, ...rule }) => (destinations ? { ...rule, destinations } : rule));
  const infrastructureRule: fc.Arbitrary<ApplicationRule> = fc.record({
    ...ofApplication,
    action: fc.constant('Allow' as const),
  });
  const PRIVATE = 0x0a000003;
  const own = [0x0a000001, 0x0a000002];
  const natRule: fc.Arbitrary<NatRule> = fc.record({
    ref,
    protocols: fc.uniqueArray(fc.constantFrom('TCP' as const, 'UDP' as const), { minLength: 1 }),
    sources: addresses,
    destinations: fc.constantFrom(...own.map(first => [{ first, last: first }])),
    destinationPorts: portRanges,
    translatedAddress: address,
    translatedPort: port,
  });
  const policies: fc.Arbitrary<ResolvedPolicy> = fc.record({
    firewallId: fc.constant('fw'),
    threatIntel: fc.constant({ mode: 'Off' as const, allowedAddresses: [], allowedFqdns: [] }),
    natRules: fc.array(natRule, { maxLength: 3 }),
    networkRules: fc.array(networkRule, { maxLength: 6 }),
    applicationRules: fc.array(applicationRule, { maxLength: 4 }),
    infrastructureRules: fc.array(infrastructureRule, { maxLength: 1 }),
    bindNetworkFqdns: fc.boolean(),
    dns: fc.record({ enableProxy: fc.boolean(), servers: fc.constant([]) }),
    privateRanges: addresses,
    privateAddress: fc.constant(PRIVATE),
    publicIps: fc.constant(own.map(one => ({ name: 'pip', address: one }))),
  });
  const flows: fc.Arbitrary<Flow> = fc
    .record({
      protocol: fc.constantFrom<Flow['protocol']>('TCP', 'TCP', 'TCP', 'UDP', 'ICMP', 47),
      source: address,
      destination: fc.oneof(address, fc.constantFrom(...own, PRIVATE)),
      destinationPort: port,
      from: fc.constantFrom('inside' as const, 'inside' as const, 'outside' as const),
      claim: fc.option(
        fc.record({
          protocol: applicationProtocol,
          fqdn: fc.option(name, { nil: undefined }),
        }),
        { nil: undefined },
      ),
    })
    .map(({ claim, ...flow }) => (claim ? { ...flow, claim } : flow));
  const known = fc.array(fc.tuple(address, fc.uniqueArray(name, { maxLength: 2 })), { maxLength: 8 });

  it('on random policies and flows', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(
        policies,
        fc.array(flows, { minLength: 1, maxLength: 20 }),
        known,
        (policy, asked, resolved) => {
          const table = new Map(resolved.map(([at, names]) => [at, new Set(names)]));
          const namesOfAddress = (at: number) => table.get(at) ?? new Set<string>();
          const program = parseProgram(formatProgram(compile(policy)));
          for (const flow of asked)
            assert.deepEqual(
              runProgram(program, flow, namesOfAddress),
              decide(policy, flow, { namesOfAddress }),
            );
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});
