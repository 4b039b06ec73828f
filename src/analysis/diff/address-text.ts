// Sets of addresses in few words. Addresses that no flow may use (the firewall's own, multicast, loopback) cut holes into
// nearly every set; people are not shown them, programs are.

import type { AddressSet } from '#ir/policy.ts';
import { formatRange, type Ipv4Range, intersectRanges } from '#net/ipv4.ts';
import { complementOf } from './ranges.ts';

export interface AddressTextOptions {
  /** Merged: what need not be told. */
  readonly unusable: AddressSet;
  /** Ranges shown, at most. */
  readonly most: number;
  /** IP groups and service tags, for sets that are just one of them. */
  readonly named?: SetNames | undefined;
}

/** What sets of addresses are called. Sets that differ only in addresses that no flow may use have one name. */
export class SetNames {
  readonly #names = new Map<string, string>();
  readonly #unusable: AddressSet;

  constructor(sets: Iterable<readonly [name: string, set: AddressSet]>, unusable: AddressSet) {
    this.#unusable = unusable;
    // A single range says more than a name.
    for (const [name, set] of sets) if (set.length > 1) this.#names.set(this.#keyOf(set), name);
  }

  nameOf(set: AddressSet): string | undefined {
    return this.#names.size === 0 ? undefined : this.#names.get(this.#keyOf(set));
  }

  #keyOf(set: AddressSet): string {
    const usable = intersectRanges(set, complementOf(this.#unusable));
    return usable.map(({ first, last }) => `${first}-${last}`).join();
  }
}

/** `*`, `10.0.0.0/8, 192.0.2.1 and 12 more`, `* except 192.0.2.0/24`. */
export function describeAddresses(ranges: AddressSet, { unusable, most, named }: AddressTextOptions): string {
  const name = named?.nameOf(ranges);
  if (name !== undefined) return name;
  const gaps = complementOf(ranges).flatMap(gap => outsideOf(gap, unusable));
  const missing = bridge(gaps, unusable);
  if (missing.length === 0) return '*';
  const left = named?.nameOf(missing);
  if (left !== undefined) return `* except ${left}`;
  const bridged = bridge(ranges, unusable);
  return missing.length < bridged.length && missing.length <= most
    ? `* except ${listed(missing.map(formatRange), most)}`
    : listed(bridged.map(formatRange), most);
}

export function listed(words: readonly string[], most: number): string {
  const shown = words.slice(0, most).join(', ');
  return words.length > most ? `${shown} and ${words.length - most} more` : shown;
}

/** Of what is left out of a set: how much that is says more than the first of many. */
export function listedNames(names: readonly string[], most: number): string {
  if (names.length <= most) return names.join(', ');
  return `${names.length} names, such as ${names.slice(0, NAMES_SHOWN).join(', ')}; --all lists them`;
}

const NAMES_SHOWN = 3;

/** The parts of a range that a set leaves. */
function outsideOf({ first, last }: Ipv4Range, set: AddressSet): Ipv4Range[] {
  return complementOf(set)
    .map(part => ({ first: Math.max(part.first, first), last: Math.min(part.last, last) }))
    .filter(part => part.first <= part.last);
}

/** Neighbours with nothing usable between them become one. */
function bridge(ranges: AddressSet, unusable: AddressSet): Ipv4Range[] {
  const bridged: { first: number; last: number }[] = [];
  for (const { first, last } of ranges) {
    const previous = bridged.at(-1);
    if (previous && outsideOf({ first: previous.last + 1, last: first - 1 }, unusable).length === 0)
      previous.last = last;
    else bridged.push({ first, last });
  }
  return bridged;
}
