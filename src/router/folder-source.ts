// Keeps the store equal to the configuration folder: the files are the truth. A change is read as a whole, checked as a
// whole, and written in one transaction; a folder with any fault changes nothing and says what is wrong.

import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';
import { type ConfigDocument, type ConfigFolder, readConfigFolder } from './config-folder.ts';

export interface FolderSourceOptions {
  readonly folder: string;
  readonly store: ResourceStore;
  /** Faults of these documents taken together, before any is stored; empty when they can be put in force. */
  readonly check: (documents: readonly ArmDocument[]) => readonly string[];
  readonly onLoaded: (documents: readonly ConfigDocument[]) => void;
  readonly onFault: (faults: readonly string[]) => void;
}

/** Editors write in several steps; wait until they are done. */
const SETTLE_MS = 150;
/** inotify misses changes on some network file systems. */
const POLL_MS = 2000;

export class FolderSource {
  readonly #options: FolderSourceOptions;
  #watcher: FSWatcher | undefined;
  /** Which folder the watcher looks at: one that was replaced has another inode. */
  #watched: number | undefined;
  readonly #poll: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #seen = '';

  private constructor(options: FolderSourceOptions) {
    this.#options = options;
    this.#watch();
    this.#poll = setInterval(() => this.#soon(), POLL_MS);
  }

  /** Loads the folder once; faults throw, since there is nothing older to go on with. */
  static start(options: FolderSourceOptions): FolderSource {
    const faults = load(options);
    if (faults.length > 0) throw new ConfigFault(faults);
    const source = new FolderSource(options);
    source.#seen = signature(options.folder);
    return source;
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reload(), SETTLE_MS);
  }

  #watch(): void {
    const { folder } = this.#options;
    const inode = statSync(folder, { throwIfNoEntry: false })?.ino;
    if (inode === this.#watched) return;
    this.#watcher?.close();
    this.#watched = inode;
    this.#watcher = watchFolder(folder, () => this.#soon());
  }

  #reload(): void {
    this.#watch();
    const now = signature(this.#options.folder);
    if (now === this.#seen) return;
    this.#seen = now;
    const faults = load(this.#options);
    if (faults.length > 0) this.#options.onFault(faults);
  }
}

export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

function load({ folder, store, check, onLoaded }: FolderSourceOptions): readonly string[] {
  const { documents, faults } = readFolder(folder);
  if (faults.length > 0) return faults;
  const refused = check(documents.map(({ document }) => document));
  if (refused.length > 0) return refused;
  store.transaction(() => {
    const described = new Set(documents.map(({ document }) => document.id.toLowerCase()));
    for (const { document, origin } of store.list()) {
      const id = document.id.toLowerCase();
      // What lies below a described resource, as groups of a policy do, is described with it: the API cannot add to it.
      const inFiles = origin !== 'api' || described.has(id.split('/').slice(0, -2).join('/'));
      if (inFiles && !described.has(id)) store.delete(document.id);
    }
    for (const { document, file } of documents) store.put(document, { origin: file });
  });
  onLoaded(documents);
  return [];
}

function readFolder(folder: string): ConfigFolder {
  try {
    return readConfigFolder(folder);
  } catch (error) {
    return {
      documents: [],
      faults: [`${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
}

/** Names, sizes and times of the files: what must differ for a reload. */
function signature(folder: string): string {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .sort()
      .map(name => {
        const { size, mtimeMs, ino } = statSync(join(folder, name));
        return `${name} ${size} ${mtimeMs} ${ino}`;
      })
      .join('\n');
  } catch {
    // The folder is being replaced; the next look will see what came of it.
    return 'unreadable';
  }
}

function watchFolder(folder: string, listener: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, listener);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
