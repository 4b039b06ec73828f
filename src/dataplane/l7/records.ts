// From the engine's decisions to log records and to the answers a client of plain HTTP gets. Pure. The wording of
// a default deny is Azure's, to the byte; Azure's wording for other refusals is not public, so they follow its style.

import type { Decision, ReasonCode } from '#ir/decision.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import {
  type ApplicationRuleRecord,
  type NetworkRuleRecord,
  ruleColumns,
  type ThreatIntelRecord,
} from '#telemetry/records.ts';
import { REASON_TEXTS } from '../reason-texts.ts';
import type { Claim, Ends, Judgement, Threat } from './judge.ts';

/** Log columns are bounded; a path can be 64 KiB long. */
const MAX_URL = 2048;

export interface Outcome {
  readonly action: 'Allow' | 'Deny';
  readonly rule: RuleRef | null;
  readonly reason: ReasonCode;
  /** Says more than the reason, where there is more to say. */
  readonly detail?: string;
}

export function outcomeOf(decision: Exclude<Decision, { action: 'Pending' }>, claim: Claim): Outcome {
  const { action, rule, reason } = decision;
  // Azure's network records have no column for it.
  const named = reason === 'SniMismatch' ? claim.fqdn : undefined;
  return { action, rule, reason, ...(named !== undefined && { detail: named }) };
}

export const PROTOCOL_NAMES = { Http: 'HTTP', Https: 'HTTPS', Mssql: 'MSSQL' } as const;
type NamedProtocol = (typeof PROTOCOL_NAMES)[keyof typeof PROTOCOL_NAMES];

/** In the table of the rules that decided. */
export function judgementRecord(
  ends: Ends,
  { claim, targetUrl }: { readonly claim: Claim; readonly targetUrl: string },
  outcome: Outcome,
  by: Judgement['by'],
): ApplicationRuleRecord | NetworkRuleRecord {
  return by === 'network'
    ? networkRecord(ends, outcome)
    : applicationRecord(ends, PROTOCOL_NAMES[claim.protocol], claim.fqdn ?? '', targetUrl, outcome);
}

function networkRecord(ends: Ends, outcome: Outcome): NetworkRuleRecord {
  return {
    Type: 'AZFWNetworkRule',
    Protocol: 'TCP',
    SourceIp: formatIpv4(ends.source),
    SourcePort: ends.sourcePort,
    DestinationIp: formatIpv4(ends.destination),
    DestinationPort: ends.destinationPort,
    Action: outcome.action,
    ActionReason: actionReason(outcome),
    ...ruleColumns(outcome.rule),
  };
}

/** `ActionReason` of a record. */
export function actionReason({ reason, detail }: Outcome): string {
  const text = REASON_TEXTS[reason];
  return detail === undefined ? text : `${text}: ${detail}`;
}

export function applicationRecord(
  ends: Ends,
  protocol: NamedProtocol | 'TCP',
  fqdn: string,
  targetUrl: string,
  outcome: Outcome,
): ApplicationRuleRecord {
  return {
    Type: 'AZFWApplicationRule',
    Protocol: protocol,
    SourceIp: formatIpv4(ends.source),
    SourcePort: ends.sourcePort,
    DestinationPort: ends.destinationPort,
    Fqdn: fqdn,
    TargetUrl: targetUrl.slice(0, MAX_URL),
    Action: outcome.action,
    ActionReason: actionReason(outcome),
    ...ruleColumns(outcome.rule),
    IsTlsInspected: false,
    IsExplicitProxyRequest: false,
    WebCategory: '',
  };
}

export function threatRecord(
  ends: Ends,
  protocol: NamedProtocol,
  fqdn: string,
  targetUrl: string,
  threat: Threat,
): ThreatIntelRecord {
  return {
    Type: 'AZFWThreatIntel',
    Protocol: protocol,
    SourceIp: formatIpv4(ends.source),
    SourcePort: ends.sourcePort,
    // Azure leaves it empty where a name was listed: the client's address plays no part.
    DestinationIp: '',
    DestinationPort: ends.destinationPort,
    Fqdn: fqdn,
    TargetUrl: targetUrl.slice(0, MAX_URL),
    Action: threat.action,
    ThreatDescription: threat.description,
    IsTlsInspected: false,
  };
}

/** Status 470 as Azure Firewall answers it. `withBody` is false for HEAD. */
export function denyAnswer(outcome: Outcome, options: { keepAlive: boolean; withBody: boolean }): Buffer {
  return answer('470 status code 470', denyText(outcome), options);
}

function denyText(outcome: Outcome): string {
  if (outcome.reason === 'DefaultAction')
    return 'Action: Deny. Reason: No rule matched. Proceeding with default action.';
  if (outcome.rule) {
    const { policy, group, collection, rule } = outcome.rule;
    const names = [
      policy && `Policy: ${policy}. `,
      group && `Rule Collection Group: ${group}. `,
      `Rule Collection: ${collection}. Rule: ${rule}.`,
    ];
    const reason = actionReason(outcome);
    return `Action: Deny. ${reason && `Reason: ${reason}. `}${names.join('')}`;
  }
  return `Action: Deny. Reason: ${actionReason(outcome)}.`;
}

const STATUS_TEXTS = {
  400: 'Bad Request',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
} as const;

/** An answer of the gateway itself for a request that it cannot serve. */
export function failureAnswer(
  status: keyof typeof STATUS_TEXTS,
  text: string,
  options: { keepAlive: boolean; withBody: boolean },
): Buffer {
  return answer(`${status} ${STATUS_TEXTS[status]}`, text, options);
}

function answer(
  status: string,
  text: string,
  { keepAlive, withBody }: { keepAlive: boolean; withBody: boolean },
): Buffer {
  const head = [
    `HTTP/1.1 ${status}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Content-Type: text/plain; charset=utf-8',
    ...(keepAlive ? [] : ['Connection: close']),
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${withBody ? text : ''}`);
}
