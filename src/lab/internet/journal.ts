// What the servers of the lab's Internet saw: one entry a connection, datagram or request. Entries go to a file, one JSON
// line each, rotated once it is large, and the newest stay in memory for /journal. Writing never holds up a server:
// when the disk is too slow, entries are left out of the file and their number is written in their place.

import { appendFile, rename, stat } from 'node:fs/promises';

export interface JournalEntry {
  /** `tcp`: a connection of any kind was accepted. `tls`: a handshake, `name` is the SNI. Requests: `http`, `https`, `h2`. */
  readonly protocol: 'tcp' | 'udp' | 'dns' | 'dns-tcp' | 'ntp' | 'tls' | 'http' | 'https' | 'h2';
  readonly client: string;
  readonly clientPort: number;
  /** The address and port that the client asked for. */
  readonly server: string;
  readonly serverPort: number;
  readonly name?: string;
  readonly path?: string;
  /** DNS: the type asked for. HTTP: the method. */
  readonly type?: string;
}

export interface RecordedEntry extends JournalEntry {
  /** Counts from 1 without gaps since the process started. */
  readonly sequence: number;
  readonly time: string;
}

export interface JournalPage {
  /** Ask for entries since this number next time. */
  readonly next: number;
  /** Entries in memory with a sequence number of at least what was asked for, oldest first. */
  readonly entries: readonly RecordedEntry[];
  /** All entries since the start, by protocol; those no longer in memory count too. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface JournalOptions {
  readonly rotateBytes: number;
  readonly now?: () => number;
  /** Told once when the file cannot be written, and again after it worked in between. */
  readonly onError?: (error: Error) => void;
}

const MAX_IN_MEMORY = 10_000;
const MAX_PENDING_BYTES = 8 * 2 ** 20;
const FLUSH_MS = 25;

export class Journal {
  readonly #path: string;
  readonly #rotateBytes: number;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  readonly #recent: RecordedEntry[] = [];
  readonly #counts: Record<string, number> = {};
  #sequence = 0;
  #pending: string[] = [];
  #pendingBytes = 0;
  #lost = 0;
  #fileBytes: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(path: string, { rotateBytes, now = Date.now, onError = () => {} }: JournalOptions) {
    this.#path = path;
    this.#rotateBytes = rotateBytes;
    this.#now = now;
    this.#onError = onError;
  }

  write(entry: JournalEntry): void {
    const recorded = { sequence: ++this.#sequence, time: new Date(this.#now()).toISOString(), ...entry };
    this.#counts[entry.protocol] = (this.#counts[entry.protocol] ?? 0) + 1;
    this.#recent[(recorded.sequence - 1) % MAX_IN_MEMORY] = recorded;
    if (this.#pendingBytes >= MAX_PENDING_BYTES) {
      this.#lost++;
      return;
    }
    const line = `${JSON.stringify(recorded)}\n`;
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  since(sequence: number): JournalPage {
    const oldest = Math.max(1, this.#sequence - this.#recent.length + 1);
    const entries: RecordedEntry[] = [];
    for (let at = Math.max(oldest, sequence); at <= this.#sequence; at++) {
      const entry = this.#recent[(at - 1) % MAX_IN_MEMORY];
      if (entry) entries.push(entry);
    }
    return { next: this.#sequence + 1, entries, counts: { ...this.#counts } };
  }

  /** Resolves when everything recorded so far is in the file, or could not be written. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writePending());
    return this.#writing;
  }

  async #writePending(): Promise<void> {
    if (this.#lost > 0) {
      this.#pending.push(
        `${JSON.stringify({ time: new Date(this.#now()).toISOString(), lost: this.#lost })}\n`,
      );
      this.#lost = 0;
    }
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingBytes = 0;
    if (text === '') return;
    try {
      this.#fileBytes ??= await sizeOf(this.#path);
      if (this.#fileBytes > 0 && this.#fileBytes + text.length > this.#rotateBytes) {
        await rename(this.#path, `${this.#path}.1`);
        this.#fileBytes = 0;
      }
      await appendFile(this.#path, text, { mode: 0o600 });
      this.#fileBytes += Buffer.byteLength(text);
      this.#failed = false;
    } catch (error) {
      this.#fileBytes = undefined;
      if (!this.#failed) this.#onError(error as Error);
      this.#failed = true;
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
