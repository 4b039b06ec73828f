// The servers that questions are forwarded to. One is picked at random; where it fails the next one is asked. A
// server that is found to be down is left alone and asked for the root every five seconds until it answers
// (https://learn.microsoft.com/azure/firewall/dns-settings). With all of them down there is no answer: no fallback.

import { randomInt } from 'node:crypto';
import { RCODE, readHeader, TYPE, viewOf } from '#wire/dns.ts';
import { type Answer, parseAnswer } from './answer.ts';
import type { Clock } from './clock.ts';
import {
  type ExchangeOptions,
  exchangeTcp,
  exchangeUdp,
  formatServer,
  type Server,
  UpstreamError,
} from './exchange.ts';
import { ownQuery, type Query, upstreamQuery } from './query.ts';

const HEALTH_CHECK_MS = 5000;
/** Servers asked for one question, so that a client that waits is not kept for longer than it waits. */
const MAX_TRIES = 3;

/**
 * `suspect`: an answer stayed out and the health check is under way. One lost packet, or one name whose own servers
 * are dead, must not take a server out of use, so the check decides.
 */
type Health = 'healthy' | 'suspect' | 'down';

interface Upstream {
  readonly server: Server;
  health: Health;
  cancelCheck: (() => void) | undefined;
}

export interface UpstreamsOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly report: (message: string) => void;
}

export interface UpstreamAnswer {
  readonly answer: Answer;
  readonly server: Server;
}

export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #underWay = new Set<() => void>();
  readonly #exchange: ExchangeOptions;
  #upstreams: readonly Upstream[] = [];

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#exchange = { clock: options.clock, timeoutMs: options.timeoutMs, underWay: this.#underWay };
  }

  get servers(): readonly Server[] {
    return this.#upstreams.map(upstream => upstream.server);
  }

  /** What is known of the health of a server that stays is kept. */
  setServers(servers: readonly Server[]): void {
    const old = new Map(this.#upstreams.map(upstream => [formatServer(upstream.server), upstream]));
    this.#upstreams = [...new Map(servers.map(server => [formatServer(server), server]))].map(
      ([key, server]) => {
        const kept = old.get(key);
        old.delete(key);
        return kept ?? { server, health: 'healthy', cancelCheck: undefined };
      },
    );
    for (const upstream of old.values()) upstream.cancelCheck?.();
  }

  /** Ends the questions under way too: they reject. */
  close(): void {
    this.setServers([]);
    for (const abandon of [...this.#underWay]) abandon();
  }

  /** Rejects with the last `UpstreamError`. An error code that all servers agree on is an answer. */
  async ask(query: Query): Promise<UpstreamAnswer> {
    let failure: unknown = new UpstreamError('down', this.#upstreams[0]?.server, this.#allDown());
    let refusal: UpstreamAnswer | undefined;
    for (const upstream of this.#candidates()) {
      // Meanwhile it may have been found to be down, or taken away.
      if (upstream.health === 'down' || !this.#upstreams.includes(upstream)) continue;
      try {
        const answer = await this.#askWithFallback(upstream.server, query);
        if (upstream.health === 'suspect') this.#recovered(upstream);
        const result = { answer, server: upstream.server };
        if (!isServerFailure(answer.rcode)) return result;
        refusal = result;
      } catch (error) {
        failure = error;
        if (error instanceof UpstreamError) this.#failed(upstream, error);
      }
    }
    if (refusal) return refusal;
    throw failure;
  }

  /** In the order in which to ask. A single usable server is asked twice: datagrams get lost. */
  #candidates(): Upstream[] {
    const usable = this.#upstreams.filter(upstream => upstream.health !== 'down');
    shuffle(usable);
    usable.sort((a, b) => Number(a.health === 'suspect') - Number(b.health === 'suspect'));
    const [only] = usable;
    if (only && usable.length === 1) return [only, only];
    return usable.slice(0, MAX_TRIES);
  }

  #allDown(): string {
    if (this.#upstreams.length === 0) return 'No DNS server is configured.';
    return `No DNS server answers: ${this.#upstreams.map(upstream => formatServer(upstream.server)).join(', ')}`;
  }

  /** A server older than EDNS refuses the record, not the question (RFC 6891 section 7). */
  async #askWithFallback(server: Server, query: Query): Promise<Answer> {
    const answer = await this.#askOne(server, query);
    if (answer.rcode !== RCODE.FORMERR || !query.edns) return answer;
    return this.#askOne(server, { ...query, edns: undefined });
  }

  async #askOne(server: Server, query: Query): Promise<Answer> {
    const id = randomInt(0x10000);
    const message = upstreamQuery(query, id);
    let answer: Answer | undefined;
    const accepts = (bytes: Uint8Array): boolean => {
      answer =
        readHeader(bytes)?.id === id ? (parseAnswer(bytes, query) ?? bareRefusal(bytes, query)) : undefined;
      return answer !== undefined;
    };
    await exchangeUdp(server, message, accepts, this.#exchange);
    if ((answer as Answer | undefined)?.truncated)
      await exchangeTcp(server, message, accepts, this.#exchange);
    return answer as unknown as Answer;
  }

  #failed(upstream: Upstream, error: UpstreamError): void {
    if (upstream.health !== 'healthy' || !this.#upstreams.includes(upstream)) return;
    if (error.fault === 'refused') this.#setDown(upstream, error.message);
    else {
      upstream.health = 'suspect';
      void this.#check(upstream);
    }
  }

  #setDown(upstream: Upstream, reason: string): void {
    if (upstream.health !== 'down')
      this.#options.report(`${reason}. It is not asked until it answers again.`);
    upstream.health = 'down';
    upstream.cancelCheck = this.#options.clock.after(HEALTH_CHECK_MS, () => void this.#check(upstream));
  }

  #recovered(upstream: Upstream): void {
    if (upstream.health === 'down')
      this.#options.report(`DNS server ${formatServer(upstream.server)} answers again.`);
    upstream.health = 'healthy';
    upstream.cancelCheck?.();
    upstream.cancelCheck = undefined;
  }

  /** Any well-formed answer will do: what the server thinks of the root is its own affair. */
  async #check(upstream: Upstream): Promise<void> {
    try {
      await this.#askOne(upstream.server, ownQuery('', TYPE.NS));
      if (this.#upstreams.includes(upstream)) this.#recovered(upstream);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // It may have been taken away, or have answered somebody else meanwhile.
      if (this.#upstreams.includes(upstream) && upstream.health !== 'healthy')
        this.#setDown(upstream, message);
    }
  }
}

function isServerFailure(rcode: number): boolean {
  return rcode === RCODE.SERVFAIL || rcode === RCODE.REFUSED || rcode === RCODE.NOTIMP;
}

/** Some servers refuse without repeating the question; the id is all there is to check then. */
function bareRefusal(bytes: Uint8Array, query: Query): Answer | undefined {
  const header = readHeader(bytes);
  if (!header || header.questionCount > 0 || header.rcode === 0 || header.rcode === RCODE.NXDOMAIN)
    return undefined;
  const flagged = new Uint8Array(12 + query.question.length);
  const view = viewOf(flagged);
  view.setUint16(2, 0x8000 | header.rcode);
  view.setUint16(4, 1);
  flagged.set(query.question, 12);
  return parseAnswer(flagged, query);
}

function shuffle<T>(items: T[]): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = randomInt(index + 1);
    [items[index], items[other]] = [items[other] as T, items[index] as T];
  }
}
