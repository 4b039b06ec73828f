// A set of claimed names in few words: wildcards as rules write them, each with what is to be left out of it.

import { type FqdnPattern, formatFqdnPattern } from '#net/fqdn.ts';
import { EVERY_NAME, type NameLattice } from './name-lattice.ts';

export interface NamePattern {
  /** As in rules, and for FQDN tags with one `*` anywhere. */
  readonly pattern: string;
  /** Names and wildcards under it that do not belong to it. */
  readonly except: readonly string[];
}

/** `atoms` are those of the set. With `others`, it also holds every name that no atom of the lattice holds. */
export function namePatterns(
  atoms: readonly FqdnPattern[],
  lattice: NameLattice,
  { others }: { readonly others: boolean },
): NamePattern[] {
  const chosen = new Set(atoms.map(formatFqdnPattern));
  if (others) chosen.add(EVERY_NAME);
  const belongs = (text: string) => chosen.has(text);
  // A set may lie in a wider one that has a part between them taken out.
  const isCut = (text: string, wider: readonly string[]) =>
    wider.some(
      between => !belongs(between) && lattice.around(between).some(out => belongs(out) && out !== text),
    );
  const shown = [...chosen].filter(text => {
    const around = lattice.around(text);
    return !around.some(belongs) || isCut(text, around);
  });
  return shown.map(pattern => ({ pattern, except: exceptionsOf(pattern, belongs, lattice) }));
}

/** What lies within a pattern and not in the set; the widest only. */
function exceptionsOf(pattern: string, belongs: (text: string) => boolean, lattice: NameLattice): string[] {
  return lattice
    .within(pattern)
    .filter(
      text =>
        !belongs(text) &&
        !lattice.around(text).some(between => !belongs(between) && lattice.around(between).includes(pattern)),
    )
    .sort();
}
