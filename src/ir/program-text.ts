// A program as one line of JSON and back. Lists that many application rules share (an IP group, the names of an FQDN tag)
// are written once and referred to by number, so that the text grows with addresses and names, not with rules times
// addresses. Reading restores the sharing; plain JSON of a program is read as well.

import type { AddressSet, ApplicationRule, ApplicationTarget } from './policy.ts';
import type { Program } from './program.ts';

type Pooled<T> = number | T;
type WrittenRule = Omit<ApplicationRule, 'sources' | 'destinations' | 'targets'> & {
  readonly sources: Pooled<AddressSet>;
  readonly destinations?: Pooled<AddressSet>;
  readonly targets: Pooled<readonly ApplicationTarget[]>;
};
interface Pools {
  readonly addresses: readonly AddressSet[];
  readonly targets: readonly (readonly ApplicationTarget[])[];
}

export function formatProgram(program: Program): string {
  return JSON.stringify(packProgram(program));
}

/** What `formatProgram` writes, as an object, for a message that holds a program. */
export function packProgram(program: Program): object {
  const addresses = new Pool<AddressSet>();
  const targets = new Pool<readonly ApplicationTarget[]>();
  const applicationRules = program.applicationRules.map(
    (rule): WrittenRule => ({
      ...rule,
      sources: addresses.indexOf(rule.sources),
      ...(rule.destinations && { destinations: addresses.indexOf(rule.destinations) }),
      targets: targets.indexOf(rule.targets),
    }),
  );
  const pools: Pools = { addresses: addresses.list, targets: targets.list };
  return { ...program, applicationRules, pools };
}

/** Takes what `formatProgram` or `JSON.parse` made of one; the text comes from our own control plane. */
export function parseProgram(text: string): Program {
  return restoreProgram(JSON.parse(text));
}

/** As `parseProgram`, for text that is parsed already, such as a message of the control channel. */
export function restoreProgram(parsed: unknown): Program {
  const { pools, ...program } = parsed as Program & { pools?: Pools };
  if (!pools) return program;
  const take = <T>(pool: readonly T[], value: Pooled<T>): T => {
    const found = typeof value === 'number' ? pool[value] : value;
    if (found === undefined)
      throw new RangeError(`a program refers to list ${value}, which it does not hold`);
    return found as T;
  };
  const written = program.applicationRules as unknown as readonly WrittenRule[];
  const applicationRules = written.map(
    ({ destinations, ...rule }): ApplicationRule => ({
      ...rule,
      sources: take(pools.addresses, rule.sources),
      ...(destinations !== undefined && { destinations: take(pools.addresses, destinations) }),
      targets: take(pools.targets, rule.targets),
    }),
  );
  return { ...program, applicationRules };
}

class Pool<T> {
  readonly list: T[] = [];
  readonly #indexOf = new Map<T, number>();

  indexOf(value: T): number {
    const known = this.#indexOf.get(value);
    if (known !== undefined) return known;
    this.#indexOf.set(value, this.list.length);
    return this.list.push(value) - 1;
  }
}
