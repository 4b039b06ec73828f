// One field of rules whose values are ranges of numbers: addresses, ports. The ends of all ranges cut the line into classes,
// within which every number means the same to every rule; a segment tree over the classes holds each range at few nodes.
// So the index grows with the ranges named (times a logarithm), never with ranges times rules. Which rules a class
// belongs to is put together when it is first asked for and kept for a while.

import type { RuleBits, RuleSpace } from './rule-bits.ts';
import { type Entries, RuleLists, type SharedValues } from './rule-lists.ts';

interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** What the kept classes of one field may take together: enough for thousands of classes of 10,000 rules. */
const KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_AT_LEAST = 16;

export class RangeIndex {
  readonly #space: RuleSpace;
  /** First number of each class, from 0. */
  readonly #starts: Uint32Array;
  /** Rules by node of the tree: node `i` has the children `2i` and `2i+1`, the last nodes are the classes. */
  readonly #nodes: RuleLists;
  readonly #kept = new Map<number, RuleBits>();
  readonly #keptAtMost: number;

  /** Ranges of numbers from 0 to 2^32-1. */
  constructor(
    space: RuleSpace,
    fields: SharedValues<readonly NumberRange[]>,
    { keptBytes = KEPT_BYTES } = {},
  ) {
    this.#space = space;
    this.#starts = startsOfClasses(fields.values);
    this.#keptAtMost = Math.max(KEPT_AT_LEAST, Math.floor(keptBytes / (space.size * 4)));
    const users = fields.users(space);
    const classes = this.#starts.length;
    const entries: Entries = put => {
      for (const [value, ranges] of fields.values.entries()) {
        for (const { first, last } of ranges) {
          let left = classes + this.#classOf(first);
          let right = classes + this.#classOf(last) + 1;
          for (; left < right; left >>>= 1, right >>>= 1) {
            if (left & 1) put(left++, value);
            if (right & 1) put(--right, value);
          }
        }
      }
    };
    this.#nodes = new RuleLists(space, 2 * classes, entries, (bits, value) => users.addTo(bits, value));
  }

  /** The rules one of whose ranges holds the number. Valid until the next call. */
  rulesAt(number: number): RuleBits {
    const wanted = this.#classOf(number);
    const known = this.#kept.get(wanted);
    if (known) return known;
    const bits = this.#takeBits();
    for (let node = wanted + this.#starts.length; node > 0; node >>>= 1) this.#nodes.addTo(bits, node);
    this.#kept.set(wanted, bits);
    return bits;
  }

  /** Empty bits: new ones, or those of the class that has been kept for longest. */
  #takeBits(): RuleBits {
    if (this.#kept.size < this.#keptAtMost) return this.#space.empty();
    const [oldest] = this.#kept;
    if (!oldest) return this.#space.empty();
    this.#kept.delete(oldest[0]);
    return oldest[1].fill(0);
  }

  /** The last class that starts at or before the number. */
  #classOf(number: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function startsOfClasses(values: readonly (readonly NumberRange[])[]): Uint32Array {
  let ranges = 0;
  for (const value of values) ranges += value.length;
  const ends = new Uint32Array(1 + 2 * ranges);
  let count = 1;
  for (const value of values) {
    for (const { first, last } of value) {
      ends[count++] = first;
      // Beyond the last number there is nothing to start.
      if (last < 0xffffffff) ends[count++] = last + 1;
    }
  }
  const sorted = ends.subarray(0, count).sort();
  let distinct = 1;
  for (let at = 1; at < count; at++)
    if (sorted[at] !== sorted[distinct - 1]) sorted[distinct++] = sorted[at] as number;
  return sorted.slice(0, distinct);
}
