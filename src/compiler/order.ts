// The order in which rules are judged within one holder of collections, a firewall or a rule collection group
// (https://learn.microsoft.com/azure/firewall/rule-processing).

import type { RuleCollection } from '#model/firewall-collections.ts';
import type { RuleRef } from '#model/rule-ref.ts';

/** Lowest priority number first, of equal ones as written; rules of a collection from top to bottom. */
export function inOrder<A extends string, R extends { readonly name: string }, L>(
  collections: readonly RuleCollection<A, R>[],
  place: Pick<RuleRef, 'policy' | 'group'>,
  lowerRule: (rule: R, action: A, ref: RuleRef) => readonly L[],
): L[] {
  return [...collections]
    .sort((a, b) => a.priority - b.priority)
    .flatMap(({ name, action, rules }) =>
      rules.flatMap(rule => lowerRule(rule, action, { ...place, collection: name, rule: rule.name })),
    );
}
