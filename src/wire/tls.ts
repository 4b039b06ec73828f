// Reads the ClientHello at the start of a TLS connection, from bytes cut anywhere: TCP segments, TLS records, or
// both (RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3). Promises: every length is checked, memory is bounded,
// work is linear in the bytes, and nothing throws. It takes no bytes away: whoever forwards the connection keeps
// what it pushed and replays it. It judges no name; it only says which one the client claims.
//
// What counts as a name. Upper case is lowered and one trailing dot is dropped, since servers treat those alike.
// An absent extension, an empty list and an IP literal (which RFC 6066 forbids) are "no name". Two names, an
// extension sent twice, and a name that no DNS label can be are refused as malformed: a server could understand
// them otherwise than we do.

import { parseFqdn } from '#net/fqdn.ts';
import { parseIpv4 } from '#net/ipv4.ts';

export interface ClientHello {
  readonly status: 'hello';
  /** Normalized name; undefined when the client named none. */
  readonly sni: string | undefined;
  /** Protocols offered by ALPN in the client's order; empty when it offered none. */
  readonly alpn: readonly string[];
  /** Highest version the client offers, as on the wire: 0x0303 is TLS 1.2, 0x0304 is TLS 1.3. */
  readonly version: number;
}

export type HelloResult =
  | { readonly status: 'need-more' }
  /** Not a TLS handshake, or one that breaks the rules; `problem` names which. */
  | { readonly status: 'not-tls'; readonly problem: string }
  | ClientHello;

/** Hellos with post-quantum key shares take 2 to 6 KiB; OpenSSL refuses more than 16 KiB, so servers would too. */
export const MAX_HELLO_BYTES = 16 * 1024;
/** The hello with its record headers. Leaves room for about 3,000 records, far beyond what any client makes. */
export const MAX_HELLO_WIRE_BYTES = 32 * 1024;

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const CONTENT_HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** A plaintext record holds at most 2^14 bytes. */
const MAX_RECORD = 16 * 1024;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;

const NEED_MORE: HelloResult = { status: 'need-more' };

/** The byte every TLS connection starts with: content type handshake. */
export function looksLikeTls(firstByte: number): boolean {
  return firstByte === CONTENT_HANDSHAKE;
}

export class ClientHelloReader {
  readonly #header = Buffer.alloc(RECORD_HEADER);
  #headerLength = 0;
  /** Bytes of the current record still to come. */
  #recordLeft = 0;
  /** The handshake message so far; grows up to `MAX_HELLO_BYTES` and its header. */
  #message = Buffer.allocUnsafe(512);
  #messageLength = 0;
  #wireLength = 0;
  #result: HelloResult = NEED_MORE;

  /** Bytes taken in so far, all pushes together. */
  get wireLength(): number {
    return this.#wireLength;
  }

  /**
   * Takes the next bytes of the connection. Once the answer is not `need-more` it stays the same. Bytes after the
   * hello's last record (early data) are of no interest and do no harm.
   */
  push(chunk: Uint8Array): HelloResult {
    if (this.#result.status !== 'need-more') return this.#result;
    this.#result = this.#read(chunk);
    return this.#result;
  }

  #read(chunk: Uint8Array): HelloResult {
    let at = 0;
    while (at < chunk.length) {
      if (this.#wireLength >= MAX_HELLO_WIRE_BYTES) return malformed('the hello takes too many records');
      if (this.#recordLeft === 0) {
        this.#header[this.#headerLength++] = chunk[at++] as number;
        this.#wireLength++;
        const problem = this.#checkHeader();
        if (problem) return malformed(problem);
        continue;
      }
      const take = Math.min(this.#recordLeft, chunk.length - at);
      const problem = this.#append(chunk.subarray(at, at + take));
      at += take;
      this.#wireLength += take;
      this.#recordLeft -= take;
      if (problem) return malformed(problem);
      const total = this.#total();
      if (total !== undefined && this.#messageLength >= total) {
        // A hello ends its record: anything behind it would be a message sent before the server spoke.
        if (this.#messageLength > total || this.#recordLeft > 0)
          return malformed('the record goes on after the hello');
        return readHello(this.#message.subarray(HANDSHAKE_HEADER, total));
      }
    }
    return NEED_MORE;
  }

  /** Called after each header byte, so that other protocols are recognised at their first byte. */
  #checkHeader(): string | undefined {
    const header = this.#header;
    switch (this.#headerLength) {
      case 1:
        return header[0] === CONTENT_HANDSHAKE ? undefined : 'the first byte of a record is not a handshake';
      case 2:
        return header[1] === 3 ? undefined : 'the record version is not 3.x';
      case RECORD_HEADER: {
        const length = header.readUInt16BE(3);
        if (length === 0) return 'a handshake record is empty';
        if (length > MAX_RECORD) return 'a record is longer than 16384 bytes';
        this.#recordLeft = length;
        this.#headerLength = 0;
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #append(bytes: Uint8Array): string | undefined {
    const needed = this.#messageLength + bytes.length;
    if (needed > this.#message.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#message.length * 2));
      this.#message.copy(larger, 0, 0, this.#messageLength);
      this.#message = larger;
    }
    this.#message.set(bytes, this.#messageLength);
    this.#messageLength = needed;
    if (this.#message[0] !== CLIENT_HELLO) return 'the first handshake message is not a ClientHello';
    const total = this.#total();
    if (total !== undefined && total > MAX_HELLO_BYTES + HANDSHAKE_HEADER)
      return `the hello is longer than ${MAX_HELLO_BYTES} bytes`;
    return undefined;
  }

  /** Length of the message with its header, once the header is there. */
  #total(): number | undefined {
    return this.#messageLength < HANDSHAKE_HEADER
      ? undefined
      : HANDSHAKE_HEADER + this.#message.readUIntBE(1, 3);
  }
}

function malformed(problem: string): HelloResult {
  return { status: 'not-tls', problem };
}

/** Thrown and caught inside this file only: a length that points beyond its container. */
class Overrun extends Error {}

/** A window on the hello; every read is checked against its end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: 1 | 2): number {
    const bytes = this.take(size);
    return size === 1 ? bytes.readUInt8() : bytes.readUInt16BE();
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new Overrun();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A vector behind a length of one or two bytes. */
  vector(lengthSize: 1 | 2): Cursor {
    return new Cursor(this.take(this.number(lengthSize)));
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }
}

function readHello(body: Buffer): HelloResult {
  try {
    return readHelloBody(new Cursor(body));
  } catch (error) {
    if (error instanceof Overrun) return malformed('a length in the hello points beyond its end');
    throw error;
  }
}

function readHelloBody(hello: Cursor): HelloResult {
  let version = hello.number(2);
  hello.take(32); // random
  hello.vector(1); // session id
  const suites = hello.vector(2).rest();
  if (suites.length === 0 || suites.length % 2 !== 0) return malformed('the list of cipher suites is broken');
  if (hello.vector(1).atEnd) return malformed('the hello offers no compression method');
  let sni: string | undefined;
  let alpn: readonly string[] = [];
  if (!hello.atEnd) {
    const extensions = hello.vector(2);
    if (!hello.atEnd) return malformed('bytes follow the extensions of the hello');
    const seen = new Set<number>();
    while (!extensions.atEnd) {
      const type = extensions.number(2);
      const content = extensions.vector(2);
      if (seen.has(type)) return malformed(`extension ${type} is there twice`);
      seen.add(type);
      if (type === EXTENSION_SERVER_NAME) {
        const name = readServerName(content);
        if ('problem' in name) return malformed(name.problem);
        sni = name.sni;
      } else if (type === EXTENSION_ALPN) {
        alpn = readAlpn(content);
      } else if (type === EXTENSION_SUPPORTED_VERSIONS) {
        version = highestVersion(content.vector(1)) ?? version;
      }
    }
  }
  return { status: 'hello', sni, alpn, version };
}

function readServerName(content: Cursor): { sni: string | undefined } | { problem: string } {
  if (content.atEnd) return { sni: undefined };
  const list = content.vector(2);
  if (!content.atEnd) return { problem: 'bytes follow the list of server names' };
  let sni: string | undefined;
  let count = 0;
  while (!list.atEnd) {
    const type = list.number(1);
    const bytes = list.vector(2).rest();
    if (type !== 0) return { problem: `server name of unknown type ${type}` };
    if (++count > 1) return { problem: 'several server names' };
    const text = bytes.toString('latin1');
    if (text === '') continue;
    if (parseIpv4(text) !== undefined || text.includes(':')) continue;
    // `parseFqdn` forgives white space around a name, which is right for a person's input and wrong here.
    sni = /\s/.test(text) ? undefined : parseFqdn(text);
    if (sni === undefined) return { problem: 'the server name is not a DNS name' };
  }
  return { sni };
}

function readAlpn(content: Cursor): readonly string[] {
  const list = content.vector(2);
  const protocols: string[] = [];
  while (!list.atEnd) protocols.push(list.vector(1).rest().toString('latin1'));
  return protocols;
}

/** Ignores the reserved values that clients strew in (RFC 8701). */
function highestVersion(list: Cursor): number | undefined {
  let highest: number | undefined;
  while (!list.atEnd) {
    const version = list.number(2);
    if (version >>> 8 === 3 && (highest === undefined || version > highest)) highest = version;
  }
  return highest;
}
