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
/** The same for the upper nodes of the tree, which are on the way to every class. */
const UPPER_BYTES = 1024 * 1024;

export class RangeIndex {
  readonly #space: RuleSpace;
  /** First number of each class, from 0. */
  readonly #starts: Uint32Array;
  /** Rules by node of the tree: node `i` has the children `2i` and `2i+1`, the last nodes are the classes. */
  readonly #nodes: RuleLists;
  /** For the uppermost nodes, the rules on the way from the root. */
  readonly #upper: (RuleBits | undefined)[];
  readonly #kept: KeptClasses;

  /** Ranges of numbers from 0 to 2^32-1. */
  constructor(
    space: RuleSpace,
    fields: SharedValues<readonly NumberRange[]>,
    { keptBytes = KEPT_BYTES, upperBytes = UPPER_BYTES } = {},
  ) {
    this.#space = space;
    this.#starts = startsOfClasses(fields.values);
    const classes = this.#starts.length;
    const classBytes = space.size * 4;
    this.#kept = new KeptClasses(space, classes, Math.max(KEPT_AT_LEAST, Math.floor(keptBytes / classBytes)));
    this.#upper = Array.from({ length: Math.min(classes, Math.floor(upperBytes / classBytes)) });
    const { items, shared } = fields.toItems(space);
    const entries: Entries = put => {
      for (const [value, ranges] of fields.values.entries()) {
        const item = items[value] as number;
        for (const { first, last } of ranges) {
          let left = classes + this.#classOf(first);
          let right = classes + this.#classOf(last) + 1;
          for (; left < right; left >>>= 1, right >>>= 1) {
            if (left & 1) put(left++, item);
            if (right & 1) put(--right, item);
          }
        }
      }
    };
    this.#nodes = new RuleLists(space, 2 * classes, entries, shared);
  }

  /** The rules one of whose ranges holds the number. Valid until the next call. */
  rulesAt(number: number): RuleBits {
    const wanted = this.#classOf(number);
    const known = this.#kept.get(wanted);
    if (known) return known;
    const bits = this.#kept.add(wanted);
    let node = wanted + this.#starts.length;
    for (; node >= this.#upper.length && node > 0; node >>>= 1) this.#nodes.addTo(bits, node);
    if (node > 0) this.#space.addAll(bits, this.#onTheWayTo(node));
    return bits;
  }

  #onTheWayTo(node: number): RuleBits {
    const known = this.#upper[node];
    if (known) return known;
    const bits = node > 1 ? this.#onTheWayTo(node >>> 1).slice() : this.#space.empty();
    this.#nodes.addTo(bits, node);
    this.#upper[node] = bits;
    return bits;
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

/** The rules of a bounded number of classes; a new class takes the place of the one that has been here for longest. */
class KeptClasses {
  readonly #space: RuleSpace;
  readonly #most: number;
  /** Place of each class, from 1; 0 for those that are not here. */
  readonly #placeOf: Uint32Array;
  readonly #classAt: number[] = [];
  readonly #bits: RuleBits[] = [];
  #next = 0;

  constructor(space: RuleSpace, classes: number, most: number) {
    this.#space = space;
    this.#most = most;
    this.#placeOf = new Uint32Array(classes);
  }

  get(wanted: number): RuleBits | undefined {
    const place = this.#placeOf[wanted] as number;
    return place === 0 ? undefined : this.#bits[place - 1];
  }

  /** Empty bits for a class that is not here. */
  add(wanted: number): RuleBits {
    const place = this.#next;
    this.#next = (place + 1) % this.#most;
    const before = this.#bits[place];
    if (before) this.#placeOf[this.#classAt[place] as number] = 0;
    const bits = before?.fill(0) ?? this.#space.empty();
    this.#placeOf[wanted] = place + 1;
    this.#classAt[place] = wanted;
    this.#bits[place] = bits;
    return bits;
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
