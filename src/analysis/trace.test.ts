// A trace says why: every rule up to the one that decides, each with what keeps it from matching, in agreement with `decide`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Claim, Flow, IpProtocol } from '#ir/decision.ts';
import { application, ip, ips, nat, network, policy, ports } from '#ir/fixture.ts';
import { matchesApplicationRule, matchesNatRule, matchesNetworkRule } from '#ir/matches.ts';
import type { NetworkRule, ResolvedPolicy, SkipCause, SkippedRule } from '#ir/policy.ts';
import { missesOfApplicationRule, missesOfNatRule, missesOfNetworkRule } from './misses.ts';
import { nearestRules, trace } from './trace.ts';

const names = (address: number): ReadonlySet<string> =>
  new Set(address === ip('192.0.2.2') ? ['a.example.org'] : []);

const sets = fc.constantFrom(ips('*'), ips('10.0.0.0/8'), ips('192.0.2.2'), ips('10.0.0.1-10.0.0.2'), []);
const portLists = fc.constantFrom(ports('*'), ports('443'), ports('80', '8000-8100'));
const actions = fc.constantFrom('Allow' as const, 'Deny' as const);
const networkRules = fc.record({
  action: actions,
  protocols: fc.subarray(['TCP', 'UDP', 'ICMP', 'Any'] as const, { minLength: 1 }),
  sources: sets,
  destinations: fc.array(sets, { maxLength: 2 }),
  destinationFqdns: fc.constantFrom([], ['a.example.org'], ['b.example.org']),
  destinationPorts: portLists,
});
const natRules = fc.record({ sources: sets, destinations: sets, destinationPorts: portLists });
const applicationRules = fc.record({
  action: actions,
  sources: sets,
  fqdns: fc.constantFrom(['*'], ['*.example.org'], ['b.example.org', 'c.example.org']),
  protocols: fc.constantFrom(
    [{ protocol: 'Https' as const, port: 443 }],
    [
      { protocol: 'Http' as const, port: 80 },
      { protocol: 'Https' as const, port: 8080 },
    ],
  ),
});
const policies: fc.Arbitrary<ResolvedPolicy> = fc
  .record({
    bindNetworkFqdns: fc.boolean(),
    nats: fc.array(natRules, { maxLength: 2 }),
    networks: fc.array(networkRules, { maxLength: 4 }),
    applications: fc.array(applicationRules, { maxLength: 4 }),
  })
  .map(({ nats, networks, applications, bindNetworkFqdns }) =>
    policy({
      bindNetworkFqdns,
      natRules: nats.map((rest, index) => nat(`nat${index}`, rest)),
      networkRules: networks.map((rest, index) => network(`net${index}`, rest)),
      applicationRules: applications.map(({ fqdns, ...rest }, index) =>
        application(`app${index}`, [...fqdns], rest),
      ),
    }),
  );
const flows: fc.Arbitrary<Flow> = fc
  .record({
    protocol: fc.constantFrom<IpProtocol>('TCP', 'TCP', 'UDP', 'ICMP', 47, 6),
    source: fc.constantFrom('10.0.0.1', '10.1.0.1', '198.51.100.1').map(ip),
    destination: fc.constantFrom('192.0.2.2', '10.0.0.2', '192.0.2.3', '127.0.0.1', '20.0.0.1').map(ip),
    port: fc.constantFrom(443, 80, 8080, 22),
    from: fc.constantFrom('inside' as const, 'inside' as const, 'outside' as const),
    claim: fc.option(
      fc.record({
        protocol: fc.constantFrom<Claim['protocol']>('Https', 'Http'),
        fqdn: fc.constantFrom('a.example.org', 'b.example.org', undefined),
      }),
      { nil: undefined },
    ),
  })
  .map(({ port, claim, protocol, ...rest }) => ({
    ...rest,
    protocol,
    destinationPort: typeof protocol === 'number' && protocol !== 6 ? 0 : protocol === 'ICMP' ? 0 : port,
    ...(claim && { claim }),
  }));

test('a trace ends at the rule that decides, and no rule before it has nothing against it', () => {
  fc.assert(
    fc.property(policies, flows, (asked, flow) => {
      const context = { namesOfAddress: names };
      const traced = trace(asked, flow, context);
      assert.deepEqual(traced.decision, decide(asked, flow, context));
      const matching = traced.steps.filter(({ misses }) => misses.length === 0).map(({ rule }) => rule);
      const { decision } = traced;
      // A rule that the client's name is bound to has nothing against the flow and waits for the name.
      if (decision.action === 'Pending')
        return assert.ok(matching.length <= (asked.bindNetworkFqdns ? 1 : 0));
      const decided = decision.rule === null ? [] : [decision.rule];
      assert.deepEqual(matching, decided);
      if (decided.length > 0) assert.deepEqual(traced.steps.at(-1)?.rule, decided[0]);
    }),
    { numRuns: 3000 },
  );
});

test('a rule has nothing against a flow exactly when it matches it', () => {
  fc.assert(
    fc.property(policies, flows, (asked, given) => {
      const flow: Flow = { ...given, protocol: given.protocol === 6 ? 'TCP' : given.protocol };
      const context = { namesOfAddress: names };
      for (const rule of asked.natRules)
        assert.equal(missesOfNatRule(rule, flow, context).length === 0, matchesNatRule(rule, flow, context));
      for (const rule of asked.networkRules)
        assert.equal(
          missesOfNetworkRule(rule, flow, names).length === 0,
          matchesNetworkRule(rule, flow, names),
        );
      const { source, destination, destinationPort: port, claim } = flow;
      if (!claim?.fqdn) return;
      const query = { source, destination, port, claim };
      for (const rule of asked.applicationRules)
        assert.equal(
          missesOfApplicationRule(rule, flow, query).length === 0,
          matchesApplicationRule(rule, query, claim.fqdn),
        );
    }),
    { numRuns: 2000 },
  );
});

const asked: Flow = {
  protocol: 'UDP',
  source: ip('10.42.1.5'),
  destination: ip('192.0.2.9'),
  destinationPort: 53,
  from: 'inside',
};

const WORDS: readonly (readonly [string, Parameters<typeof network>[1], string])[] = [
  ['protocol', { protocols: ['TCP', 'ICMP'] }, 'UDP is not TCP, ICMP'],
  [
    'port',
    { protocols: ['UDP'], destinationPorts: ports('123', '500-502') },
    'port 53 is not in 123, 500-502',
  ],
  ['source', { protocols: ['Any'], sources: ips('10.43.0.0/16') }, 'source 10.42.1.5 is not in 10.43.0.0/16'],
  [
    'source',
    { protocols: ['UDP'], sources: ips('1.0.0.1', '1.0.0.3', '1.0.0.5', '1.0.0.7', '1.0.0.9', '1.0.0.11') },
    'source 10.42.1.5 is not in 1.0.0.1, 1.0.0.3, 1.0.0.5, 1.0.0.7 and 2 more',
  ],
  ['source', { protocols: ['UDP'], sources: [] }, 'its sources are empty, so it matches nothing'],
  [
    'destination',
    { protocols: ['UDP'], destinations: [ips('10.0.0.0/8')], destinationFqdns: ['a.example.org'] },
    'destination 192.0.2.9 is not in 10.0.0.0/8 and is no address of a.example.org',
  ],
];

for (const [field, rest, text] of WORDS)
  test(`in words: ${text}`, () => {
    const [miss] = missesOfNetworkRule(network('r', rest), asked, names);
    assert.deepEqual(miss, { field, text });
  });

test('Any with ports is said to mean TCP and UDP only', () => {
  const rule = network('r', { protocols: ['Any'], destinationPorts: ports('53') });
  const [miss] = missesOfNetworkRule(rule, { ...asked, protocol: 'ICMP', destinationPort: 0 }, names);
  assert.equal(miss?.text, 'ICMP is not covered by Any, which with ports (53) means TCP and UDP only');
});

test('the nearest rules are those with the fewest fields that do not match, in order', () => {
  const rules = policy({
    networkRules: [
      network('far', { sources: ips('10.9.0.0/16') }),
      network('near', { protocols: ['UDP'], destinationPorts: ports('123') }),
      network('as near', { protocols: ['UDP'], sources: ips('10.9.0.0/16') }),
      network('denies', { action: 'Deny', protocols: ['UDP'], destinationPorts: ports('54') }),
    ],
  });
  const nearest = nearestRules(rules, asked, { namesOfAddress: names }, ({ action }) => action === 'Allow');
  assert.deepEqual(
    nearest.map(({ rule }) => rule.rule),
    ['near', 'as near'],
  );
});

describe('rules that are skipped', () => {
  const GROUP = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/nodes';
  const cause = (field: SkipCause['field'], rest: Partial<SkipCause> = {}): SkipCause => ({
    ...{ field, ipGroups: [GROUP], tags: [], ...rest },
  });
  const skipped = (position: number, rest: Partial<NetworkRule> = {}): SkippedRule => ({
    pass: 'network',
    position,
    causes: [cause('source')],
    rule: network('skipped', { protocols: ['UDP'], sources: [], ...rest }),
  });
  const other = network('other', { protocols: ['UDP'], destinationPorts: ports('123') });
  const told = (rules: Partial<ResolvedPolicy>, question = asked) =>
    trace(policy(rules), question, { namesOfAddress: names }).steps.map(
      ({ rule, misses }) => `${rule.rule}: ${misses.map(({ text }) => text).join(', ')}`,
    );

  test('are told in their place', () => {
    const found = told({ networkRules: [other, other], skippedRules: [skipped(1), skipped(2)] });
    assert.deepEqual(found, [
      'other: port 53 is not in 123',
      'skipped: skipped: IP group nodes is empty',
      'other: port 53 is not in 123',
      'skipped: skipped: IP group nodes is empty',
    ]);
  });

  test('but not behind the rule that decides', () => {
    const decides = network('decides', { protocols: ['UDP'] });
    assert.deepEqual(told({ networkRules: [decides], skippedRules: [skipped(0), skipped(1)] }), [
      'skipped: skipped: IP group nodes is empty',
      'decides: ',
    ]);
  });

  test('with what else would keep them from matching', () => {
    const [found] = told({ skippedRules: [skipped(0, { destinationPorts: ports('123') })] });
    assert.equal(found, 'skipped: skipped: IP group nodes is empty, port 53 is not in 123');
  });

  test('with everything that is empty', () => {
    const rule = network('skipped', { protocols: ['UDP'], sources: [], destinations: [] });
    const pods = GROUP.replace('nodes', 'pods');
    const causes = (...list: SkipCause[]): string | undefined => {
      const [first, ...others] = list;
      assert.ok(first);
      return told({ skippedRules: [{ pass: 'network', position: 0, causes: [first, ...others], rule }] })[0];
    };
    assert.equal(
      causes(cause('source'), cause('destination', { ipGroups: [GROUP, pods] })),
      'skipped: skipped: IP groups nodes and pods are empty',
    );
    assert.equal(
      causes(cause('source'), cause('destination', { ipGroups: [], tags: ['Storage.Nowhere'] })),
      'skipped: skipped: IP group nodes is empty, tag Storage.Nowhere stands for nothing',
    );
  });

  test('also those whose port nobody else names, where no name is read', () => {
    const rule = application('skipped', ['*'], {
      sources: [],
      protocols: [{ protocol: 'Https', port: 8443 }],
    });
    const skippedRules = [{ pass: 'application', position: 0, causes: [cause('source')], rule }] as const;
    const tcp = { ...asked, protocol: 'TCP', destinationPort: 8443 } as const;
    const { steps, notes } = trace(policy({ skippedRules }), tcp, { namesOfAddress: names });
    assert.deepEqual(
      steps.map(({ misses }) => misses[0]?.text),
      ['skipped: IP group nodes is empty'],
    );
    assert.deepEqual(notes, ['All application rules that name this port are skipped.']);
    const elsewhere = trace(
      policy({ skippedRules }),
      { ...tcp, destinationPort: 22 },
      { namesOfAddress: names },
    );
    assert.deepEqual(elsewhere.steps, []);
  });

  test('are nearest where nothing but what is empty keeps them from matching', () => {
    const nearest = (rest: Partial<NetworkRule>) =>
      nearestRules(
        policy({ networkRules: [other], skippedRules: [skipped(1, rest)] }),
        asked,
        { namesOfAddress: names },
        ({ action }) => action === 'Allow',
      ).map(({ rule }) => rule.rule);
    assert.deepEqual(nearest({}), ['skipped']);
    assert.deepEqual(nearest({ destinations: [ips('10.0.0.1')] }), ['other']);
  });
});
