// Answers "is all of this allowed, and if not, by what is it denied?" for whole sets of flows: sources, destinations and name
// patterns are followed through the policy's clauses, not samples of them.

import type { AddressSet, ApplicationProtocol, ApplicationTarget, ResolvedPolicy } from '#ir/policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import type { Ipv4Range } from '#net/ipv4.ts';
import { type Clause, type ClauseService, DENIED, type Outcome, toClauses } from '../diff/clauses.ts';
import { LineReader } from '../diff/line-reader.ts';
import {
  type Box,
  ClauseBoxes,
  hasBit,
  isEmpty,
  NAMES,
  SERVICES,
  SOURCES,
  setBit,
  type WorkBounds,
  without,
} from './region.ts';

export interface ReachQuery {
  readonly services: readonly ClauseService[];
  readonly destinations: AddressSet;
  /** Name that network rules know the destinations by; absent for none. */
  readonly name?: string;
  /** What the client names, with services that have a `claim`; without, it names nothing. */
  readonly targets?: readonly ApplicationTarget[];
}

/** What becomes of a query's flows from one class of sources. */
export interface Reach {
  readonly allowed: boolean;
  readonly denied: boolean;
  /** Rules that deny some of it; null for the default. */
  readonly deniedBy: readonly (RuleRef | null)[];
  readonly allowedBy: readonly RuleRef[];
}

const CLAIMS: readonly ApplicationProtocol[] = ['Http', 'Https', 'Mssql'];
const BOUNDS: WorkBounds = { maxWork: 500_000_000, maxWorkInAll: 2_000_000_000 };

export class ReachTable {
  readonly #sets: ClauseBoxes;
  readonly #outcomes: readonly Outcome[];
  readonly #reader: LineReader;
  readonly #classes: number;
  readonly #parts: readonly (readonly { readonly outcome: Outcome; readonly box: Box }[])[];

  /** Throws `TooComplex`. */
  constructor(policy: ResolvedPolicy, queries: readonly ReachQuery[], sources: AddressSet) {
    const clauses = toClauses(policy, { withSnat: false });
    this.#outcomes = clauses.map(({ outcome }) => outcome);
    const asked = queries.map(
      ({ services, destinations, targets }): Clause => ({
        outcome: DENIED,
        sides: ['inside'],
        services,
        sources,
        destinations: [destinations],
        ...(targets && { targets }),
      }),
    );
    // The same with a name, whatever it is: what is taken away where the client names nothing.
    const saying = asked.map(
      (clause): Clause => ({
        ...clause,
        services: clause.services.flatMap(service =>
          service.protocol === 'TCP' ? CLAIMS.map(claim => ({ ...service, claim })) : [],
        ),
      }),
    );
    this.#sets = new ClauseBoxes([...clauses, ...asked, ...saying], BOUNDS);
    this.#reader = new LineReader(this.#sets.space.sources.line);
    this.#classes = this.#sets.space.sources.line.pieces.length;
    this.#parts = queries.map((query, index) => {
      const box = this.#sets.boxes[clauses.length + index];
      if (!box) return [];
      const said = query.targets ? undefined : this.#sets.boxes[clauses.length + queries.length + index];
      const silent = said
        ? box.map((bits, at) => (at === SERVICES ? without(bits, said[at] as Uint32Array) : bits))
        : box;
      return this.#follow(this.#named(silent, query.name));
    });
  }

  /** The classes of sources that the rules tell apart, without those that none of the asked ones is in. */
  sourceClasses(): number[] {
    const ids: number[] = [];
    for (let id = 0; id < this.#classes; id++)
      if (this.#parts.some(parts => parts.some(({ box }) => hasBit(box[SOURCES] as Uint32Array, id))))
        ids.push(id);
    return ids;
  }

  addressesOf(ids: readonly number[]): readonly Ipv4Range[] {
    return this.#reader.ranges({ classes: [...ids].sort((a, b) => a - b), allBut: false });
  }

  reach(query: number, sourceClass: number): Reach {
    const parts = (this.#parts[query] ?? []).filter(({ box }) =>
      hasBit(box[SOURCES] as Uint32Array, sourceClass),
    );
    const rulesOf = (action: 'Allow' | 'Deny') => [
      ...new Set(parts.filter(({ outcome }) => outcome.action === action).map(({ outcome }) => outcome.rule)),
    ];
    const [allowedBy, deniedBy] = [rulesOf('Allow'), rulesOf('Deny')];
    return {
      allowed: allowedBy.length > 0,
      denied: deniedBy.length > 0,
      deniedBy,
      allowedBy: allowedBy.flatMap(rule => rule ?? []),
    };
  }

  #named(box: Box, name: string | undefined): Box {
    const names = new Uint32Array((box[NAMES] as Uint32Array).length);
    const id =
      name === undefined
        ? 0
        : Math.max(
            0,
            this.#sets.nameClasses.findIndex(list => list.includes(name)),
          );
    setBit(names, id);
    return box.map((bits, index) => (index === NAMES ? names : bits));
  }

  #follow(asked: Box): { outcome: Outcome; box: Box }[] {
    this.#sets.ask();
    const parts: { outcome: Outcome; box: Box }[] = [];
    let rest: Box[] = [asked];
    this.#outcomes.forEach((outcome, clause) => {
      const box = this.#sets.boxes[clause];
      if (!box || rest.length === 0) return;
      rest = rest.flatMap(part => {
        if (!this.#sets.overlap(part, box)) return [part];
        parts.push({ outcome, box: this.#sets.intersect(part, box) });
        return this.#sets.subtract(part, box);
      });
    });
    this.#sets.done();
    return [...parts, ...rest.map(box => ({ outcome: DENIED, box }))].filter(({ box }) => !box.some(isEmpty));
  }
}
