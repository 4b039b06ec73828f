// From what came out of the kernel (packets at either end, answers, log records) to the words of a verdict, as far as they can
// be known from outside; and from a verdict to what ought to come out. Pure.

import type { Flow } from '#ir/decision.ts';
import { formatIpv4, isNeverATarget } from '#net/ipv4.ts';
import type { LogRecord } from '#telemetry/records.ts';
import type { Arrival, WireFlow } from './frames.ts';
import { addressesOfName, addressOf, PRIVATE_IP, PUBLIC_IPS } from './world.ts';

const PRIVATE = addressOf(PRIVATE_IP);
const PUBLIC = PUBLIC_IPS.map(addressOf);
const NUMBERS: Readonly<Record<string, number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  GRE: 47,
  ESP: 50,
  SCTP: 132,
};

export function numberOf(protocol: Flow['protocol']): number {
  return typeof protocol === 'number' ? protocol : (NUMBERS[protocol] ?? 0);
}

/** What is known of one packet after its burst. */
export interface Evidence {
  readonly sent: WireFlow;
  readonly arrival?: Arrival;
  readonly answer?: Arrival;
  readonly record?: LogRecord;
}

/** The verdict that the kernel has shown. `Deny - silently` has no log record. */
export function shown({ sent, arrival, answer, record }: Evidence): string {
  const logged = record === undefined ? 'no record' : recordText(record);
  if (arrival) {
    const isSame =
      arrival.destination === sent.destination && arrival.destinationPort === sent.destinationPort;
    if (isSame) {
      const rule = /^Allow (\S+)$/.exec(logged)?.[1] ?? `(${logged})`;
      return `Allow forward ${rule} snat ${sourceClass(sent, arrival)}`;
    }
    const rule = /^Nat (\S+)$/.exec(logged)?.[1] ?? `(${logged})`;
    const target = `${formatIpv4(arrival.destination)}:${arrival.destinationPort}`;
    return `Allow nat ${rule} to ${target} snat ${sourceClass(sent, arrival)}`;
  }
  if (answer) {
    if (record !== undefined) return `answered (${logged})`;
    if (answer.source === PRIVATE && answer.sourcePort === 53) return 'Allow local';
    return answer.source === sent.destination ? 'Pending' : `answered by ${formatIpv4(answer.source)}`;
  }
  return record === undefined ? 'Deny - silently' : logged.startsWith('Deny') ? logged : `lost (${logged})`;
}

function sourceClass(sent: WireFlow, arrival: Arrival): string {
  if (arrival.source === sent.source) return 'None';
  if (arrival.source === PRIVATE) return 'PrivateIp';
  return PUBLIC.includes(arrival.source) ? 'PublicIp' : formatIpv4(arrival.source);
}

export function recordText(record: LogRecord): string {
  switch (record.Type) {
    case 'AZFWThreatIntel':
      return record.Action === 'Deny' ? 'Deny - ThreatIntel' : 'Alert';
    case 'AZFWNatRule':
      return `Nat ${ruleText(record)}`;
    case 'AZFWNetworkRule':
    case 'AZFWApplicationRule': {
      if (record.Action === 'Allow') return `Allow ${ruleText(record)}`;
      return `Deny ${ruleText(record)} ${reasonOf(record.ActionReason)}`;
    }
    default:
      return record.Type;
  }
}

const REASONS: readonly (readonly [string, string])[] = [
  ['Default Action', 'DefaultAction'],
  ['SNI TLS extension was missing', 'SniMissing'],
  ['Host header was missing', 'HostMissing'],
  ['Port of the Host header differs', 'HostPortMismatch'],
  ['SNI is not a name of the network rule', 'SniMismatch'],
  ['Only TCP and UDP can leave', 'ProtocolNotTranslated'],
];

function reasonOf(text: string): string {
  if (text === '') return 'RuleMatched';
  return REASONS.find(([start]) => text.startsWith(start))?.[1] ?? text;
}

function ruleText(record: {
  readonly Policy: string;
  readonly RuleCollectionGroup: string;
  readonly RuleCollection: string;
  readonly Rule: string;
}): string {
  if (record.RuleCollection === '') return '-';
  if (record.RuleCollection === 'InfrastructureRuleCollection') return record.RuleCollection;
  return `${record.Policy}/${record.RuleCollectionGroup}/${record.RuleCollection}/${record.Rule}`;
}

/** What a verdict of `decide` looks like from outside. */
export function expected(verdict: string, flow: Flow): string {
  switch (verdict) {
    case 'Deny - NoNatRule':
      return 'Deny - silently';
    case 'Deny - ForbiddenAddress': {
      // Nobody's source is seen before anything else is looked at.
      if (isNeverATarget(flow.source)) return 'Deny - DefaultAction';
      return isOwn(flow.destination) || isOwn(flow.source) ? 'Deny - silently' : 'Deny - DefaultAction';
    }
    default: {
      // A name is translated to its first address; what that sees is either address of the firewall.
      const [, rule, target = '', port] = /^Allow nat (\S+) to (\S+):(\d+)$/.exec(verdict) ?? [];
      if (rule === undefined) return verdict;
      return `Allow nat ${rule} to ${addressesOfName(target)[0]}:${port}${OF_OURS}`;
    }
  }
}

/** Whether the kernel has shown what was expected of it. */
export function agrees(seen: string | undefined, wanted: string): boolean {
  if (!wanted.endsWith(OF_OURS)) return seen === wanted;
  return seen?.replace(/ snat (PrivateIp|PublicIp)$/, OF_OURS) === wanted;
}

const OF_OURS = ' snat of ours';

function isOwn(address: number): boolean {
  return address === PRIVATE || PUBLIC.includes(address);
}

/** Names a packet in the log, which knows ports of TCP and UDP only. */
export function flowKey(
  protocol: number,
  source: string,
  sourcePort: number,
  destination: string,
  port: number,
) {
  const hasPorts = protocol === 6 || protocol === 17;
  return `${protocol} ${source} ${hasPorts ? sourcePort : 0} ${destination} ${hasPorts ? port : 0}`;
}

export function recordKey(record: LogRecord): string | undefined {
  if (!('DestinationIp' in record)) return undefined;
  const protocol = NUMBERS[record.Protocol.split(' ')[0] ?? ''] ?? Number(record.Protocol);
  return flowKey(protocol, record.SourceIp, record.SourcePort, record.DestinationIp, record.DestinationPort);
}
