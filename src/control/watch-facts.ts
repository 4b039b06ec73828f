// Tells when `postern tags import` has replaced the tags. The file is looked at by its identity, since an import
// replaces it as a whole.

import { statSync } from 'node:fs';
import { importedServiceTagsPath } from '#facts/facts.ts';

const LOOK_MS = 1000;

/** Calls back after each change, until the returned function is called. */
export function watchFacts(factsDir: string | undefined, onChange: () => void): () => void {
  if (factsDir === undefined) return () => {};
  const path = importedServiceTagsPath(factsDir);
  let seen = identity(path);
  const timer = setInterval(() => {
    const now = identity(path);
    if (now === seen) return;
    seen = now;
    onChange();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function identity(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'none';
}
