// On random policies, a flow that two policies decide differently is in exactly one entry of their diff, and in the right
// one; a flow that they decide alike is in none. A failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { randomFlows, randomRules, randomSettings, type World } from '#ir/random-policies.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { countAddresses } from '#net/ipv4.ts';
import { diffPolicies, type PolicyDiff } from './diff.ts';
import { actionOf, isInEntry, ruleOf, textOfDecision } from './testing.ts';

// A small world at the edges of private space, so that rules overlap, touch and meet every zone.
const ADDRESSES = [
  0, 0x09ffffff, 0x0a000000, 0x0a000001, 0x0a000002, 0x0a000003, 0x0a000004, 0x0affffff, 0x0b000000,
  0x64400000, 0xa83f8110, 0xdfffffff, 0xe0000000, 0xffffffff,
];
const PORTS = [1, 52, 53, 80, 443, 444, 1433, 65535];
const NETWORK_NAMES = ['a.example.org', 'b.example.org', 'c.example.net'];
const CLAIMED = [
  'a.example.org',
  'b.example.org',
  'example.org',
  'badexample.org',
  'x.a.example.org',
  'c.example.net',
  'gr-prod-1.example.net',
  'gr-prod-.example.net',
  'gr-1.example.net',
  'gr-prod-1.b.example.net',
  'gr-prod.example.net',
  'other.test',
];
const PATTERNS = [
  '*',
  '*.example.org',
  '*example.org',
  '*.a.example.org',
  'a.example.org',
  'b.example.org',
  'example.org',
  '*.example.net',
  '*.b.example.net',
  'gr-prod-*.example.net',
  'gr-*.net',
  'gr-prod*d.example.net',
  'gr-prod.example.net',
];
const OWN = [0x0a000001, 0x0b000000];
const PRIVATE = 0x0a000003;

const address = fc.constantFrom(...ADDRESSES);
const port = fc.constantFrom(...PORTS);
const claimProtocols = ['Http', 'Https', 'Mssql'] as const;
const world: World = {
  ref: fc
    .constantFrom('r1', 'r2', 'r3', 'r4', 'r5')
    .map(rule => ({ policy: '', group: '', collection: 'c', rule })),
  address,
  port,
  addressParts: { maxLength: 3 },
  portParts: { minLength: 1, maxLength: 2 },
  mostDestinations: 2,
  networkNames: NETWORK_NAMES,
  patterns: PATTERNS,
  targets: { minLength: 1, maxLength: 5 },
  claimProtocols,
  own: OWN,
  privateAddress: PRIVATE,
  natAddresses: [...OWN, PRIVATE],
  translated: { address, port },
};
const rules = randomRules(world);
const policies: fc.Arbitrary<ResolvedPolicy> = fc.record({
  ...randomSettings(world),
  natRules: fc.array(rules.nat, { maxLength: 2 }),
  networkRules: fc.array(rules.network, { maxLength: 5 }),
  applicationRules: fc.array(rules.application, { maxLength: 4 }),
  infrastructureRules: fc.array(rules.application, { maxLength: 1 }),
});

/** Rules of one list, and of another that keeps most of them: taken out, moved, put in, renamed. */
const edits = <T>(rules: fc.Arbitrary<T>) =>
  fc.array(fc.tuple(fc.constantFrom('out', 'swap', 'in', 'replace'), fc.nat(6), rules), { maxLength: 2 });
function edit<T>(rules: readonly T[], changes: readonly (readonly [string, number, T])[]): T[] {
  const edited = [...rules];
  for (const [change, at, rule] of changes) {
    const index = edited.length === 0 ? 0 : at % edited.length;
    if (change === 'in') edited.splice(index, 0, rule);
    else if (edited.length === 0) continue;
    else if (change === 'out') edited.splice(index, 1);
    else if (change === 'replace') edited[index] = rule;
    else edited.push(...edited.splice(index, 1));
  }
  return edited;
}
const pairs: fc.Arbitrary<readonly [ResolvedPolicy, ResolvedPolicy]> = fc.oneof(
  fc.tuple(policies, policies),
  fc
    .tuple(policies, edits(rules.nat), edits(rules.network), edits(rules.application))
    .map(([policy, nat, network, application]): readonly [ResolvedPolicy, ResolvedPolicy] => [
      policy,
      {
        ...policy,
        natRules: edit(policy.natRules, nat),
        networkRules: edit(policy.networkRules, network),
        applicationRules: edit(policy.applicationRules, application),
      },
    ]),
);

const claimedName = fc.option(fc.constantFrom(...CLAIMED), { nil: undefined, freq: 8 });
const claimProtocol = fc.constantFrom(...claimProtocols);
const flows = randomFlows({
  address,
  port: fc.constantFrom(...PORTS, 0, 2, 81, 445),
  claim: fc.oneof(
    { weight: 5, arbitrary: fc.record({ protocol: claimProtocol, fqdn: claimedName }) },
    // A Host header can name a port too.
    fc.record({ protocol: fc.constant('Http' as const), fqdn: claimedName, port }),
  ),
});
const asked = fc.tuple(flows, fc.subarray(NETWORK_NAMES));

function check(
  [a, b]: readonly [ResolvedPolicy, ResolvedPolicy],
  diff: PolicyDiff,
  flow: Flow,
  names: readonly string[],
): void {
  const withSnat = JSON.stringify(a.privateRanges) !== JSON.stringify(b.privateRanges);
  const say = (policy: ResolvedPolicy, known: readonly string[]) => {
    const decided = decide(policy, flow, { namesOfAddress: () => new Set(known) });
    // A bound rule waits for a name; a client that never says one is denied by that rule.
    const final =
      decided.action === 'Pending'
        ? decide(
            policy,
            { ...flow, claim: { protocol: 'Https', fqdn: undefined } },
            { namesOfAddress: () => new Set(known) },
          )
        : decided;
    return textOfDecision(final, withSnat);
  };
  const oldNames = new Map(
    diff.renamed.map(({ before, after }) => [formatRuleRef(after), formatRuleRef(before)]),
  );
  const asBefore = (text: string) => {
    const [action = '', rule = '', ...path] = text.split(' ');
    return [action, oldNames.get(rule) ?? rule, ...path].join(' ');
  };
  const verdicts = (known: readonly string[]) => [say(a, known), say(b, known)] as const;
  const [before, after] = verdicts(names);
  // Of several names each policy goes by one, so two of them, or one, decide as all do.
  const deciding = [
    ...names.map(name => [name]),
    ...names.flatMap((name, index) => names.slice(index + 1).map(other => [name, other])),
  ].filter(some => verdicts(some).join() === [before, after].join());
  const candidates = names.length === 0 ? [[]] : deciding;
  assert.ok(candidates.length > 0, 'two names decide');
  const holding = candidates.map(some => diff.entries.filter(entry => isInEntry(entry, flow, some)));
  for (const entries of holding) assert.ok(entries.length < 2, 'entries that have a flow in common');
  const entries = new Set(holding.flat());
  if (before === asBefore(after)) {
    // Two names that disagree in both policies can agree together; then the entries of either name alone hold it.
    if (candidates.every(some => some.length < 2))
      assert.equal(entries.size, 0, 'decided alike, and in an entry');
    return;
  }
  // Of two names that decide alike, each may be in an entry of its own.
  assert.ok(entries.size > 0, `in no entry: ${before} > ${after}`);
  for (const entry of entries) {
    const kind =
      actionOf(before) === actionOf(after)
        ? 'Changed'
        : actionOf(after) === 'Allow'
          ? 'NewlyAllowed'
          : 'NewlyDenied';
    assert.equal(entry.kind, kind);
    assert.ok(before.startsWith(ruleOf(entry.before)), `${before} is not ${ruleOf(entry.before)}`);
    assert.ok(
      asBefore(after).startsWith(asBefore(ruleOf(entry.after))),
      `${after} is not ${ruleOf(entry.after)}`,
    );
  }
}

describe('a diff holds exactly the flows that are decided differently', () => {
  const seed = Number(process.env.POSTERN_SEED ?? Date.now() | 0);

  it('on random policies and flows', context => {
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(pairs, fc.array(asked, { minLength: 30, maxLength: 60 }), (both, questions) => {
        const diff = diffPolicies(...both);
        assert.deepEqual(diff.unfinished, []);
        for (const { sources, destinations, services, claimedNames, sourceCount } of diff.entries) {
          assert.ok(sources.length > 0 && destinations.length > 0 && services.length > 0, 'an empty entry');
          assert.notDeepEqual(claimedNames, []);
          assert.equal(sourceCount, countAddresses(sources));
        }
        for (const [flow, names] of questions) check(both, diff, flow, names);
      }),
      { seed, numRuns: 600 },
    );
  });
});
