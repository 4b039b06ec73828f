// Denied packets leave no trace in connection tracking, so a SYN that is sent again is denied and logged again.
// Azure logs the first packet of a connection only; this memory knows which ones were logged a moment ago.

import type { LogEntry } from '#netlink/log-reader.ts';

/** Linux gives up a connection attempt after retransmissions that are at most 32 s apart in their first minute. */
const REPEAT_MS = 33_000;
/** Some 100 bytes each; beyond it the oldest are forgotten and may be logged again. */
const MAX_FLOWS = 8_192;

export class RecentFlows {
  readonly #now: () => number;
  readonly #seen = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** False for a packet of a flow that the same decision denied before; allowed flows are logged once anyway. */
  isFirst({ prefix, mark, header }: LogEntry): boolean {
    if (prefix === 'allow') return true;
    const { protocol, source, sourcePort, destination, destinationPort } = header;
    const key = `${prefix} ${mark} ${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
    const now = this.#now();
    const last = this.#seen.get(key);
    // Moves the flow to the end: the map's order is the order of the last packets.
    this.#seen.delete(key);
    this.#seen.set(key, now);
    if (this.#seen.size > MAX_FLOWS) {
      const oldest = this.#seen.keys().next().value;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return last === undefined || now - last > REPEAT_MS;
  }
}
