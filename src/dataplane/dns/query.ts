// A client's DNS query, read with suspicion: what may be asked upstream, what is refused at once and with which
// code, and what deserves no reply at all. Pure.

import {
  CLASS_IN,
  type DnsHeader,
  type DnsMessage,
  FLAG,
  RCODE,
  readHeader,
  readMessage,
  TYPE,
} from '#wire/dns.ts';
import { writeMessage, writeQuestion } from '#wire/dns-write.ts';

/** UDP size that Postern advertises: fits any path without fragments (https://www.dnsflagday.net/2020/). */
export const EDNS_UDP_SIZE = 1232;
const PLAIN_UDP_SIZE = 512;
/** Larger sizes asked for by clients are not honoured: an answer of more than three fragments goes over TCP. */
const MAX_UDP_SIZE = 4096;

export interface Edns {
  readonly udpSize: number;
  readonly dnssecOk: boolean;
}

export interface Query {
  readonly id: number;
  readonly flags: number;
  /** Lower-case, without trailing dot. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question as the client wrote it, letters and all. */
  readonly question: Uint8Array;
  readonly edns: Edns | undefined;
  /** Equal for queries that one answer serves. */
  readonly key: string;
}

export type ParsedQuery =
  | { readonly kind: 'ask'; readonly query: Query }
  | {
      readonly kind: 'refuse';
      readonly rcode: number;
      readonly reply: Uint8Array;
      readonly query: Query | undefined;
    }
  /** An answer, or too short to have an id: a reply could only start a loop. */
  | { readonly kind: 'drop' };

export function parseQuery(bytes: Uint8Array): ParsedQuery {
  const header = readHeader(bytes);
  if (!header || header.flags & FLAG.QR) return { kind: 'drop' };
  if (header.opcode !== 0) return refuse(header, RCODE.NOTIMP, undefined);
  const message = readMessage(bytes);
  // OPT is the only record a query may carry: a signature (TSIG, SIG(0)) would not survive the forwarding.
  const [opt, ...others] = message?.records ?? [];
  const wellFormed =
    message?.question?.plain === true &&
    message.end === bytes.length &&
    others.length === 0 &&
    (!opt || (opt.type === TYPE.OPT && opt.section === 'additional' && opt.name === ''));
  if (!wellFormed) return refuse(header, RCODE.FORMERR, undefined);
  const query = queryOf(bytes, message);
  if (!query) return refuse(header, RCODE.FORMERR, undefined);
  if (opt && ((opt.ttl >>> 16) & 0xff) !== 0) return refuse(header, RCODE.BADVERS, query);
  const rcode = refusalOf(query);
  return rcode === undefined ? { kind: 'ask', query } : refuse(header, rcode, query);
}

function queryOf(bytes: Uint8Array, { header, question, records: [opt] }: DnsMessage): Query | undefined {
  if (!question) return undefined;
  const { name, type, class: questionClass, end } = question;
  const edns = opt && { udpSize: Math.max(opt.class, PLAIN_UDP_SIZE), dnssecOk: (opt.ttl & 0x8000) !== 0 };
  return {
    id: header.id,
    flags: header.flags,
    name,
    type,
    class: questionClass,
    question: bytes.slice(12, end),
    edns,
    key: keyOf(name, type, questionClass, header.flags, edns),
  };
}

function keyOf(
  name: string,
  type: number,
  questionClass: number,
  flags: number,
  edns: Edns | undefined,
): string {
  return `${type} ${questionClass} ${flags & (FLAG.RD | FLAG.CD)} ${edns?.dnssecOk ? 'do' : ''} ${name}`;
}

/** Zone transfers and other classes than IN are no business of a forwarder; the code for those left alone is undefined. */
function refusalOf({ type, class: questionClass }: Query): number | undefined {
  if (type === 0 || type === TYPE.OPT || type === TYPE.TKEY || type === TYPE.TSIG) return RCODE.FORMERR;
  if (type === TYPE.AXFR || type === TYPE.IXFR) return RCODE.REFUSED;
  if (questionClass !== CLASS_IN) return RCODE.REFUSED;
  return undefined;
}

function refuse(header: DnsHeader, rcode: number, query: Query | undefined): ParsedQuery {
  if (query) return { kind: 'refuse', rcode, query, reply: replyWithoutRecords(query, rcode) };
  const flags = FLAG.QR | (header.opcode << 11) | (header.flags & FLAG.RD) | rcode;
  return { kind: 'refuse', rcode, query, reply: writeMessage(header.id, flags, new Uint8Array(), undefined) };
}

/** A reply that carries nothing but its code. `options` are for a client that speaks EDNS. */
export function replyWithoutRecords(query: Query, rcode: number, options?: Uint8Array): Uint8Array {
  return writeMessage(
    query.id,
    replyFlags(query, rcode),
    query.question,
    query.edns && {
      udpSize: EDNS_UDP_SIZE,
      dnssecOk: query.edns.dnssecOk,
      extendedRcode: rcode >>> 4,
      ...(options && { options }),
    },
  );
}

export function replyFlags(query: Query, rcode: number): number {
  return FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | (rcode & 15);
}

/** The largest UDP reply this client takes. */
export function udpLimitOf(query: Query): number {
  return Math.min(query.edns?.udpSize ?? PLAIN_UDP_SIZE, MAX_UDP_SIZE);
}

/** The firewall's own question for the addresses of a normalized name. */
export function ownQuery(name: string, type: number = TYPE.A): Query {
  return {
    id: 0,
    flags: FLAG.RD,
    name,
    type,
    class: CLASS_IN,
    question: writeQuestion(name, type),
    edns: undefined,
    key: keyOf(name, type, CLASS_IN, FLAG.RD, undefined),
  };
}

/**
 * What goes to an upstream: the client's question and flags, and AD, so that one answer can serve those who ask for it. EDNS is spoken from hop to hop (RFC 6891 section 6.2.3),
 * so the record is ours; cookies and client subnets of the client end here, and one answer serves all clients.
 */
export function upstreamQuery(query: Query, id: number): Uint8Array {
  return writeMessage(
    id,
    FLAG.AD | (query.flags & (FLAG.RD | FLAG.CD)),
    query.question,
    query.edns && { udpSize: EDNS_UDP_SIZE, dnssecOk: query.edns.dnssecOk },
  );
}
