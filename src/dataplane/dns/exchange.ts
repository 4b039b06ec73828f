// One query to one server and its answer, over UDP or TCP. Each UDP query has a socket, and so a random source port,
// of its own, connected to the server, so that the kernel discards whatever comes from elsewhere; together with the
// random id and the repeated question that is what a forger would have to guess (RFC 5452).

import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { formatIpv4 } from '#net/ipv4.ts';
import type { Clock } from './clock.ts';

/** Foreign packets that one query looks at before it gives up. */
const MAX_FOREIGN_PACKETS = 100;

export interface Server {
  readonly address: number;
  readonly port: number;
}

/** `refused`: nobody listens there. `answer`: the server answered, and its answer is the failure. */
export type UpstreamFault = 'timeout' | 'refused' | 'network' | 'malformed' | 'answer' | 'down' | 'overload';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly fault: UpstreamFault;
  /** Absent when no server was asked. */
  readonly server: Server | undefined;

  constructor(fault: UpstreamFault, server: Server | undefined, message: string) {
    super(message);
    this.fault = fault;
    this.server = server;
  }
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Each exchange under way has a function here that ends it. */
  readonly underWay: Set<() => void>;
}

/** Whether bytes answer the query; others are waited past. */
export type Accepts = (bytes: Uint8Array) => boolean;

export function exchangeUdp(
  server: Server,
  query: Uint8Array,
  accepts: Accepts,
  { clock, timeoutMs, underWay }: ExchangeOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', lookup: numericLookup });
    let foreign = 0;
    let done = false;
    // A thread that was late itself reads what has come before it blames the server.
    const cancel = clock.after(timeoutMs, () =>
      setImmediate(() => done || fail('timeout', `no answer within ${timeoutMs} ms`)),
    );
    const abandon = (): void => fail('network', 'given up');
    underWay.add(abandon);
    const finish = (): void => {
      done = true;
      cancel();
      underWay.delete(abandon);
      socket.removeAllListeners();
      // A late error of a closing socket concerns nobody.
      socket.on('error', () => undefined);
      closeQuietly(socket);
    };
    const fail = (fault: UpstreamFault, message: string): void => {
      finish();
      reject(errorOf(fault, server, message));
    };
    socket.on('error', error => fail(faultOf(error), error.message));
    socket.on('message', bytes => {
      if (accepts(bytes)) {
        finish();
        resolve(bytes);
      } else if (++foreign >= MAX_FOREIGN_PACKETS)
        fail('malformed', 'too many packets that do not answer the query');
    });
    socket.connect(server.port, formatIpv4(server.address), (error?: Error) => {
      if (done) return;
      if (error) fail(faultOf(error), error.message);
      else socket.send(query);
    });
  });
}

export function exchangeTcp(
  server: Server,
  query: Uint8Array,
  accepts: Accepts,
  { clock, timeoutMs, underWay }: ExchangeOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: formatIpv4(server.address), port: server.port, noDelay: true });
    let received = Buffer.alloc(0);
    const cancel = clock.after(timeoutMs, () => fail('timeout', `no answer over TCP within ${timeoutMs} ms`));
    const abandon = (): void => fail('network', 'given up');
    underWay.add(abandon);
    const fail = (fault: UpstreamFault, message: string): void => {
      cancel();
      underWay.delete(abandon);
      socket.destroy();
      reject(errorOf(fault, server, message));
    };
    socket.on('error', error => fail(faultOf(error), error.message));
    socket.on('close', () => fail('network', 'the connection was closed before the answer'));
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const bytes = Uint8Array.from(received.subarray(2, 2 + received.readUInt16BE(0)));
      if (!accepts(bytes)) {
        fail('malformed', 'an answer over TCP to another question');
        return;
      }
      cancel();
      underWay.delete(abandon);
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(bytes);
    });
    socket.on('connect', () => socket.write(framed(query)));
  });
}

/** With the length in front that DNS over TCP has. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(message.length + 2);
  bytes[0] = message.length >>> 8;
  bytes[1] = message.length & 255;
  bytes.set(message, 2);
  return bytes;
}

export function formatServer({ address, port }: Server): string {
  return `${formatIpv4(address)}:${port}`;
}

function errorOf(fault: UpstreamFault, server: Server, message: string): UpstreamError {
  return new UpstreamError(fault, server, `DNS server ${formatServer(server)}: ${message}`);
}

function faultOf(error: Error): UpstreamFault {
  return 'code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'network';
}

/** Addresses are numbers already; the system's resolver has no part in this. */
function numericLookup(
  hostname: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, hostname, 4);
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was never bound.
  }
}
