// What `ActionReason` of a log record says, for every reason there is, whichever part of the data plane logs it. Azure's
// wording is public for the default action only; the rest follows its style. Pure.

import type { ReasonCode } from '#ir/decision.ts';

/** Empty where a rule decided: its name says it all, as in Azure. */
export const REASON_TEXTS: Readonly<Record<ReasonCode, string>> = {
  RuleMatched: '',
  DefaultAction: 'Default Action',
  ThreatIntel: 'Threat Intelligence',
  SniMismatch: 'SNI is not a name of the network rule',
  ProtocolNotTranslated: 'Only TCP and UDP can leave with a public address',
  SniMissing: 'SNI TLS extension was missing',
  NotTls: 'Not a TLS connection',
  NotTds: 'Not a connection to SQL Server',
  ServerUnfit: 'The server cannot be connected to through the firewall',
  NotHttp: 'Not an acceptable HTTP request',
  HostMissing: 'Host header was missing',
  HostPortMismatch: 'Port of the Host header differs from the TCP port',
  ForbiddenAddress: 'The name resolves to an address that is never connected to',
  NameUnresolved: 'The name could not be resolved',
  Ipv6NotGoverned: 'IPv6 is not governed by the policy',
  NoNatRule: 'No NAT rule',
  DnsProxy: 'DNS proxy',
};
