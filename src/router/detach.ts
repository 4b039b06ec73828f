// `postern up --detach`: the same command in the background. It returns when the rules are in force, with everything that
// was said so far, or when that did not happen.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { POSTERN, type RouterPaths } from './paths.ts';
import { IN_FORCE, READY_MS } from './router.ts';

const LOOK_MS = 50;
const START_MS = 5000;

/** `args` are those of `postern up`. */
export async function detach(args: readonly string[], paths: RouterPaths): Promise<number> {
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  rmSync(paths.output, { force: true });
  const output = openSync(paths.output, 'a', 0o600);
  const child = spawn(POSTERN, ['up', ...args.filter(arg => arg !== '--detach')], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  for (let waited = 0; waited < START_MS + READY_MS; waited += LOOK_MS) {
    await sleep(LOOK_MS);
    const said = readFileSync(paths.output, 'utf8');
    if (said.includes(IN_FORCE)) {
      child.unref();
      process.stdout.write(said);
      return 0;
    }
    if (!ended) continue;
    process.stderr.write(said);
    return 1;
  }
  child.unref();
  process.stderr.write(readFileSync(paths.output, 'utf8'));
  process.stderr.write(`postern: it goes on trying in the background, see ${paths.output}.\n`);
  return 1;
}
