// The dimensions in which two policies are compared, cut by the clauses of both.

import { type ClaimDimension, claimDimension } from './claim-names.ts';
import type { Clause } from './clauses.ts';
import {
  type DestinationNames,
  destinationNames,
  keysOfNames,
  type NameOptions,
} from './destination-names.ts';
import { type LineDimension, lineDimension } from './line-dimension.ts';
import { SERVICE_LINE_END, toServiceLine } from './services.ts';

const ADDRESSES_END = 2 ** 32;

/** The five dimensions of both policies together, in the order in which they are explored but for names of destinations. */
export class Space {
  readonly services: LineDimension;
  readonly sources: LineDimension;
  readonly destinations: LineDimension;
  readonly claims: ClaimDimension;
  readonly keys: readonly (readonly number[])[];
  readonly #names: readonly (readonly string[] | undefined)[];

  constructor(clauses: readonly Clause[]) {
    this.services = lineDimension(
      clauses.map(clause => ({ any: [toServiceLine(clause)] })),
      SERVICE_LINE_END,
    );
    this.sources = lineDimension(
      clauses.map(({ sources }) => ({ any: [sources] })),
      ADDRESSES_END,
    );
    this.destinations = lineDimension(
      clauses.map(({ destinations, zone }) => ({ any: destinations, within: zone })),
      ADDRESSES_END,
    );
    this.#names = clauses.map(({ names }) => names);
    this.claims = claimDimension(clauses.map(({ targets }) => targets));
    this.keys = [
      this.services.keys,
      this.sources.keys,
      this.destinations.keys,
      keysOfNames(this.#names),
      this.claims.keys,
    ];
  }

  destinationNames(options: NameOptions): DestinationNames {
    return destinationNames(this.#names, options);
  }
}
