// Keeps the names of network rules and NAT targets resolved, as Azure does: each is asked again every fifteen
// seconds, spread over that time, whoever else asks. A name that is new is asked at once.

import type { Clock } from './clock.ts';

/** https://learn.microsoft.com/azure/firewall/fqdn-filtering-network-rules */
const WATCH_INTERVAL_MS = 15_000;
const TICK_MS = 250;
/** Azure advises at most 1,000 names; these are worked through in a moment without flooding the servers. */
const MAX_CONCURRENT = 64;
const FIRST_ROUND_MS = 1000;

interface Watched {
  readonly name: string;
  dueAt: number;
  busy: boolean;
  /** Came together with others: its next interval is shortened at random, which spreads them for good. */
  spread: boolean;
  first: (() => void) | undefined;
}

export interface WatcherOptions {
  readonly clock: Clock;
  /** Resolves one name afresh. Handles its own failures. */
  readonly refresh: (name: string) => Promise<void>;
  readonly random?: () => number;
}

export class Watcher {
  readonly #clock: Clock;
  readonly #refresh: (name: string) => Promise<void>;
  readonly #random: () => number;
  #watched = new Map<string, Watched>();
  #running = 0;
  #cancelTick: (() => void) | undefined;

  constructor({ clock, refresh, random = Math.random }: WatcherOptions) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#random = random;
  }

  has(name: string): boolean {
    return this.#watched.has(name);
  }

  get names(): readonly string[] {
    return [...this.#watched.keys()];
  }

  /**
   * Resolves when every new name has been asked for once, or one second has passed. One that is watched already counts as
   * new if `isNew` says so.
   */
  setNames(names: readonly string[], isNew: (name: string) => boolean = () => false): Promise<void> {
    const firsts: Promise<void>[] = [];
    const next = new Map<string, Watched>();
    for (const name of names) {
      if (next.has(name)) continue;
      const kept = this.#watched.get(name);
      if (kept && !isNew(name)) next.set(name, kept);
      else
        firsts.push(
          new Promise(first =>
            next.set(name, { name, dueAt: this.#clock.now(), busy: false, spread: true, first }),
          ),
        );
    }
    for (const [name, gone] of this.#watched) if (next.get(name) !== gone) gone.first?.();
    this.#watched = next;
    this.#work();
    if (firsts.length === 0) return Promise.resolve();
    return new Promise(resolve => {
      const cancel = this.#clock.after(FIRST_ROUND_MS, resolve);
      void Promise.all(firsts).then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Asks for every name again now: the servers have changed. */
  refreshAll(): void {
    for (const entry of this.#watched.values()) {
      entry.dueAt = this.#clock.now();
      entry.spread = true;
    }
    this.#work();
  }

  close(): void {
    void this.setNames([]);
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #work(): void {
    const now = this.#clock.now();
    for (const entry of this.#watched.values()) {
      if (this.#running >= MAX_CONCURRENT) break;
      if (!entry.busy && entry.dueAt <= now) void this.#ask(entry, now);
    }
    if (this.#watched.size > 0 && !this.#cancelTick)
      this.#cancelTick = this.#clock.after(TICK_MS, () => {
        this.#cancelTick = undefined;
        this.#work();
      });
  }

  async #ask(entry: Watched, now: number): Promise<void> {
    this.#running++;
    entry.busy = true;
    entry.dueAt = now + WATCH_INTERVAL_MS * (entry.spread ? 0.3 + 0.7 * this.#random() : 1);
    entry.spread = false;
    try {
      await this.#refresh(entry.name);
    } finally {
      this.#running--;
      entry.busy = false;
      entry.first?.();
      entry.first = undefined;
      this.#work();
    }
  }
}
