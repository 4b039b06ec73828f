// The search that `decide` uses: an index for long lists of rules, the plain walk for short ones. An index is built when a
// list is first searched and lives as long as the list, which never changes.

import { linearSearch } from '../linear-search.ts';
import type { RuleSearch } from '../matches.ts';
import { NatRuleIndex, NetworkRuleIndex } from './address-rule-index.ts';
import { ApplicationRuleIndex } from './application-rule-index.ts';

/** From this many rules on, looking up is quicker than walking. */
const WORTH_AN_INDEX = 32;

/** `worthAnIndex` is for tests, which want an index over few rules too. */
export function createIndexedSearch({ worthAnIndex = WORTH_AN_INDEX } = {}): RuleSearch {
  const natIndex = keptFor(NatRuleIndex);
  const networkIndex = keptFor(NetworkRuleIndex);
  const applicationIndex = keptFor(ApplicationRuleIndex);
  return {
    nat: (rules, flow, context) =>
      rules.length < worthAnIndex
        ? linearSearch.nat(rules, flow, context)
        : natIndex(rules).first(flow, context),
    network: (rules, flow, namesOfAddress) =>
      rules.length < worthAnIndex
        ? linearSearch.network(rules, flow, namesOfAddress)
        : networkIndex(rules).first(flow, namesOfAddress),
    application: (rules, query, fqdn) =>
      rules.length < worthAnIndex
        ? linearSearch.application(rules, query, fqdn)
        : applicationIndex(rules).first(query, fqdn),
  };
}

function keptFor<R, I extends object>(Index: new (rules: readonly R[]) => I): (rules: readonly R[]) => I {
  const indexes = new WeakMap<readonly R[], I>();
  return rules => {
    const known = indexes.get(rules);
    if (known) return known;
    const index = new Index(rules);
    indexes.set(rules, index);
    return index;
  };
}
