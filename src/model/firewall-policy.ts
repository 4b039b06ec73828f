// A firewall policy (Microsoft.Network/firewallPolicies): the settings that its rule collection groups are judged under. Read
// from ARM's JSON into values, with every fault reported at once and every unsupported property refused by name.

import type { FqdnPattern } from '#net/fqdn.ts';
import type { Ipv4Range } from '#net/ipv4.ts';

export const FIREWALL_POLICY_TYPE = 'Microsoft.Network/firewallPolicies';

export interface FirewallPolicy {
  readonly id: string;
  readonly name: string;
  readonly tier: 'Basic' | 'Standard' | 'Premium';
  /** Id of the parent, whose groups run first. */
  readonly basePolicyId?: string;
  readonly threatIntelMode: 'Off' | 'Alert' | 'Deny';
  readonly threatIntelAllowed: {
    readonly addresses: readonly Ipv4Range[];
    readonly fqdns: readonly FqdnPattern[];
  };
  readonly dns: {
    readonly enableProxy: boolean;
    /** Empty means Azure DNS. */
    readonly servers: readonly number[];
    readonly requireProxyForNetworkRules: boolean;
  };
  /** Merged; absent means that the policy says nothing, which is `IANAPrivateRanges`. */
  readonly privateRanges?: readonly Ipv4Range[];
}
