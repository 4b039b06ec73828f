// The log of the lab's own processes: a bounded file for whoever looks for the reason of a fault.

import { appendFileSync, renameSync, statSync } from 'node:fs';

/** Enough for days of ordinary messages; the file before it is kept too. */
const MAX_BYTES = 4 * 1024 * 1024;

export class OutputLog {
  readonly #path: string;
  #size: number;

  constructor(path: string) {
    this.#path = path;
    this.#size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  write(line: string): void {
    const text = `${new Date().toISOString()} ${line}\n`;
    if (this.#size > MAX_BYTES) {
      renameSync(this.#path, `${this.#path}.1`);
      this.#size = 0;
    }
    appendFileSync(this.#path, text, { mode: 0o600 });
    this.#size += text.length;
  }
}
