// Names that clients claim, as a dimension. Application rules hold infinitely many names, so a class is written as atoms: one
// plain name, or all names between a prefix and a suffix that no other atom holds. Which rules hold an atom is the same for
// all of its names. A name that rules write is an atom of its own; so is every name in which a prefix and a suffix of an
// FQDN tag's pattern overlap.

import type { ApplicationTarget } from '#ir/policy.ts';
import { type FqdnPattern, formatFqdnPattern, matchesFqdn } from '#net/fqdn.ts';
import { createDimension, type Dimension } from './dimension.ts';
import { NameLattice } from './name-lattice.ts';

type Targets = readonly ApplicationTarget[];

export interface ClaimDimension {
  readonly dimension: Dimension;
  readonly keys: readonly number[];
  /** Atoms of each class. Class 0 has none: it is every name that no atom holds. */
  readonly atoms: readonly (readonly FqdnPattern[])[];
  readonly lattice: NameLattice;
}

/** Stands for the part of a name that no rule speaks of; no name has it. */
const ANYTHING = '~';

/** `lists` are the targets of each clause; absent for a clause that does not look at what the client claims. */
export function claimDimension(lists: readonly (Targets | undefined)[]): ClaimDimension {
  const { ids, contents } = internTargets(lists);
  const keyOf = (id: number | undefined) => (id === undefined || contents[id]?.all ? 0 : id + 1);
  const index = new PatternIndex(contents.map(({ patterns }) => patterns));

  const classes: (readonly number[])[] = [[]];
  const atoms: FqdnPattern[][] = [[]];
  const byHolders = new Map<string, number>([['', 0]]);
  for (const { atom, witness } of index.atoms()) {
    const holders = index.holdersOf(witness);
    const key = holders.join();
    let id = byHolders.get(key);
    if (id === undefined) {
      id = classes.push(holders) - 1;
      atoms.push([]);
      byHolders.set(key, id);
    }
    // Class 0 needs no atom, except where it is carved out of a wider one; what is held by none is in no wider one.
    if (id > 0) atoms[id]?.push(atom);
  }

  const clausesOf: number[][] = contents.map(() => []);
  const limited: number[] = [];
  ids.forEach((id, clause) => {
    if (keyOf(id) === 0 || id === undefined) return;
    limited.push(clause);
    clausesOf[id]?.push(clause);
  });
  const clauseClasses = classes.map(holders => holders.flatMap(id => clausesOf[id] ?? []));
  return {
    dimension: createDimension(clauseClasses, limited, true),
    keys: ids.map(keyOf),
    atoms,
    lattice: new NameLattice(atoms.flat()),
  };
}

interface TargetContent {
  readonly patterns: readonly FqdnPattern[];
  /** Holds every name. */
  readonly all: boolean;
}

function internTargets(lists: readonly (Targets | undefined)[]) {
  const contents: TargetContent[] = [];
  const byIdentity = new Map<Targets, number>();
  const byContent = new Map<string, number>();
  const ids = lists.map(targets => {
    if (!targets) return undefined;
    const seen = byIdentity.get(targets);
    if (seen !== undefined) return seen;
    const patterns = new Map(targets.map(({ pattern }) => [formatFqdnPattern(pattern), pattern]));
    const key = [...patterns.keys()].sort().join(' ');
    const id =
      byContent.get(key) ?? contents.push({ patterns: [...patterns.values()], all: patterns.has('*') }) - 1;
    byContent.set(key, id);
    byIdentity.set(targets, id);
    return id;
  });
  return { ids, contents };
}

class PatternIndex {
  readonly #exact = new Map<string, number[]>();
  readonly #suffixes = new Map<string, number[]>();
  readonly #inner: { readonly pattern: Extract<FqdnPattern, { kind: 'inner' }>; readonly holder: number }[] =
    [];

  constructor(lists: readonly (readonly FqdnPattern[])[]) {
    const add = (map: Map<string, number[]>, key: string, holder: number) => {
      const holders = map.get(key);
      if (holders) holders.push(holder);
      else map.set(key, [holder]);
    };
    lists.forEach((patterns, holder) => {
      for (const pattern of patterns) {
        if (pattern.kind === 'exact') add(this.#exact, pattern.name, holder);
        else if (pattern.kind === 'suffix') add(this.#suffixes, pattern.suffix, holder);
        else this.#inner.push({ pattern, holder });
      }
    });
  }

  /** Every atom that some list holds, with a name (or what stands for one) that is in it and in no other. */
  *atoms(): Generator<{ readonly atom: FqdnPattern; readonly witness: string }> {
    const suffixes = new Set([...this.#suffixes.keys(), ...this.#inner.map(({ pattern }) => pattern.suffix)]);
    const prefixes = new Set(this.#inner.map(({ pattern }) => pattern.prefix));
    const names = new Set(this.#exact.keys());
    for (const prefix of prefixes)
      for (const suffix of suffixes) for (const name of overlapsOf(prefix, suffix)) names.add(name);
    // `*name` holds the name itself, whose only class is that of `*name`; an exact rule for it makes an atom.
    for (const name of names) yield { atom: { kind: 'exact', name }, witness: name };
    for (const suffix of suffixes) {
      if (suffix !== '') yield { atom: { kind: 'suffix', suffix }, witness: ANYTHING + suffix };
      for (const prefix of prefixes) {
        const witness = prefix + ANYTHING + suffix;
        if (this.#inner.some(({ pattern }) => matchesFqdn(pattern, witness)))
          yield { atom: { kind: 'inner', prefix, suffix }, witness };
      }
    }
  }

  /** The lists that hold a name, in order; lists that hold every name are left to who asks. */
  holdersOf(name: string): number[] {
    const holders = new Set(this.#exact.get(name) ?? []);
    for (let at = 0; at < name.length; at++) {
      const suffix = name.slice(at);
      if (at === 0 && suffix.startsWith('.')) continue;
      for (const holder of this.#suffixes.get(suffix) ?? []) holders.add(holder);
    }
    for (const { pattern, holder } of this.#inner) if (matchesFqdn(pattern, name)) holders.add(holder);
    return [...holders].sort((a, b) => a - b);
  }
}

/** Names that begin with the one, end with the other and are too short to hold both side by side. */
function overlapsOf(prefix: string, suffix: string): string[] {
  const names: string[] = [];
  for (let shared = 1; shared <= Math.min(prefix.length, suffix.length); shared++)
    if (prefix.endsWith(suffix.slice(0, shared))) names.push(prefix + suffix.slice(shared));
  return names;
}
