// From classes of a line back to ranges. What many entries share is kept for a while, what is large is not kept for long: two
// policies with large IP groups can have more ranges in their diff than fit into memory at once.

import type { Ipv4Range } from '#net/ipv4.ts';
import type { ClassSet } from './explore.ts';
import type { LineClasses } from './line-classes.ts';

/** Ranges kept, at most: some 50 MB. */
const MAXIMUM_KEPT = 500_000;

export class LineReader {
  readonly #line: LineClasses;
  readonly #sizes: readonly number[];
  readonly #kept = new Map<ClassSet, readonly Ipv4Range[]>();
  #keptRanges = 0;

  constructor(line: LineClasses) {
    this.#line = line;
    this.#sizes = line.pieces.map(pieces =>
      pieces.reduce((sum, piece) => sum + (line.lasts[piece] ?? 0) - this.#firstOf(piece) + 1, 0),
    );
  }

  /** How many numbers the set holds. */
  count({ classes, allBut }: ClassSet): number {
    const sum = (ids: Iterable<number>) => {
      let total = 0;
      for (const id of ids) total += this.#sizes[id] ?? 0;
      return total;
    };
    return allBut ? sum(this.#sizes.keys()) - sum(classes) : sum(classes);
  }

  /** Merged. */
  ranges(set: ClassSet): readonly Ipv4Range[] {
    const known = this.#kept.get(set);
    if (known) return known;
    const ranges = this.#merge(this.#piecesOf(set));
    if (this.#keptRanges + ranges.length > MAXIMUM_KEPT) {
      this.#kept.clear();
      this.#keptRanges = 0;
    }
    this.#kept.set(set, ranges);
    this.#keptRanges += ranges.length;
    return ranges;
  }

  #piecesOf({ classes, allBut }: ClassSet): Iterable<number> {
    const { pieces, classes: classOf } = this.#line;
    if (!allBut) {
      const few = classes.reduce((sum, id) => sum + (pieces[id]?.length ?? 0), 0);
      if (few * 8 < classOf.length)
        return classes.flatMap(id => pieces[id] ?? []).sort((left, right) => left - right);
    }
    const inSet = membersOf({ classes, allBut }, pieces.length);
    const found: number[] = [];
    for (let piece = 0; piece < classOf.length; piece++) if (inSet[classOf[piece] ?? 0]) found.push(piece);
    return found;
  }

  #merge(pieces: Iterable<number>): Ipv4Range[] {
    const ranges: Ipv4Range[] = [];
    let first = -1;
    let previous = -2;
    const close = () => {
      if (first >= 0) ranges.push({ first: this.#firstOf(first), last: this.#line.lasts[previous] ?? 0 });
    };
    for (const piece of pieces) {
      if (piece !== previous + 1) {
        close();
        first = piece;
      }
      previous = piece;
    }
    close();
    return ranges;
  }

  #firstOf(piece: number): number {
    return piece === 0 ? 0 : (this.#line.lasts[piece - 1] ?? 0) + 1;
  }
}

/** For each class whether the set has it. */
export function membersOf({ classes, allBut }: ClassSet, count: number): boolean[] {
  const inSet = new Array<boolean>(count).fill(allBut);
  for (const id of classes) inSet[id] = !allBut;
  return inSet;
}
