// What a firewall's rules mean once every name in them has been looked up: service tags are addresses, FQDN
// tags are names, IP groups are their members. Rules stand in the order in which they are judged, so a
// reader needs no priorities. Classic rules and firewall policies both lower to this; `decide` gives it
// its meaning; the compiler, the L7 engine and the DNS proxy act on it. Plain JSON data throughout.

import type { RuleRef } from '#model/rule-ref.ts';
import type { FqdnPattern } from '#net/fqdn.ts';
import type { Ipv4Range } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';

export type FilterAction = 'Allow' | 'Deny';
export type NetworkProtocol = 'TCP' | 'UDP' | 'ICMP' | 'Any';
export type ApplicationProtocol = 'Http' | 'Https' | 'Mssql';

/** A merged (sorted, disjoint) list of ranges. `*` is the one range 0.0.0.0-255.255.255.255; empty matches nothing. */
export type AddressSet = readonly Ipv4Range[];

export interface NetworkRule {
  readonly ref: RuleRef;
  readonly action: FilterAction;
  readonly protocols: readonly NetworkProtocol[];
  readonly sources: AddressSet;
  /**
   * Addresses, service tags and IP groups: any set may match. Large tags and groups are sets of their own, which rules
   * share. Empty when the rule names only FQDNs.
   */
  readonly destinations: readonly AddressSet[];
  /** Normalized plain names; the rule covers the addresses they resolve to (an address rule, as in Azure). */
  readonly destinationFqdns: readonly string[];
  /** `*` is 0-65535. With any narrower port, protocol `Any` means TCP and UDP only. ICMP ignores ports. */
  readonly destinationPorts: readonly PortRange[];
}

export interface ApplicationTarget {
  readonly pattern: FqdnPattern;
  /** The FQDN tag the name came from, or empty. */
  readonly tag: string;
}

export interface ApplicationRule {
  readonly ref: RuleRef;
  readonly action: FilterAction;
  readonly sources: AddressSet;
  /** Policy rules only: what the client's packets must be addressed to. Absent means any destination. */
  readonly destinations?: AddressSet;
  readonly protocols: readonly { readonly protocol: ApplicationProtocol; readonly port: number }[];
  readonly targets: readonly ApplicationTarget[];
}

export interface NatRule {
  readonly ref: RuleRef;
  readonly protocols: readonly ('TCP' | 'UDP')[];
  readonly sources: AddressSet;
  /** Public (or the private) addresses of the firewall. */
  readonly destinations: AddressSet;
  readonly destinationPorts: readonly PortRange[];
  /** Exactly one of the two. */
  readonly translatedAddress?: number;
  readonly translatedFqdn?: string;
  readonly translatedPort: number;
}

/** A list of a rule that has nothing in it, since all that it names is empty or not known. */
export interface SkipCause {
  readonly field: 'source' | 'destination' | 'name';
  /** Ids of IP groups. */
  readonly ipGroups: readonly string[];
  /** Service tags, or FQDN tags for names. */
  readonly tags: readonly string[];
}

/** A rule that Azure skips, as if it were not written (https://learn.microsoft.com/azure/firewall/create-ip-group). */
export type SkippedRule = {
  /** How many of the rules that are judged in its pass come before it. */
  readonly position: number;
  readonly causes: readonly [SkipCause, ...SkipCause[]];
} & (
  | { readonly pass: 'nat'; readonly rule: NatRule }
  | { readonly pass: 'network'; readonly rule: NetworkRule }
  | { readonly pass: 'application'; readonly rule: ApplicationRule }
);

export type ThreatIntelMode = 'Off' | 'Alert' | 'Deny';

export interface ThreatIntelSettings {
  readonly mode: ThreatIntelMode;
  readonly allowedAddresses: AddressSet;
  readonly allowedFqdns: readonly FqdnPattern[];
}

export interface DnsSettings {
  readonly enableProxy: boolean;
  /** Upstream servers; empty means Azure DNS (168.63.129.16, or what the gateway was told instead). */
  readonly servers: readonly number[];
}

export interface PublicIp {
  readonly name: string;
  readonly address: number;
}

export interface ResolvedPolicy {
  /** ARM id of the firewall. */
  readonly firewallId: string;
  /**
   * Judged in this order: threat intelligence, NAT, network, application, infrastructure; first match in each is final. A rule
   * whose sources combine large groups stands here in parts, one behind the other and with one `ref`, so that groups are shared.
   */
  readonly threatIntel: ThreatIntelSettings;
  readonly natRules: readonly NatRule[];
  readonly networkRules: readonly NetworkRule[];
  readonly applicationRules: readonly ApplicationRule[];
  /** Allowed after the application rules and before the default deny; see `PolicyOptions.infrastructureFqdns`. */
  readonly infrastructureRules: readonly ApplicationRule[];
  /** For those who explain; nobody judges by them. Absent where none is skipped. */
  readonly skippedRules?: readonly SkippedRule[];
  /** Stricter than Azure: see `PolicyOptions.bindNetworkFqdns`. */
  readonly bindNetworkFqdns: boolean;
  readonly dns: DnsSettings;
  /** Destinations that network-rule flows reach with their own source address. */
  readonly privateRanges: AddressSet;
  /** 0 where a policy is read without a firewall. */
  readonly privateAddress: number;
  readonly publicIps: readonly PublicIp[];
}
