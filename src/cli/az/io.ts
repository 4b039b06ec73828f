// What a run of `az` reads and writes, as one value, so that tests can stand in for a terminal or a pipe.

import type { Readable, Writable } from 'node:stream';

export interface AzIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processIo(): AzIo {
  return {
    // Opened only by a command that asks something.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  };
}

/** Colours only on a terminal, and never against NO_COLOR. */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: AzIo['env']): boolean {
  return stream.isTTY === true && !env.NO_COLOR;
}

/** A reader that leaves early (`az ... | head -1`) is no error of ours. Any other fault of the stream is thrown. */
export function tolerateClosedPipe(stream: Writable): void {
  if (stream.listenerCount('error') > 0) return;
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  });
}
