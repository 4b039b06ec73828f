// Which labs this state folder knows: the names of their folders, for messages that have to say what there is.

import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { labFolder, type StateFolderOptions } from './state-folder.ts';

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
