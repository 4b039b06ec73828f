// The shipped service tags and FQDN tags for programs in Node: `import { loadTags } from 'postern/tags'`. In a browser, fetch
// the two files of `postern/data` and give them to `readTags` of the library entry.

import type { TagFacts } from '#compiler/resolve-policy.ts';
import { loadFacts } from '#facts/facts.ts';

/** Throws when a shipped table cannot be read. */
export function loadTags(): TagFacts {
  return loadFacts();
}
