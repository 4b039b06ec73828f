// For tests of the commands: what a command prints and its exit code, and folders with files in them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CommandWorld } from './offline-command.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command in a world without state of its own, and keeps what it says. */
export async function outcomeOf(
  command: (world: CommandWorld) => Promise<number>,
  env: CommandWorld['env'] = { POSTERN_STATE: '/nowhere' },
): Promise<Outcome> {
  let [out, error] = ['', ''];
  const code = await command({
    out: text => {
      out += text;
    },
    error: text => {
      error += text;
    },
    env,
  });
  return { code, out, error };
}

/** A folder that goes when the test ends; what is not text is written as JSON. */
export function folderWith(t: TestContext, files: Readonly<Record<string, unknown>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files))
    writeFileSync(
      join(path, name),
      typeof content === 'string' ? content : JSON.stringify(content, undefined, 2),
    );
  return path;
}
