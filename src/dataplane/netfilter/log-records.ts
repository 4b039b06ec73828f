// From what the kernel logged to records in Azure's shapes: the mark's generation and decision id lead back to the
// rule of the policy that judged the packet, even after the next policy has come into force. Pure.

import type { ReasonCode } from '#ir/decision.ts';
import type { Program } from '#ir/program.ts';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import type { LogEntry } from '#netlink/log-reader.ts';
import type { PacketHeader } from '#netlink/packet-header.ts';
import { type LogRecord, ruleColumns } from '#telemetry/records.ts';
import type { ThreatLookup } from '../data-plane.ts';
import { REASON_TEXTS } from '../reason-texts.ts';
import { decisionOf, generationOf } from './marks.ts';
import type { LogKind } from './names.ts';

const PROTOCOLS = new Map([
  [1, 'ICMP'],
  [2, 'IGMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [47, 'GRE'],
  [50, 'ESP'],
  [51, 'AH'],
  [58, 'ICMPv6'],
  [132, 'SCTP'],
]);

/** What one generation's decision ids mean. */
export interface GenerationLegend {
  readonly decisions: Program['decisions'];
  /** Where a NAT decision leads, by decision id. */
  readonly translations: ReadonlyMap<number, { readonly address: number; readonly port: number }>;
}

/** Undefined for entries that are not ours or whose policy is no longer known. */
export function toLogRecord(
  entry: LogEntry,
  legendOf: (generation: number) => GenerationLegend | undefined,
  threats: ThreatLookup | undefined,
): LogRecord | undefined {
  const ends = endsOf(entry.header);
  const kind = entry.prefix as LogKind;
  switch (kind) {
    case 'ipv6':
      return {
        Type: 'AZFWNetworkRule',
        ...ends,
        Action: 'Deny',
        ActionReason: REASON_TEXTS.Ipv6NotGoverned,
        ...ruleColumns(null),
      };
    case 'threat-alert':
    case 'threat-deny':
      return {
        Type: 'AZFWThreatIntel',
        ...ends,
        Fqdn: '',
        TargetUrl: '',
        Action: kind === 'threat-deny' ? 'Deny' : 'Alert',
        ThreatDescription: describe(entry.header, threats),
        IsTlsInspected: false,
      };
    case 'allow':
    case 'not-translated':
    case 'deny': {
      const legend = legendOf(generationOf(entry.mark));
      if (legend === undefined) return undefined;
      const id = decisionOf(entry.mark);
      const decision = id === 0 ? undefined : legend.decisions[id];
      if (kind === 'allow' && decision?.kind === 'nat') {
        const translated = legend.translations.get(id);
        return {
          Type: 'AZFWNatRule',
          ...ends,
          TranslatedIp: translated === undefined ? '' : formatIpv4(translated.address),
          TranslatedPort: translated?.port ?? 0,
          ...ruleColumns(decision.rule),
        };
      }
      return {
        Type: 'AZFWNetworkRule',
        ...ends,
        Action: kind === 'allow' ? 'Allow' : 'Deny',
        ActionReason: REASON_TEXTS[reasonOf(kind, decision !== undefined)],
        ...ruleColumns(decision?.rule ?? null),
      };
    }
    default:
      kind satisfies never;
      return undefined;
  }
}

function reasonOf(kind: 'allow' | 'deny' | 'not-translated', byRule: boolean): ReasonCode {
  if (kind === 'not-translated') return 'ProtocolNotTranslated';
  return byRule ? 'RuleMatched' : 'DefaultAction';
}

function endsOf(header: PacketHeader) {
  const name = PROTOCOLS.get(header.protocol) ?? String(header.protocol);
  const icmp = header.protocol === 1 || header.protocol === 58;
  return {
    Protocol: icmp ? `${name} Type=${header.icmpType}` : name,
    SourceIp: header.source,
    SourcePort: header.sourcePort,
    DestinationIp: header.destination,
    DestinationPort: header.destinationPort,
  };
}

function describe(header: PacketHeader, threats: ThreatLookup | undefined): string {
  for (const text of [header.destination, header.source]) {
    const address = parseIpv4(text);
    const description = address === undefined ? undefined : threats?.ofAddress(address);
    if (description !== undefined) return description;
  }
  return 'Address is on a threat-intelligence feed';
}
