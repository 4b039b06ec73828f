// One rule after the other, as the rules are written: the plainest search, the quickest for short lists, and what every
// other search is compared with.

import { matchesApplicationRule, matchesNatRule, matchesNetworkRule, type RuleSearch } from './matches.ts';

export const linearSearch: RuleSearch = {
  nat: (rules, flow, context) => rules.find(rule => matchesNatRule(rule, flow, context)),
  network: (rules, flow, namesOfAddress) =>
    rules.find(rule => matchesNetworkRule(rule, flow, namesOfAddress)),
  application: (rules, query, fqdn) => rules.find(rule => matchesApplicationRule(rule, query, fqdn)),
};
