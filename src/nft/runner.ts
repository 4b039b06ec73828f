// Runs nft scripts: the real tool, and a fake that remembers. One script is one transaction of the kernel.

import { spawn } from 'node:child_process';

export interface NftRunner {
  /** Applies a script, all or nothing. Rejects with `NftError`. */
  run(script: string): Promise<void>;
}

export class NftError extends Error {
  /** What nft wrote, first kilobytes. */
  readonly output: string;

  constructor(message: string, output: string, options?: ErrorOptions) {
    super(output === '' ? message : `${message}: ${output.split('\n', 1)[0]}`, options);
    this.name = 'NftError';
    this.output = output;
  }
}

/** Enough for the first dozens of complaints; nft repeats itself for every line. */
const OUTPUT_BYTES = 16 * 1024;

export class SystemNftRunner implements NftRunner {
  readonly #command: string;

  constructor(options: { readonly command?: string } = {}) {
    this.#command = options.command ?? 'nft';
  }

  run(script: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.#command, ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
      let output = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < OUTPUT_BYTES) output += text;
      });
      child.on('error', cause => reject(new NftError(`cannot run ${this.#command}`, '', { cause })));
      child.on('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new NftError(`nft failed (${signal ?? code})`, output.slice(0, OUTPUT_BYTES).trim()));
      });
      // nft that dies early closes the pipe; its exit status says why.
      child.stdin.on('error', () => {});
      child.stdin.end(script);
    });
  }
}

/** Remembers scripts; `failWhen` makes those it answers true for fail. */
export class FakeNftRunner implements NftRunner {
  readonly scripts: string[] = [];
  failWhen: (script: string) => boolean = () => false;

  async run(script: string): Promise<void> {
    if (this.failWhen(script)) throw new NftError('nft failed (1)', 'Error: made to fail');
    this.scripts.push(script);
  }
}
