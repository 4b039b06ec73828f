// The L7 engine, *proxy* path: takes every connection that netfilter's TPROXY rules hand it, lets the handlers judge
// and serve it, and keeps the table of live ones, so that a change of rules cuts exactly those it forbids. Nothing
// a client or server sends can end the process: each connection ends alone, with its error. Before the first
// `configure` it refuses everybody.

import net, { type Server, type Socket } from 'node:net';
import type { ThreatListing } from '#ir/decide.ts';
import type { AddressSet, ApplicationProtocol } from '#ir/policy.ts';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import { resetSocket } from '#netlink/reset-socket.ts';
import { openTransparentSocket } from '#netlink/transparent-socket.ts';
import type { LogSink } from '#telemetry/records.ts';
import { looksLikeTds } from '#wire/tds.ts';
import { looksLikeTls } from '#wire/tls.ts';
import type { ConnectionEnds, HasName, ProxiedConnections, Resolver } from '../data-plane.ts';
import { Gone } from './byte-stream.ts';
import { Connection } from './connection.ts';
import { type Ends, judge, type L7Rules, protocolsOfPort } from './judge.ts';
import { applicationRecord, judgementRecord, outcomeOf } from './records.ts';
import { serveHttp } from './serve-http.ts';
import { serveTds } from './serve-tds.ts';
import { serveTls } from './serve-tls.ts';
import { isForbiddenAddress } from './server-addresses.ts';
import { type Connect, DEFAULT_LIMITS, type L7Limits, type Services } from './services.ts';

/** Connections that wait to be accepted; the kernel's own limit, `somaxconn`, is 4096 by default. */
const BACKLOG = 4096;

/** Where the client was going, for tests without TPROXY. */
export type OriginalDestination = (socket: Socket) => { readonly address: number; readonly port: number };

export interface L7EngineOptions {
  readonly resolver: Resolver;
  readonly log: LogSink;
  /** Merged ranges: addresses of the gateway and the control plane, never connected to. */
  readonly forbiddenAddresses: () => AddressSet;
  readonly threats?: ThreatListing;
  /** What the FQDN sets of network rules hold. */
  readonly hasName: HasName;
  /** Transparent: the socket's local end is the original destination. Otherwise the function tells it. */
  readonly mode?: 'transparent' | OriginalDestination;
  readonly limits?: Partial<L7Limits>;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
  /** Told of what should not happen: an error of ours, or of the listening socket. */
  readonly report?: (message: string) => void;
  /** How servers are reached; tests put lab addresses on loopback. */
  readonly connect?: Connect;
}

export interface L7Statistics {
  readonly open: number;
  readonly accepted: number;
  /** Turned away because their client held its share of `maxConnections`. */
  readonly refusedAtLimit: number;
}

export class L7Engine implements ProxiedConnections {
  readonly #services: Services;
  readonly #limits: L7Limits;
  readonly #mode: 'transparent' | OriginalDestination;
  readonly #clock: () => number;
  readonly #report: (message: string) => void;
  readonly #connections = new Set<Connection>();
  /** How many of them each client holds. */
  readonly #held = new Map<number, number>();
  #rules: L7Rules | undefined;
  #server: Server | undefined;
  #listenPort = 0;
  #sweep: NodeJS.Timeout | undefined;
  #accepted = 0;
  #refusedAtLimit = 0;

  constructor({
    resolver,
    log,
    forbiddenAddresses,
    threats,
    hasName,
    mode = 'transparent',
    limits,
    clock = () => performance.now(),
    report = message => process.stderr.write(`${message}\n`),
    connect = connectTcp,
  }: L7EngineOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#mode = mode;
    this.#clock = clock;
    this.#report = report;
    this.#services = {
      rules: () => {
        if (!this.#rules) throw new Error('the L7 engine has a connection but no rules');
        return this.#rules;
      },
      forbiddenAddresses,
      threats,
      hasName,
      resolver,
      log,
      limits: this.#limits,
      connect,
    };
  }

  get statistics(): L7Statistics {
    return {
      open: this.#connections.size,
      accepted: this.#accepted,
      refusedAtLimit: this.#refusedAtLimit,
    };
  }

  /** Port 0 lets the kernel choose. */
  async listen(port = 0): Promise<{ readonly port: number }> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.once('listening', resolve);
    if (this.#mode === 'transparent') server.listen({ fd: openTransparentSocket('tcp', port) }, BACKLOG);
    else server.listen({ host: '127.0.0.1', port, backlog: BACKLOG });
    await promise;
    server.off('error', reject);
    server.on('error', error => this.#report(`L7 engine: the listening socket failed: ${error.message}`));
    this.#server = server;
    this.#listenPort = (server.address() as net.AddressInfo).port;
    const interval = Math.max(10, Math.min(this.#limits.idleMs / 4, 5_000));
    this.#sweep = setInterval(() => this.#cutIdle(), interval);
    return { port: this.#listenPort };
  }

  /** Puts rules in force for every later judgement and cuts, before it returns, the connections they forbid. */
  configure(rules: L7Rules): void {
    this.#rules = rules;
    this.judgeAgain();
  }

  /** Judges every live connection anew: for `configure`, and for when a threat feed or the gateway's addresses change. */
  judgeAgain(): void {
    const rules = this.#rules;
    if (!rules) return;
    const forbidden = this.#services.forbiddenAddresses();
    for (const connection of this.#connections) this.#judgeAgain(connection, rules, forbidden);
  }

  /** For what the kernel judges before it hands a connection over. */
  cutForbidden(isForbidden: (ends: ConnectionEnds) => boolean): void {
    for (const connection of this.#connections) if (isForbidden(connection.ends)) connection.cut();
  }

  /** Stops listening and resets what is open. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const server = this.#server;
    this.#server = undefined;
    const closed = server && new Promise<void>(resolve => server.close(() => resolve()));
    for (const connection of this.#connections) connection.cut();
    await closed;
  }

  #accept(socket: Socket): void {
    const rules = this.#rules;
    const ends = this.#endsOf(socket);
    const atLimit = ends !== undefined && this.#heldBy(ends.source) >= this.#free;
    if (atLimit) this.#refusedAtLimit++;
    if (!rules || !ends || atLimit) {
      socket.on('error', () => undefined);
      resetSocket(socket);
      return;
    }
    this.#accepted++;
    const connection = new Connection(socket, ends, this.#clock);
    this.#connections.add(connection);
    this.#held.set(ends.source, this.#heldBy(ends.source) + 1);
    this.#serve(connection)
      .catch(error => this.#failed(connection, error))
      .then(() => connection.whenClosed())
      .finally(() => {
        connection.stopDeadline();
        this.#connections.delete(connection);
        const held = this.#heldBy(ends.source) - 1;
        if (held > 0) this.#held.set(ends.source, held);
        else this.#held.delete(ends.source);
      });
  }

  #heldBy(source: number): number {
    return this.#held.get(source) ?? 0;
  }

  get #free(): number {
    return this.#limits.maxConnections - this.#connections.size;
  }

  /** Undefined when the client is gone already, or when it connected to the listening port itself. */
  #endsOf(socket: Socket): Ends | undefined {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    const source = remoteAddress === undefined ? undefined : parseIpv4(remoteAddress);
    if (source === undefined || remotePort === undefined) return undefined;
    if (this.#mode !== 'transparent') {
      const { address, port } = this.#mode(socket);
      return { source, sourcePort: remotePort, destination: address, destinationPort: port };
    }
    const destination = localAddress === undefined ? undefined : parseIpv4(localAddress);
    if (destination === undefined || localPort === undefined || localPort === this.#listenPort)
      return undefined;
    return { source, sourcePort: remotePort, destination, destinationPort: localPort };
  }

  async #serve(connection: Connection): Promise<void> {
    const { ends } = connection;
    const named = protocolsOfPort(this.#services.rules(), ends.destinationPort);
    switch (await this.#wireOf(connection, named)) {
      case 'http':
        return serveHttp(connection, this.#services);
      case 'tls':
        return serveTls(connection, named, this.#services);
      case 'tds':
        return serveTds(connection, this.#services);
      case 'nothing':
        return connection.client.end();
      case undefined:
        // Rules changed while the connection waited to be accepted.
        this.#logPortDeny(ends);
        connection.cut();
    }
  }

  /** What the client speaks: where its port may speak several ways, the first byte tells. Undefined: nothing is allowed. */
  async #wireOf(
    connection: Connection,
    named: ReadonlySet<ApplicationProtocol>,
  ): Promise<'http' | 'tls' | 'tds' | 'nothing' | undefined> {
    const [only] = named;
    if (only === undefined) return undefined;
    if (named.size === 1 && only !== 'Mssql') return only === 'Http' ? 'http' : 'tls';
    const { client } = connection;
    connection.startDeadline(this.#limits.headDeadlineMs, () => connection.cut());
    const chunk = await client.read();
    connection.stopDeadline();
    if (chunk === null) return 'nothing';
    client.unread(chunk);
    const first = chunk[0] as number;
    if (looksLikeTls(first)) return 'tls';
    if (named.has('Mssql') && (looksLikeTds(first) || named.size === 1)) return 'tds';
    return named.has('Http') ? 'http' : 'tls';
  }

  #logPortDeny(ends: Ends): void {
    const outcome = { action: 'Deny', rule: null, reason: 'DefaultAction' } as const;
    this.#services.log.write(applicationRecord(ends, 'TCP', formatIpv4(ends.destination), '', outcome));
  }

  #failed(connection: Connection, error: unknown): void {
    // Broken connections and our own cuts are daily life; anything else is a fault of this program.
    const expected = error instanceof Gone || connection.signal.aborted;
    if (!expected) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#report(`L7 engine: a connection from ${formatIpv4(connection.ends.source)} failed: ${text}`);
    }
    connection.cut();
  }

  #judgeAgain(connection: Connection, rules: L7Rules, forbiddenAddresses: AddressSet): void {
    const { binding, ends, serverAddress } = connection;
    if (!binding) return;
    const { claim } = binding;
    const servers = serverAddress === undefined ? [] : [serverAddress];
    const { decision, by } = judge(rules, ends, claim, { ...this.#services, serverAddresses: servers });
    const forbidden = servers.some(address => isForbiddenAddress(address, rules, forbiddenAddresses));
    if (decision.action === 'Allow' && !forbidden) return;
    const outcome =
      decision.action === 'Deny'
        ? outcomeOf(decision, claim)
        : ({ action: 'Deny', rule: decision.rule, reason: 'ForbiddenAddress' } as const);
    this.#services.log.write(judgementRecord(ends, binding, outcome, by));
    connection.cut();
  }

  /** An end that takes its bytes slowly is given twice the time: the kernel's buffers hide its progress. */
  #cutIdle(): void {
    const now = this.#clock();
    for (const connection of this.#connections) {
      const allowed = connection.isBlocked ? this.#limits.idleMs * 2 : this.#limits.idleMs;
      if (now - connection.lastActivityAt >= allowed) connection.cut();
    }
  }
}

function connectTcp(address: number, port: number): Socket {
  return net.connect({ host: formatIpv4(address), port, allowHalfOpen: true, noDelay: true });
}
