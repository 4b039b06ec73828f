// Addresses for names: a pool in which every name has an address of its own. The address is found by hashing the name,
// so that it is the same in every lab and after every restart; when two names hash to one address, the later one
// probes onwards. The pool remembers a bounded number of names and forgets those not asked for longest; a forgotten
// name gets its old address again unless another name took it meanwhile.

import { createHash } from 'node:crypto';
import { type Ipv4Range, mergeRanges, parseIpv4, parsePrefix } from '#net/ipv4.ts';

/** About 25 MB of names and addresses; a flood of invented names cannot take more. */
const MAX_REMEMBERED = 100_000;
/** After so many taken neighbours the pool counts as full, and names begin to share addresses. */
const MAX_PROBES = 4096;

/** What never is the address of a public name: special-purpose blocks (RFC 6890) and Azure's platform address. */
const SPECIAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
];

export const SPECIAL_RANGES: readonly Ipv4Range[] = mergeRanges(
  SPECIAL.flatMap(text => parsePrefix(text) ?? []),
);

/** Public resolvers with a name and address that everybody knows. */
export const WELL_KNOWN: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    'resolver1.opendns.com': ['208.67.222.222'],
    'resolver2.opendns.com': ['208.67.220.220'],
    'resolver3.opendns.com': ['208.67.222.220'],
    'resolver4.opendns.com': ['208.67.220.222'],
    'dns.google': ['8.8.8.8', '8.8.4.4'],
    'one.one.one.one': ['1.1.1.1', '1.0.0.1'],
    'dns.quad9.net': ['9.9.9.9', '149.112.112.112'],
  }).map(([name, addresses]) => [name, addresses.flatMap(text => parseIpv4(text) ?? [])]),
);

/** `ranges` without the addresses in `holes`. */
export function subtractRanges(ranges: readonly Ipv4Range[], holes: readonly Ipv4Range[]): Ipv4Range[] {
  const merged = mergeRanges(holes);
  return mergeRanges(ranges).flatMap(range => {
    const left: Ipv4Range[] = [];
    let next = range.first;
    for (const hole of merged) {
      if (hole.last < next || hole.first > range.last) continue;
      if (hole.first > next) left.push({ first: next, last: hole.first - 1 });
      next = hole.last + 1;
    }
    if (next <= range.last) left.push({ first: next, last: range.last });
    return left;
  });
}

export interface PoolOptions {
  /** Part of the pool, from its end, that `fresh` uses and names never get. */
  readonly freshShare?: number;
  readonly maxRemembered?: number;
}

export class AddressPool {
  readonly #ranges: readonly Ipv4Range[];
  readonly #named: number;
  readonly #total: number;
  readonly #maxRemembered: number;
  readonly #addresses = new Map<string, number>();
  readonly #names = new Map<number, string>();
  #turn = 0;

  constructor(
    ranges: readonly Ipv4Range[],
    { freshShare = 0, maxRemembered = MAX_REMEMBERED }: PoolOptions = {},
  ) {
    this.#ranges = mergeRanges(ranges);
    this.#total = this.#ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
    if (this.#total === 0) throw new RangeError('An address pool needs at least one address.');
    this.#named = Math.max(1, this.#total - Math.floor(this.#total * freshShare));
    this.#maxRemembered = maxRemembered;
  }

  get remembered(): number {
    return this.#addresses.size;
  }

  /** The address of a name, the same at every call. */
  allocate(name: string): number {
    const known = this.#addresses.get(name);
    const address = known ?? this.#probe(name);
    this.#addresses.delete(name);
    this.#addresses.set(name, address);
    if (known === undefined) {
      if (!this.#names.has(address)) this.#names.set(address, name);
      this.#forgetOldest();
    }
    return address;
  }

  /** An address that no name has, another one at every call until the share is used up. */
  fresh(): number {
    const size = this.#total - this.#named;
    if (size === 0) throw new RangeError('This pool has no share of fresh addresses.');
    // An odd multiplier walks through all of a share whose size is a power of two, and through most of any other.
    for (;;) {
      const address = this.#at(this.#named + ((this.#turn++ * 40_503) % size));
      if (isHostLike(address) || size < 256) return address;
    }
  }

  /** The name that has the address, if one was given it. */
  nameOf(address: number): string | undefined {
    return this.#names.get(address);
  }

  #probe(name: string): number {
    const start = createHash('sha256').update(name).digest().readUIntBE(0, 6) % this.#named;
    for (let step = 0; step < Math.min(MAX_PROBES, this.#named); step++) {
      const address = this.#at((start + step) % this.#named);
      if (!this.#names.has(address) && (isHostLike(address) || this.#named < 256)) return address;
    }
    return this.#at(start);
  }

  #at(index: number): number {
    let rest = index;
    for (const range of this.#ranges) {
      const size = range.last - range.first + 1;
      if (rest < size) return range.first + rest;
      rest -= size;
    }
    throw new RangeError(`Address ${index} is beyond a pool of ${this.#total}.`);
  }

  #forgetOldest(): void {
    if (this.#addresses.size <= this.#maxRemembered) return;
    const [oldest] = this.#addresses;
    if (!oldest) return;
    const [name, address] = oldest;
    this.#addresses.delete(name);
    if (this.#names.get(address) === name) this.#names.delete(address);
  }
}

/** People do not expect a server at an address that ends in .0 or .255. */
function isHostLike(address: number): boolean {
  const last = address & 255;
  return last !== 0 && last !== 255;
}
