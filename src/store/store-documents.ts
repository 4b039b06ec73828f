// A store as the set of documents that a policy is resolved from. Each document is read once, however many rules ask for it
// (an IP group of 5,000 entries costs more to read than the rule that names it), so the set is for one resolution only.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { idKey } from '#arm/resource-id.ts';
import type { ResourceStore } from './resource-store.ts';

/** What the store holds now, with `changed` replaced or added. */
export function documentsOfStore(store: ResourceStore, changed?: ArmDocument): Documents {
  const known = new Map<string, ArmDocument | undefined>();
  if (changed) known.set(idKey(changed.id), changed);
  return {
    get: id => {
      const key = idKey(id);
      if (!known.has(key)) known.set(key, store.get(id)?.document);
      return known.get(key);
    },
    ofType: type => {
      const stored = store.list({ type }).map(({ document }) => document);
      if (!changed || changed.type.toLowerCase() !== type.toLowerCase()) return stored;
      const others = stored.filter(({ id }) => idKey(id) !== idKey(changed.id));
      return [...others, changed].sort((a, b) => (idKey(a.id) < idKey(b.id) ? -1 : 1));
    },
  };
}
