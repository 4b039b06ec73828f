// One of the things a clause is a product of (services, sources, destinations, ...), cut into classes, and for every clause
// the classes it holds. Clauses that hold everything have no list. Class 0 is what no list holds. A dimension can be
// narrowed to the clauses that still matter, which makes many classes one.

export interface Dimension {
  /** Classes each clause holds, in order; absent means all. Never class 0. */
  readonly classesOf: ReadonlyMap<number, readonly number[]>;
  /** The classes of the whole dimension that each class stands for; class 0 stands for those not listed. */
  readonly origins: readonly (readonly number[])[];
  /** Whether class 0 stands for anything. */
  readonly hasRest: boolean;
  /** How many classes the whole dimension has. */
  readonly total: number;
}

/** `classes` says for each class but 0 which clauses have it in their lists; `limited` are the clauses that have one. */
export function createDimension(
  classes: readonly (readonly number[])[],
  limited: readonly number[],
  hasRest: boolean,
): Dimension {
  const classesOf = new Map<number, number[]>(limited.map(clause => [clause, []]));
  classes.forEach((clauses, id) => {
    if (id > 0) for (const clause of clauses) classesOf.get(clause)?.push(id);
  });
  return {
    classesOf,
    origins: classes.map((_, id) => (id === 0 ? [] : [id])),
    hasRest,
    total: classes.length,
  };
}

/** Classes that the same of these clauses hold become one. */
export function narrow(dimension: Dimension, clauses: readonly number[]): Dimension {
  const holders = new Map<number, number[]>();
  for (const clause of clauses) {
    for (const id of dimension.classesOf.get(clause) ?? []) {
      const list = holders.get(id);
      if (list) list.push(clause);
      else holders.set(id, [clause]);
    }
  }
  const groups = new Map<string, { readonly clauses: readonly number[]; readonly origins: number[] }>();
  for (const [id, list] of holders) {
    const key = list.join();
    const group = groups.get(key) ?? { clauses: list, origins: [] };
    groups.set(key, group);
    for (const origin of dimension.origins[id] ?? []) group.origins.push(origin);
  }
  const classesOf = new Map<number, number[]>();
  for (const clause of clauses) if (dimension.classesOf.has(clause)) classesOf.set(clause, []);
  const origins: (readonly number[])[] = [[]];
  for (const group of groups.values()) {
    const id = origins.push(group.origins) - 1;
    for (const clause of group.clauses) classesOf.get(clause)?.push(id);
  }
  return {
    classesOf,
    origins,
    hasRest: dimension.hasRest || holders.size < dimension.origins.length - 1,
    total: dimension.total,
  };
}
