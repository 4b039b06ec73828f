// One append-only file that only its owner can read, rotated by size. Holds the file handle and knows how large the
// file is; what is written is its user's concern.

import { chmod, type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How often the path is compared with the open file, to notice that somebody moved it. */
const LOOK_EVERY_MS = 1000;

export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  #handle: FileHandle | undefined;
  #inode = 0;
  #size = 0;
  #lookedAt = 0;
  /** The last append failed, perhaps in the middle of a line. */
  #torn = false;

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.#maxBytes = maxBytes;
  }

  /** Appends whole lines. After a rejection the next call opens the file anew. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
    try {
      if (this.#handle && (await this.#wasMoved())) await this.close();
      if (!this.#handle) await this.#open();
      if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) await this.#rotate();
      await (this.#handle as FileHandle | undefined)?.appendFile(bytes);
      this.#size += bytes.length;
      this.#torn = false;
    } catch (error) {
      this.#torn = this.#handle !== undefined;
      await this.close().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await chmod(dirname(this.path), 0o700);
    this.#handle = await open(this.path, 'a', 0o600);
    await this.#handle.chmod(0o600);
    const { ino, size } = await this.#handle.stat();
    this.#inode = ino;
    this.#size = size;
  }

  async #rotate(): Promise<void> {
    await this.close();
    await rename(this.path, `${this.path}.1`);
    await this.#open();
  }

  async #wasMoved(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return false;
    this.#lookedAt = now;
    const found = await stat(this.path).catch(() => undefined);
    return found?.ino !== this.#inode;
  }
}
