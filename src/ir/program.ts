// The whole desired state of one gateway as plain JSON data: what the compiler makes, what travels from the
// controller to the gateway, what `dataPlane.apply` states. Applying the same program twice changes nothing.

import type { RuleRef } from '#model/rule-ref.ts';
import type { PortRange } from '#net/ports.ts';
import type {
  AddressSet,
  ApplicationRule,
  DnsSettings,
  NetworkProtocol,
  NetworkRule,
  PublicIp,
  ThreatIntelSettings,
} from './policy.ts';

/** A decision as the kernel keeps it in the connection mark: index into `Program.decisions`. */
export interface ProgramDecision {
  readonly rule: RuleRef;
  readonly kind: 'network' | 'nat';
  readonly action: 'Allow' | 'Deny';
}

/** One network rule over named sets; `decision` is its id. */
export interface NetworkClause {
  readonly decision: number;
  readonly action: 'Allow' | 'Deny';
  readonly protocols: readonly NetworkProtocol[];
  /** Key of `NetfilterProgram.addressSets`; absent means any address. */
  readonly sources?: string;
  /** Address sets and FQDN sets, any of which may match; absent means any address. */
  readonly destinations?: readonly DestinationSet[];
  /** Absent means every port and, with `Any`, every protocol. */
  readonly ports?: readonly PortRange[];
  /**
   * TCP ports on which a packet that only the FQDN sets match goes to the L7 engine, to be judged by `Program.boundRules`.
   * Absent: the names decide nothing.
   */
  readonly boundPorts?: readonly number[];
}

export type DestinationSet =
  | { readonly kind: 'addresses'; readonly set: string }
  /** Filled at run time by the DNS engine through `FqdnSetWriter`. */
  | { readonly kind: 'fqdn'; readonly fqdn: string };

export interface NatClause {
  readonly decision: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly sources?: string;
  /** One address of the firewall, as packets carry it when they arrive. */
  readonly destination: number;
  readonly ports: PortRange;
  /** A name is resolved by the gateway, which keeps the first address; unresolved, the clause does not match. */
  readonly target: { readonly address: number } | { readonly fqdn: string };
  readonly targetPort: number;
}

export interface NetfilterProgram {
  /** Content-named, so that equal sets in two programs have equal names. */
  readonly addressSets: Readonly<Record<string, AddressSet>>;
  readonly natClauses: readonly NatClause[];
  readonly networkClauses: readonly NetworkClause[];
  /** TCP ports the L7 engine answers on: 80, 443, 1433 and every port an application rule names. */
  readonly applicationPorts: readonly number[];
  readonly privateRanges: AddressSet;
  readonly privateAddress: number;
  /** Source addresses towards the Internet, as the gateway's own interface carries them. */
  readonly snatAddresses: readonly number[];
}

export interface Program {
  /** Digest of everything else. */
  readonly revision: string;
  readonly firewallId: string;
  readonly netfilter: NetfilterProgram;
  /** Index is the decision id; index 0 is unused and stands for the default action. */
  readonly decisions: readonly ProgramDecision[];
  readonly applicationRules: readonly ApplicationRule[];
  readonly infrastructureRules: readonly ApplicationRule[];
  /** Network rules with `boundPorts`, in the order of judgement: what the engine asks before the application rules. */
  readonly boundRules: readonly NetworkRule[];
  readonly threatIntel: ThreatIntelSettings;
  /** All names of network rules and NAT targets, which the DNS engine keeps resolving. */
  readonly watchedFqdns: readonly string[];
  readonly dns: DnsSettings;
  readonly privateAddress: number;
  readonly publicIps: readonly PublicIp[];
}

export interface Diagnostic {
  readonly code: string;
  /** JSON path or rule the message is about. */
  readonly target: string;
  readonly message: string;
}
