// One at a time for each key: writes of one resource wait for each other, writes of others go on.

import { ArmError } from '#arm/arm-error.ts';

/** Each holder lasts at most as long as a firewall takes to settle, so the last in line waits half a minute. */
const LONGEST_QUEUE = 16;

export class KeyLock {
  readonly #queues = new Map<string, { length: number; last: Promise<unknown> }>();

  /** Refuses with 409 when too many are waiting already. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? { length: 0, last: Promise.resolve() };
    if (queue.length >= LONGEST_QUEUE)
      throw new ArmError(
        409,
        'AnotherOperationInProgress',
        `Too many operations are waiting for ${key}. Try again later.`,
      );
    this.#queues.set(key, queue);
    queue.length += 1;
    const mine = queue.last.then(work);
    queue.last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      queue.length -= 1;
      if (queue.length === 0) this.#queues.delete(key);
    }
  }
}
