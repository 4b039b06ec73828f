// The beginning of a connection to SQL Server as TDS 7.x makes it: packets, the PRELOGIN message, and the TLS handshake that
// travels inside packets of the same type ([MS-TDS] sections 2.2.3.1 and 2.2.6.5,
// https://learn.microsoft.com/openspecs/windows_protocols/ms-tds). TDS 8.0 begins with TLS itself and needs nothing of this but
// its ALPN name. Promises: every length is checked, memory is bounded, work is linear in the bytes, nothing throws. Pure.

/** What a client that speaks TDS 8.0 offers by ALPN, which tells it from any other TLS. */
export const TDS8_ALPN = 'tds/8.0';

/** Packet types (section 2.2.3.1.1): PRELOGIN from either side, also around its TLS handshake; a server's answer. */
export const PRELOGIN = 0x12;
export const TABULAR_RESULT = 0x04;

const HEADER = 8;
const END_OF_MESSAGE = 0x01;
/** A server passes over such a message: it would read another hello than the one that was judged. Other bits do no harm. */
const IGNORE_MESSAGE = 0x02;
/** Section 2.2.3.1.4. */
const MAX_PACKET = 32_767;
/** A real message takes some 100 bytes; the longest option is the name of an instance. */
const MAX_PRELOGIN = 4096;

/** The byte every TDS 7.x connection starts with. */
export function looksLikeTds(firstByte: number): boolean {
  return firstByte === PRELOGIN;
}

export interface TdsPacket {
  readonly type: number;
  readonly endOfMessage: boolean;
  readonly payload: Buffer;
}

export type TdsResult =
  | { readonly status: 'need-more' }
  /** `rest` is what came behind the packet. */
  | { readonly status: 'packet'; readonly packet: TdsPacket; readonly rest: Buffer }
  | { readonly status: 'not-tds'; readonly problem: string };

/** Takes packets of one type out of bytes that are cut anywhere. A problem stays one. */
export class TdsPacketReader {
  readonly #type: number;
  readonly #header = Buffer.alloc(HEADER);
  #headerLength = 0;
  #payload = Buffer.alloc(0);
  #payloadLength = 0;
  #problem: string | undefined;

  constructor(type: number) {
    this.#type = type;
  }

  push(chunk: Buffer): TdsResult {
    let at = 0;
    while (this.#problem === undefined && this.#headerLength < HEADER && at < chunk.length) {
      this.#header[this.#headerLength++] = chunk[at++] as number;
      this.#problem = this.#checkHeader();
    }
    if (this.#problem !== undefined) return { status: 'not-tds', problem: this.#problem };
    if (this.#headerLength < HEADER) return { status: 'need-more' };
    const take = Math.min(this.#payload.length - this.#payloadLength, chunk.length - at);
    chunk.copy(this.#payload, this.#payloadLength, at, at + take);
    this.#payloadLength += take;
    if (this.#payloadLength < this.#payload.length) return { status: 'need-more' };
    const endOfMessage = ((this.#header[1] as number) & END_OF_MESSAGE) !== 0;
    const packet = { type: this.#type, endOfMessage, payload: this.#payload };
    this.#headerLength = 0;
    return { status: 'packet', packet, rest: chunk.subarray(at + take) };
  }

  /** Called after each header byte, so that other protocols are recognised at their first byte. */
  #checkHeader(): string | undefined {
    const header = this.#header;
    if (this.#headerLength === 1 && header[0] !== this.#type)
      return `a packet has type 0x${hex(header[0] as number)} instead of 0x${hex(this.#type)}`;
    if (this.#headerLength === 2 && ((header[1] as number) & IGNORE_MESSAGE) !== 0)
      return 'a packet asks to be ignored';
    if (this.#headerLength < HEADER) return undefined;
    const length = header.readUInt16BE(2);
    if (length <= HEADER) return 'a packet is empty';
    if (length > MAX_PACKET) return `a packet is longer than ${MAX_PACKET} bytes`;
    this.#payload = Buffer.alloc(length - HEADER);
    this.#payloadLength = 0;
    return undefined;
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** One message in one packet; `payload` must fit, which a PRELOGIN does. */
export function writeTdsPacket(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = type;
  header[1] = END_OF_MESSAGE;
  header.writeUInt16BE(HEADER + payload.length, 2);
  header[6] = 1;
  return Buffer.concat([header, payload]);
}

/** Puts together a PRELOGIN message from its packets; `undefined` while there are more to come. */
export class PreloginReader {
  readonly #packets: TdsPacketReader;
  #message = Buffer.alloc(0);

  /** `PRELOGIN` reads a client's, `TABULAR_RESULT` a server's. */
  constructor(type: number) {
    this.#packets = new TdsPacketReader(type);
  }

  push(
    chunk: Buffer,
  ):
    | { readonly status: 'need-more' }
    | { readonly status: 'prelogin'; readonly prelogin: Prelogin; readonly rest: Buffer }
    | { readonly status: 'not-tds'; readonly problem: string } {
    for (let bytes = chunk; ; ) {
      const result = this.#packets.push(bytes);
      if (result.status !== 'packet') return result;
      this.#message = Buffer.concat([this.#message, result.packet.payload]);
      if (this.#message.length > MAX_PRELOGIN)
        return { status: 'not-tds', problem: `the PRELOGIN message is longer than ${MAX_PRELOGIN} bytes` };
      if (result.packet.endOfMessage) {
        const prelogin = parsePrelogin(this.#message);
        return 'problem' in prelogin
          ? { status: 'not-tds', problem: prelogin.problem }
          : { status: 'prelogin', prelogin, rest: result.rest };
      }
      bytes = result.rest;
    }
  }
}

/** Option tokens (section 2.2.6.5). */
const VERSION = 0x00;
const ENCRYPTION = 0x01;
const INSTANCE = 0x02;
const THREAD_ID = 0x03;
const MARS = 0x04;
const TRACE_ID = 0x05;
const FEDERATED = 0x06;
const NONCE = 0x07;
const TERMINATOR = 0xff;

const ENCRYPT_OFF = 0x00;
const ENCRYPT_ON = 0x01;
const ENCRYPT_NOT_SUPPORTED = 0x02;
const ENCRYPT_REQUIRED = 0x03;
/** Beside it stands the flag of client certificates. */
const ENCRYPT_MASK = 0x7f;

/** Option data by token, in the order of the message. */
export interface Prelogin {
  readonly options: ReadonlyMap<number, Buffer>;
}

export function parsePrelogin(message: Buffer): Prelogin | { readonly problem: string } {
  const options = new Map<number, Buffer>();
  let dataStart = message.length;
  let at = 0;
  for (; ; at += 5) {
    const token = message[at];
    if (token === undefined) return { problem: 'the list of options has no end' };
    if (token === TERMINATOR) break;
    if (at + 5 > message.length) return { problem: 'the list of options has no end' };
    const offset = message.readUInt16BE(at + 1);
    const length = message.readUInt16BE(at + 3);
    if (offset + length > message.length) return { problem: 'an option points beyond the message' };
    if (options.has(token)) return { problem: `option ${token} is there twice` };
    if (length > 0) dataStart = Math.min(dataStart, offset);
    options.set(token, message.subarray(offset, offset + length));
  }
  if (dataStart <= at) return { problem: 'an option points into the list of options' };
  const [first] = options.keys();
  if (first !== VERSION || options.get(VERSION)?.length !== 6)
    return { problem: 'the first option is not the version' };
  if (options.get(ENCRYPTION)?.length !== 1) return { problem: 'the encryption option is missing' };
  return { options };
}

export function writePrelogin({ options }: Prelogin): Buffer {
  const table = Buffer.alloc(options.size * 5 + 1);
  let offset = table.length;
  let at = 0;
  for (const [token, data] of options) {
    table[at] = token;
    table.writeUInt16BE(offset, at + 1);
    table.writeUInt16BE(data.length, at + 3);
    offset += data.length;
    at += 5;
  }
  table[at] = TERMINATOR;
  return Buffer.concat([table, ...options.values()]);
}

const encryptionOf = ({ options }: Prelogin): number => (options.get(ENCRYPTION)?.[0] ?? 0) & ENCRYPT_MASK;

/** Whether the client can encrypt; one that cannot never says which server it wants. */
export function offersEncryption(client: Prelogin): boolean {
  return encryptionOf(client) !== ENCRYPT_NOT_SUPPORTED;
}

/** What Azure SQL Database says of itself. The version that counts comes with the login, from the server. */
const ANSWERED_VERSION = Buffer.from([12, 0, 0x07, 0xd0, 0, 0]);

/**
 * The answer of a server that encrypts everything and agrees to what the client asks for. It is given before the server is
 * known, so `broken` must find that the server would have said the same.
 */
export function answerPrelogin(client: Prelogin): Prelogin {
  const encryption = encryptionOf(client) === ENCRYPT_ON ? ENCRYPT_ON : ENCRYPT_REQUIRED;
  const options = new Map<number, Buffer>([
    [VERSION, ANSWERED_VERSION],
    [ENCRYPTION, Buffer.from([encryption])],
  ]);
  if (client.options.has(INSTANCE)) options.set(INSTANCE, Buffer.from([0]));
  if (client.options.has(THREAD_ID)) options.set(THREAD_ID, Buffer.alloc(0));
  if (client.options.has(MARS)) options.set(MARS, flag(client, MARS));
  if (client.options.has(TRACE_ID)) options.set(TRACE_ID, Buffer.alloc(0));
  if (client.options.has(FEDERATED)) options.set(FEDERATED, flag(client, FEDERATED));
  return { options };
}

/** What the server is told: the client's own message, but that encryption of the login alone would not do. */
export function preloginForServer(client: Prelogin): Prelogin {
  const options = new Map(client.options);
  const [value = 0] = client.options.get(ENCRYPTION) ?? [];
  if (encryptionOf(client) === ENCRYPT_OFF) options.set(ENCRYPTION, Buffer.from([value | ENCRYPT_ON]));
  return { options };
}

/** Which promise of `answerPrelogin` the server does not keep; undefined when it keeps them all. */
export function brokenPromise(client: Prelogin, server: Prelogin): string | undefined {
  const encryption = encryptionOf(server);
  if (encryption !== ENCRYPT_ON && encryption !== ENCRYPT_REQUIRED)
    return 'the server does not encrypt the whole connection';
  if ((server.options.get(INSTANCE)?.[0] ?? 0) !== 0) return 'the server does not have the instance';
  if (flag(server, MARS)[0] !== flag(client, MARS)[0])
    return 'the server does not agree on multiple result sets (MARS)';
  if (flag(server, FEDERATED)[0] !== flag(client, FEDERATED)[0])
    return 'the server does not agree on federated authentication';
  if (client.options.has(NONCE) && server.options.has(NONCE))
    return 'the server wants a nonce of its own to be signed';
  return undefined;
}

/** An option of one byte; absent means 0. */
function flag({ options }: Prelogin, token: number): Buffer {
  return Buffer.from([options.get(token)?.[0] ?? 0]);
}
