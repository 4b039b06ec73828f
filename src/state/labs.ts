// Which labs this state folder knows, by the names of their folders; which of them are up, and which one is meant where
// nobody names one and what runs is asked.

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readProcessFile } from './process-file.ts';
import { labFolder, labName, type StateFolderOptions } from './state-folder.ts';

/** In the folder of a lab: the process whose end is the end of the lab. */
export const LAB_PROCESS_FILE = 'lab.pid';

/** Sorted; folders that no lab can have, such as one on its way out, are left aside. */
export function labNames(options: StateFolderOptions = {}): string[] {
  try {
    return readdirSync(dirname(labFolder('any', options)))
      .filter(name => /^[a-z0-9-]+$/.test(name))
      .sort();
  } catch {
    // No lab has been here.
    return [];
  }
}

export function labsUp(options: StateFolderOptions = {}): string[] {
  return labNames(options).filter(name => readProcessFile(join(labFolder(name, options), LAB_PROCESS_FILE)));
}

/** `$POSTERN_LAB`, or else the only lab that is up, or else the one with the usual name, whether it is up or not. */
export function labToAsk(options: StateFolderOptions = {}): string {
  const { env = process.env } = options;
  const [only, ...others] = env.POSTERN_LAB ? [] : labsUp(options);
  return only !== undefined && others.length === 0 ? only : labName(env);
}
