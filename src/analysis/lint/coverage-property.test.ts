// On random policies, a rule that is said never to decide decides no flow, and without the rules that are said to be
// superfluous, one alone or all together, every flow is treated as before. A failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Decision, Flow } from '#ir/decision.ts';
import { application, network, policy } from '#ir/fixture.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { examineCoverage } from './coverage.ts';
import { flows, NETWORK_NAMES, policies } from './small-world.ts';

const asked = fc.array(fc.tuple(flows, fc.subarray(NETWORK_NAMES)), { minLength: 60, maxLength: 60 });

/** Action and path; a client that has not said its name yet is denied if it never does. */
function treatment(decision: Decision): string {
  if (decision.action !== 'Allow') return 'Deny';
  return decision.path === 'nat'
    ? `nat ${decision.translatedAddress}:${decision.translatedPort}`
    : decision.path;
}

function without(policy: ResolvedPolicy, refs: readonly RuleRef[]): ResolvedPolicy {
  const gone = new Set(refs);
  return {
    ...policy,
    natRules: policy.natRules.filter(({ ref }) => !gone.has(ref)),
    networkRules: policy.networkRules.filter(({ ref }) => !gone.has(ref)),
    applicationRules: policy.applicationRules.filter(({ ref }) => !gone.has(ref)),
  };
}

const ask = (policy: ResolvedPolicy, flow: Flow, names: readonly string[]) =>
  decide(policy, flow, { namesOfAddress: () => new Set(names) });

test('rules said never to decide do not, and superfluous ones can go', () => {
  const seen = { never: 0, removable: 0, decides: 0 };
  fc.assert(
    fc.property(policies, asked, (policy, questions) => {
      const verdicts = examineCoverage(policy);
      const silent = new Set(
        verdicts.flatMap(({ rule, reach }) => (reach === 'Never' || reach === 'HoldsNothing' ? [rule] : [])),
      );
      const removable = verdicts.flatMap(verdict => (verdict.removable ? [verdict.rule] : []));
      seen.never += silent.size;
      seen.removable += removable.filter(rule => !silent.has(rule)).length;
      seen.decides += verdicts.filter(({ reach, removable: can }) => reach === 'Decides' && !can).length;
      const shortened = [...removable.map(rule => [rule]), removable].map(list => without(policy, list));
      for (const [flow, names] of questions) {
        const decision = ask(policy, flow, names);
        if (decision.action !== 'Pending' && decision.rule)
          assert.ok(!silent.has(decision.rule), `${formatRuleRef(decision.rule)} decides`);
        for (const smaller of shortened)
          assert.equal(treatment(ask(smaller, flow, names)), treatment(decision), JSON.stringify(flow));
      }
    }),
    { numRuns: 1_500 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 500, `${what}: only ${count}`);
});

test('a rule said to decide does, for some flow', () => {
  // The other direction: what is not called superfluous is needed. Flows are many, so that the few that matter are met.
  let [needed, shown] = [0, 0];
  fc.assert(
    fc.property(policies, asked, (policy, questions) => {
      const open = new Set(
        examineCoverage(policy).flatMap(({ rule, reach }) => (reach === 'Decides' ? [rule] : [])),
      );
      needed += open.size;
      for (const [flow, names] of questions) {
        const decision = ask(policy, flow, names);
        if (decision.action !== 'Pending' && decision.rule && open.delete(decision.rule)) shown++;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(shown > needed / 4, `${shown} of ${needed}`);
});

test('what a bound leaves out is not called anything', () => {
  fc.assert(
    fc.property(policies, policy => {
      for (const { reach, removable } of examineCoverage(policy, { maxWork: 0, maxWorkInAll: 0 }))
        assert.ok((reach === 'NotExamined' && !removable) || reach === 'HoldsNothing');
    }),
    { numRuns: 20 },
  );
});

test('a rule behind others that must stay, as it makes a port a TLS port, is not thought away with them', () => {
  const hidden = application('hidden', ['*'], { protocols: [{ protocol: 'Https', port: 8443 }] });
  const deny = { action: 'Deny' as const, protocols: ['TCP' as const] };
  const verdicts = examineCoverage(
    policy({
      bindNetworkFqdns: true,
      networkRules: [
        network('named', { destinations: [], destinationFqdns: ['a.example.org'] }),
        network('first', deny),
        network('second', deny),
      ],
      applicationRules: [hidden],
    }),
  );
  assert.deepEqual(
    verdicts.map(({ rule, reach, removable }) => `${rule.rule} ${reach} ${removable}`),
    ['named Decides false', 'first Decides false', 'second Never true', 'hidden Never false'],
  );
});
