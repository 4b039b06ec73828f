// The firewall's DNS: answers clients on its private address, resolves for the other engines, and keeps the names of
// network rules resolved. Before an answer leaves, also one from the cache, the addresses of watched names are in
// netfilter's sets, so that the first packet of a client that connects at once finds its rule.

import type { FqdnSetWriter, Resolver, ThreatLookup } from '#dataplane/data-plane.ts';
import type { ThreatIntelSettings } from '#ir/policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { parseFqdn } from '#net/fqdn.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { LogSink } from '#telemetry/records.ts';
import { RCODE } from '#wire/dns.ts';
import { rcodeName } from '#wire/dns-names.ts';
import type { Answer } from './answer.ts';
import type { CacheLimits } from './cache.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Server, UpstreamError } from './exchange.ts';
import { Forwarder, type Looked } from './forwarder.ts';
import { DnsListener, type ListenAddress } from './listener.ts';
import { ListenerKeeper } from './listener-keeper.ts';
import { ownQuery } from './query.ts';
import { QueryHandler } from './query-handler.ts';
import { toFailureRecord } from './query-record.ts';
import { Upstreams } from './upstreams.ts';
import { Watcher } from './watcher.ts';

/** Azure keeps an address for 15 minutes after DNS stops returning it, whatever its TTL was. */
const LINGER_SECONDS = 900;
const FAILURE_LOG_MS = 60_000;
const AZURE_DNS = 0xa83f8110;

export interface DnsProxyOptions {
  readonly log: LogSink;
  readonly sets: FqdnSetWriter;
  readonly clock?: Clock;
  readonly threats?: ThreatLookup;
  /** Asked when the settings name none. */
  readonly defaultServers?: readonly number[];
  readonly upstreamPort?: number;
  /** One try with one server. */
  readonly timeoutMs?: number;
  readonly idleMs?: number;
  readonly cache?: CacheLimits;
  readonly report?: (message: string) => void;
}

export interface DnsProxySettings {
  /** Empty means the default servers. */
  readonly servers: readonly number[];
  readonly enableProxy: boolean;
  /** Normalized names whose addresses go into the FQDN sets. */
  readonly watched: readonly string[];
  readonly threatIntel?: ThreatIntelSettings;
  /** The rule that a watched name belongs to, for the log of failures. */
  readonly ruleOf?: (fqdn: string) => RuleRef | null;
}

const CLOSED: DnsProxySettings = { servers: [], enableProxy: false, watched: [] };

export class DnsProxy {
  readonly #options: DnsProxyOptions;
  readonly #clock: Clock;
  readonly #upstreams: Upstreams;
  readonly #forwarder: Forwarder;
  readonly #watcher: Watcher;
  readonly #queries: QueryHandler;
  readonly #keeper: ListenerKeeper;
  readonly #failureLoggedAt = new Map<string, number>();
  #settings: DnsProxySettings = CLOSED;
  #listen: ListenAddress | undefined;

  constructor(options: DnsProxyOptions) {
    const { clock = systemClock, timeoutMs = 2000, cache } = options;
    this.#options = options;
    this.#clock = clock;
    this.#upstreams = new Upstreams({ clock, timeoutMs, report: message => this.#report(message) });
    this.#forwarder = new Forwarder({
      clock,
      ask: query => this.#upstreams.ask(query),
      ...(cache && { cache }),
    });
    this.#watcher = new Watcher({ clock, refresh: name => this.#refresh(name) });
    this.#queries = new QueryHandler({
      clock,
      log: options.log,
      forwarder: this.#forwarder,
      threats: options.threats,
      publish: answer => this.#publish(answer),
    });
    this.#keeper = new ListenerKeeper({
      clock,
      make: listen => this.#makeListener(listen),
      report: message => this.#report(message),
    });
    this.#useServers([]);
  }

  /** Where clients ask. Sockets open as soon as the settings enable the proxy. Rejects while the address cannot be had. */
  start(listen: ListenAddress): Promise<void> {
    this.#listen = listen;
    this.#useServers(this.#settings.servers);
    return this.#adjustListener();
  }

  /** Resolves when every newly watched name has been resolved once, or one second has passed. */
  async configure(settings: DnsProxySettings): Promise<void> {
    this.#settings = settings;
    this.#useServers(settings.servers);
    const firstRound = this.#watcher.setNames(settings.watched, name => !this.#publishAgain(name));
    for (const name of this.#failureLoggedAt.keys())
      if (!this.#watcher.has(name)) this.#failureLoggedAt.delete(name);
    await Promise.all([this.#adjustListener(), firstRound]);
  }

  /** Works whether or not the proxy listens. */
  resolver(): Resolver {
    return { resolve: fqdn => this.#resolve(fqdn) };
  }

  async close(): Promise<void> {
    this.#settings = CLOSED;
    this.#watcher.close();
    await this.#adjustListener();
    this.#upstreams.close();
  }

  #report(message: string): void {
    const { report = text => process.stderr.write(`${text}\n`) } = this.#options;
    report(message);
  }

  #useServers(configured: readonly number[]): void {
    const { defaultServers = [AZURE_DNS], upstreamPort = 53 } = this.#options;
    const servers = (configured.length > 0 ? configured : defaultServers)
      .map((address): Server => ({ address, port: upstreamPort }))
      .filter(server => !this.#isOurs(server));
    const before = JSON.stringify(this.#upstreams.servers);
    this.#upstreams.setServers(servers);
    if (before === JSON.stringify(this.#upstreams.servers)) return;
    this.#forwarder.forget();
    this.#watcher.refreshAll();
  }

  /** To forward to oneself is a loop. */
  #isOurs(server: Server): boolean {
    const ours = server.address === this.#listen?.address && server.port === this.#listen.port;
    if (ours)
      this.#report(`DNS server ${formatIpv4(server.address)} is the firewall itself and is not asked.`);
    return ours;
  }

  #adjustListener(): Promise<void> {
    return this.#keeper.want(this.#settings.enableProxy ? this.#listen : undefined);
  }

  #makeListener(listen: ListenAddress): DnsListener {
    const { idleMs } = this.#options;
    return new DnsListener({
      handler: (bytes, client, reply) =>
        this.#queries.handle(bytes, client, { listen, threatIntel: this.#settings.threatIntel }, reply),
      report: message => this.#report(message),
      ...(idleMs !== undefined && { idleMs }),
    });
  }

  /** Hands the addresses of every watched name on the way to them to netfilter. */
  #publish({ chain, addresses }: Answer): void {
    if (addresses.length === 0) return;
    for (const name of chain)
      if (this.#watcher.has(name)) this.#options.sets.add(name, addresses, LINGER_SECONDS);
  }

  /**
   * Another kind of rule may use the name now, whose set is empty, so whoever keeps the sets is told again. False when the
   * cache does not know the addresses.
   */
  #publishAgain(name: string): boolean {
    const looked = this.#forwarder.cached(ownQuery(name));
    if (looked) this.#publish(looked.answer);
    return looked !== undefined;
  }

  async #resolve(fqdn: string): Promise<readonly number[]> {
    const name = parseFqdn(fqdn);
    if (name === undefined) throw new Error(`'${fqdn}' is not a name that can be resolved.`);
    const query = ownQuery(name);
    return this.#addressesOf(name, this.#forwarder.cached(query) ?? (await this.#forwarder.fetch(query)));
  }

  #addressesOf(name: string, { answer, server }: Looked): readonly number[] {
    if (answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN)
      throw new UpstreamError('answer', server, `${rcodeName(answer.rcode)} for ${name}`);
    this.#publish(answer);
    return answer.addresses;
  }

  async #refresh(name: string): Promise<void> {
    try {
      const looked = await this.#forwarder.fetch(ownQuery(name));
      if (this.#addressesOf(name, looked).length > 0) return;
      const what = looked.answer.rcode === RCODE.NXDOMAIN ? 'NXDOMAIN' : 'no address';
      throw new UpstreamError('answer', looked.server, `${what} for ${name}`);
    } catch (error) {
      this.#logFailure(name, asError(error));
    }
  }

  #logFailure(name: string, error: Error): void {
    const now = this.#clock.now();
    if (!this.#watcher.has(name) || now < (this.#failureLoggedAt.get(name) ?? -Infinity) + FAILURE_LOG_MS)
      return;
    this.#failureLoggedAt.set(name, now);
    this.#options.log.write(toFailureRecord(name, error, this.#settings.ruleOf?.(name) ?? null));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
