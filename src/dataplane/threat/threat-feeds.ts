// The threat-intelligence feeds of one gateway: the files its user named, and Azure's test name. A changed file is
// read again and takes effect as a whole; a file that is missing or has a broken line keeps its last good content,
// and every fault is reported with file and line, once for each version of the file.

import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { ThreatLookup } from '#dataplane/data-plane.ts';
import { normalizeFqdn } from '#net/fqdn.ts';
import type { Ipv4Range } from '#net/ipv4.ts';
import { type Feed, parseFeed } from './feed.ts';
import { type FeedIndex, indexFeeds, subtractRanges } from './feed-index.ts';

/** Azure lists this name so that people can try the feature (https://learn.microsoft.com/azure/firewall/threat-intel). */
const BUILT_IN = parseFeed(
  'testmaliciousdomain.eastus.cloudapp.azure.com\tThis is a test indicator for a Microsoft owned domain.',
  '',
);
/** About two million networks; more than that is not a list of threats. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_PROBLEMS_REPORTED = 100;
/** Editors and downloads write in several steps; a change is read once they have settled. */
const SETTLE_MS = 100;

export interface ThreatFeedsOptions {
  readonly files: readonly string[];
  /** Catches changes that the file system does not announce. */
  readonly pollMs?: number;
  readonly report?: (message: string) => void;
}

interface Source {
  readonly path: string;
  /** Identity of the version read last, good or bad. */
  version: string;
  feed: Feed | undefined;
}

export class ThreatFeeds implements ThreatLookup {
  readonly #sources: readonly Source[];
  readonly #pollMs: number;
  readonly #report: (message: string) => void;
  readonly #listeners = new Set<() => void>();
  #index: FeedIndex = indexFeeds([BUILT_IN]);
  #watchers: FSWatcher[] = [];
  #poll: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #reloading: Promise<void> | undefined;

  constructor({
    files,
    pollMs = 2000,
    report = message => process.stderr.write(`${message}\n`),
  }: ThreatFeedsOptions) {
    this.#sources = files.map(path => ({ path, version: '', feed: undefined }));
    this.#pollMs = pollMs;
    this.#report = report;
  }

  /** Reads all files, then watches them. Faults are reported, not thrown. */
  async start(): Promise<void> {
    await this.reload();
    if (this.#sources.length === 0) return;
    this.#poll = setInterval(() => void this.reload(), this.#pollMs);
    this.#poll.unref();
    for (const folder of new Set(this.#sources.map(source => dirname(source.path)))) this.#watch(folder);
  }

  ofAddress(address: number): string | undefined {
    return this.#index.ofAddress(address);
  }

  ofName(fqdn: string): string | undefined {
    return this.#index.ofName(normalizeFqdn(fqdn));
  }

  /** All listed IPv4 addresses without the allowed ones, merged. `allowed` is in `mergeRanges`' normal form. */
  ranges(allowed: readonly Ipv4Range[] = []): Ipv4Range[] {
    return subtractRanges(this.#index.ranges, allowed);
  }

  get ipv6Networks(): readonly string[] {
    return this.#index.ipv6Networks;
  }

  /** Calls back after each change of what is listed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads what has changed; calls during a reload share it. */
  reload(): Promise<void> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    this.#listeners.clear();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        clearTimeout(this.#settle);
        this.#settle = setTimeout(() => void this.reload(), SETTLE_MS);
        this.#settle.unref();
      });
      // A folder that goes away ends its watcher; the poll goes on.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // The folder does not exist or watches are used up: the poll finds the file.
    }
  }

  async #reload(): Promise<void> {
    const changed = await Promise.all(this.#sources.map(source => this.#read(source)));
    if (!changed.includes(true)) return;
    this.#index = indexFeeds([BUILT_IN, ...this.#sources.flatMap(source => source.feed ?? [])]);
    for (const listener of this.#listeners) listener();
  }

  /** Whether the source has a new good content. */
  async #read(source: Source): Promise<boolean> {
    const previous = source.version;
    try {
      const { ino, size, mtimeNs } = await stat(source.path, { bigint: true });
      const version = `${ino} ${size} ${mtimeNs}`;
      if (version === previous) return false;
      source.version = version;
      if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
      const text = await readFile(source.path, 'utf8');
      const feed = parseFeed(text, `Listed in ${basename(source.path)}.`);
      if (feed.problems.length === 0) {
        source.feed = feed;
        return true;
      }
      this.#reportProblems(source, feed);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // The failure stands for the version, so that the next look tries again and stays silent about the same one.
      const failure = `failed: ${reason}`;
      if (previous !== failure)
        this.#report(`Threat feed ${source.path} cannot be read: ${reason}. ${standing(source)}`);
      source.version = failure;
    }
    return false;
  }

  #reportProblems(source: Source, { problems }: Feed): void {
    for (const { line, message } of problems.slice(0, MAX_PROBLEMS_REPORTED))
      this.#report(`Threat feed ${source.path}, line ${line}: ${message}`);
    this.#report(
      `Threat feed ${source.path} has ${problems.length} broken line${problems.length === 1 ? '' : 's'} and is not used. ${standing(source)}`,
    );
  }
}

function standing(source: Source): string {
  return source.feed ? 'Its last good content stays in force.' : 'Nothing of it is in force.';
}
