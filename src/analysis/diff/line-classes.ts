// Cuts a line of numbers (addresses; services laid side by side) at the ends of many sets and gathers the pieces that lie in
// the same sets into classes. As many classes as there are different combinations of sets, whatever the sets' sizes. Exact:
// two pieces share a class only after their sets have been compared one by one.

import type { Ipv4Range } from '#net/ipv4.ts';

export interface LineClasses {
  /** The pieces from left to right: the last number of each, and its class. */
  readonly lasts: readonly number[];
  readonly classes: readonly number[];
  /** For each class its pieces, in order. Class 0 lies in no set and may be empty. */
  readonly pieces: readonly (readonly number[])[];
  /** For each class the numbers of the sets it lies in, in order. */
  readonly sets: readonly (readonly number[])[];
}

/** Positions take 32 bits of the 53 that a number holds exactly. */
const SET_BITS = 2 ** 20;

/** `sets` are merged ranges below `end`, which is at most 2^32. */
export function classesOfLine(sets: readonly (readonly Ipv4Range[])[], end: number): LineClasses {
  if (sets.length >= SET_BITS) throw new Error('more sets than can be told apart');
  const turns = turnsOf(sets);
  const marks = sets.map((_, index) => scatter(index));
  const active = new Uint8Array(sets.length);
  const lasts: number[] = [];
  const classes: number[] = [];
  const pieces: number[][] = [[]];
  const members: number[][] = [[]];
  const byHash = new Map<number, number[]>([[0, [0]]]);
  let hash = 0;
  let count = 0;
  let position = 0;

  const classHere = (): number => {
    const known = byHash.get(hash) ?? [];
    const found = known.find(id => {
      const inSets = members[id] ?? [];
      return inSets.length === count && inSets.every(set => active[set] === 1);
    });
    if (found !== undefined) return found;
    const inSets: number[] = [];
    for (let set = 0; set < active.length; set++) if (active[set] === 1) inSets.push(set);
    const id = members.push(inSets) - 1;
    pieces.push([]);
    byHash.set(hash, [...known, id]);
    return id;
  };
  const close = (next: number): void => {
    if (next === position) return;
    const id = classHere();
    pieces[id]?.push(lasts.push(next - 1) - 1);
    classes.push(id);
    position = next;
  };

  for (const turn of turns) {
    const set = turn % SET_BITS;
    close((turn - set) / SET_BITS);
    const on = active[set] === 0;
    active[set] = on ? 1 : 0;
    count += on ? 1 : -1;
    hash ^= marks[set] ?? 0;
  }
  close(end);
  return { lasts, classes, pieces, sets: members };
}

/** Where membership of a set begins or ends, position and set in one number, in order of positions. */
function turnsOf(sets: readonly (readonly Ipv4Range[])[]): Float64Array {
  const turns = new Float64Array(sets.reduce((sum, ranges) => sum + 2 * ranges.length, 0));
  let next = 0;
  sets.forEach((ranges, set) => {
    for (const { first, last } of ranges) {
      turns[next++] = first * SET_BITS + set;
      turns[next++] = (last + 1) * SET_BITS + set;
    }
  });
  return turns.sort();
}

/** A number that looks random, the same in every run. Only speed depends on how well it scatters. */
function scatter(index: number): number {
  let bits = Math.imul(index + 1, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
