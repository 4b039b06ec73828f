// An index finds what the plain walk finds. Random policies in a small world, where rules overlap, touch, share lists and
// leave them empty; a failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseTagPattern } from '#net/fqdn.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { decide, decideWith } from '../decide.ts';
import { decideLinear } from '../decide-linear.ts';
import type { DecisionContext, Flow } from '../decision.ts';
import { application, claim, expect, flow, ip, ips, network, policy, ports } from '../fixture.ts';
import type { AddressSet, ApplicationRule, ApplicationTarget, NatRule, NetworkRule } from '../policy.ts';
import { createIndexedSearch } from './indexed-search.ts';

/** Ends of the number line, both sides of prefixes that contain each other, and neighbours. */
const ADDRESSES = [
  '1.0.0.0',
  '9.255.255.255',
  '10.0.0.0',
  '10.0.0.1',
  '10.0.0.2',
  '10.0.0.3',
  '10.0.255.255',
  '10.1.0.0',
  '10.255.255.255',
  '11.0.0.0',
  '20.1.1.1',
  '93.184.215.14',
  '223.255.255.255',
].map(ip);
const PORTS = [0, 1, 21, 22, 23, 80, 443, 444, 1433, 8443, 65534, 65535];
const NAMES = [
  'a.example.org',
  'b.a.example.org',
  'example.org',
  'badexample.org',
  'c.example.net',
  '.example.org',
  '',
];
const PATTERNS = [
  '*',
  '*.example.org',
  '*example.org',
  '*.a.example.org',
  'a.example.org',
  'c.example.net',
  'b-*.example.net',
];

const address = fc.constantFrom(...ADDRESSES);
const set: fc.Arbitrary<AddressSet> = fc.oneof(
  fc.constantFrom(
    ips('*'),
    ips('10.0.0.0/8'),
    ips('10.0.0.0/16'),
    ips('10.0.0.1'),
    ips('0.0.0.0-9.255.255.255', '11.0.0.0-255.255.255.255'),
    [],
  ),
  fc
    .array(fc.tuple(address, address), { maxLength: 4 })
    .map(pairs => mergeRanges(pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })))),
);
const port = fc.constantFrom(...PORTS);
const portRanges = fc.oneof(
  fc.constant([{ first: 0, last: 65535 }]),
  fc.constant([{ first: 1, last: 65535 }]),
  // Neither sorted nor merged, as people write them.
  fc
    .array(fc.tuple(port, port), { minLength: 1, maxLength: 3 })
    .map(pairs => pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))),
);
const target: fc.Arbitrary<ApplicationTarget> = fc
  .constantFrom(...PATTERNS)
  .map(text => ({ pattern: parseTagPattern(text) ?? assert.fail(text), tag: '' }));
const action = fc.constantFrom('Allow' as const, 'Deny' as const);
const fqdn = fc.constantFrom(...NAMES.slice(0, 4));

/** Rules whose lists come out of one small pool, so that many share the same arrays. */
const rules = fc
  .tuple(
    fc.array(set, { minLength: 1, maxLength: 6 }),
    fc.array(fc.array(target, { maxLength: 10 }), { minLength: 1, maxLength: 4 }),
  )
  .chain(([sets, targets]) => {
    const pooled = fc.constantFrom(...sets);
    const shared = {
      action,
      sources: pooled,
      ref: fc.uuid().map(rule => ({ policy: '', group: '', collection: 'c', rule })),
    };
    const network: fc.Arbitrary<NetworkRule> = fc.record({
      ...shared,
      protocols: fc.uniqueArray(
        fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const, 'Any' as const),
        {
          minLength: 1,
        },
      ),
      destinations: fc.array(pooled, { maxLength: 3 }),
      destinationFqdns: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        fc.uniqueArray(fqdn, { maxLength: 3 }),
      ),
      destinationPorts: portRanges,
    });
    const application: fc.Arbitrary<ApplicationRule> = fc.record(
      {
        ...shared,
        destinations: pooled,
        protocols: fc.array(
          fc.record({ protocol: fc.constantFrom('Http' as const, 'Https' as const, 'Mssql' as const), port }),
          { maxLength: 3 },
        ),
        targets: fc.constantFrom(...targets),
      },
      { requiredKeys: ['ref', 'action', 'sources', 'protocols', 'targets'] },
    );
    const nat: fc.Arbitrary<NatRule> = fc.record(
      {
        ref: shared.ref,
        sources: pooled,
        protocols: fc.uniqueArray(fc.constantFrom('TCP' as const, 'UDP' as const), { minLength: 1 }),
        destinations: fc.oneof(pooled, fc.constant(ips('20.1.1.1'))),
        destinationPorts: portRanges,
        translatedFqdn: fqdn,
        translatedPort: port,
      },
      { requiredKeys: ['ref', 'sources', 'protocols', 'destinations', 'destinationPorts', 'translatedPort'] },
    );
    return fc.record({
      natRules: fc.array(nat, { maxLength: 3 }),
      networkRules: fc.array(network, { maxLength: 12 }),
      applicationRules: fc.array(application, { maxLength: 12 }),
      infrastructureRules: fc.array(application, { maxLength: 2 }),
      bindNetworkFqdns: fc.boolean(),
    });
  });
const anyFlow: fc.Arbitrary<Flow> = fc.record(
  {
    protocol: fc.constantFrom('TCP' as const, 'TCP' as const, 'UDP' as const, 'ICMP' as const, 1, 6, 17, 47),
    source: address,
    destination: address,
    destinationPort: port,
    from: fc.constantFrom('inside' as const, 'inside' as const, 'outside' as const),
    claim: fc.record(
      {
        protocol: fc.constantFrom('Http' as const, 'Https' as const, 'Mssql' as const),
        fqdn: fc.constantFrom(...NAMES, 'b-1.example.net', undefined),
        port,
      },
      { requiredKeys: ['protocol', 'fqdn'] },
    ),
  },
  { requiredKeys: ['protocol', 'source', 'destination', 'destinationPort', 'from'] },
);
/** Names that addresses share, and names that no longer resolve. */
const world = fc.record({
  names: fc.array(fc.tuple(address, fc.uniqueArray(fqdn, { maxLength: 3 })), { maxLength: 6 }),
  unresolved: fc.uniqueArray(fqdn, { maxLength: 2 }),
});

function contextOf({
  names,
  unresolved,
}: {
  names: [number, string[]][];
  unresolved: string[];
}): DecisionContext {
  const known = new Map(names.map(([address, list]) => [address, new Set(list)]));
  return {
    namesOfAddress: address => known.get(address) ?? new Set(),
    resolves: name => !unresolved.includes(name),
  };
}

describe('an index over rules', () => {
  it('finds the last of many rules, and that none of them matches', () => {
    const count = 2500;
    const last = count - 1;
    const networkRules = Array.from({ length: count }, (_, rule) =>
      network(`n${rule}`, {
        sources: ips(rule === last ? '10.0.0.0/8' : `10.${rule % 200}.0.0/16`),
        destinations:
          rule % 7 === 0 && rule !== last ? [] : [ips(`20.${rule % 250}.${Math.floor(rule / 250)}.7`)],
        destinationFqdns: rule % 7 === 0 || rule === last ? [`host-${rule}.example.org`] : [],
        destinationPorts: ports(rule % 2 === 0 ? '1000-2000' : '*'),
      }),
    );
    const applicationRules = Array.from({ length: count }, (_, rule) =>
      application(`a${rule}`, [rule % 2 === 0 ? `host-${rule}.example.org` : `*.zone-${rule}.example.org`], {
        sources: ips(`10.${rule % 200}.0.0/16`),
      }),
    );
    const subject = policy({ networkRules, applicationRules });
    const context = {
      namesOfAddress: (address: number) =>
        new Set(address === ip('30.0.0.1') ? [`host-${last}.example.org`] : []),
    };
    const https = (source: string, name: string) =>
      flow(`tcp ${source} > 30.0.0.2:443`, claim('Https', name));
    const table = [
      [flow('tcp 10.199.0.1 > 30.0.0.1:22'), `Allow forward snat n${last} (RuleMatched)`],
      [flow('tcp 10.199.0.1 > 20.249.9.7:22'), `Allow forward snat n${last} (RuleMatched)`],
      [flow('tcp 10.48.0.1 > 20.248.8.7:1500'), 'Allow forward snat n2248 (RuleMatched)'],
      [flow('tcp 10.199.0.1 > 30.0.0.2:22'), 'Deny - (DefaultAction)'],
      [flow('tcp 11.0.0.1 > 30.0.0.1:22'), 'Deny - (DefaultAction)'],
      [https('10.99.0.1', `x.zone-${last}.example.org`), `Allow proxy a${last} (RuleMatched)`],
      [https('10.98.0.1', `host-${last - 1}.example.org`), `Allow proxy a${last - 1} (RuleMatched)`],
      [https('10.98.0.1', `x.zone-${last}.example.org`), 'Deny - (DefaultAction)'],
      [https('10.99.0.1', `zone-${last}.example.org`), 'Deny - (DefaultAction)'],
    ] as const;
    expect(subject, table, context);
    for (const [asked] of table)
      assert.deepEqual(decide(subject, asked, context), decideLinear(subject, asked, context));
  });

  it('grows with addresses and rules, not with their product', () => {
    const entries = 5000;
    const group = (first: number): AddressSet =>
      Array.from({ length: entries }, (_, entry) => ({ first: first + 2 * entry, last: first + 2 * entry }));
    const [clients, servers] = [group(ip('10.0.0.0')), group(ip('20.0.0.0'))];
    const count = 5000;
    const networkRules = Array.from({ length: count }, (_, rule) =>
      network(`n${rule}`, {
        sources: clients,
        destinations: [servers],
        destinationPorts: ports(`${1000 + rule}`),
      }),
    );
    const before = process.memoryUsage().arrayBuffers;
    expect(policy({ networkRules }), [
      [flow(`tcp 10.0.0.2 > 20.0.0.2:${1000 + count - 1}`), `Allow forward snat n${count - 1} (RuleMatched)`],
      [flow('tcp 10.0.0.2 > 20.0.0.3:1000'), 'Deny - (DefaultAction)'],
    ]);
    const grown = process.memoryUsage().arrayBuffers - before;
    // A bit for each pair of an entry and a rule would be three megabytes for one of the groups.
    assert.ok(grown < 2e6, `the index takes ${grown} bytes`);
  });

  it('finds the rule that a walk through all of them finds', () => {
    fc.assert(
      fc.property(rules, fc.array(anyFlow, { minLength: 10, maxLength: 30 }), world, (some, flows, facts) => {
        const subject = policy(some);
        const search = createIndexedSearch({ worthAnIndex: 0 });
        const context = contextOf(facts);
        for (const asked of flows)
          assert.deepEqual(
            decideWith(search, subject, asked, context),
            decideLinear(subject, asked, context),
          );
      }),
      { numRuns: 1500 },
    );
  });
});
