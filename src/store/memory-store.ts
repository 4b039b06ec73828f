// The resource store without a disk, for tests and dry runs. Same contract as `SqliteStore`, gone with the process.

import type { ResourceFilter } from './resource-store.ts';
import { type Row, type RowTable, TransactionalStore } from './transactional-store.ts';

export class MemoryStore extends TransactionalStore {
  constructor() {
    super(new MemoryTable());
  }
}

class MemoryTable implements RowTable {
  revision = 0;
  #rows = new Map<string, Row>();
  #before: Map<string, Row> | undefined;

  begin(): void {
    this.#before = new Map(this.#rows);
  }

  commit(revision: number): void {
    this.revision = revision;
    this.#before = undefined;
  }

  rollback(): void {
    this.#rows = this.#before ?? this.#rows;
    this.#before = undefined;
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  select({ type, resourceGroup }: ResourceFilter): Row[] {
    return [...this.#rows.values()]
      .filter(row => type === undefined || row.type === type)
      .filter(row => resourceGroup === undefined || row.resourceGroup === resourceGroup)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  put(row: Row): void {
    this.#rows.set(row.key, row);
  }

  delete(key: string): void {
    this.#rows.delete(key);
  }

  close(): void {}
}
