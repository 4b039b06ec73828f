// One record as one line for people: when, what was decided, who asked for what, and which rule or reason decided.
// Pure. Names come from clients, so whatever a terminal could take for a command is made visible.

import type { SinkNotice } from './notices.ts';
import type { LogRecord } from './records.ts';

/** A line of the file. A newer Postern may have written it: a type unknown here is shown as it is. */
export type LoggedRecord = (LogRecord | SinkNotice) & { readonly TimeGenerated: string };

export interface LineStyle {
  readonly colour: boolean;
  /** The day, as `formatDay` gives it, whose lines need no date; absent means that none do. */
  readonly today?: string;
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
const SOURCE_COLUMNS = 21;
const DESTINATION_COLUMNS = 36;
/** Of a name that is too long: its end says whose it is, its beginning tells it from its siblings. */
const KEPT_AT_FRONT = 10;

export function formatLogLine(record: LoggedRecord, { colour, today, timeZone }: LineStyle): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const day = formatDay(record.TimeGenerated, timeZone);
  const date = today === undefined || day === today || day === '' ? '' : `${day} `;
  const time = paint(DIM, `${date}${formatTime(record.TimeGenerated, timeZone)}`);
  if (record.Type === 'PosternSuppressedDenies' || record.Type === 'PosternLostRecords')
    return `${time}  ${paint(COLOURS.Note, 'Note ')}  ${visible(noticeText(record))}`;
  const { word, protocol, source, destination, why } = partsOf(record);
  const asked = visible(destination);
  const flow = `${visible(source).padEnd(SOURCE_COLUMNS)} -> ${shorten(asked).padEnd(DESTINATION_COLUMNS)}`;
  const reason = paint(DIM, shorten(asked) === asked ? visible(why) : `${visible(why)}  (${asked})`);
  return `${time}  ${paint(COLOURS[word], word.padEnd(5))}  ${visible(shortProtocol(protocol)).padEnd(7)}  ${flow}  ${reason}`.trimEnd();
}

/** Columns stay where they are; the whole name then stands behind the reason. */
function shorten(text: string): string {
  if (text.length <= DESTINATION_COLUMNS) return text;
  return `${text.slice(0, KEPT_AT_FRONT)}…${text.slice(KEPT_AT_FRONT + 1 - DESTINATION_COLUMNS)}`;
}

/** The day on which a record fell, such as 2026-01-31; empty where its time cannot be read. */
export function formatDay(timeGenerated: string, timeZone?: string): string {
  const at = new Date(timeGenerated);
  return Number.isNaN(at.getTime()) ? '' : formatsOf(timeZone).day.format(at);
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
      // The English of Canada writes days as ISO 8601 does.
      day: new Intl.DateTimeFormat('en-CA', { day: '2-digit', month: '2-digit', year: 'numeric', ...zone }),
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
    case 'AZFWNatRule': {
      const asked = endpoint(record.DestinationIp, record.DestinationPort);
      const translated = `=> ${endpoint(record.TranslatedIp, record.TranslatedPort)}`;
      const fits = asked.length + translated.length < DESTINATION_COLUMNS;
      return {
        word: 'DNAT',
        protocol: record.Protocol,
        source: endpoint(record.SourceIp, record.SourcePort),
        destination: fits ? `${asked} ${translated}` : asked,
        why: fits ? ruleOf(record) : `${translated}  ${ruleOf(record)}`,
      };
    }
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

/** Azure's `ICMP Type=8` as `ICMP/8`. */
function shortProtocol(protocol: string): string {
  return protocol.replace(/ Type=/, '/');
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
