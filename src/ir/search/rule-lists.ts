// Many lists of rules in little memory: a list is held as the numbers that were put on it, or as bits where that is
// shorter. Numbers may stand for lists themselves, so that what rules share is written once.

import type { RuleBits, RuleSpace } from './rule-bits.ts';

/** Calls `put` for everything on every list, the same each time. */
export type Entries = (put: (list: number, item: number) => void) => void;

export class RuleLists {
  readonly #space: RuleSpace;
  readonly #addItem: (bits: RuleBits, item: number) => void;
  /** Where each list begins in `#items`. */
  readonly #starts: Uint32Array;
  readonly #items: Uint32Array;
  readonly #long = new Map<number, RuleBits>();

  /** `addItem` adds the rules that an item stands for. */
  constructor(
    space: RuleSpace,
    lists: number,
    entries: Entries,
    addItem: (bits: RuleBits, item: number) => void,
  ) {
    this.#space = space;
    this.#addItem = addItem;
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
      if (bits) return addItem(bits, item);
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
}

/** Which rules use which values of a field. A value that several rules share, as the same object, has one number. */
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

  /** For each value the rules that use it. */
  users(space: RuleSpace): RuleLists {
    const entries: Entries = put => {
      for (const { value, rule } of this.#users) put(value, rule);
    };
    return new RuleLists(space, this.values.length, entries, (bits, rule) => space.add(bits, rule));
  }
}
