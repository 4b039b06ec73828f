// One record as one line for people: when, what was decided, who asked for what, and which rule or reason decided.
// Pure. Names come from clients, so whatever a terminal could take for a command is made visible.

import type { SinkNotice } from './notices.ts';
import type { LogRecord } from './records.ts';

/** A line of the file. A newer Postern may have written it: a type unknown here is shown as it is. */
export type LoggedRecord = (LogRecord | SinkNotice) & { readonly TimeGenerated: string };

export interface LineStyle {
  readonly colour: boolean;
  /** IANA name; absent means the machine's own. */
  readonly timeZone?: string;
}

type Word = 'Allow' | 'Deny' | 'Alert' | 'DNAT' | 'Query' | 'Fail' | 'Note';

interface Parts {
  readonly word: Word;
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly why: string;
}

const COLOURS: Readonly<Record<Word, number>> = {
  Allow: 32,
  Deny: 31,
  Alert: 33,
  DNAT: 36,
  Query: 34,
  Fail: 33,
  Note: 35,
};
const DIM = 2;

export function formatLogLine(record: LoggedRecord, { colour, timeZone }: LineStyle): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const time = paint(DIM, formatTime(record.TimeGenerated, timeZone));
  if (record.Type === 'PosternSuppressedDenies' || record.Type === 'PosternLostRecords')
    return `${time}  ${paint(COLOURS.Note, 'Note ')}  ${visible(noticeText(record))}`;
  const { word, protocol, source, destination, why } = partsOf(record);
  const flow = `${visible(source).padEnd(21)} -> ${visible(destination).padEnd(36)}`;
  const reason = paint(DIM, visible(why));
  return `${time}  ${paint(COLOURS[word], word.padEnd(5))}  ${visible(protocol).padEnd(7)}  ${flow}  ${reason}`.trimEnd();
}

/** The day on which a record fell, for a heading between days; empty where its time cannot be read. */
export function formatDay(timeGenerated: string, timeZone?: string): string {
  const at = new Date(timeGenerated);
  return Number.isNaN(at.getTime()) ? '' : formatsOf(timeZone).day.format(at).replace(',', '');
}

function formatTime(timeGenerated: string, timeZone: string | undefined): string {
  const at = new Date(timeGenerated);
  return Number.isNaN(at.getTime()) ? '--:--:--.---' : formatsOf(timeZone).time.format(at);
}

interface Formats {
  readonly day: Intl.DateTimeFormat;
  readonly time: Intl.DateTimeFormat;
}

/** Made once: making one costs more than a hundred lines. */
const formats = new Map<string | undefined, Formats>();

function formatsOf(timeZone: string | undefined): Formats {
  let found = formats.get(timeZone);
  if (!found) {
    const zone = timeZone === undefined ? {} : { timeZone };
    found = {
      day: new Intl.DateTimeFormat('en-GB', {
        weekday: 'long',
        day: 'numeric',
        month: 'long',
        year: 'numeric',
        ...zone,
      }),
      time: new Intl.DateTimeFormat('en-GB', {
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        fractionalSecondDigits: 3,
        hourCycle: 'h23',
        ...zone,
      }),
    };
    formats.set(timeZone, found);
  }
  return found;
}

function partsOf(record: LogRecord): Parts {
  switch (record.Type) {
    case 'AZFWNetworkRule':
      return {
        word: record.Action,
        protocol: record.Protocol,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination: endpoint(record.DestinationIp, record.DestinationPort),
        why: reasonOf(record),
      };
    case 'AZFWApplicationRule':
      return {
        word: record.Action,
        protocol: record.Protocol,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination: record.TargetUrl || endpoint(record.Fqdn || '(no name)', record.DestinationPort),
        why: reasonOf(record),
      };
    case 'AZFWNatRule':
      return {
        word: 'DNAT',
        protocol: record.Protocol,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination: `${endpoint(record.DestinationIp, record.DestinationPort)} => ${endpoint(record.TranslatedIp, record.TranslatedPort)}`,
        why: ruleOf(record),
      };
    case 'AZFWThreatIntel':
      return {
        word: record.Action,
        protocol: record.Protocol,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination:
          record.TargetUrl || endpoint(record.Fqdn || record.DestinationIp, record.DestinationPort),
        why: `threat intelligence: ${record.ThreatDescription}`,
      };
    case 'AZFWDnsQuery':
      return {
        word: 'Query',
        protocol: `DNS/${record.Protocol}`,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination:
          `${record.QueryName.replace(/(.)\.$/, '$1') || '(unreadable)'} ${record.QueryType}`.trimEnd(),
        why: [
          `${record.ResponseCode} in ${formatDuration(record.RequestDurationSecs)}`,
          ...(record.ErrorMessage ? [record.ErrorMessage] : []),
        ].join(': '),
      };
    case 'AZFWInternalFqdnResolutionFailure':
      return {
        word: 'Fail',
        protocol: 'DNS',
        source: 'firewall',
        destination: record.Fqdn,
        why: [record.Error, ruleOf(record)].filter(Boolean).join(', for '),
      };
    default:
      return { word: 'Note', protocol: '', source: '', destination: '', why: JSON.stringify(record) };
  }
}

interface RuleColumns {
  readonly Policy: string;
  readonly RuleCollectionGroup: string;
  readonly RuleCollection: string;
  readonly Rule: string;
}

/** The four names in Azure's order; classic rules have two, the default action none. */
function ruleOf({ Policy, RuleCollectionGroup, RuleCollection, Rule }: RuleColumns): string {
  return [Policy, RuleCollectionGroup, RuleCollection, Rule].filter(Boolean).join('/');
}

function reasonOf(record: RuleColumns & { readonly ActionReason: string }): string {
  const rule = ruleOf(record);
  const reason = /^default action\.?$/i.test(record.ActionReason) ? 'no rule matched' : record.ActionReason;
  if (rule === '') return reason || 'no rule matched';
  return reason && reason !== 'no rule matched' ? `${rule}: ${reason}` : rule;
}

function noticeText(notice: SinkNotice): string {
  if (notice.Type === 'PosternLostRecords') return `${notice.Count} records were lost: ${notice.Reason}`;
  const top = notice.Top.map(
    flow =>
      `${flow.Protocol} ${flow.SourceIp} -> ${endpoint(flow.Destination, flow.DestinationPort)}${notice.Top.length > 1 ? ` (${flow.Count})` : ''}`,
  );
  return `${notice.Count} more like those denied above${top.length ? `: ${top.join(', ')}` : ''}`;
}

/** Protocols without ports have port 0. */
function endpoint(host: string, port: number): string {
  return port ? `${host}:${port}` : host;
}

function formatDuration(seconds: number): string {
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(1)} ms`;
}

/** Control characters, also the invisible ones that turn the direction of text, are shown as their number. */
function visible(text: string): string {
  return String(text).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
