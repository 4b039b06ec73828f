// Walks a DNS message (RFC 1035) without decoding its record data, so that types nobody here knows pass through as
// the bytes they are. Every read is checked against the end of the message; compression pointers may only point
// backwards, so a loop cannot be expressed. What a message means is left to `dataplane/dns`.

export const HEADER_LENGTH = 12;
/** Length of a name on the wire, RFC 1035 section 2.3.4. */
const MAX_NAME_LENGTH = 255;
/** As many as a name can have labels; a longer chain of pointers only costs time. */
const MAX_POINTERS = 127;
/** A 64 KiB message cannot hold more: a record is at least 11 bytes long. */
const MAX_RECORDS = 5957;

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  AAAA: 28,
  OPT: 41,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export const CLASS_IN = 1;
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
/** Bits of the 16-bit flags word, RFC 1035 section 4.1.1 and RFC 4035 section 3. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const;

export interface DnsHeader {
  readonly id: number;
  /** The whole flags word, for `FLAG`. */
  readonly flags: number;
  readonly opcode: number;
  /** The lower four bits; EDNS carries the rest. */
  readonly rcode: number;
  readonly questionCount: number;
  readonly answerCount: number;
  readonly authorityCount: number;
  readonly additionalCount: number;
}

export interface DnsQuestion {
  /** As `readName` gives it. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Offset after the question. */
  readonly end: number;
  /** The name stands at offset 12 in plain labels, so its letters can be replaced in place. */
  readonly plain: boolean;
}

export type DnsSection = 'answer' | 'authority' | 'additional';

/** Where one record stands. OPT's class and TTL are the buffer size and the extended flags. */
export interface DnsRecord {
  readonly section: DnsSection;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly ttlOffset: number;
  readonly dataOffset: number;
  readonly dataLength: number;
  readonly start: number;
  readonly end: number;
}

export interface DnsMessage {
  readonly header: DnsHeader;
  /** Absent when the message carries no question; more than one is refused. */
  readonly question: DnsQuestion | undefined;
  readonly records: readonly DnsRecord[];
  /** Offset after the last record; bytes behind it belong to nothing. */
  readonly end: number;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Undefined when there are fewer than twelve bytes. */
export function readHeader(bytes: Uint8Array): DnsHeader | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  return {
    id: view.getUint16(0),
    flags,
    opcode: (flags >>> 11) & 15,
    rcode: flags & 15,
    questionCount: view.getUint16(4),
    answerCount: view.getUint16(6),
    authorityCount: view.getUint16(8),
    additionalCount: view.getUint16(10),
  };
}

/**
 * The name at `offset`: lower-case, without the trailing dot (the root is empty), other bytes than printable ASCII
 * and a dot or backslash inside a label escaped as in RFC 4343. `end` is the offset after the name where it stands.
 */
export function readName(
  bytes: Uint8Array,
  offset: number,
): { name: string; end: number; compressed: boolean } | undefined {
  let name = '';
  let wireLength = 1;
  let position = offset;
  let end = -1;
  // A pointer must lead before the piece of the name that holds it: each jump moves strictly backwards.
  let pieceStart = offset;
  let pointers = 0;
  for (;;) {
    const length = bytes[position];
    if (length === undefined) return undefined;
    if (length >= 0xc0) {
      const low = bytes[position + 1];
      if (low === undefined) return undefined;
      const target = ((length & 0x3f) << 8) | low;
      if (target >= pieceStart || target < HEADER_LENGTH || ++pointers > MAX_POINTERS) return undefined;
      if (end < 0) end = position + 2;
      pieceStart = target;
      position = target;
      continue;
    }
    if (length > 63) return undefined;
    if (length === 0) return { name, end: end < 0 ? position + 1 : end, compressed: end >= 0 };
    wireLength += length + 1;
    if (wireLength > MAX_NAME_LENGTH || position + length >= bytes.length) return undefined;
    if (name !== '') name += '.';
    for (let index = position + 1; index <= position + length; index++)
      name += labelCharacter(bytes[index] as number);
    position += length + 1;
  }
}

function labelCharacter(byte: number): string {
  if (byte >= 0x41 && byte <= 0x5a) return String.fromCharCode(byte + 32);
  if (byte === 0x2e) return '\\.';
  if (byte === 0x5c) return '\\\\';
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\${String(byte).padStart(3, '0')}`;
}

/** The single question; undefined where it is malformed. Call only with a question count of one. */
export function readQuestion(bytes: Uint8Array): DnsQuestion | undefined {
  const name = readName(bytes, HEADER_LENGTH);
  if (!name || name.end + 4 > bytes.length) return undefined;
  const view = viewOf(bytes);
  return {
    name: name.name,
    type: view.getUint16(name.end),
    class: view.getUint16(name.end + 2),
    end: name.end + 4,
    plain: !name.compressed,
  };
}

/** Undefined when any part of the message is malformed, or it holds more than one question. */
export function readMessage(bytes: Uint8Array): DnsMessage | undefined {
  const header = readHeader(bytes);
  if (!header || header.questionCount > 1) return undefined;
  const question = header.questionCount === 1 ? readQuestion(bytes) : undefined;
  if (header.questionCount === 1 && !question) return undefined;
  const count = header.answerCount + header.authorityCount + header.additionalCount;
  if (count > MAX_RECORDS) return undefined;
  const records: DnsRecord[] = [];
  let offset = question?.end ?? HEADER_LENGTH;
  for (let index = 0; index < count; index++) {
    const section =
      index < header.answerCount
        ? 'answer'
        : index < header.answerCount + header.authorityCount
          ? 'authority'
          : 'additional';
    const record = readRecord(bytes, offset, section);
    if (!record) return undefined;
    records.push(record);
    offset = record.end;
  }
  return { header, question, records, end: offset };
}

function readRecord(bytes: Uint8Array, start: number, section: DnsSection): DnsRecord | undefined {
  const name = readName(bytes, start);
  if (!name || name.end + 10 > bytes.length) return undefined;
  const view = viewOf(bytes);
  const dataLength = view.getUint16(name.end + 8);
  const dataOffset = name.end + 10;
  if (dataOffset + dataLength > bytes.length) return undefined;
  return {
    section,
    name: name.name,
    type: view.getUint16(name.end),
    class: view.getUint16(name.end + 2),
    ttl: view.getUint32(name.end + 4),
    ttlOffset: name.end + 4,
    dataOffset,
    dataLength,
    start,
    end: dataOffset + dataLength,
  };
}

/** The address of an A record; undefined for any other record. */
export function addressOf(bytes: Uint8Array, record: DnsRecord): number | undefined {
  if (record.type !== TYPE.A || record.class !== CLASS_IN || record.dataLength !== 4) return undefined;
  return viewOf(bytes).getUint32(record.dataOffset);
}

/** The target of a CNAME record; undefined for any other record, or when the name does not fill its data. */
export function aliasOf(bytes: Uint8Array, record: DnsRecord): string | undefined {
  if (record.type !== TYPE.CNAME || record.class !== CLASS_IN) return undefined;
  const target = readName(bytes, record.dataOffset);
  return target && target.end === record.end ? target.name : undefined;
}

/** MINIMUM of an SOA record, the negative TTL of RFC 2308; undefined for any other record. */
export function soaMinimumOf(bytes: Uint8Array, record: DnsRecord): number | undefined {
  if (record.type !== TYPE.SOA) return undefined;
  const primary = readName(bytes, record.dataOffset);
  const mailbox = primary && readName(bytes, primary.end);
  if (!mailbox || mailbox.end + 20 !== record.end) return undefined;
  return viewOf(bytes).getUint32(mailbox.end + 16);
}
