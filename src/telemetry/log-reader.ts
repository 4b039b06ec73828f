// Reads a log that somebody else writes and rotates: first the rotated file, then the current one, and on request
// for ever what is added, across rotations. Yields whole lines; what they say is the caller's concern.

import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK_BYTES = 256 * 1024;
const POLL_MS = 200;
/** Longer lines are none of ours; they are cut into pieces, which then cannot be parsed. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface ReadLogOptions {
  /** Also waits for a file that does not exist yet. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Called once, when everything that stood in the files has been yielded. */
  readonly onCaughtUp?: () => void;
}

/** Without `follow`, a missing file yields nothing. */
export async function* readLog(
  path: string,
  { follow = false, signal, onCaughtUp }: ReadLogOptions = {},
): AsyncGenerator<string> {
  const goesOn = (): boolean => follow && signal?.aborted !== true;
  let current = await Tail.open(path);
  try {
    const rotated = await Tail.open(`${path}.1`);
    if (rotated) {
      try {
        // The same file twice means that it was rotated just now: it is read once, as the older one.
        if (rotated.inode === current?.inode) {
          await current.close();
          current = await Tail.open(path);
        }
        yield* rotated.lines();
      } finally {
        await rotated.close();
      }
    }
    if (current) yield* current.lines();
    onCaughtUp?.();
    while (goesOn()) {
      const found = await stat(path).catch(() => undefined);
      // Compared before the rest is read: whatever was written before the rotation is there by then.
      if (current) yield* current.lines(found?.ino === current.inode ? found.size : undefined);
      if (found && found.ino !== current?.inode) {
        const next = await Tail.open(path);
        await current?.close();
        current = next;
      } else await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  } finally {
    await current?.close();
  }
}

/** An open file and how far it has been read. */
class Tail {
  readonly #handle: FileHandle;
  readonly inode: number;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(handle: FileHandle, inode: number) {
    this.#handle = handle;
    this.inode = inode;
  }

  static async open(path: string): Promise<Tail | undefined> {
    try {
      const handle = await open(path, 'r');
      return new Tail(handle, (await handle.stat()).ino);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** The lines that have been completed since the last call. A file smaller than what was read is read anew. */
  async *lines(size = Number.POSITIVE_INFINITY): AsyncGenerator<string> {
    if (size < this.#position) {
      this.#position = 0;
      this.#rest = Buffer.alloc(0);
    }
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, CHUNK_BYTES, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const bytes = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        if (end > start) yield bytes.toString('utf8', start, end);
        start = end + 1;
      }
      this.#rest = bytes.length - start > MAX_LINE_BYTES ? Buffer.alloc(0) : bytes.subarray(start);
    }
  }
}
