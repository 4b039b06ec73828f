// A plausible bug: a piece of source replaced by another. Nothing else of the file changes, and `find` occurs in it once.

export const AREAS = [
  'ordering',
  'inheritance',
  'layering',
  'IP groups',
  'FQDN sets',
  'ports',
  'protocol Any',
  'NAT',
  'nft printing',
  'wildcards',
] as const;
export type Area = (typeof AREAS)[number];

export interface Mutant {
  /** What goes wrong, as its author would put it. */
  readonly name: string;
  readonly area: Area;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Mutants of one area. */
export function inArea(area: Area, mutants: readonly Omit<Mutant, 'area'>[]): Mutant[] {
  return mutants.map(mutant => ({ area, ...mutant }));
}
