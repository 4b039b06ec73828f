// What became of a policy or a rule collection group: that is what became of the firewalls that run it. It is read off them
// and stored nowhere, so that a late answer of a gateway shows in the policy too.

import type { ResourceStore } from '#store/resource-store.ts';
import { hasDataPath } from './references.ts';

export function stateOfFirewalls(
  ids: readonly string[],
  store: ResourceStore,
): 'Succeeded' | 'Updating' | 'Failed' {
  const states = ids.flatMap(id => {
    const document = store.get(id)?.document;
    return document && hasDataPath(document) ? [document.properties.provisioningState] : [];
  });
  if (states.includes('Failed')) return 'Failed';
  return states.includes('Updating') ? 'Updating' : 'Succeeded';
}
