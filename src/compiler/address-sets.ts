// Address sets shared by content. A name is a digest of the ranges, so equal sets of two programs have equal names and a
// data plane can see at a glance which of them it holds already.

import { createHash } from 'node:crypto';
import type { AddressSet } from '#ir/policy.ts';

/** 80 bits: two different sets of one name are out of the question, and the kernel's names stay short. */
const DIGEST_CHARACTERS = 20;

export class AddressSets {
  readonly #byName = new Map<string, AddressSet>();
  /** Arrays are shared by lowering; each is hashed once. */
  readonly #nameOf = new Map<AddressSet, string>();

  /** The set's name; undefined for the set of all addresses, which needs no set. */
  nameOf(set: AddressSet): string | undefined {
    if (isEverything(set)) return undefined;
    const known = this.#nameOf.get(set);
    if (known !== undefined) return known;
    const hash = createHash('sha256');
    hash.update(Float64Array.from(set.flatMap(({ first, last }) => [first, last])));
    const name = `a_${hash.digest('hex').slice(0, DIGEST_CHARACTERS)}`;
    this.#nameOf.set(set, name);
    if (!this.#byName.has(name)) this.#byName.set(name, set);
    return name;
  }

  /** In order of name, so that a program does not depend on the order of its rules more than it must. */
  toRecord(): Record<string, AddressSet> {
    return Object.fromEntries([...this.#byName].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function isEverything(set: AddressSet): boolean {
  return set.length === 1 && set[0]?.first === 0 && set[0].last === 0xffffffff;
}
