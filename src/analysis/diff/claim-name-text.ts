// A set of claimed names in few words: wildcards as rules write them, each with what is to be left out of it.

import { type FqdnPattern, formatFqdnPattern, matchesFqdn } from '#net/fqdn.ts';

export interface NamePattern {
  /** As in rules, and for FQDN tags with one `*` anywhere. */
  readonly pattern: string;
  /** Names and wildcards under it that do not belong to it. */
  readonly except: readonly string[];
}

/** `inside` are the atoms of the set. With `allBut`, the set holds every name that no atom outside of it holds. */
export function namePatterns(
  inside: readonly FqdnPattern[],
  outside: readonly FqdnPattern[],
  allBut: boolean,
): NamePattern[] {
  const lattice = new Lattice([...inside, ...outside], allBut);
  const chosen = new Set(inside.map(formatFqdnPattern));
  const belongs = (text: string) => (text === '*' ? allBut : chosen.has(text));
  const exceptions = new Map<string, string[]>();
  const shown: string[] = allBut ? ['*'] : [];
  for (const atom of [...inside, ...outside]) {
    const text = formatFqdnPattern(atom);
    const around = lattice.around(atom);
    if (belongs(text)) {
      const covered = around.some(belongs);
      // A set may lie in a wider one that has a part between them taken out.
      const cut = around.some(out => !belongs(out) && lattice.aroundText(out).some(belongs));
      if (!covered || cut) shown.push(text);
      continue;
    }
    for (const wider of around.filter(belongs)) {
      const hidden = around.some(
        between => !belongs(between) && between !== wider && lattice.aroundText(between).includes(wider),
      );
      if (!hidden) exceptions.set(wider, [...(exceptions.get(wider) ?? []), text]);
    }
  }
  return shown.map(pattern => ({ pattern, except: (exceptions.get(pattern) ?? []).sort() }));
}

/** Which patterns hold which others. */
class Lattice {
  readonly #suffixes = new Set<string>();
  readonly #inner: Extract<FqdnPattern, { kind: 'inner' }>[] = [];
  readonly #patterns = new Map<string, FqdnPattern>();
  readonly #everything: boolean;
  readonly #known = new Map<string, string[]>();

  constructor(atoms: readonly FqdnPattern[], everything: boolean) {
    this.#everything = everything;
    for (const atom of atoms) {
      this.#patterns.set(formatFqdnPattern(atom), atom);
      if (atom.kind === 'suffix') this.#suffixes.add(atom.suffix);
      if (atom.kind === 'inner') this.#inner.push(atom);
    }
  }

  aroundText(text: string): string[] {
    const atom = this.#patterns.get(text);
    return atom ? this.around(atom) : [];
  }

  /** The wider ones, as text. */
  around(atom: FqdnPattern): string[] {
    const own = formatFqdnPattern(atom);
    const known = this.#known.get(own);
    if (known) return known;
    const wider = this.#everything ? ['*'] : [];
    const witness = atom.kind === 'exact' ? atom.name : own.replace('*', '~');
    for (let at = 0; at < witness.length; at++) {
      const suffix = witness.slice(at);
      if (at === 0 && suffix.startsWith('.')) continue;
      if (this.#suffixes.has(suffix) && `*${suffix}` !== own) wider.push(`*${suffix}`);
    }
    for (const inner of this.#inner) {
      const text = formatFqdnPattern(inner);
      if (text !== own && matchesFqdn(inner, witness)) wider.push(text);
    }
    this.#known.set(own, wider);
    return wider;
  }
}
