// Answers by question, dropped when their time is over, and the least recently used first when entries or bytes
// run out. Pure but for its own contents; time comes in from outside.

import type { Answer } from './answer.ts';

/** Enough for every name of a large cluster; 32 MiB bounds the worst case of large answers. */
const MAX_ENTRIES = 20_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** What an entry costs beside its message: key, offsets, chain, objects. */
const OVERHEAD_BYTES = 512;

interface Entry {
  readonly answer: Answer;
  readonly storedAt: number;
}

export interface CacheLimits {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
}

export class AnswerCache {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor({ maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES }: CacheLimits = {}) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, now: number): { answer: Answer; ageSeconds: number } | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const ageSeconds = Math.floor((now - entry.storedAt) / 1000);
    this.#entries.delete(key);
    if (ageSeconds >= entry.answer.cacheSeconds) {
      this.#bytes -= costOf(entry.answer);
      return undefined;
    }
    this.#entries.set(key, entry);
    return { answer: entry.answer, ageSeconds };
  }

  /** Replaces what was kept under the key, also where the new answer may not be kept. */
  put(key: string, answer: Answer, now: number): void {
    const old = this.#entries.get(key);
    if (old) {
      this.#entries.delete(key);
      this.#bytes -= costOf(old.answer);
    }
    const cost = costOf(answer);
    if (answer.cacheSeconds <= 0 || cost > this.#maxBytes) return;
    this.#entries.set(key, { answer, storedAt: now });
    this.#bytes += cost;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= costOf(entry.answer);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

function costOf(answer: Answer): number {
  return answer.body.length + answer.options.length + OVERHEAD_BYTES;
}
