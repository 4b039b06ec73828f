// Sets of flows as boxes, with exact subtraction. A box is a product of five sets (services, sources, destinations,
// names of the destination, names the client claims), each a set of classes that all clauses cut alike, so a set is a bit
// pattern and no address is ever looked at one by one. What is taken away never leaves an approximation behind: where a bound
// is exceeded, `TooComplex` is thrown and nothing is claimed.

import type { Clause } from '../diff/clauses.ts';
import type { Dimension } from '../diff/dimension.ts';
import { Space } from '../diff/space.ts';

export type Bits = Uint32Array;
export type Box = readonly Bits[];

/** Positions in a box; destinations are at 2, claimed names at 4. */
export const SERVICES = 0;
export const SOURCES = 1;
export const NAMES = 3;

export class TooComplex extends Error {
  override readonly name = 'TooComplex';
}

/** Steps (some nanoseconds each) for one question, and for all. */
export interface WorkBounds {
  readonly maxWork: number;
  readonly maxWorkInAll: number;
}

/** Up to so many different sets, whether two of them meet is remembered. */
const MOST_REMEMBERED = 4096;

/** For two keys of a dimension: 0 not known, 1 they meet, 2 they do not. Empty where there are too many keys. */
interface Meetings {
  readonly size: number;
  readonly known: Uint8Array;
}

export class ClauseBoxes {
  /** The box of each clause; undefined for one that holds nothing. */
  readonly boxes: readonly (Box | undefined)[];
  readonly space: Space;
  /** For each class of the names of destinations the names that give it; class 0 has none. */
  readonly nameClasses: readonly (readonly string[])[];
  readonly #keys: readonly (readonly number[])[];
  readonly #meetings: readonly Meetings[];
  readonly #maxWork: number;
  #left = 0;
  #leftInAll: number;

  constructor(clauses: readonly Clause[], { maxWork, maxWorkInAll }: WorkBounds) {
    this.space = new Space(clauses);
    this.#maxWork = maxWork;
    this.#leftInAll = maxWorkInAll;
    const names = this.space.destinationNames({ moved: new Set(), maxPairs: 0 });
    this.nameClasses = names.classes.map(found => found.names);
    const dimensions = [
      this.space.services.dimension,
      this.space.sources.dimension,
      this.space.destinations.dimension,
      names.dimension,
      this.space.claims.dimension,
    ];
    this.#keys = this.space.keys;
    const known = dimensions.map(() => new Map<number, Bits>());
    this.boxes = clauses.map((_, clause) => {
      const box = dimensions.map((dimension, index) => {
        const key = this.#keys[index]?.[clause] ?? 0;
        const bits = known[index]?.get(key) ?? bitsOf(dimension, clause);
        known[index]?.set(key, bits);
        return bits;
      });
      return box.some(isEmpty) ? undefined : box;
    });
    this.#meetings = this.#keys.map(keys => {
      const size = keys.reduce((most, key) => Math.max(most, key + 1), 0);
      return { size, known: new Uint8Array(size <= MOST_REMEMBERED ? size * size : 0) };
    });
    this.ask();
  }

  /** A new question begins, with work of its own. */
  ask(): void {
    this.done();
    this.#left = Math.min(this.#maxWork, this.#leftInAll);
    this.#leftInAll -= this.#left;
  }

  /** What the question did not need is for others. */
  done(): void {
    this.#leftInAll += Math.max(0, this.#left);
    this.#left = 0;
  }

  /** Whether two clauses, neither of them empty, hold a flow in common; `apart` is a dimension that does not count. */
  meet(a: number, b: number, apart = -1): boolean {
    this.spend(1);
    for (let index = 0; index < this.#keys.length; index++)
      if (index !== apart && !this.#meetIn(index, a, b)) return false;
    return true;
  }

  #meetIn(index: number, a: number, b: number): boolean {
    const { size, known } = this.#meetings[index] as Meetings;
    const keys = this.#keys[index] as readonly number[];
    const place = (keys[a] as number) * size + (keys[b] as number);
    if (known[place]) return known[place] === 1;
    const [left, right] = [this.boxes[a]?.[index] as Bits, this.boxes[b]?.[index] as Bits];
    this.spend(left.length);
    const found = meets(left, right);
    if (known.length > 0) known[place] = found ? 1 : 2;
    return found;
  }

  overlap(a: Box, b: Box): boolean {
    for (let index = 0; index < a.length; index++) {
      const bits = a[index] as Bits;
      this.spend(bits.length);
      if (!meets(bits, b[index] as Bits)) return false;
    }
    return true;
  }

  /** The parts of a box that another does not hold, which do not overlap; the two boxes do. */
  subtract(box: Box, taken: Box): Box[] {
    const rest: Box[] = [];
    const inner = [...box];
    box.forEach((bits, index) => {
      this.spend(bits.length * 2);
      const outside = without(bits, taken[index] as Bits);
      if (isEmpty(outside)) return;
      rest.push(inner.map((part, at) => (at === index ? outside : part)));
      inner[index] = both(bits, taken[index] as Bits);
    });
    return rest;
  }

  intersect(box: Box, other: Box): Box {
    return box.map((bits, index) => both(bits, other[index] as Bits));
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooComplex('the rules are too many and too different');
  }
}

function bitsOf(dimension: Dimension, clause: number): Bits {
  const bits = new Uint32Array(Math.ceil(dimension.total / 32));
  const classes = dimension.classesOf.get(clause);
  if (classes) for (const id of classes) setBit(bits, id);
  else for (let id = dimension.hasRest ? 0 : 1; id < dimension.total; id++) setBit(bits, id);
  return bits;
}

export function setBit(bits: Bits, id: number): void {
  bits[id >>> 5] = (bits[id >>> 5] as number) | (1 << (id & 31));
}

export function hasBit(bits: Bits, id: number): boolean {
  return (((bits[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

/** Loops and not `every`: these run millions of times. */
export function isEmpty(bits: Bits): boolean {
  for (let at = 0; at < bits.length; at++) if (bits[at] !== 0) return false;
  return true;
}

function meets(a: Bits, b: Bits): boolean {
  for (let at = 0; at < a.length; at++) if (((a[at] as number) & (b[at] as number)) !== 0) return true;
  return false;
}

export function holds(outer: Bits, inner: Bits): boolean {
  if (inner === outer) return true;
  for (let at = 0; at < inner.length; at++)
    if (((inner[at] as number) & ~(outer[at] as number)) !== 0) return false;
  return true;
}

export function contains(outer: Box, inner: Box): boolean {
  for (let index = 0; index < inner.length; index++)
    if (!holds(outer[index] as Bits, inner[index] as Bits)) return false;
  return true;
}

export function both(a: Bits, b: Bits): Bits {
  if (a === b) return a;
  const found = new Uint32Array(a.length);
  for (let at = 0; at < a.length; at++) found[at] = (a[at] as number) & (b[at] as number);
  return found;
}

export function without(a: Bits, b: Bits): Bits {
  const found = new Uint32Array(a.length);
  if (a !== b) for (let at = 0; at < a.length; at++) found[at] = (a[at] as number) & ~(b[at] as number);
  return found;
}
