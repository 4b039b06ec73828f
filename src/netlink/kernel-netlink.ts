// Everything the data plane asks of the kernel by netlink, behind one small interface, with the real thing and a
// fake that remembers what was asked.

import { type ConntrackEntry, deleteEntries, type FlowTuple, listByMark, updateMarks } from './conntrack.ts';
import { type LogEntry, type LogReader, openLogReader } from './log-reader.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import { ProbeSocket } from './probe.ts';
import {
  changeElements,
  type ElementChange,
  listElements,
  type SetElement,
  tableExists,
} from './set-elements.ts';

export interface KernelNetlink {
  /** One transaction; packets see it when the call returns. Throws `NetlinkError` with nothing changed. */
  changeElements(change: ElementChange): void;
  /** True when there is an `inet` table of that name. */
  tableExists(table: string): boolean;
  /** What a set of addresses holds; undefined when there is no such set. */
  listElements(table: string, set: string): SetElement[] | undefined;
  /** Conntrack entries whose mark under `mask` is `mark`. */
  listByMark(mark: number, mask: number): ConntrackEntry[];
  updateMarks(changes: readonly { readonly entry: ConntrackEntry; readonly mark: number }[]): void;
  deleteEntries(entries: readonly ConntrackEntry[]): void;
  /** Sends bare SYNs with the packet mark `mark`; a host that cannot be reached is passed over. */
  probe(tuples: readonly FlowTuple[], mark: number): void;
  openLog(
    group: number,
    onEntries: (entries: readonly LogEntry[]) => void,
    onError: (error: Error) => void,
  ): Promise<LogReader>;
  close(): void;
}

export class SystemNetlink implements KernelNetlink {
  readonly #socket = new NetlinkSocket();

  changeElements(change: ElementChange): void {
    changeElements(this.#socket, change);
  }

  tableExists(table: string): boolean {
    return tableExists(this.#socket, table);
  }

  listElements(table: string, set: string): SetElement[] | undefined {
    return listElements(this.#socket, table, set);
  }

  listByMark(mark: number, mask: number): ConntrackEntry[] {
    return listByMark(this.#socket, mark, mask);
  }

  updateMarks(changes: readonly { readonly entry: ConntrackEntry; readonly mark: number }[]): void {
    updateMarks(this.#socket, changes);
  }

  deleteEntries(entries: readonly ConntrackEntry[]): void {
    deleteEntries(this.#socket, entries);
  }

  probe(tuples: readonly FlowTuple[], mark: number): void {
    if (tuples.length === 0) return;
    const socket = new ProbeSocket(mark);
    try {
      for (const tuple of tuples) {
        try {
          socket.send(tuple);
        } catch {
          // No route to that end: nothing there can answer, and the rules cut it if it ever speaks.
        }
      }
    } finally {
      socket.close();
    }
  }

  openLog(
    group: number,
    onEntries: (entries: readonly LogEntry[]) => void,
    onError: (error: Error) => void,
  ): Promise<LogReader> {
    return openLogReader(group, onEntries, onError);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Remembers set elements and calls; tests put conntrack entries into `entries` and log entries into `emit`. */
export class FakeNetlink implements KernelNetlink {
  readonly sets = new Map<string, Set<number>>();
  readonly changes: ElementChange[] = [];
  readonly probes: FlowTuple[] = [];
  readonly marks: { readonly entry: ConntrackEntry; readonly mark: number }[] = [];
  readonly deleted: ConntrackEntry[] = [];
  /** What an earlier process left, by set; not empty means that its table is there. */
  readonly inherited = new Map<string, SetElement[]>();
  entries: ConntrackEntry[] = [];
  emit: (entries: readonly LogEntry[]) => void = () => {};
  closed = false;

  changeElements(change: ElementChange): void {
    this.changes.push(change);
    const set = this.sets.get(change.set) ?? new Set();
    for (const address of change.remove ?? []) set.delete(address);
    for (const { address } of change.add ?? []) set.add(address);
    this.sets.set(change.set, set);
  }

  tableExists(): boolean {
    return this.inherited.size > 0;
  }

  listElements(_table: string, set: string): SetElement[] | undefined {
    return this.inherited.get(set);
  }

  listByMark(mark: number, mask: number): ConntrackEntry[] {
    return this.entries.filter(entry => ((entry.mark ^ mark) & mask) === 0);
  }

  updateMarks(changes: readonly { readonly entry: ConntrackEntry; readonly mark: number }[]): void {
    this.marks.push(...changes);
  }

  deleteEntries(entries: readonly ConntrackEntry[]): void {
    this.deleted.push(...entries);
  }

  probe(tuples: readonly FlowTuple[]): void {
    this.probes.push(...tuples);
  }

  async openLog(_group: number, onEntries: (entries: readonly LogEntry[]) => void): Promise<LogReader> {
    this.emit = onEntries;
    return { lost: 0, close: async () => {} };
  }

  close(): void {
    this.closed = true;
  }
}
