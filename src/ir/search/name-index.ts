// The names of application rules: plain names are looked up, wildcards by the ends of the name that a wildcard could stand
// for, the few patterns with a `*` inside (published FQDN tags have some) are walked through. Lists of targets that rules
// share, such as a tag's names, are held once.

import { type FqdnPattern, matchesFqdn } from '#net/fqdn.ts';
import type { ApplicationTarget } from '../policy.ts';
import type { RuleBits, RuleSpace } from './rule-bits.ts';
import { type Entries, RuleLists, type SharedValues } from './rule-lists.ts';

export class NameIndex {
  readonly #rules: RuleLists;
  /** Number of the list of rules by what a name must be, or end with. */
  readonly #exact = new Map<string, number>();
  readonly #suffixes = new Map<string, number>();
  /** Lengths of the suffixes that do not begin with a dot: those can begin anywhere in a name. */
  readonly #lengths: readonly number[];
  readonly #inner: { readonly pattern: FqdnPattern; readonly list: number }[] = [];

  constructor(space: RuleSpace, targets: SharedValues<readonly ApplicationTarget[]>) {
    const { items, shared } = targets.toItems(space);
    let lists = 0;
    const numberIn = (map: Map<string, number>, key: string): number => {
      const known = map.get(key);
      if (known !== undefined) return known;
      map.set(key, lists);
      return lists++;
    };
    const inner = new Map<string, number>();
    const lengths = new Set<number>();
    const listOf = (pattern: FqdnPattern): number => {
      switch (pattern.kind) {
        case 'exact':
          return numberIn(this.#exact, pattern.name);
        case 'suffix':
          if (!pattern.suffix.startsWith('.')) lengths.add(pattern.suffix.length);
          return numberIn(this.#suffixes, pattern.suffix);
        case 'inner': {
          const before = lists;
          const list = numberIn(inner, `${pattern.prefix}*${pattern.suffix}`);
          if (list === before) this.#inner.push({ pattern, list });
          return list;
        }
      }
    };
    for (const list of targets.values) for (const { pattern } of list) listOf(pattern);
    const entries: Entries = put => {
      for (const [value, list] of targets.values.entries())
        for (const { pattern } of list) put(listOf(pattern), items[value] as number);
    };
    this.#rules = new RuleLists(space, lists, entries, shared);
    this.#lengths = [...lengths];
  }

  /** Adds the rules one of whose targets is the name, which must be normalized. */
  addRulesOf(name: string, bits: RuleBits): void {
    const add = (list: number | undefined) => {
      if (list !== undefined) this.#rules.addTo(bits, list);
    };
    add(this.#exact.get(name));
    if (this.#suffixes.size > 0) {
      // `*.example.org` stands for something before the dot.
      for (let dot = name.indexOf('.', 1); dot > 0; dot = name.indexOf('.', dot + 1))
        add(this.#suffixes.get(name.slice(dot)));
      for (const length of this.#lengths)
        if (length <= name.length) add(this.#suffixes.get(name.slice(name.length - length)));
    }
    for (const { pattern, list } of this.#inner) if (matchesFqdn(pattern, name)) add(list);
  }
}
