// From a firewall with classic rules to what its rules mean: collections of each type in the order of their priorities.

import type { ResolvedPolicy } from '#ir/policy.ts';
import type { AzureFirewall } from '#model/firewall.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { infrastructureRules } from './infrastructure.ts';
import { Lowering, type LoweringContext } from './lowering.ts';
import { inOrder } from './order.ts';

export type { LoweringContext } from './lowering.ts';

const CLASSIC = { policy: '', group: '' };

export function lowerFirewall(firewall: AzureFirewall, context: LoweringContext): ResolvedPolicy {
  const lower = new Lowering(context);
  const { options = DEFAULT_POLICY_OPTIONS } = context;
  return {
    firewallId: firewall.id,
    threatIntel: {
      mode: firewall.threatIntelMode,
      allowedAddresses: firewall.threatIntelAllowed.addresses,
      allowedFqdns: firewall.threatIntelAllowed.fqdns,
    },
    natRules: inOrder(firewall.natRuleCollections, CLASSIC, (rule, _action, ref) => lower.natRule(rule, ref)),
    networkRules: inOrder(firewall.networkRuleCollections, CLASSIC, (rule, action, ref) =>
      lower.networkRule(rule, action, ref),
    ),
    applicationRules: inOrder(firewall.applicationRuleCollections, CLASSIC, (rule, action, ref) =>
      lower.applicationRule(rule, action, ref),
    ),
    ...lower.skippedRules(),
    infrastructureRules: infrastructureRules(options.infrastructureFqdns),
    bindNetworkFqdns: options.bindNetworkFqdns,
    dns: { enableProxy: firewall.dns.enableProxy, servers: firewall.dns.servers },
    privateRanges: firewall.privateRanges,
    privateAddress: context.privateAddress,
    publicIps: context.publicIps,
  };
}
