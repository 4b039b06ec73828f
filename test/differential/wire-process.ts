// The client's or the server's end of the kernel test: sends frames, captures what arrives, opens real connections and serves
// them, told by JSON lines (see ../netfilter/agent.ts). Arguments: the MAC address of this end and that of the gateway.

import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import { PRELOGIN, TABULAR_RESULT, TdsPacketReader, writePrelogin, writeTdsPacket } from '#wire/tds.ts';
import { ClientHelloReader } from '#wire/tls.ts';
import { ON, prelogin } from '../l7/tds.ts';
import { serve } from '../netfilter/agent.ts';
import { macBytes } from './addresses.ts';
import { type Arrival, frameOf, readPacket, type WireFlow } from './frames.ts';
import { PacketRing, stayOnOneProcessor } from './packet-ring.ts';

const [, , own = '', gateway = ''] = process.argv;
const ends = { from: macBytes(own), to: macBytes(gateway) };
stayOnOneProcessor();
const ring = new PacketRing('eth0');
let arrivals: Arrival[] = [];

const take = () =>
  ring.take(packet => {
    const arrival = readPacket(packet);
    if (arrival) arrivals.push(arrival);
  });

export interface Request {
  readonly id: number;
  readonly source: number;
  readonly destination: number;
  readonly port: number;
  readonly protocol: 'Http' | 'Https' | 'Mssql';
  /** Null: a client that says no name. */
  readonly name: string | null;
  /** The port that the Host header says. */
  readonly hostPort: number;
}

export interface Outcome {
  readonly id: number;
  readonly sourcePort: number;
  /** What the client was told: the server's greeting, the gateway's refusal, or how the connection ended. */
  readonly said: string;
}

serve({
  send: ({ flows }: { flows: readonly WireFlow[] }) => {
    for (const flow of flows) ring.send(frameOf(flow, ends));
    take();
  },
  /** What has arrived since the last call, once all of `ids` are among it, or time is up. */
  collect: async ({ ids, timeoutMs = 3000 }: { ids: readonly number[]; timeoutMs?: number }) => {
    const end = performance.now() + timeoutMs;
    const missing = new Set(ids);
    let seen = 0;
    for (;;) {
      take();
      for (; seen < arrivals.length; seen++) missing.delete(arrivals[seen]?.id ?? 0);
      if (missing.size === 0 || performance.now() > end) break;
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    const collected = arrivals;
    arrivals = [];
    return {
      complete: missing.size === 0,
      arrivals: collected.map(a => [
        a.kind === 'packet' ? 0 : 1,
        ...[a.id, a.protocol, a.source, a.sourcePort, a.destination, a.destinationPort],
      ]),
    };
  },
  request: async ({ requests }: { requests: readonly Request[] }) => {
    const outcomes = await Promise.all(requests.map(ask));
    take();
    return outcomes;
  },
  listen: async ({ ports }: { ports: readonly number[] }) => {
    for (const port of ports)
      await new Promise<void>((resolve, reject) => {
        const server = createServer(greet);
        server.on('error', reject);
        server.listen(port, '0.0.0.0', 4096, () => resolve());
      });
  },
});

/** One real connection. */
async function ask({ id, source, destination, port, protocol, name, hostPort }: Request): Promise<Outcome> {
  const hello = protocol === 'Http' ? Buffer.alloc(0) : await helloFor(name);
  const first = { Http: httpRequest(name, hostPort), Https: hello, Mssql: SQL_PRELOGIN }[protocol];
  let isAnswered = protocol !== 'Mssql';
  return new Promise(resolve => {
    const socket = connect({
      host: formatIpv4(destination),
      port,
      localAddress: formatIpv4(source),
    });
    let text = '';
    let sourcePort = 0;
    const finish = (said: string) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      resolve({ id, sourcePort, said });
    };
    const timer = setTimeout(() => finish('timeout'), 4000);
    socket.on('connect', () => {
      sourcePort = socket.localPort ?? 0;
      socket.write(first);
    });
    socket.on('data', chunk => {
      if (!isAnswered) {
        // A driver begins TLS after it has heard from its server.
        isAnswered = true;
        socket.write(writeTdsPacket(PRELOGIN, hello));
      }
      text += chunk.toString('latin1');
      const greeting = /greeting [^\n]*/.exec(text);
      if (greeting) finish(greeting[0]);
      else if (text.startsWith('HTTP/1.1 470 ')) finish('470');
      else if (/^HTTP\/1.1 [45]/.test(text)) finish(text.slice(9, 12));
    });
    socket.on('error', error => finish((error as NodeJS.ErrnoException).code ?? error.message));
    socket.on('close', () => finish('closed'));
  });
}

function httpRequest(name: string | null, port: number): Buffer {
  const host = name === null ? '' : `Host: ${name}${port === 80 ? '' : `:${port}`}\r\n`;
  return Buffer.from(`GET / HTTP/1.${name === null ? 0 : 1}\r\n${host}\r\n`);
}

const hellos = new Map<string, Promise<Buffer>>();

/** The first bytes that Node's own TLS client says to a server of that name. */
function helloFor(name: string | null): Promise<Buffer> {
  const key = name ?? '';
  const known = hellos.get(key);
  if (known) return known;
  const made = new Promise<Buffer>(resolve => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    const tls = connectTls({ socket: wire, ...(name !== null && { servername: name }) });
    tls.on('error', () => {});
  });
  hellos.set(key, made);
  return made;
}

const SQL_PRELOGIN = writeTdsPacket(PRELOGIN, writePrelogin(prelogin(ON)));

/** Says at which address it was reached, by whom, and which name the client asked for. */
function greet(socket: Socket): void {
  const { localAddress, localPort, remoteAddress } = socket;
  const line = (name: string) =>
    `greeting ${v4(localAddress)}:${localPort} from ${v4(remoteAddress)} for ${name}\n`;
  const hello = new ClientHelloReader();
  const answerHello = (bytes: Buffer) => {
    const result = hello.push(bytes);
    if (result.status === 'hello') socket.end(line(result.sni ?? '-'));
  };
  const packets = new TdsPacketReader(PRELOGIN);
  let text = '';
  let first: number | undefined;
  let isSqlAnswered = false;
  socket.on('error', () => {});
  socket.on('data', chunk => {
    first ??= chunk[0];
    if (first === 22) return answerHello(chunk);
    if (first !== PRELOGIN) {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const body = line(/\r\nHost: *([^\r:]*)/i.exec(text)?.[1] ?? '-');
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      return;
    }
    for (let bytes: Buffer = chunk; bytes.length > 0; ) {
      const result = packets.push(bytes);
      if (result.status !== 'packet') return;
      if (isSqlAnswered) answerHello(result.packet.payload);
      else socket.write(writeTdsPacket(TABULAR_RESULT, writePrelogin(prelogin(ON))));
      isSqlAnswered = true;
      bytes = result.rest;
    }
  });
}

function v4(address: string | undefined): string {
  const bare = address?.replace('::ffff:', '') ?? '';
  return parseIpv4(bare) === undefined ? '?' : bare;
}
