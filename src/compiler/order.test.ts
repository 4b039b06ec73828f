// On random policies, rules come in the order of the one sort key: type, policy from the top down, group priority, name of the
// group, collection priority, place of the collection, place of the rule. A failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { type Json, SCOPE } from './fixture.ts';
import { group, policy, resolved } from './policy-world.ts';

const KINDS = ['nat', 'network', 'application'] as const;
const MAKERS = { nat: natRule, network: networkRule, application: applicationRule };

// Few numbers, so that many are equal, in one policy as in parent and child.
const priority = fc.constantFrom(100, 101, 200, 65000);
const collections = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), priority, rules: fc.integer({ min: 0, max: 3 }) }),
  { maxLength: 4 },
);
const groups = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'B', 'c', 'D'), priority, collections }),
  {
    selector: ({ name }) => name,
    maxLength: 3,
  },
);
const chains = fc.array(groups, { minLength: 1, maxLength: 4 });

type Chain = typeof chains extends fc.Arbitrary<infer T> ? T : never;

const idOf = (level: number) => `${SCOPE}/firewallPolicies/p${level}`;

/** The attached policy first, as `resolved` takes it; `p0` is the topmost parent. */
function documentsOf(chain: Chain) {
  return chain
    .flatMap((level, index) => [
      policy(idOf(index), index === 0 ? {} : { basePolicy: { id: idOf(index - 1) } }),
      ...level.map(({ name, priority, collections }) =>
        group(
          idOf(index),
          name,
          priority,
          collections.map(({ kind, priority, rules }, at): Json => {
            const written = Array.from({ length: rules }, (_, place) => MAKERS[kind]({ name: `r${place}` }));
            const wrap = kind === 'nat' ? nats : filters;
            return wrap(written, { name: `c${at}`, priority });
          }),
        ),
      ),
    ])
    .sort((a, b) => Number(b.id === idOf(chain.length - 1)) - Number(a.id === idOf(chain.length - 1)));
}

function expectedOrder(chain: Chain, inheritNatRules: boolean): string[] {
  const keyed: { readonly key: readonly (number | string)[]; readonly ref: string }[] = [];
  chain.forEach((level, index) => {
    for (const { name, priority, collections } of level)
      collections.forEach(({ kind, priority: own, rules }, at) => {
        if (kind === 'nat' && !inheritNatRules && index < chain.length - 1) return;
        for (let place = 0; place < rules; place++)
          keyed.push({
            key: [KINDS.indexOf(kind), index, priority, name.toLowerCase(), own, at, place],
            ref: `p${index}/${name}/c${at}/r${place}`,
          });
      });
  });
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ ref }) => ref);
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : (a[at] as number) < (b[at] as number) ? -1 : 1;
}

describe('the order of rules', () => {
  it('is that of the sort key, on random chains of policies', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(chains, fc.boolean(), (chain, inheritNatRules) => {
        const found = resolved(documentsOf(chain), { inheritNatRules });
        assert.deepEqual(
          [...found.natRules, ...found.networkRules, ...found.applicationRules].map(({ ref }) =>
            formatRuleRef(ref),
          ),
          expectedOrder(chain, inheritNatRules),
        );
      }),
      { seed, numRuns: 500 },
    );
  });
});
