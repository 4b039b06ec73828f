// Both ends of TDS 7.x for tests: real TLS whose handshake travels in PRELOGIN packets, as drivers and servers do it. TLS 1.2,
// the newest that drivers use inside TDS 7.x. Application data comes bare, after the handshake.

import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import {
  PRELOGIN,
  type Prelogin,
  PreloginReader,
  TABULAR_RESULT,
  TdsPacketReader,
  writePrelogin,
  writeTdsPacket,
} from '#wire/tds.ts';
import { type Certificates, serve } from './bench.ts';

const APPLICATION_DATA = 23;
const ENCRYPTION = 1;

/** Records of the handshake wrapped, everything from the first application data on bare. */
class HandshakeInPackets extends Duplex {
  readonly #socket: net.Socket;
  readonly #packetSize: number;
  #reader = new TdsPacketReader(PRELOGIN);
  #inPacket = false;
  #bare = false;

  constructor(socket: net.Socket, packetSize: number) {
    super();
    this.#socket = socket;
    this.#packetSize = packetSize;
    socket.on('data', chunk => this.#take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', error => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  #take(chunk: Buffer): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      if (!this.#inPacket && bytes[0] !== PRELOGIN) {
        this.push(bytes);
        return;
      }
      const result = this.#reader.push(bytes);
      if (result.status === 'not-tds') throw new Error(result.problem);
      this.#inPacket = result.status === 'need-more';
      if (result.status === 'need-more') return;
      this.push(result.packet.payload);
      bytes = result.rest;
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (chunk[0] === APPLICATION_DATA) this.#bare = true;
    if (this.#bare) {
      this.#socket.write(chunk, done);
      return;
    }
    for (let at = 0; at < chunk.length; at += this.#packetSize) {
      const packet = writeTdsPacket(PRELOGIN, chunk.subarray(at, at + this.#packetSize));
      // Only the last packet of a message says so.
      if (at + this.#packetSize < chunk.length) packet[1] = 0;
      this.#socket.write(packet);
    }
    done();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

const VERSION = Buffer.from([17, 0, 0, 1, 0, 0]);
export const OFF = 0;
export const ON = 1;
export const NOT_SUPPORTED = 2;
export const REQUIRED = 3;

/** A message with this encryption, and options by token. */
export function prelogin(
  encryption: number,
  options: Readonly<Record<number, readonly number[]>> = {},
): Prelogin {
  const more = Object.entries(options).map(([token, data]) => [Number(token), Buffer.from(data)] as const);
  return { options: new Map([[0, VERSION], [ENCRYPTION, Buffer.from([encryption])], ...more]) };
}

async function readMessage(socket: net.Socket, type: number): Promise<Prelogin> {
  const reader = new PreloginReader(type);
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended');
      await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
      continue;
    }
    const result = reader.push(chunk);
    if (result.status === 'not-tds') throw new Error(result.problem);
    if (result.status === 'need-more') continue;
    if (result.rest.length > 0) socket.unshift(result.rest);
    return result.prelogin;
  }
}

export interface TdsClientOptions {
  readonly servername?: string;
  readonly ca: string;
  readonly message?: Prelogin;
  readonly packetSize?: number;
}

/** Encrypted and verified, or the error that a driver would tell. `answer` is what it heard first. */
export async function tdsConnect(
  port: number,
  { servername, ca, message = prelogin(ON), packetSize = 4088 }: TdsClientOptions,
): Promise<{ readonly socket: tls.TLSSocket; readonly answer: Prelogin }> {
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  const answer = await tdsHello(socket, message);
  const secure = tls.connect({
    socket: new HandshakeInPackets(socket, packetSize),
    maxVersion: 'TLSv1.2',
    ca,
    ...(servername === undefined ? { checkServerIdentity: () => undefined } : { servername }),
  });
  secure.setEncoding('utf8');
  const closed = once(socket, 'close').then(() => {
    throw Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
  });
  closed.catch(() => undefined);
  await Promise.race([once(secure, 'secureConnect'), closed]);
  return { socket: secure, answer };
}

/** The first exchange alone. */
export async function tdsHello(socket: net.Socket, message: Prelogin): Promise<Prelogin> {
  socket.write(writeTdsPacket(PRELOGIN, writePrelogin(message)));
  return readMessage(socket, TABULAR_RESULT);
}

export interface TdsServer extends AsyncDisposable {
  readonly port: number;
  /** What clients said first. */
  readonly heard: Prelogin[];
}

/** Answers PRELOGIN with `answer`, then says by TLS which name it was asked for, and echoes. */
export async function tdsServer(
  { key, cert }: Certificates,
  answer: (client: Prelogin) => Prelogin | Buffer = () => prelogin(ON),
): Promise<TdsServer> {
  const heard: Prelogin[] = [];
  const server = await serve(async socket => {
    try {
      const client = await readMessage(socket, PRELOGIN);
      heard.push(client);
      const message = answer(client);
      socket.write(
        Buffer.isBuffer(message) ? message : writeTdsPacket(TABULAR_RESULT, writePrelogin(message)),
      );
      const secure = new tls.TLSSocket(new HandshakeInPackets(socket, 4088), {
        isServer: true,
        secureContext: tls.createSecureContext({ key, cert }),
        SNICallback: (_name, done) => done(null, undefined),
        maxVersion: 'TLSv1.2',
      } as tls.TLSSocketOptions);
      secure.on('error', () => undefined);
      secure.on('secure', () => {
        secure.write(`asked for ${(secure as unknown as { servername: string }).servername}\n`);
        secure.pipe(secure);
      });
    } catch {
      socket.destroy();
    }
  });
  return { port: server.port, heard, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
