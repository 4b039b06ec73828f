// Log records in the shapes of Azure's tables (https://learn.microsoft.com/azure/azure-monitor/reference/tables/azfwnetworkrule
// and its siblings). One record is one JSON line: `TimeGenerated` (ISO 8601, UTC), `Type` (the table), then the
// table's columns. Columns Azure has and Postern cannot fill are left out, except where Azure's value is an empty string.

import type { RuleRef } from '#model/rule-ref.ts';

interface Rule {
  readonly Policy: string;
  readonly RuleCollectionGroup: string;
  readonly RuleCollection: string;
  readonly Rule: string;
}

interface Ends {
  readonly Protocol: string;
  readonly SourceIp: string;
  readonly SourcePort: number;
  readonly DestinationIp: string;
  readonly DestinationPort: number;
}

export interface NetworkRuleRecord extends Ends, Rule {
  readonly Type: 'AZFWNetworkRule';
  readonly Action: 'Allow' | 'Deny';
  readonly ActionReason: string;
}

export interface ApplicationRuleRecord extends Rule {
  readonly Type: 'AZFWApplicationRule';
  readonly Protocol: 'HTTP' | 'HTTPS' | 'MSSQL' | 'TCP';
  readonly SourceIp: string;
  readonly SourcePort: number;
  readonly DestinationPort: number;
  readonly Fqdn: string;
  readonly TargetUrl: string;
  readonly Action: 'Allow' | 'Deny';
  readonly ActionReason: string;
  readonly IsTlsInspected: boolean;
  readonly IsExplicitProxyRequest: boolean;
  readonly WebCategory: string;
}

export interface NatRuleRecord extends Ends, Rule {
  readonly Type: 'AZFWNatRule';
  readonly TranslatedIp: string;
  readonly TranslatedPort: number;
}

export interface ThreatIntelRecord extends Ends {
  readonly Type: 'AZFWThreatIntel';
  readonly Fqdn: string;
  readonly TargetUrl: string;
  readonly Action: 'Alert' | 'Deny';
  readonly ThreatDescription: string;
  readonly IsTlsInspected: boolean;
}

export interface DnsQueryRecord {
  readonly Type: 'AZFWDnsQuery';
  readonly SourceIp: string;
  readonly SourcePort: number;
  readonly QueryId: number;
  readonly QueryType: string;
  readonly QueryClass: string;
  /** With the trailing dot, as Azure logs it. */
  readonly QueryName: string;
  /** Lower case, as Azure logs it: `udp` or `tcp`. */
  readonly Protocol: string;
  readonly RequestSize: number;
  readonly DnssecOkBit: boolean;
  readonly EDNS0BufferSize: number;
  readonly ResponseCode: string;
  readonly ResponseFlags: string;
  readonly ResponseSize: number;
  readonly RequestDurationSecs: number;
  readonly ErrorNumber: number;
  readonly ErrorMessage: string;
}

export interface FqdnResolutionFailureRecord extends Rule {
  readonly Type: 'AZFWInternalFqdnResolutionFailure';
  readonly Fqdn: string;
  readonly Error: string;
  readonly ServerIp: string;
  readonly ServerPort: number;
}

export type LogRecord =
  | NetworkRuleRecord
  | ApplicationRuleRecord
  | NatRuleRecord
  | ThreatIntelRecord
  | DnsQueryRecord
  | FqdnResolutionFailureRecord;

/** Where records go. `write` never blocks and never throws; the sink stamps `TimeGenerated`. */
export interface LogSink {
  write(record: LogRecord): void;
}

/** The four rule columns; all empty when no rule decided. */
export function ruleColumns(ref: RuleRef | null): Rule {
  return {
    Policy: ref?.policy ?? '',
    RuleCollectionGroup: ref?.group ?? '',
    RuleCollection: ref?.collection ?? '',
    Rule: ref?.rule ?? '',
  };
}
