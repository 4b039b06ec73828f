// The head of an HTTP/1.x message, for a proxy that judges every request and passes the bytes on unchanged
// (RFC 9112). No library fits: Node's parser and its kin give back a decoded message, and writing it out again would
// change what client and server signed, ordered or spelled; they also accept line ends and spaces that the next
// server reads differently, which is how requests are smuggled. So this parser accepts one spelling only and names
// the fault of every other: CRLF at each line end, no folded lines, no blank before a colon, at most one Host and
// one length. Pure; bounded by `MAX_HEAD_BYTES`; what the head says about its body is in `http.ts`.

/** Request or status line and header lines together. Servers commonly stop at 8 to 64 KiB. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** No registered method is longer than 17 characters. */
const MAX_METHOD = 32;

export interface HeaderLine {
  /** Lower case. */
  readonly name: string;
  /** Without the white space around it. */
  readonly value: string;
  /** Where in the head the value ends, before trailing white space and CRLF. */
  readonly valueEnd: number;
}

/** Start line and headers, taken apart but not yet understood. `bytes` is the exact wire form with its empty line. */
export interface RawHead {
  readonly bytes: Buffer;
  readonly startLine: string;
  readonly headers: readonly HeaderLine[];
}

export type HeadProblem = {
  readonly status: 'refused';
  /** What to answer a client; 0 when the bytes are no HTTP at all and no answer would be understood. */
  readonly httpStatus: 0 | 400 | 431 | 501 | 505;
  readonly problem: string;
};

export type HeadResult =
  | { readonly status: 'need-more' }
  | HeadProblem
  /** `rest` are the bytes behind the head: body, or the next request. */
  | { readonly status: 'head'; readonly head: RawHead; readonly rest: Buffer };

const CR = 13;
const LF = 10;
const NEED_MORE: HeadResult = { status: 'need-more' };
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Field values: visible characters, blanks, and bytes above ASCII; no other control character. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function refused(httpStatus: HeadProblem['httpStatus'], problem: string): HeadProblem {
  return { status: 'refused', httpStatus, problem };
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Collects bytes until the empty line. One reader reads one head. */
export class HeadReader {
  #bytes = Buffer.allocUnsafe(0);
  #length = 0;
  /** Everything before this offset has been looked at. */
  #scanned = 0;
  /** Start of the line being looked at. */
  #lineStart = 0;
  /** The first word has been checked. */
  #startSeen = false;
  #result: HeadResult = NEED_MORE;

  /** True while nothing of the message has arrived. */
  get empty(): boolean {
    return this.#length === 0;
  }

  push(chunk: Buffer): HeadResult {
    if (this.#result.status !== 'need-more' || chunk.length === 0) return this.#result;
    this.#append(chunk);
    this.#result = this.#scan();
    return this.#result;
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  #scan(): HeadResult {
    const bytes = this.#bytes.subarray(0, this.#length);
    if (!this.#startSeen && !this.#checkStart(bytes)) return refused(0, 'the first bytes are not HTTP');
    for (;;) {
      const lf = bytes.indexOf(LF, this.#scanned);
      if (lf < 0 || lf >= MAX_HEAD_BYTES) break;
      this.#scanned = lf + 1;
      if (bytes[lf - 1] !== CR) return refused(400, 'a line ends with a bare LF');
      const lineLength = lf - 1 - this.#lineStart;
      this.#lineStart = lf + 1;
      if (lineLength === 0) return parseHead(Buffer.from(bytes.subarray(0, lf + 1)), bytes.subarray(lf + 1));
    }
    if (this.#length > MAX_HEAD_BYTES) return refused(431, `the head is longer than ${MAX_HEAD_BYTES} bytes`);
    this.#scanned = this.#length;
    return NEED_MORE;
  }

  /** Method, or `HTTP/1.1` of a response: other protocols are recognised within the first few bytes. */
  #checkStart(bytes: Buffer): boolean {
    const start = bytes.toString('latin1', 0, MAX_METHOD + 1);
    const blank = start.indexOf(' ');
    this.#startSeen = blank >= 0;
    const word = this.#startSeen ? start.slice(0, blank) : start;
    return word.length <= MAX_METHOD && isToken(word.replace('/', ''));
  }
}

function parseHead(bytes: Buffer, rest: Buffer): HeadResult {
  const text = bytes.toString('latin1');
  const headers: HeaderLine[] = [];
  const lines = text.slice(0, -4).split('\r\n');
  const startLine = lines[0] ?? '';
  if (!VALUE.test(startLine)) return refused(0, 'the first line holds control characters');
  let offset = startLine.length + 2;
  for (const line of lines.slice(1)) {
    const at = `header line ${headers.length + 1}`;
    if (line.startsWith(' ') || line.startsWith('\t')) return refused(400, `${at} is folded`);
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!isToken(name)) return refused(400, `${at} does not start with a header name and a colon`);
    const content = line.slice(colon + 1);
    if (!VALUE.test(content)) return refused(400, `${at} holds control characters`);
    const trimmed = content.replace(/[\t ]+$/, '');
    headers.push({
      name: name.toLowerCase(),
      value: trimmed.replace(/^[\t ]+/, ''),
      valueEnd: offset + colon + 1 + trimmed.length,
    });
    offset += line.length + 2;
  }
  return { status: 'head', head: { bytes, startLine, headers }, rest };
}

/** Values of every line with this lower-case name. */
export function headerValues(head: RawHead, name: string): readonly string[] {
  return head.headers.filter(header => header.name === name).map(header => header.value);
}

/** Members of a comma-separated list over all lines of that name, lower case, without empty ones. */
export function headerList(head: RawHead, name: string): readonly string[] {
  return headerValues(head, name)
    .flatMap(value => value.split(','))
    .map(member => member.trim().toLowerCase())
    .filter(member => member !== '');
}

/**
 * The head with `address` at the end of X-Forwarded-For: behind what is there, else as a line of its own before the
 * empty line. Everything else stays byte for byte.
 */
export function withForwardedFor(head: RawHead, address: string): Buffer {
  const last = head.headers.findLast(header => header.name === 'x-forwarded-for');
  const at = last ? last.valueEnd : head.bytes.length - 2;
  const addition = last ? `${last.value === '' ? ' ' : ', '}${address}` : `X-Forwarded-For: ${address}\r\n`;
  return Buffer.concat([
    head.bytes.subarray(0, at),
    Buffer.from(addition, 'latin1'),
    head.bytes.subarray(at),
  ]);
}
