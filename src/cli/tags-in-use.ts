// Which service tags the firewalls and policies of this machine's control planes name. A control plane that does not answer may use
// any of them, so it is reported and the caller decides.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { askControlPlane } from './control-plane.ts';
import { writtenDestinations } from './written-destinations.ts';

export interface TagsInUse {
  /** As the rules write them, in any case, with repetitions; also addresses, which are no tags. */
  readonly destinations: readonly string[];
  /** Folders of control planes that have been started and do not answer now. */
  readonly silent: readonly string[];
}

const TYPES_WITH_RULES = ['azureFirewalls', 'firewallPolicies'];

export async function findTagsInUse(stateFolder: string): Promise<TagsInUse> {
  const destinations: string[] = [];
  const silent: string[] = [];
  for (const folder of controlPlanesIn(stateFolder)) {
    try {
      destinations.push(...writtenDestinations(await askControlPlane(folder, TYPES_WITH_RULES)));
    } catch {
      silent.push(folder);
    }
  }
  return { destinations, silent };
}

function controlPlanesIn(stateFolder: string): string[] {
  const labs = join(stateFolder, 'labs');
  const names = existsSync(labs) ? readdirSync(labs) : [];
  return [join(stateFolder, 'router'), ...names.map(name => join(labs, name))].filter(folder =>
    existsSync(join(folder, 'api.json')),
  );
}
