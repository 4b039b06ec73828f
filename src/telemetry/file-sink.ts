// Writes log records to a file, one JSON line each. `write` only queues; lines are appended in batches by one
// writer at a time. What does not fit in the queue or on the disk is counted and reported by a line of its own.
// The file is rotated by size to `<path>.1`, and made anew where somebody moved it away.

import { DenyLimiter } from './deny-limiter.ts';
import { LogFile } from './log-file.ts';
import type { SinkNotice } from './notices.ts';
import type { LogRecord, LogSink } from './records.ts';

const MIB = 1024 * 1024;
/** At 400 bytes a record about 26 MB, and more than a second of decisions at full load. */
const MAX_QUEUED = 65_536;
const BATCH_RECORDS = 4096;
/** How long a record may wait for company before it is written. */
const FLUSH_AFTER_MS = 50;

export interface FileSinkOptions {
  readonly path: string;
  readonly maxBytes?: number;
  readonly maxQueued?: number;
  /** Default denies written in a second before identical ones are counted. */
  readonly deniesPerSecond?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Told once when writing fails, and again when it works. */
  readonly report?: (message: string) => void;
}

interface Queued {
  readonly at: number;
  readonly record: LogRecord | SinkNotice;
}

export class FileSink implements LogSink {
  readonly #file: LogFile;
  readonly #limiter: DenyLimiter;
  readonly #maxQueued: number;
  readonly #now: () => number;
  readonly #report: (message: string) => void;
  readonly #second: NodeJS.Timeout;
  #queue: Queued[] = [];
  #lost = 0;
  #lossReason = '';
  #failing = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor({
    path,
    maxBytes = 256 * MIB,
    maxQueued = MAX_QUEUED,
    deniesPerSecond = 100,
    now = Date.now,
    report = message => process.stderr.write(`${message}\n`),
  }: FileSinkOptions) {
    this.#file = new LogFile(path, maxBytes);
    this.#limiter = new DenyLimiter(deniesPerSecond);
    this.#maxQueued = maxQueued;
    this.#now = now;
    this.#report = report;
    this.#second = setInterval(() => this.#endSecond(), 1000);
    this.#second.unref();
  }

  write(record: LogRecord): void {
    if (this.#closed) return;
    const at = this.#now();
    this.#summarize(this.#limiter.roll(at), at);
    if (this.#limiter.admits(record)) this.#enqueue({ at, record });
  }

  /** Resolves when everything written so far is in the file, or counted as lost. */
  async flush(): Promise<void> {
    while (this.#queue.length > 0 || this.#writing) await this.#drain();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#second);
    const at = this.#now();
    this.#summarize(this.#limiter.roll(Number.POSITIVE_INFINITY), at);
    await this.flush();
    await this.#file.close();
  }

  #endSecond(): void {
    const at = this.#now();
    this.#summarize(this.#limiter.roll(at), at);
    if (this.#lost > 0) this.#schedule();
  }

  #summarize(notice: SinkNotice | undefined, at: number): void {
    if (notice) this.#enqueue({ at, record: notice });
  }

  #enqueue(entry: Queued): void {
    if (this.#queue.length >= this.#maxQueued) {
      this.#lose(1, 'queue full');
      return;
    }
    this.#queue.push(entry);
    this.#schedule();
  }

  #lose(count: number, reason: string): void {
    this.#lost += count;
    this.#lossReason = reason;
  }

  #schedule(): void {
    if (this.#timer || this.#writing) return;
    this.#timer = setTimeout(() => void this.#drain(), FLUSH_AFTER_MS);
  }

  #drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#queue.length > 0) this.#schedule();
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    do {
      const batch = this.#queue.splice(0, BATCH_RECORDS);
      const lost = this.#lost;
      if (lost > 0) {
        this.#lost = 0;
        batch.push({
          at: this.#now(),
          record: { Type: 'PosternLostRecords', Count: lost, Reason: this.#lossReason },
        });
      }
      if (batch.length === 0) return;
      try {
        await this.#file.append(batch.map(lineOf).join(''));
        if (this.#failing) this.#report(`The log ${this.#file.path} can be written again.`);
        this.#failing = false;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#lose(batch.length - (lost > 0 ? 1 : 0) + lost, reason);
        if (!this.#failing) this.#report(`The log ${this.#file.path} cannot be written: ${reason}`);
        this.#failing = true;
      }
    } while (this.#queue.length > 0);
  }
}

function lineOf({ at, record }: Queued): string {
  return `${JSON.stringify({ TimeGenerated: new Date(at).toISOString(), ...record })}\n`;
}
