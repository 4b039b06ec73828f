// Many lists of rules in little memory: a list is held as the numbers that were put on it, or as bits where that is
// shorter. A number may stand for a list of another kind, so that what rules share is written once.

import type { RuleBits, RuleSpace } from './rule-bits.ts';

/** Calls `put` for everything on every list, the same each time. */
export type Entries = (put: (list: number, item: number) => void) => void;

export class RuleLists {
  readonly #space: RuleSpace;
  readonly #shared: RuleLists | undefined;
  /** Where each list begins in `#items`. */
  readonly #starts: Uint32Array;
  readonly #items: Uint32Array;
  readonly #long = new Map<number, RuleBits>();

  /** An item is the number of a rule, or beyond those (the number of rules is `n`) `n + i` for list `i` of `shared`. */
  constructor(space: RuleSpace, lists: number, entries: Entries, shared?: RuleLists) {
    this.#space = space;
    this.#shared = shared;
    const lengths = new Uint32Array(lists);
    entries(list => {
      lengths[list] = (lengths[list] as number) + 1;
    });
    this.#starts = new Uint32Array(lists + 1);
    for (let list = 0; list < lists; list++) {
      const length = lengths[list] as number;
      const isLong = length > space.size;
      if (isLong) this.#long.set(list, space.empty());
      this.#starts[list + 1] = (this.#starts[list] as number) + (isLong ? 0 : length);
    }
    this.#items = new Uint32Array(this.#starts[lists] as number);
    const next = this.#starts.slice();
    entries((list, item) => {
      const bits = this.#long.get(list);
      if (bits) return this.#addItem(bits, item);
      const at = next[list] as number;
      this.#items[at] = item;
      next[list] = at + 1;
    });
  }

  /** Adds the rules of a list to `bits`. */
  addTo(bits: RuleBits, list: number): void {
    const end = this.#starts[list + 1] as number;
    let at = this.#starts[list] as number;
    if (at === end) {
      const long = this.#long.get(list);
      if (long) this.#space.addAll(bits, long);
    }
    for (; at < end; at++) this.#addItem(bits, this.#items[at] as number);
  }

  #addItem(bits: RuleBits, item: number): void {
    const { rules } = this.#space;
    if (item < rules) this.#space.add(bits, item);
    else this.#shared?.addTo(bits, item - rules);
  }
}

/** Which rules use which values of a field. Rules that hold the same object share it. */
export class SharedValues<T extends object> {
  readonly values: T[] = [];
  readonly #numbers = new Map<T, number>();
  readonly #users: { readonly value: number; readonly rule: number }[] = [];

  use(value: T, rule: number): void {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.values.push(value) - 1;
      this.#numbers.set(value, number);
    }
    this.#users.push({ value: number, rule });
  }

  /** What to put on lists for each value: its only user, or the list of its users in `shared`. */
  toItems(space: RuleSpace): { readonly items: Uint32Array; readonly shared: RuleLists } {
    const counts = new Uint32Array(this.values.length);
    for (const { value } of this.#users) counts[value] = (counts[value] as number) + 1;
    const items = counts.map((_, value) => space.rules + value);
    for (const { value, rule } of this.#users) if (counts[value] === 1) items[value] = rule;
    const entries: Entries = put => {
      for (const { value, rule } of this.#users) if (counts[value] !== 1) put(value, rule);
    };
    return { items, shared: new RuleLists(space, this.values.length, entries) };
  }
}
