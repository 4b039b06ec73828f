// Entries of a diff: a set of flows in words that people and programs know, made from the classes of a box.

import type { AddressSet } from '#ir/policy.ts';
import { type NamePattern, namePatterns } from './claim-name-text.ts';
import type { ClaimDimension } from './claim-names.ts';
import type { Outcome } from './clauses.ts';
import type { DestinationNames } from './destination-names.ts';
import type { ClassSet } from './explore.ts';
import { LineReader, membersOf } from './line-reader.ts';
import { fromServiceLine, type Service } from './services.ts';
import type { Space } from './space.ts';

export type DiffKind = 'NewlyAllowed' | 'NewlyDenied' | 'Changed';

/** A set of flows. Entries have none in common. */
export interface DiffEntry {
  readonly kind: DiffKind;
  readonly before: Outcome;
  readonly after: Outcome;
  readonly services: readonly Service[];
  /** Made when they are asked for, since a diff can hold more ranges than fit into memory. */
  readonly sources: AddressSet;
  readonly destinations: AddressSet;
  readonly sourceCount: number;
  readonly destinationCount: number;
  /** Undefined means whatever names the address has. */
  readonly destinationNames: DestinationNameSet | undefined;
  /** What the client must name, for services with a claim. Undefined means any name. */
  readonly claimedNames: readonly NamePattern[] | undefined;
}

/** Names of the destination, among those that network rules write. */
export interface DestinationNameSet {
  /** Whether addresses belong to it that have none of the names. */
  readonly unnamed: boolean;
  /** Addresses with one of these names and no other. */
  readonly names: readonly string[];
  /** Addresses with a name of the one list and a name of the other, where that is not the same as with one of them. */
  readonly together: readonly (readonly [readonly string[], readonly string[]])[];
  /** With `unnamed`: all names but these. */
  readonly except: readonly string[];
}

/** From classes back to addresses, ports and names. */
export class EntryReader {
  readonly #services: LineReader;
  readonly #sources: LineReader;
  readonly #destinations: LineReader;
  readonly #names: DestinationNames;
  readonly #claims: ClaimDimension;

  constructor(space: Space, names: DestinationNames) {
    this.#services = new LineReader(space.services.line);
    this.#sources = new LineReader(space.sources.line);
    this.#destinations = new LineReader(space.destinations.line);
    this.#names = names;
    this.#claims = space.claims;
  }

  /** `sets` in the order in which the dimensions were explored. */
  entry(sets: readonly ClassSet[], before: Outcome, after: Outcome): DiffEntry {
    const [services, from, to, names, claims] = sets as [ClassSet, ClassSet, ClassSet, ClassSet, ClassSet];
    const [sources, destinations] = [this.#sources, this.#destinations];
    const destinationNames = () => this.#destinationNames(names);
    const claimedNames = () => this.#claimedNames(claims);
    return {
      kind: kindOf(before, after),
      before,
      after,
      services: this.services(services),
      get sources() {
        return sources.ranges(from);
      },
      get destinations() {
        return destinations.ranges(to);
      },
      sourceCount: sources.count(from),
      destinationCount: destinations.count(to),
      get destinationNames() {
        return destinationNames();
      },
      get claimedNames() {
        return claimedNames();
      },
    };
  }

  services(set: ClassSet): readonly Service[] {
    return fromServiceLine(this.#services.ranges(set));
  }

  #destinationNames(set: ClassSet): DestinationNameSet | undefined {
    if (set.allBut && set.classes.length === 0) return undefined;
    const { classes } = this.#names;
    const inSet = membersOf(set, classes.length);
    if (inSet.every(yes => yes)) return undefined;
    const singles = classes.flatMap(({ pair }, id) => (id > 0 && !pair ? [id] : []));
    const namesOf = (id: number) => classes[id]?.names ?? [];
    const apart = (a: number, b: number) => !inSet[a] && !inSet[b];
    return {
      unnamed: inSet[0] ?? false,
      names: singles
        .filter(id => inSet[id])
        .flatMap(namesOf)
        .sort(),
      together: classes.flatMap(({ pair }, id) =>
        pair && inSet[id] && apart(...pair) ? [[namesOf(pair[0]), namesOf(pair[1])] as const] : [],
      ),
      except: inSet[0]
        ? singles
            .filter(id => !inSet[id])
            .flatMap(namesOf)
            .sort()
        : [],
    };
  }

  #claimedNames(set: ClassSet): readonly NamePattern[] | undefined {
    if (set.allBut && set.classes.length === 0) return undefined;
    const { atoms, lattice } = this.#claims;
    const inSet = membersOf(set, atoms.length);
    if (inSet.every(yes => yes)) return undefined;
    return namePatterns(
      atoms.flatMap((names, id) => (inSet[id] ? names : [])),
      lattice,
      { others: inSet[0] ?? false },
    );
  }
}

function kindOf(before: Outcome, after: Outcome): DiffKind {
  if (before.action === after.action) return 'Changed';
  return after.action === 'Allow' ? 'NewlyAllowed' : 'NewlyDenied';
}
