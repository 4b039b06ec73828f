// The vocabulary of a decision: what is asked (a flow), and what is answered (action, rule, reason). The same
// three words stand in `decide`, the engines, the logs and a failing test's message.

import type { RuleRef } from '#model/rule-ref.ts';
import type { ApplicationProtocol } from './policy.ts';

export type IpProtocol = 'TCP' | 'UDP' | 'ICMP' | number;

/** What a client says it wants: SNI of its ClientHello, or Host of a request. */
export interface Claim {
  readonly protocol: ApplicationProtocol;
  /** Normalized; undefined when the client named no host. */
  readonly fqdn: string | undefined;
  /** Port of the Host header. Absent where there is none; it then claims none, whatever port the connection is on. */
  readonly port?: number;
}

/** One new connection as the firewall meets it. */
export interface Flow {
  readonly protocol: IpProtocol;
  readonly source: number;
  readonly destination: number;
  /** 0 for protocols without ports. */
  readonly destinationPort: number;
  /** The side it came in on; flows from outside can match NAT rules only. */
  readonly from: 'inside' | 'outside';
  /** Where the L7 engine has read it. */
  readonly claim?: Claim;
}

/** Names an address is currently known by, for network FQDN rules: the FQDN sets of the data plane. */
export type NamesOfAddress = (address: number) => ReadonlySet<string>;

/**
 * Source address of a forwarded flow as its server sees it: the client's own, the firewall's private one, or one of its
 * public ones (https://learn.microsoft.com/azure/firewall/snat-private-range).
 */
export type SnatClass = 'None' | 'PrivateIp' | 'PublicIp';

export type ReasonCode =
  | 'RuleMatched'
  | 'DefaultAction'
  | 'ThreatIntel'
  | 'SniMissing'
  /** `bindNetworkFqdns`: the client names another host than the network rule whose address it uses. */
  | 'SniMismatch'
  /** A rule allows it, but only TCP and UDP can leave with a public address. */
  | 'ProtocolNotTranslated'
  | 'NotTls'
  /** Expected to be the protocol of SQL Server. */
  | 'NotTds'
  /** The server breaks a promise that its protocol makes the firewall give in its name. */
  | 'ServerUnfit'
  | 'NotHttp'
  | 'HostMissing'
  | 'HostPortMismatch'
  | 'ForbiddenAddress'
  | 'NameUnresolved'
  | 'Ipv6NotGoverned'
  | 'NoNatRule'
  /** A query to the firewall's own DNS proxy, which needs no rule. */
  | 'DnsProxy';

export type Decision =
  /** Forward in the kernel. */
  | {
      readonly action: 'Allow';
      readonly rule: RuleRef;
      readonly reason: ReasonCode;
      readonly path: 'forward';
      readonly snat: SnatClass;
    }
  /** NAT rule: translated and allowed. */
  | {
      readonly action: 'Allow';
      readonly rule: RuleRef;
      readonly reason: ReasonCode;
      readonly path: 'nat';
      readonly translatedAddress?: number;
      readonly translatedFqdn?: string;
      readonly translatedPort: number;
      /**
       * Whose address the target sees: never the client's. Absent with `translatedFqdn`, whose address the gateway alone
       * knows.
       */
      readonly snat?: Exclude<SnatClass, 'None'>;
    }
  /** Application rule: the engine resolves the name itself and connects there, always from an address of the firewall. */
  | { readonly action: 'Allow'; readonly rule: RuleRef; readonly reason: ReasonCode; readonly path: 'proxy' }
  /** Meant for the firewall itself and answered by it. */
  | { readonly action: 'Allow'; readonly rule: null; readonly reason: 'DnsProxy'; readonly path: 'local' }
  | { readonly action: 'Deny'; readonly rule: RuleRef | null; readonly reason: ReasonCode }
  /** No address rule matched and the port belongs to the L7 engine: the name decides. Only without `claim`. */
  | { readonly action: 'Pending'; readonly reason: 'AwaitingName' };

/** What is on a threat-intelligence feed; the data plane's `ThreatLookup` fits. */
export interface ThreatListing {
  ofAddress(address: number): string | undefined;
  ofName(fqdn: string): string | undefined;
}

export interface DecisionContext {
  readonly namesOfAddress: NamesOfAddress;
  /** Absent means an empty feed. */
  readonly threats?: ThreatListing;
  /** Says whether the name of a NAT target resolves; absent means that every name does. */
  readonly resolves?: (fqdn: string) => boolean;
}

export interface ApplicationQuery {
  readonly source: number;
  readonly destination: number;
  readonly port: number;
  readonly claim: Claim;
}

/** What the application pass can answer. */
export type ApplicationDecision =
  | Extract<Decision, { path: 'proxy' }>
  | Extract<Decision, { action: 'Deny' }>;
