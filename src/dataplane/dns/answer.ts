// An upstream's answer, kept as the bytes it came in so that record types nobody here knows survive. What is changed:
// the OPT record is taken off (each client gets its own), TTLs are limited and later aged in place, and every client
// gets its own id and its own spelling of the question. Pure.

import {
  addressOf,
  aliasOf,
  type DnsRecord,
  FLAG,
  RCODE,
  readMessage,
  soaMinimumOf,
  TYPE,
  viewOf,
} from '#wire/dns.ts';
import { writeMessage, writeOpt } from '#wire/dns-write.ts';
import { EDNS_UDP_SIZE, type Query, replyFlags } from './query.ts';

/** Azure Firewall's limits (https://learn.microsoft.com/azure/firewall/dns-settings). */
export const MAX_POSITIVE_TTL_SECONDS = 3600;
export const MAX_NEGATIVE_TTL_SECONDS = 1800;
/** Aliases followed in one answer. */
const MAX_ALIASES = 16;
const EXTENDED_ERROR = 15;

export interface Answer {
  /** With the upper bits from EDNS. */
  readonly rcode: number;
  readonly truncated: boolean;
  readonly authenticated: boolean;
  /** The message without OPT. */
  readonly body: Uint8Array;
  readonly ttlOffsets: readonly number[];
  /** Extended errors (RFC 8914) of the upstream, for clients with EDNS; other options end here. */
  readonly options: Uint8Array;
  /** How long it may be kept; 0 means not at all. */
  readonly cacheSeconds: number;
  /** The name asked for and every alias it leads through, in order. */
  readonly chain: readonly string[];
  /** A records at the end of the chain, in answer order. */
  readonly addresses: readonly number[];
}

/** Undefined when the bytes are no well-formed answer to this question. */
export function parseAnswer(bytes: Uint8Array, query: Query): Answer | undefined {
  const message = readMessage(bytes);
  if (!message || !(message.header.flags & FLAG.QR) || message.header.opcode !== 0) return undefined;
  const { header, question } = message;
  const matches =
    question?.plain === true &&
    question.name === query.name &&
    question.type === query.type &&
    question.class === query.class;
  if (!matches) return undefined;
  const opt = message.records.find(record => record.type === TYPE.OPT);
  const rcode = header.rcode | (opt ? (opt.ttl >>> 24) << 4 : 0);
  if (opt && opt.section !== 'additional') return undefined;
  // OPT stands last in practice. What follows it (a signature between two hops, say) goes with it, since cutting
  // it out of the middle would move the targets of compression pointers.
  const bodyEnd = opt?.start ?? message.end;
  const records = message.records.filter(record => record.start < bodyEnd);
  const body = bytes.slice(0, bodyEnd);
  const view = viewOf(body);
  view.setUint16(10, records.filter(record => record.section === 'additional').length);
  const negative = isNegative(records, rcode, query.type);
  const cap = negative ? MAX_NEGATIVE_TTL_SECONDS : MAX_POSITIVE_TTL_SECONDS;
  const ttlSeconds = ttlOf(bytes, records, rcode, negative);
  const chain = chainOf(bytes, records, query.name);
  const ttlOffsets = records.map(record => record.ttlOffset);
  for (const offset of ttlOffsets) view.setUint32(offset, Math.min(sane(view.getUint32(offset)), cap));
  const truncated = (header.flags & FLAG.TC) !== 0;
  return {
    rcode,
    truncated,
    authenticated: (header.flags & FLAG.AD) !== 0,
    body,
    ttlOffsets,
    options: opt ? extendedErrors(bytes, opt) : new Uint8Array(),
    cacheSeconds: truncated ? 0 : Math.min(ttlSeconds, cap),
    chain,
    addresses: records.flatMap(record =>
      record.section === 'answer' && chain.includes(record.name) ? (addressOf(bytes, record) ?? []) : [],
    ),
  };
}

function chainOf(bytes: Uint8Array, records: readonly DnsRecord[], name: string): string[] {
  const targets = new Map<string, string>();
  for (const record of records) {
    if (record.section !== 'answer') continue;
    const target = aliasOf(bytes, record);
    if (target !== undefined) targets.set(record.name, target);
  }
  const chain = [name];
  for (let next = targets.get(name); next !== undefined; next = targets.get(next)) {
    if (chain.includes(next) || chain.length > MAX_ALIASES) break;
    chain.push(next);
  }
  return chain;
}

function isNegative(records: readonly DnsRecord[], rcode: number, type: number): boolean {
  if (rcode === RCODE.NXDOMAIN) return true;
  return !records.some(record => record.section === 'answer' && (record.type === type || type === TYPE.ANY));
}

/** RFC 2308: a negative answer is kept as its SOA says; without one, and for any failure, it is not kept. */
function ttlOf(bytes: Uint8Array, records: readonly DnsRecord[], rcode: number, negative: boolean): number {
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 0;
  const ttls = records.filter(record => record.section === 'answer').map(record => sane(record.ttl));
  if (negative) {
    const soa = records.find(record => record.section === 'authority' && record.type === TYPE.SOA);
    const minimum = soa && soaMinimumOf(bytes, soa);
    if (!soa || minimum === undefined) return 0;
    ttls.push(sane(soa.ttl), sane(minimum));
  }
  return Math.min(...ttls);
}

/** A TTL with its top bit set is zero, RFC 2181 section 8. */
function sane(ttl: number): number {
  return ttl >= 0x80000000 ? 0 : ttl;
}

function extendedErrors(bytes: Uint8Array, opt: DnsRecord): Uint8Array {
  const view = viewOf(bytes);
  const end = opt.dataOffset + opt.dataLength;
  const kept: Uint8Array[] = [];
  for (let offset = opt.dataOffset; offset + 4 <= end; ) {
    const next = offset + 4 + view.getUint16(offset + 2);
    if (next > end) break;
    if (view.getUint16(offset) === EXTENDED_ERROR) kept.push(bytes.subarray(offset, next));
    offset = next;
  }
  return Uint8Array.from(Buffer.concat(kept));
}

/** The answer as this client gets it, at most `limit` bytes: a larger one is replaced by its truncated form. */
export function renderAnswer(answer: Answer, query: Query, ageSeconds: number, limit: number): Uint8Array {
  const wantsAuthenticated = query.edns?.dnssecOk || (query.flags & FLAG.AD) !== 0;
  const authenticated = answer.authenticated && wantsAuthenticated ? FLAG.AD : 0;
  const flags = replyFlags(query, answer.rcode) | authenticated;
  const opt = query.edns && {
    udpSize: EDNS_UDP_SIZE,
    dnssecOk: query.edns.dnssecOk,
    extendedRcode: answer.rcode >>> 4,
    options: answer.options,
  };
  const tail = opt ? writeOpt(opt) : undefined;
  const length = answer.body.length + (tail?.length ?? 0);
  if (length > limit || answer.truncated)
    return writeMessage(
      query.id,
      flags | FLAG.TC,
      query.question,
      opt && { ...opt, options: new Uint8Array() },
    );
  const bytes = new Uint8Array(length);
  bytes.set(answer.body);
  bytes.set(query.question, 12);
  const view = viewOf(bytes);
  view.setUint16(0, query.id);
  view.setUint16(2, flags);
  if (ageSeconds > 0)
    for (const offset of answer.ttlOffsets)
      view.setUint32(offset, Math.max(0, view.getUint32(offset) - ageSeconds));
  if (tail) {
    view.setUint16(10, view.getUint16(10) + 1);
    bytes.set(tail, answer.body.length);
  }
  return bytes;
}
