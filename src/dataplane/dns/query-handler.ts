// What happens to one client's question, from its bytes to the reply and the log line: threat intelligence, cache or
// upstream, netfilter's sets, reply. Knows nothing of sockets.

import type { ThreatLookup } from '#dataplane/data-plane.ts';
import type { ThreatIntelSettings } from '#ir/policy.ts';
import { matchesFqdn } from '#net/fqdn.ts';
import type { LogSink } from '#telemetry/records.ts';
import { RCODE } from '#wire/dns.ts';
import { type Answer, renderAnswer } from './answer.ts';
import type { Clock } from './clock.ts';
import type { Forwarder, Looked } from './forwarder.ts';
import type { Client, ListenAddress } from './listener.ts';
import { parseQuery, type Query, replyWithoutRecords, udpLimitOf } from './query.ts';
import { toDnsQueryRecord, toThreatRecord } from './query-record.ts';

/** Option 15 (RFC 8914) with code 15, "Blocked". */
const BLOCKED = Uint8Array.from([0, 15, 0, 2, 0, 15]);
const MAX_TCP_SIZE = 0xffff;

export interface QueryHandlerOptions {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly forwarder: Forwarder;
  readonly threats: ThreatLookup | undefined;
  /** Puts the addresses of watched names into netfilter's sets; throws when the kernel refuses. */
  readonly publish: (answer: Answer) => void;
}

export interface Context {
  readonly listen: ListenAddress;
  readonly threatIntel: ThreatIntelSettings | undefined;
}

interface Reply {
  readonly bytes: Uint8Array;
  readonly rcode: number;
  readonly error?: Error;
}

export class QueryHandler {
  readonly #options: QueryHandlerOptions;

  constructor(options: QueryHandlerOptions) {
    this.#options = options;
  }

  /** Calls `reply` once, at once where the cache has the answer; undefined means silence. */
  handle(
    bytes: Uint8Array,
    client: Client,
    context: Context,
    reply: (bytes: Uint8Array | undefined) => void,
  ): void {
    const { clock, log, forwarder } = this.#options;
    const startedAt = clock.now();
    const parsed = parseQuery(bytes);
    if (parsed.kind === 'drop') {
      reply(undefined);
      return;
    }
    const { query } = parsed;
    const send = (answered: Reply): void => {
      const durationMs = clock.now() - startedAt;
      reply(answered.bytes);
      log.write(
        toDnsQueryRecord({
          client,
          query,
          requestSize: bytes.length,
          rcode: answered.rcode,
          reply: answered.bytes,
          durationMs,
          error: answered.error,
        }),
      );
    };
    if (parsed.kind === 'refuse') {
      send({ bytes: parsed.reply, rcode: parsed.rcode });
    } else if (this.#denies([parsed.query.name], client, context)) {
      send(blocked(parsed.query));
    } else {
      const deliver = (looked: Looked): void => send(this.#replyTo(parsed.query, looked, client, context));
      const cached = forwarder.cached(parsed.query);
      if (cached) deliver(cached);
      else forwarder.fetch(parsed.query).then(deliver, error => send(failed(parsed.query, error)));
    }
  }

  #replyTo(query: Query, { answer, ageSeconds }: Looked, client: Client, context: Context): Reply {
    if (this.#denies(answer.chain.slice(1), client, context)) return blocked(query);
    try {
      this.#options.publish(answer);
    } catch (error) {
      // Without its addresses in the sets the answer would only lead the client to a closed door.
      return failed(query, error);
    }
    const limit = client.protocol === 'udp' ? udpLimitOf(query) : MAX_TCP_SIZE;
    return { bytes: renderAnswer(answer, query, ageSeconds, limit), rcode: answer.rcode };
  }

  /** Logs what threat intelligence knows of the names, and says whether to deny. */
  #denies(names: readonly string[], client: Client, { listen, threatIntel }: Context): boolean {
    const { threats, log } = this.#options;
    if (!threats || !threatIntel || threatIntel.mode === 'Off') return false;
    for (const name of names) {
      const description = threats.ofName(name);
      if (description === undefined) continue;
      if (threatIntel.allowedFqdns.some(pattern => matchesFqdn(pattern, name))) continue;
      log.write(toThreatRecord(client, listen, name, threatIntel.mode, description));
      return threatIntel.mode === 'Deny';
    }
    return false;
  }
}

/** A denied name does not exist: REFUSED would make the client ask its next server. EDNS carries the explanation. */
function blocked(query: Query): Reply {
  return { bytes: replyWithoutRecords(query, RCODE.NXDOMAIN, BLOCKED), rcode: RCODE.NXDOMAIN };
}

function failed(query: Query, error: unknown): Reply {
  return {
    bytes: replyWithoutRecords(query, RCODE.SERVFAIL),
    rcode: RCODE.SERVFAIL,
    error: error instanceof Error ? error : new Error(String(error)),
  };
}
