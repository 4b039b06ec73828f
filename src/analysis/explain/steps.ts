// The words of an explanation: steps of a way, findings, and what passed through what. Plain data.

import type { IpProtocol } from '#ir/decision.ts';
import type { Firewall, Host, Place } from './network.ts';

export type StepKind =
  | 'source'
  | 'name'
  | 'route'
  | 'firewall'
  | 'public-ip'
  | 'outbound'
  | 'delivery'
  | 'reply';

export interface Step {
  readonly way: 'there' | 'back';
  readonly kind: StepKind;
  /** For people, without a full stop. */
  readonly text: string;
  /** Whether the flow goes on from here. */
  readonly ok: boolean;
  /** What the text says, for programs. */
  readonly details: Readonly<Record<string, unknown>>;
}

export type FindingCode =
  | 'asymmetric-inbound'
  | 'asymmetric-route'
  | 'missing-firewall-ip-route'
  | 'client-dns'
  | 'dns-proxy-off'
  | 'dns-unreachable'
  | 'name-unresolved'
  | 'name-unknown-to-firewall'
  | 'no-sni'
  | 'quic'
  | 'icmp-to-internet'
  | 'no-route-table'
  | 'route-past-firewall'
  | 'next-hop-none'
  | 'next-hop-unknown'
  | 'threat-intel'
  | 'denied'
  | 'no-nat-rule'
  | 'nothing-there'
  | 'backend-unknown'
  | 'addresses-differ'
  | 'not-translated'
  | 'routing-loop';

export interface Finding {
  readonly code: FindingCode;
  /** `error`: it keeps the flow from getting there and back. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly text: string;
  /** What to change: commands, or a sentence where none helps. */
  readonly fix: readonly string[];
}

/** A packet on its way. */
export interface Packet {
  readonly protocol: IpProtocol;
  readonly source: number;
  readonly destination: number;
  /** 0 for protocols without ports. */
  readonly port: number;
}

/** What the reply must pass again, because it alone knows where the packet came from. */
export type Hop =
  | {
      readonly kind: 'firewall';
      readonly firewall: Firewall;
      readonly snat: 'None' | 'PrivateIp' | 'PublicIp';
      /** The addresses that who comes behind may see: one, or every public address of the firewall. */
      readonly sources: readonly number[];
      readonly before: number;
    }
  /** Out of a VNet to the Internet, with an address that Azure puts in. */
  | { readonly kind: 'outbound'; readonly sources: readonly number[]; readonly before: number }
  /** From the Internet to a host by its public address or that of a load balancer; the source stays. */
  | { readonly kind: 'inbound'; readonly holder: string; readonly address: number };

/** Where a way ends. */
export type End =
  | { readonly kind: 'host'; readonly place: Place; readonly address: number }
  | { readonly kind: 'internet'; readonly address: number }
  /** The firewall itself answers. */
  | { readonly kind: 'firewall'; readonly firewall: Firewall }
  /** A network behind a gateway, which no document describes. */
  | { readonly kind: 'inside'; readonly firewall: Firewall }
  | { readonly kind: 'lost' };

/** Where the client stands. */
export interface Client {
  readonly address: number;
  readonly place: Place | undefined;
  readonly host: Host | undefined;
  /** Inside of this gateway, in a network that no document describes. */
  readonly insideOf: Firewall | undefined;
}
