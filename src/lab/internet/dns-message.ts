// One DNS query as bytes to one answer as bytes (RFC 1035, EDNS of RFC 6891). The question is copied back byte for byte,
// so that clients which check upper and lower case or ask for unknown types are content. What is no query gets no
// answer; a query that cannot be read gets FORMERR. dns-packet reads and writes the records.

import { type Answer, type DecodedPacket, decode, encode, type OptAnswer } from 'dns-packet';
import type { NameReply, NameService } from './names.ts';

export interface DnsAsker {
  readonly asker: number;
  readonly server: number;
  readonly transport: 'udp' | 'tcp';
}

export interface DnsOutcome {
  /** Undefined: send nothing. */
  readonly response: Buffer | undefined;
  readonly name?: string;
  readonly type?: string;
}

const HEADER_BYTES = 12;
/** Largest answer over UDP whatever the client offers: it fits every path without fragments (DNS flag day 2020). */
const MAX_UDP_BYTES = 1232;
const MIN_UDP_BYTES = 512;
const MAX_TCP_BYTES = 65_535;
const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
const CLASS_IN = 1;
const CLASS_ANY = 255;
const TRUNCATED = 0x0200;

interface Question {
  readonly name: string;
  readonly type: string;
  readonly class: number;
  /** Offset of the first byte after the question. */
  readonly end: number;
}

export function answerDns(message: Buffer, from: DnsAsker, names: NameService): DnsOutcome {
  if (message.length < HEADER_BYTES || (message.readUInt16BE(2) & 0x8000) !== 0)
    return { response: undefined };
  const opcode = (message.readUInt16BE(2) >> 11) & 15;
  if (opcode !== 0) return { response: refusal(message, HEADER_BYTES, RCODE.NOTIMP) };
  const packet = readPacket(message);
  const question = packet && packet.questions?.length === 1 ? readQuestion(message, packet) : undefined;
  if (!packet || !question) return { response: refusal(message, HEADER_BYTES, RCODE.FORMERR) };

  const asked = { name: question.name, type: question.type };
  const options = (packet.additionals ?? []).filter((record): record is OptAnswer => record.type === 'OPT');
  const [edns] = options;
  if (options.length > 1) return { response: refusal(message, question.end, RCODE.FORMERR), ...asked };
  if (edns && edns.ednsVersion !== 0)
    return { response: compose(message, question, { flags: 0, extendedRcode: 1, edns: true }), ...asked };
  if ((question.class !== CLASS_IN && question.class !== CLASS_ANY) || /^[AI]XFR$/.test(question.type))
    return { response: refusal(message, question.end, RCODE.REFUSED), ...asked };

  const reply = names.reply({ ...asked, asker: from.asker, server: from.server });
  if (!reply) return { response: undefined, ...asked };
  const limit =
    from.transport === 'tcp'
      ? MAX_TCP_BYTES
      : Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, edns?.udpPayloadSize ?? MIN_UDP_BYTES));
  return { response: composeReply(message, question, reply, edns !== undefined, limit), ...asked };
}

function composeReply(
  query: Buffer,
  question: Question,
  reply: NameReply,
  edns: boolean,
  limit: number,
): Buffer {
  const flags = RCODE[reply.rcode];
  const { answers, authorities } = reply;
  const whole = compose(query, question, { flags, answers, authorities, edns });
  return whole.length <= limit ? whole : compose(query, question, { flags: flags | TRUNCATED, edns });
}

function readPacket(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

/** dns-packet has read the question already; what is missing is its raw class and where it ends. */
function readQuestion(message: Buffer, packet: DecodedPacket): Question | undefined {
  let offset = HEADER_BYTES;
  for (;;) {
    const length = message[offset];
    if (length === undefined || length > 63) return undefined;
    offset += length + 1;
    if (length === 0) break;
  }
  const question = packet.questions?.[0];
  if (!question || offset + 4 > message.length) return undefined;
  return {
    name: question.name,
    type: question.type,
    class: message.readUInt16BE(offset + 2),
    end: offset + 4,
  };
}

interface Sections {
  readonly flags: number;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly edns: boolean;
  readonly extendedRcode?: number;
}

function compose(
  query: Buffer,
  { end }: Question,
  { flags, answers = [], authorities = [], edns, extendedRcode = 0 }: Sections,
): Buffer {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: MAX_UDP_BYTES,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  // dns-packet writes no compression pointers, so the records may stand behind a question that it did not write.
  const records = encode({
    answers: [...answers],
    authorities: [...authorities],
    additionals: edns ? [opt as OptAnswer] : [],
  }).subarray(HEADER_BYTES);
  const header = responseHeader(query, flags);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authorities.length, 8);
  header.writeUInt16BE(edns ? 1 : 0, 10);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), records]);
}

function refusal(query: Buffer, end: number, rcode: number): Buffer {
  const header = responseHeader(query, rcode);
  header.writeUInt16BE(end > HEADER_BYTES ? 1 : 0, 4);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end)]);
}

/** Same id, opcode and RD; QR and RA set. */
function responseHeader(query: Buffer, flags: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8080 | (query.readUInt16BE(2) & 0x7900) | flags, 2);
  return header;
}
