// Sources, destinations and services as dimensions: sets of ranges on a line of numbers.

import type { AddressSet } from '#ir/policy.ts';
import { createDimension, type Dimension } from './dimension.ts';
import { classesOfLine, type LineClasses } from './line-classes.ts';

/** What a clause holds of a line: any of these sets, and within `within` where there is one. */
export interface LinePart {
  readonly any: readonly AddressSet[];
  readonly within?: AddressSet | undefined;
}

export interface LineDimension {
  readonly dimension: Dimension;
  readonly line: LineClasses;
  /** Equal numbers for clauses that hold the same, as they were written. */
  readonly keys: readonly number[];
}

export function lineDimension(parts: readonly LinePart[], end: number): LineDimension {
  const table = new SetTable();
  const whole = (set: AddressSet) => set.length === 1 && set[0]?.first === 0 && set[0].last === end - 1;
  const unlimited = (part: LinePart) => part.within === undefined && part.any.some(whole);
  const written = parts.map(part => {
    if (unlimited(part)) return undefined;
    const any = part.any.some(whole) ? [part.within ?? []] : part.any;
    return {
      any: [...new Set(any.map(set => table.add(set)))].sort((a, b) => a - b),
      within: part.within && table.add(part.within),
    };
  });
  const line = classesOfLine(table.sets, end);

  const asAny: number[][] = table.sets.map(() => []);
  written.forEach((part, clause) => {
    for (const set of part?.any ?? []) asAny[set]?.push(clause);
  });
  const classes = line.sets.map(inSets => {
    const here = new Set(inSets);
    const clauses = new Set<number>();
    for (const set of inSets) {
      for (const clause of asAny[set] ?? []) {
        const within = written[clause]?.within;
        if (within === undefined || here.has(within)) clauses.add(clause);
      }
    }
    return [...clauses];
  });
  const limited = written.flatMap((part, clause) => (part ? [clause] : []));
  const keyTable = new Map<string, number>();
  const keys = written.map(part => {
    const key = part ? `${part.any.join()}/${part.within ?? ''}` : '';
    const known = keyTable.get(key) ?? keyTable.size;
    keyTable.set(key, known);
    return known;
  });
  return { dimension: createDimension(classes, limited, (line.pieces[0]?.length ?? 0) > 0), line, keys };
}

/** Sets by what they hold; a set that many clauses share is looked at once. */
class SetTable {
  readonly sets: AddressSet[] = [];
  readonly #byIdentity = new Map<AddressSet, number>();
  readonly #byContent = new Map<string, number>();

  add(set: AddressSet): number {
    const seen = this.#byIdentity.get(set);
    if (seen !== undefined) return seen;
    const key = set.map(({ first, last }) => `${first}-${last}`).join();
    const id = this.#byContent.get(key) ?? this.sets.push(set) - 1;
    this.#byContent.set(key, id);
    this.#byIdentity.set(set, id);
    return id;
  }
}
