// What every store does alike: ids without case, revisions, transactions that join, and a watch that hears of
// changes after the commit and in order. Where rows are kept is the business of a `RowTable`; the memory one and
// the SQLite one run the same contract suite. Documents are held as JSON text, so nobody shares objects with the
// store.

import assert from 'node:assert';
import { groupKeyOf, idKey } from '#arm/resource-id.ts';
import {
  type ArmDocument,
  type ResourceFilter,
  type ResourceStore,
  RevisionConflict,
  type StoreChange,
  type StoredResource,
} from './resource-store.ts';

export interface Row {
  readonly key: string;
  readonly type: string;
  readonly resourceGroup: string;
  readonly document: string;
  readonly revision: number;
  readonly origin: string;
}

/** Rows by key with one level of transactions. `type` and `resourceGroup` are lower case. */
export interface RowTable {
  readonly revision: number;
  begin(): void;
  commit(revision: number): void;
  rollback(): void;
  get(key: string): Row | undefined;
  /** Ordered by key. */
  select(filter: ResourceFilter): Row[];
  put(row: Row): void;
  delete(key: string): void;
  close(): void;
}

interface OpenTransaction {
  readonly changes: StoreChange[];
  revision: number;
  /** The first error thrown inside, caught on the way or not. */
  failure?: { readonly error: unknown };
}

export class TransactionalStore implements ResourceStore {
  readonly #rows: RowTable;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  /** Committed changes not yet told; more than one only while a listener writes. */
  readonly #untold: StoreChange[] = [];
  #telling = false;
  #open: OpenTransaction | undefined;

  constructor(rows: RowTable) {
    this.#rows = rows;
  }

  get revision(): number {
    return this.#open?.revision ?? this.#rows.revision;
  }

  get(id: string): StoredResource | undefined {
    const row = this.#rows.get(idKey(id));
    return row && toResource(row);
  }

  list(filter: ResourceFilter = {}): StoredResource[] {
    const wanted: { type?: string; resourceGroup?: string } = {};
    if (filter.type !== undefined) wanted.type = filter.type.toLowerCase();
    if (filter.resourceGroup !== undefined) wanted.resourceGroup = filter.resourceGroup.toLowerCase();
    return this.#rows.select(wanted).map(toResource);
  }

  put(
    document: ArmDocument,
    options: { readonly expectedRevision?: number; readonly origin?: string } = {},
  ): StoredResource {
    return this.transaction(() => {
      const key = idKey(document.id);
      const before = this.get(key);
      checkRevision(document.id, before, options.expectedRevision);
      const written: StoredResource = {
        document: before ? { ...document, id: before.document.id, name: before.document.name } : document,
        revision: this.#nextRevision(),
        origin: options.origin ?? before?.origin ?? 'api',
      };
      const row: Row = {
        key,
        type: document.type.toLowerCase(),
        resourceGroup: groupKeyOf(document.id),
        document: JSON.stringify(written.document),
        revision: written.revision,
        origin: written.origin,
      };
      this.#rows.put(row);
      this.#open?.changes.push({ kind: 'put', resource: toResource(row) });
      return toResource(row);
    });
  }

  delete(id: string): boolean {
    return this.transaction(() => {
      const before = this.get(id);
      if (before === undefined) return false;
      this.#rows.delete(idKey(id));
      this.#open?.changes.push({ kind: 'delete', id: before.document.id, revision: this.#nextRevision() });
      return true;
    });
  }

  transaction<T>(work: () => T): T {
    if (this.#open) return this.#join(this.#open, work);
    this.#rows.begin();
    const open: OpenTransaction = { changes: [], revision: this.#rows.revision };
    this.#open = open;
    let result: T;
    try {
      result = this.#join(open, work);
      // An inner transaction that failed takes the outer one with it, even if its error was caught on the way.
      if (open.failure) throw open.failure.error;
      this.#rows.commit(open.revision);
    } catch (error) {
      this.#rows.rollback();
      throw error;
    } finally {
      this.#open = undefined;
    }
    this.#untold.push(...open.changes);
    this.#tell();
    return result;
  }

  watch(listener: (change: StoreChange) => void): () => void {
    // A wrapper of its own, so that one function may watch twice.
    const entry = (change: StoreChange): void => listener(change);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  close(): void {
    this.#listeners.clear();
    this.#rows.close();
  }

  #join<T>(open: OpenTransaction, work: () => T): T {
    try {
      const result = work();
      assert(
        !(result instanceof Promise),
        'a transaction of the store must not wait: its work returned a promise',
      );
      return result;
    } catch (error) {
      open.failure ??= { error };
      throw error;
    }
  }

  #nextRevision(): number {
    assert(this.#open);
    this.#open.revision += 1;
    return this.#open.revision;
  }

  /** Listeners may write: what they write is told after the changes that were already waiting. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let change = this.#untold.shift(); change; change = this.#untold.shift())
        for (const listener of [...this.#listeners]) callListener(listener, change);
    } finally {
      this.#telling = false;
    }
  }
}

/** A listener's error is a bug of that listener: it surfaces as uncaught and does not fail the writer. */
function callListener(listener: (change: StoreChange) => void, change: StoreChange): void {
  try {
    listener(change);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function checkRevision(id: string, before: StoredResource | undefined, expected: number | undefined): void {
  if (expected === undefined || expected === (before?.revision ?? 0)) return;
  const state = before === undefined ? 'does not exist' : `has revision ${before.revision}`;
  throw new RevisionConflict(
    `${id} ${state}, expected ${expected === 0 ? 'none to exist' : `revision ${expected}`}`,
  );
}

function toResource(row: Row): StoredResource {
  return { document: JSON.parse(row.document) as ArmDocument, revision: row.revision, origin: row.origin };
}
