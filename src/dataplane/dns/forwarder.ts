// Answers to questions, from the cache or from upstream. Equal questions that wait at the same time are asked once;
// so many are under way at a time and so many wait for their turn, and the rest is refused.

import type { Answer } from './answer.ts';
import { AnswerCache, type CacheLimits } from './cache.ts';
import type { Clock } from './clock.ts';
import { type Server, UpstreamError } from './exchange.ts';
import type { Query } from './query.ts';
import type { UpstreamAnswer } from './upstreams.ts';

/** Each takes a socket while it is under way. */
const MAX_UNDER_WAY = 512;
/** With answers in 20 ms this queue is worked off in a fifth of a second. */
const MAX_WAITING = 4096;
/** A client has given up on what waited longer. */
const MAX_WAIT_MS = 4000;

interface Waiting {
  readonly since: number;
  readonly start: () => void;
  readonly refuse: (error: UpstreamError) => void;
}

export interface ForwarderOptions {
  readonly clock: Clock;
  readonly ask: (query: Query) => Promise<UpstreamAnswer>;
  readonly cache?: CacheLimits;
  readonly maxUnderWay?: number;
  readonly maxWaiting?: number;
}

export interface Looked {
  readonly answer: Answer;
  readonly ageSeconds: number;
  /** Absent for answers from the cache. */
  readonly server?: Server;
}

export class Forwarder {
  readonly #clock: Clock;
  readonly #ask: (query: Query) => Promise<UpstreamAnswer>;
  readonly #cache: AnswerCache;
  readonly #maxUnderWay: number;
  readonly #maxWaiting: number;
  readonly #inFlight = new Map<string, Promise<Looked>>();
  #underWay = 0;
  #waiting: Waiting[] = [];
  /** Raised when the servers change: what older ones answer is not kept. */
  #generation = 0;

  constructor({
    clock,
    ask,
    cache,
    maxUnderWay = MAX_UNDER_WAY,
    maxWaiting = MAX_WAITING,
  }: ForwarderOptions) {
    this.#clock = clock;
    this.#ask = ask;
    this.#cache = new AnswerCache(cache);
    this.#maxUnderWay = maxUnderWay;
    this.#maxWaiting = maxWaiting;
  }

  cached(query: Query): Looked | undefined {
    return this.#cache.get(query.key, this.#clock.now());
  }

  /** From upstream, and into the cache. Rejects with `UpstreamError`. */
  fetch(query: Query): Promise<Looked> {
    // A server that does not know EDNS refuses the one query and answers the other, so they do not share.
    const key = `${this.#generation} ${query.edns ? 'edns' : ''} ${query.key}`;
    const running = this.#inFlight.get(key);
    if (running) return running;
    const started = this.#fetchInTurn(query).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, started);
    return started;
  }

  /** Other servers may answer otherwise. */
  forget(): void {
    this.#generation++;
    this.#cache.clear();
  }

  async #fetchInTurn(query: Query): Promise<Looked> {
    await this.#turn();
    const generation = this.#generation;
    try {
      const { answer, server } = await this.#ask(query);
      if (generation === this.#generation && (answer.rcode === 0 || answer.rcode === 3))
        this.#cache.put(query.key, answer, this.#clock.now());
      return { answer, server, ageSeconds: 0 };
    } finally {
      this.#underWay--;
      this.#next();
    }
  }

  #turn(): Promise<void> {
    if (this.#underWay < this.#maxUnderWay) {
      this.#underWay++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(
        new UpstreamError('overload', undefined, 'Too many questions are waiting for an answer.'),
      );
    return new Promise((start, refuse) => this.#waiting.push({ since: this.#clock.now(), start, refuse }));
  }

  #next(): void {
    const tooOld = this.#clock.now() - MAX_WAIT_MS;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.since >= tooOld) {
        this.#underWay++;
        next.start();
        return;
      }
      next.refuse(new UpstreamError('overload', undefined, 'The question waited too long for its turn.'));
    }
  }
}
