// A rule collection group (Microsoft.Network/firewallPolicies/ruleCollectionGroups): collections of any type under one
// priority. It is a resource of its own, below its policy.

import type { RuleCollection } from './firewall-collections.ts';
import type { WrittenApplicationRule, WrittenNatRule, WrittenNetworkRule } from './firewall-rules.ts';

export const RULE_COLLECTION_GROUP_TYPE = 'Microsoft.Network/firewallPolicies/ruleCollectionGroups';

export interface RuleCollectionGroup {
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  /** As written; a filter collection holds either network or application rules. */
  readonly natCollections: readonly RuleCollection<'DNAT', WrittenNatRule>[];
  readonly networkCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenNetworkRule>[];
  readonly applicationCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenApplicationRule>[];
}
