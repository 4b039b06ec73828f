// Names of destinations, for network FQDN rules, as a dimension. Which addresses have a name is not known here, so any address
// may have any of the names that rules write: none of them, one, or two at once. Two are enough: of an address with more
// names, each policy's first matching rule goes by one of them, so it is judged as one with these two.

import { createDimension, type Dimension } from './dimension.ts';

export interface DestinationNames {
  readonly dimension: Dimension;
  /** For each class the names that give it: alternatives of one name, or of two names together. Class 0 has none. */
  readonly classes: readonly NameClass[];
  /** Whether pairs of names were left out because there are too many. */
  readonly pairsLeftOut: boolean;
}

export interface NameClass {
  readonly names: readonly string[];
  /** The two classes whose names meet on one address. */
  readonly pair?: readonly [number, number];
}

/** Equal numbers for clauses that ask for the same names; 0 for those that ask for none. */
export function keysOfNames(lists: readonly (readonly string[] | undefined)[]): number[] {
  const table = new Map<string, number>();
  return lists.map(names => {
    if (!names) return 0;
    const key = [...new Set(names)].sort().join();
    const known = table.get(key) ?? table.size + 1;
    table.set(key, known);
    return known;
  });
}

export interface NameOptions {
  /**
   * Clauses that do not stand in the same order in both policies. Two names whose clauses all do are judged together as one
   * of them is judged alone, so they make no pair.
   */
  readonly moved: ReadonlySet<number>;
  readonly maxPairs: number;
}

export function destinationNames(
  lists: readonly (readonly string[] | undefined)[],
  { moved, maxPairs }: NameOptions,
): DestinationNames {
  const holders = new Map<string, number[]>();
  lists.forEach((names, clause) => {
    for (const name of new Set(names)) {
      const clauses = holders.get(name);
      if (clauses) clauses.push(clause);
      else holders.set(name, [clause]);
    }
  });
  const byHolders = new Map<string, { readonly clauses: number[]; readonly names: string[] }>();
  for (const [name, clauses] of holders) {
    const key = clauses.join();
    const known = byHolders.get(key) ?? { clauses, names: [] };
    byHolders.set(key, known);
    known.names.push(name);
  }
  const singles = [...byHolders.values()];
  const classes: NameClass[] = [{ names: [] }, ...singles.map(({ names }) => ({ names }))];
  const clauses: number[][] = [[], ...singles.map(single => single.clauses)];
  const pairsLeftOut = !addPairs(classes, clauses, { moved, maxPairs });
  const limited = lists.flatMap((names, clause) => (names ? [clause] : []));
  return { dimension: createDimension(clauses, limited, true), classes, pairsLeftOut };
}

function addPairs(classes: NameClass[], clauses: number[][], { moved, maxPairs }: NameOptions): boolean {
  const singles = classes.length;
  const hasMoved = clauses.map(list => list.some(clause => moved.has(clause)));
  for (let a = 1; a < singles; a++) {
    for (let b = a + 1; b < singles; b++) {
      if (!hasMoved[a] && !hasMoved[b]) continue;
      if (classes.length - singles >= maxPairs) return false;
      classes.push({ names: [], pair: [a, b] });
      clauses.push([...new Set([...(clauses[a] ?? []), ...(clauses[b] ?? [])])].sort((x, y) => x - y));
    }
  }
  return true;
}
