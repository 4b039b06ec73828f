// Keeps a host that hammers a closed door from filling the disk: in each second the first default denies are
// written, after that those identical to one already seen are only counted. Pure but for its own counts.

import type { SuppressedFlow, SuppressedNotice } from './notices.ts';
import type { LogRecord } from './records.ts';

/** Distinct flows remembered in one second; beyond that, unknown ones are counted too. */
const MAX_FLOWS = 10_000;
const TOP_FLOWS = 10;

export class DenyLimiter {
  readonly #perSecond: number;
  #windowStartedAt = Number.NEGATIVE_INFINITY;
  #written = 0;
  #suppressed = 0;
  #flows = new Map<string, { flow: Omit<SuppressedFlow, 'Count'>; count: number }>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether the record is to be written. Call `roll` with the same instant first. */
  admits(record: LogRecord): boolean {
    const flow = defaultDenyOf(record);
    if (!flow) return true;
    const key = `${flow.Protocol} ${flow.SourceIp} ${flow.Destination} ${flow.DestinationPort}`;
    const seen = this.#flows.get(key);
    if (this.#written < this.#perSecond || (!seen && this.#flows.size < MAX_FLOWS)) {
      this.#written++;
      if (!seen && this.#flows.size < MAX_FLOWS) this.#flows.set(key, { flow, count: 0 });
      return true;
    }
    this.#suppressed++;
    if (seen) seen.count++;
    return false;
  }

  /** Ends the second that `now` lies beyond; its summary, where anything was suppressed in it. */
  roll(now: number): SuppressedNotice | undefined {
    if (now < this.#windowStartedAt + 1000) return undefined;
    const count = this.#suppressed;
    const flows = this.#flows;
    this.#windowStartedAt = now;
    this.#written = 0;
    this.#suppressed = 0;
    if (flows.size > 0) this.#flows = new Map();
    if (count === 0) return undefined;
    const top = [...flows.values()]
      .filter(entry => entry.count > 0)
      .sort((a, b) => b.count - a.count)
      .slice(0, TOP_FLOWS)
      .map(entry => ({ ...entry.flow, Count: entry.count }));
    return { Type: 'PosternSuppressedDenies', Count: count, Top: top };
  }
}

function defaultDenyOf(record: LogRecord): Omit<SuppressedFlow, 'Count'> | undefined {
  if (record.Type === 'AZFWNetworkRule') {
    if (record.Action !== 'Deny' || record.Rule !== '') return undefined;
    const { Protocol, SourceIp, DestinationIp, DestinationPort } = record;
    return { Protocol, SourceIp, Destination: DestinationIp, DestinationPort };
  }
  if (record.Type === 'AZFWApplicationRule') {
    if (record.Action !== 'Deny' || record.Rule !== '') return undefined;
    const { Protocol, SourceIp, Fqdn, DestinationPort } = record;
    return { Protocol, SourceIp, Destination: Fqdn, DestinationPort };
  }
  return undefined;
}
