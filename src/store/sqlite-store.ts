// The resource store in one SQLite file: write-ahead log, every commit synced to disk before the call returns.
// The file is readable by its owner only and locked by the process that opened it, so that two control planes
// never write the same state.

import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { ensurePrivateFile, ensurePrivateFolder } from './private-file.ts';
import type { ResourceFilter } from './resource-store.ts';
import { type Row, type RowTable, TransactionalStore } from './transactional-store.ts';

/** Stands in the file's `user_version`. A file of a later version is refused, never reinterpreted. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE resources (
    key TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    resource_group TEXT NOT NULL,
    document TEXT NOT NULL,
    revision INTEGER NOT NULL,
    origin TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX resources_by_type ON resources (type);
  CREATE TABLE store (revision INTEGER NOT NULL) STRICT;
  INSERT INTO store VALUES (0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export class SqliteStore extends TransactionalStore {
  /** Opens the file, or creates it (mode 0600) with its folder (mode 0700). */
  constructor(path: string) {
    super(new SqliteTable(path));
  }
}

class SqliteTable implements RowTable {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  #revision: number;

  constructor(path: string) {
    ensurePrivateFolder(dirname(path));
    ensurePrivateFile(path);
    this.#database = openDatabase(path);
    this.#get = this.#database.prepare(`SELECT ${COLUMNS} FROM resources WHERE key = ?`);
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?, ?)');
    this.#delete = this.#database.prepare('DELETE FROM resources WHERE key = ?');
    this.#revision = Number(this.#database.prepare('SELECT revision FROM store').get()?.revision);
  }

  get revision(): number {
    return this.#revision;
  }

  begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  commit(revision: number): void {
    if (revision !== this.#revision) this.#database.prepare('UPDATE store SET revision = ?').run(revision);
    this.#database.exec('COMMIT');
    this.#revision = revision;
  }

  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  get(key: string): Row | undefined {
    const row = this.#get.get(key);
    return row && toRow(row);
  }

  select({ type, resourceGroup }: ResourceFilter): Row[] {
    const conditions: string[] = [];
    const values: SQLInputValue[] = [];
    if (type !== undefined) {
      conditions.push('type = ?');
      values.push(type);
    }
    if (resourceGroup !== undefined) {
      conditions.push('resource_group = ?');
      values.push(resourceGroup);
    }
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const query = this.#database.prepare(`SELECT ${COLUMNS} FROM resources ${where} ORDER BY key`);
    return query.all(...values).map(toRow);
  }

  put(row: Row): void {
    this.#put.run(row.key, row.type, row.resourceGroup, row.document, row.revision, row.origin);
  }

  delete(key: string): void {
    this.#delete.run(key);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

const COLUMNS = 'key, type, resource_group AS resourceGroup, document, revision, origin';

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
    if (version > SCHEMA_VERSION)
      throw new Error(
        `${path} was written by a newer Postern (schema ${version}, this one reads ${SCHEMA_VERSION})`,
      );
    // Also takes the lock, where the schema is already there.
    database.exec('BEGIN IMMEDIATE');
    if (version === 0) database.exec(SCHEMA);
    database.exec('COMMIT');
    return database;
  } catch (cause) {
    database.close();
    if (cause instanceof Error && /locked|busy/i.test(cause.message))
      throw new Error(`${path} is in use by another process`, { cause });
    throw cause;
  }
}

/** The schema above, STRICT, vouches for the types. */
function toRow(values: Record<string, unknown>): Row {
  return { ...values } as unknown as Row;
}
