// What the L7 engine's tests share: an engine on loopback whose clients "go to" an address and port of the test's
// choice, a resolver that is a table, servers whose lab addresses stand on loopback, and a small certificate authority.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { L7Engine, type L7EngineOptions } from '#dataplane/l7/engine.ts';
import type { L7Rules } from '#dataplane/l7/judge.ts';
import type { ApplicationRule } from '#ir/policy.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4, parseIpv4 } from '#net/ipv4.ts';
import { FakeSink } from '#telemetry/fake-sink.ts';

export const ip = (text: string): number => {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`${text} is not an address`);
  return address;
};

const PROTOCOLS = { http: 'Http', https: 'Https', mssql: 'Mssql' } as const;

/** `allow('web', ['*.example.org'], 'http=80', 'https=443')` */
export function rule(
  action: 'Allow' | 'Deny',
  name: string,
  targets: readonly string[],
  ...protocols: readonly string[]
): ApplicationRule {
  return {
    ref: { policy: '', group: '', collection: 'collection', rule: name },
    action,
    sources: [ALL_IPV4],
    protocols: (protocols.length > 0 ? protocols : ['http=80', 'https=443']).map(text => {
      const [protocol, port] = text.split('=');
      return { protocol: PROTOCOLS[protocol as keyof typeof PROTOCOLS], port: Number(port) };
    }),
    targets: targets.map(text => {
      const pattern = parseFqdnPattern(text);
      if (!pattern) throw new Error(`${text} is not a pattern`);
      return { pattern, tag: '' };
    }),
  };
}

export function rules(applicationRules: readonly ApplicationRule[], rest: Partial<L7Rules> = {}): L7Rules {
  return {
    boundRules: [],
    applicationRules,
    infrastructureRules: [],
    threatIntel: { mode: 'Off', allowedAddresses: [], allowedFqdns: [] },
    privateAddress: ip('10.42.2.4'),
    publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
    ...rest,
  };
}

export interface Bench extends AsyncDisposable {
  readonly engine: L7Engine;
  readonly sink: FakeSink;
  /** Where a client connects to, whatever it believes to reach. */
  readonly port: number;
  /** What `report` was told: faults of the engine itself. */
  readonly reports: string[];
  /** Addresses the engine connected to. */
  readonly dialled: string[];
  /** Names the engine looked up. */
  readonly asked: string[];
}

export interface BenchOptions extends Partial<L7EngineOptions> {
  readonly rules?: L7Rules;
  /** The port the clients believe to connect to. */
  readonly port?: number;
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** `a.b.c.d:port` to a port on loopback; anything else is refused. */
  readonly servers?: Readonly<Record<string, number>>;
}

export async function startBench({
  rules: initial = rules([rule('Allow', 'org', ['*.example.org'])]),
  port: destinationPort = 80,
  names = {},
  servers = {},
  ...options
}: BenchOptions = {}): Promise<Bench> {
  const sink = new FakeSink();
  const reports: string[] = [];
  const dialled: string[] = [];
  const asked: string[] = [];
  const engine = new L7Engine({
    log: sink,
    forbiddenAddresses: () => [],
    hasName: () => false,
    mode: () => ({ address: ip('198.51.100.9'), port: destinationPort }),
    report: message => reports.push(message),
    resolver: {
      resolve: async name => {
        asked.push(name);
        const addresses = names[name];
        if (!addresses) throw new Error(`${name} has no answer`);
        return addresses.map(ip);
      },
    },
    connect: (address, port) => {
      const text = `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}:${port}`;
      dialled.push(text);
      return net.connect({ host: '127.0.0.1', port: servers[text] ?? 1, allowHalfOpen: true });
    },
    ...options,
  });
  engine.configure(initial);
  const { port } = await engine.listen();
  return {
    engine,
    sink,
    port,
    reports,
    dialled,
    asked,
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

/** A TCP server on loopback; every socket has an error handler and dies with it. */
export async function serve(
  handler: (socket: net.Socket) => void,
  options: net.ServerOpts = { allowHalfOpen: true },
): Promise<{ readonly port: number; readonly sockets: Set<net.Socket> } & AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(options, socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    handler(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A raw client that collects what it gets. */
export class Client {
  readonly socket: net.Socket;
  readonly closed: Promise<unknown>;
  text = '';
  error: string | undefined;
  #wake: (() => void) | undefined;

  constructor(port: number) {
    this.socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.text += text;
      this.#wake?.();
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    this.socket.on('end', () => this.#wake?.());
    this.closed = new Promise(resolve => {
      this.socket.on('close', () => {
        this.#wake?.();
        resolve(undefined);
      });
    });
  }

  send(text: string): this {
    this.socket.write(Buffer.from(text, 'latin1'));
    return this;
  }

  /** Waits until the text so far ends with, or matches, `expected`, and takes it. */
  async take(expected: string | RegExp): Promise<string> {
    for (;;) {
      const found =
        typeof expected === 'string' ? this.text.indexOf(expected) : (expected.exec(this.text)?.index ?? -1);
      if (found >= 0) {
        const length =
          typeof expected === 'string' ? expected.length : (expected.exec(this.text)?.[0].length ?? 0);
        const taken = this.text.slice(0, found + length);
        this.text = this.text.slice(found + length);
        return taken;
      }
      if (this.socket.readableEnded || this.socket.destroyed)
        throw new Error(
          `the connection ended (${this.error ?? 'in order'}) before ${expected}; got: ${this.text}`,
        );
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Everything until the other end has finished. */
  async rest(): Promise<string> {
    while (!this.socket.readableEnded && !this.socket.destroyed)
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    return this.text;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export interface Certificates extends Disposable {
  readonly caFile: string;
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** One certificate for all names given, signed by itself. */
export function makeCertificates(names: readonly string[]): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'postern-l7-'));
  const [caFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=test', '-keyout', keyFile, '-out', caFile],
      ...['-addext', `subjectAltName=${names.map(name => `DNS:${name}`).join(',')}`],
    ],
    { stdio: 'ignore' },
  );
  const cert = readFileSync(caFile, 'utf8');
  writeFileSync(caFile, cert);
  return {
    caFile,
    ca: cert,
    cert,
    key: readFileSync(keyFile, 'utf8'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function eventually(what: string, condition: () => boolean, timeoutMs = 3000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** What a TLS client sends first. */
export async function helloFor(servername: string): Promise<Buffer> {
  const listener = net.createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = tls.connect({
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    servername,
  });
  client.on('error', () => undefined);
  const [socket] = (await once(listener, 'connection')) as [net.Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  listener.close();
  return hello;
}
