// From a firewall policy and its parents to what their rules mean. The order of judgement is (NAT, network, application rules;
// parent before child within each type; group priority; collection priority; position of the rule), so a child's network rule
// still precedes an application rule of its parent (https://learn.microsoft.com/azure/firewall/rule-processing).
//
// What is inherited (https://learn.microsoft.com/azure/firewall-manager/policy-overview): rules; threat intelligence, where a
// child can only be stricter and allow lists add up. What is not: DNS settings, which Microsoft's overview says are inherited
// and its list of known issues says are not, so that a child needs its own; and SNAT ranges, which no page calls inherited.

import type { ResolvedPolicy, ThreatIntelMode } from '#ir/policy.ts';
import type { RuleCollection } from '#model/firewall-collections.ts';
import type { FirewallPolicy } from '#model/firewall-policy.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import type { RuleCollectionGroup } from '#model/rule-collection-group.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { IANA_PRIVATE_RANGES, mergeRanges } from '#net/ipv4.ts';
import { infrastructureRules } from './infrastructure.ts';
import { Lowering, type LoweringContext } from './lowering.ts';
import { inOrder } from './order.ts';

export interface PolicyLayer {
  readonly policy: FirewallPolicy;
  /** In any order. */
  readonly groups: readonly RuleCollectionGroup[];
}

/** `layers` begins with the topmost parent and ends with the policy that is attached. */
export function lowerPolicy(
  firewallId: string,
  layers: readonly [PolicyLayer, ...PolicyLayer[]],
  context: LoweringContext,
): ResolvedPolicy {
  const { options = DEFAULT_POLICY_OPTIONS } = context;
  const lower = new Lowering(context);
  const attached = layers.at(-1) as PolicyLayer;
  const policies = layers.map(({ policy }) => policy);
  return {
    firewallId,
    threatIntel: {
      mode: strictest(policies.map(({ threatIntelMode }) => threatIntelMode)),
      allowedAddresses: mergeRanges(policies.flatMap(policy => policy.threatIntelAllowed.addresses)),
      allowedFqdns: policies.flatMap(policy => policy.threatIntelAllowed.fqdns),
    },
    natRules: inLayers(
      options.inheritNatRules ? layers : [attached],
      group => group.natCollections,
      (rule, _action, ref) => lower.natRule(rule, ref),
    ),
    networkRules: inLayers(
      layers,
      group => group.networkCollections,
      (rule, action, ref) => lower.networkRule(rule, action, ref),
    ),
    applicationRules: inLayers(
      layers,
      group => group.applicationCollections,
      (rule, action, ref) => lower.applicationRule(rule, action, ref),
    ),
    ...lower.skippedRules(),
    infrastructureRules: infrastructureRules(options.infrastructureFqdns),
    bindNetworkFqdns: options.bindNetworkFqdns,
    dns: { enableProxy: attached.policy.dns.enableProxy, servers: attached.policy.dns.servers },
    privateRanges: attached.policy.privateRanges ?? IANA_PRIVATE_RANGES,
    privateAddress: context.privateAddress,
    publicIps: context.publicIps,
  };
}

function inLayers<A extends string, R extends { readonly name: string }, L>(
  layers: readonly PolicyLayer[],
  collectionsOf: (group: RuleCollectionGroup) => readonly RuleCollection<A, R>[],
  lowerRule: (rule: R, action: A, ref: RuleRef) => readonly L[],
): L[] {
  return layers.flatMap(({ policy, groups }) =>
    groupsInOrder(groups).flatMap(group =>
      inOrder(collectionsOf(group), { policy: policy.name, group: group.name }, lowerRule),
    ),
  );
}

/**
 * Lowest priority number first. Azure takes groups of one priority and does not say which of them runs first; here it is the
 * order of their names, so that it does not change by itself.
 */
function groupsInOrder(groups: readonly RuleCollectionGroup[]): RuleCollectionGroup[] {
  const key = ({ name }: RuleCollectionGroup) => name.toLowerCase();
  return [...groups].sort((a, b) => a.priority - b.priority || (key(a) < key(b) ? -1 : 1));
}

const STRICTNESS: readonly ThreatIntelMode[] = ['Off', 'Alert', 'Deny'];

export function strictest(modes: readonly ThreatIntelMode[]): ThreatIntelMode {
  return STRICTNESS[Math.max(0, ...modes.map(mode => STRICTNESS.indexOf(mode)))] as ThreatIntelMode;
}
