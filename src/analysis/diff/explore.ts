// Compares two first-match lists of clauses dimension by dimension. At every step only the clauses that hold the part looked
// at are left, the classes of the next dimension are gathered by the clauses they leave, and a part on which both lists read
// the same is not looked into. What differs comes back as disjoint boxes: for each dimension a set of classes, and the two
// outcomes. Equal parts are found again and their boxes joined, so that a box is as large as the dimensions' order allows.

import { type Dimension, narrow } from './dimension.ts';
import { commonInOrder } from './sequence.ts';

export interface ComparedClauses {
  /** Clauses of the first policy are numbered 0 to `firstOfB - 1`, those of the second from there. */
  readonly firstOfB: number;
  readonly count: number;
  /** For each dimension, equal numbers for clauses that hold the same of it. */
  readonly keys: readonly (readonly number[])[];
  /** Equal numbers for outcomes that count as the same; `denied` is that of no clause. */
  readonly outcomes: readonly number[];
  readonly denied: number;
}

/** Part of one dimension: these of its classes, or all but these. */
export interface ClassSet {
  readonly classes: readonly number[];
  readonly allBut: boolean;
}

export interface DifferenceBox {
  readonly sets: readonly ClassSet[];
  /** Clause that decides in each policy; undefined for none. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

export interface Exploration {
  readonly boxes: readonly DifferenceBox[];
  /** Classes of the first dimension that were not looked at, or not to the end. */
  readonly unfinished: readonly ClassSet[];
}

export interface ExplorationBounds {
  readonly maxBoxes: number;
  /** Steps, each a few nanoseconds to some hundred. */
  readonly maxWork: number;
}

/** A box from one dimension on: its set there, and the rest of it. */
type Node =
  | { readonly kind: 'outcomes'; readonly before: number | undefined; readonly after: number | undefined }
  | { readonly kind: 'set'; readonly set: ClassSet; readonly next: number };

type Found = readonly number[];
const NOTHING: Found = [];

/** Characters of what is remembered of parts that have been compared: some 50 MB with all that belongs to it. */
const MAXIMUM_MEMO = 15_000_000;

export function explore(
  clauses: ComparedClauses,
  dimensions: readonly Dimension[],
  bounds: ExplorationBounds,
): Exploration {
  return new Explorer(clauses, dimensions.length, bounds).run(dimensions);
}

class Explorer {
  readonly #clauses: ComparedClauses;
  readonly #depth: number;
  readonly #bounds: ExplorationBounds;
  /** For each depth: what a clause holds of the dimensions from there on, alone and with its outcome, as a number. */
  readonly #boxKeys: Int32Array[] = [];
  readonly #contentKeys: Int32Array[] = [];
  /** From which depth on a clause holds everything. */
  readonly #openFrom: Uint8Array;
  readonly #nodes: Node[] = [];
  readonly #nodeIds = new Map<string, number>();
  readonly #sets = new Map<string, ClassSet>();
  readonly #setIds = new Map<ClassSet, number>();
  readonly #memo = new Map<string, Found>();
  #memoSize = 0;
  #work = 0;
  /** Once set, nothing more is looked into; what has been found stays true. */
  #stopped = false;

  constructor(clauses: ComparedClauses, depth: number, bounds: ExplorationBounds) {
    this.#clauses = clauses;
    this.#depth = depth;
    this.#bounds = bounds;
    this.#openFrom = new Uint8Array(clauses.count).fill(depth);
    this.#numberContents();
  }

  run(dimensions: readonly Dimension[]): Exploration {
    const { firstOfB, count } = this.#clauses;
    for (const [depth, dimension] of [...dimensions.entries()].reverse())
      for (let clause = 0; clause < count; clause++)
        if (!dimension.classesOf.has(clause) && this.#openFrom[clause] === depth + 1)
          this.#openFrom[clause] = depth;
    const all = Array.from({ length: count }, (_, clause) => clause);
    const a = this.#prune(all.slice(0, firstOfB), 0);
    const b = this.#prune(all.slice(firstOfB), 0);
    if (this.#readTheSame(a, b, 0)) return { boxes: [], unfinished: [] };
    const found: [Part, Found][] = [];
    const unfinished: ClassSet[] = [];
    const distinct = new Set<number>();
    for (const part of this.#partsOf(a, b, dimensions, 0)) {
      const result = this.#compare(part.clauses, dimensions, 1);
      for (const id of result) distinct.add(id);
      found.push([part, result]);
      if (this.#stopped) unfinished.push({ classes: part.origins, allBut: part.rest });
      if (distinct.size > this.#bounds.maxBoxes) this.#stopped = true;
    }
    const joined = this.#join(found);
    if (joined.length > this.#bounds.maxBoxes && unfinished.length === 0)
      unfinished.push({ classes: [], allBut: true });
    return { boxes: joined.slice(0, this.#bounds.maxBoxes).map(id => this.#boxOf(id)), unfinished };
  }

  /** Boxes on which the two lists differ; `depth` is that of the next dimension. */
  #compare(clauses: readonly number[], wide: readonly Dimension[], depth: number): Found {
    if (this.#stopped) return NOTHING;
    this.#spend(8 + 4 * clauses.length);
    const split = clauses.findIndex(clause => clause >= this.#clauses.firstOfB);
    const a = this.#prune(split < 0 ? clauses : clauses.slice(0, split), depth);
    const b = this.#prune(split < 0 ? [] : clauses.slice(split), depth);
    if (this.#readTheSame(a, b, depth)) return NOTHING;
    if (depth === this.#depth) return [this.#intoNode({ kind: 'outcomes', before: a[0], after: b[0] })];
    const key = `${depth}:${a.join()}/${b.join()}`;
    const known = this.#memo.get(key);
    if (known) return known;
    const dimensions = this.#narrowed(wide, depth, [...a, ...b]);
    const found = this.#join(
      this.#partsOf(a, b, dimensions, depth).map(part => [
        part,
        this.#compare(part.clauses, dimensions, depth + 1),
      ]),
    );
    if (!this.#stopped) this.#remember(key, found);
    return found;
  }

  /** Without the clauses that are never reached: behind one that holds everything, or the same as one before. */
  #prune(clauses: readonly number[], depth: number): number[] {
    const keys = this.#boxKeys[depth] as Int32Array;
    const seen = new Set<number>();
    const reached: number[] = [];
    for (const clause of clauses) {
      const key = keys[clause] as number;
      if (seen.has(key)) continue;
      seen.add(key);
      reached.push(clause);
      if ((this.#openFrom[clause] as number) <= depth) break;
    }
    return reached;
  }

  #readTheSame(a: readonly number[], b: readonly number[], depth: number): boolean {
    const keys = this.#contentKeys[depth] as Int32Array;
    if (depth === this.#depth) return this.#outcomeOf(a[0]) === this.#outcomeOf(b[0]);
    return a.length === b.length && a.every((clause, index) => keys[clause] === keys[b[index] as number]);
  }

  #outcomeOf(clause: number | undefined): number {
    return clause === undefined ? this.#clauses.denied : (this.#clauses.outcomes[clause] ?? 0);
  }

  /** The classes of a dimension by the clauses they leave, as far as a clause among them is not in both lists. */
  #partsOf(
    a: readonly number[],
    b: readonly number[],
    dimensions: readonly Dimension[],
    depth: number,
  ): Part[] {
    const dimension = dimensions[depth] as Dimension;
    const keys = this.#contentKeys[depth] as Int32Array;
    const keyOf = (clause: number) => keys[clause] as number;
    const common = new Set(commonInOrder(a.map(keyOf), b.map(keyOf)));
    const active = [...a, ...b];
    const changed = active.filter(clause => !common.has(keyOf(clause)));
    const everywhere = changed.some(clause => !dimension.classesOf.has(clause));
    const candidates = new Set<number>();
    if (!everywhere)
      for (const clause of changed)
        for (const id of dimension.classesOf.get(clause) ?? []) candidates.add(id);

    const open: number[] = [];
    const holders = new Map<number, number[]>();
    for (const clause of active) {
      const classes = dimension.classesOf.get(clause);
      if (!classes) {
        open.push(clause);
        continue;
      }
      this.#spend(classes.length);
      for (const id of classes) {
        if (!everywhere && !candidates.has(id)) continue;
        const list = holders.get(id);
        if (list) list.push(clause);
        else holders.set(id, [clause]);
      }
    }
    const parts = new Map<
      string,
      { readonly clauses: number[]; readonly origins: number[]; rest: boolean }
    >();
    for (const [id, list] of holders) {
      const key = list.join();
      this.#spend(4 * list.length);
      let part = parts.get(key);
      if (!part) {
        this.#spend(2 * open.length);
        part = { clauses: mergeSorted(open, list), origins: [], rest: false };
        parts.set(key, part);
      }
      for (const origin of dimension.origins[id] ?? []) part.origins.push(origin);
    }
    const untouched = dimension.hasRest || holders.size < dimension.origins.length - 1;
    if (!everywhere || !untouched) return [...parts.values()];
    const touched = [...holders.keys()].flatMap(id => dimension.origins[id] ?? []);
    return [...parts.values(), { clauses: open, origins: touched, rest: true }];
  }

  /** Parts that have the same boxes become one part of each of these. */
  #join(found: readonly (readonly [Part, Found])[]): Found {
    const byNext = new Map<number, Part[]>();
    for (const [part, boxes] of found) {
      for (const next of boxes) {
        const parts = byNext.get(next);
        if (parts) parts.push(part);
        else byNext.set(next, [part]);
      }
    }
    return [...byNext].map(([next, parts]) => this.#intoNode({ kind: 'set', set: this.#union(parts), next }));
  }

  #union(parts: readonly Part[]): ClassSet {
    const rest = parts.find(part => part.rest);
    const classes = parts.filter(part => !part.rest).flatMap(part => part.origins);
    this.#spend(classes.length + (rest?.origins.length ?? 0));
    if (!rest) return this.#intern({ classes: classes.sort((x, y) => x - y), allBut: false });
    const back = new Set(classes);
    return this.#intern({
      classes: rest.origins.filter(id => !back.has(id)).sort((x, y) => x - y),
      allBut: true,
    });
  }

  /** Equal sets become one. */
  #intern(set: ClassSet): ClassSet {
    const key = `${set.allBut ? '!' : ''}${set.classes.join()}`;
    const known = this.#sets.get(key);
    if (known) return known;
    this.#sets.set(key, set);
    this.#setIds.set(set, this.#setIds.size);
    return set;
  }

  #narrowed(
    dimensions: readonly Dimension[],
    depth: number,
    active: readonly number[],
  ): readonly Dimension[] {
    const lists = dimensions[this.#depth - 1]?.classesOf.size ?? 0;
    const basis = Math.max(lists, ...dimensions.slice(depth).map(({ classesOf }) => classesOf.size));
    if (active.length * 2 > basis) return dimensions;
    return dimensions.map((dimension, index) => {
      if (index < depth) return dimension;
      for (const clause of active) this.#spend(4 * (dimension.classesOf.get(clause)?.length ?? 0));
      return narrow(dimension, active);
    });
  }

  /** What was compared before is forgotten when it takes too much room; it is then compared again. */
  #remember(key: string, found: Found): void {
    this.#memoSize += key.length;
    if (this.#memoSize > MAXIMUM_MEMO) {
      this.#memo.clear();
      this.#memoSize = key.length;
    }
    this.#memo.set(key, found);
  }

  #intoNode(node: Node): number {
    const key =
      node.kind === 'outcomes'
        ? `${this.#outcomeOf(node.before)}>${this.#outcomeOf(node.after)}`
        : `${node.next}:${this.#setIds.get(node.set)}`;
    const known = this.#nodeIds.get(key);
    if (known !== undefined) return known;
    this.#spend(16);
    const id = this.#nodes.push(node) - 1;
    this.#nodeIds.set(key, id);
    return id;
  }

  #boxOf(id: number): DifferenceBox {
    const sets: ClassSet[] = [];
    for (let node = this.#nodes[id]; node; node = this.#nodes[node.next]) {
      if (node.kind === 'outcomes') return { sets, before: node.before, after: node.after };
      sets.push(node.set);
    }
    throw new Error('a box without outcomes');
  }

  #numberContents(): void {
    const { count, keys, outcomes } = this.#clauses;
    let boxKeys = new Int32Array(count);
    this.#boxKeys[this.#depth] = boxKeys;
    this.#contentKeys[this.#depth] = Int32Array.from(outcomes);
    for (let depth = this.#depth - 1; depth >= 0; depth--) {
      const boxes = new Map<string, number>();
      const contents = new Map<string, number>();
      const here = new Int32Array(count);
      const content = new Int32Array(count);
      for (let clause = 0; clause < count; clause++) {
        const box = `${keys[depth]?.[clause]}:${boxKeys[clause]}`;
        here[clause] = numberOf(boxes, box);
        content[clause] = numberOf(contents, `${here[clause]}=${outcomes[clause]}`);
      }
      boxKeys = here;
      this.#boxKeys[depth] = here;
      this.#contentKeys[depth] = content;
    }
  }

  #spend(steps: number): void {
    this.#work += steps;
    if (this.#work > this.#bounds.maxWork) this.#stopped = true;
  }
}

interface Part {
  /** Clauses of both lists that hold the part. */
  readonly clauses: readonly number[];
  /** Classes of the whole dimension. With `rest`: all but these. */
  readonly origins: readonly number[];
  readonly rest: boolean;
}

function numberOf(table: Map<string, number>, key: string): number {
  const known = table.get(key) ?? table.size;
  table.set(key, known);
  return known;
}

function mergeSorted(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length)
    merged.push((a[i] as number) < (b[j] as number) ? (a[i++] as number) : (b[j++] as number));
  while (i < a.length) merged.push(a[i++] as number);
  while (j < b.length) merged.push(b[j++] as number);
  return merged;
}
