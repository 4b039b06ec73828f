// How much of the Internet, and of the ports, a set holds.

import type { AddressSet } from '#ir/policy.ts';
import {
  countAddresses,
  IANA_PRIVATE_RANGES,
  intersectRanges,
  mergeRanges,
  NEVER_A_TARGET,
} from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import { complementOf } from '../diff/ranges.ts';

export const INTERNET: AddressSet = complementOf(mergeRanges([...IANA_PRIVATE_RANGES, ...NEVER_A_TARGET]));
const INTERNET_SIZE = countAddresses(INTERNET);

/** 0 to 1, of all these sets together. */
export function shareOfInternet(sets: readonly AddressSet[]): number {
  return countAddresses(intersectRanges(mergeRanges(sets.flat()), INTERNET)) / INTERNET_SIZE;
}

export function hasPublicAddress(sets: readonly AddressSet[]): boolean {
  return sets.some(set => intersectRanges(set, INTERNET).length > 0);
}

export function isEverySource(sets: readonly AddressSet[]): boolean {
  return complementOf(mergeRanges([...sets.flat(), ...NEVER_A_TARGET])).length === 0;
}

/** `1-65535` or in pieces that leave hardly one out. */
export function isEveryPort(ports: readonly PortRange[]): boolean {
  const merged = mergeRanges(ports);
  return merged.reduce((sum, { first, last }) => sum + last - Math.max(1, first) + 1, 0) >= 65_000;
}

export function holdsPort(ports: readonly PortRange[], port: number): boolean {
  return ports.some(({ first, last }) => first <= port && port <= last);
}

export function describePorts(ports: readonly PortRange[]): string {
  if (isEveryPort(ports)) return 'all ports';
  const words = ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return `${words.length === 1 && !words[0]?.includes('-') ? 'port' : 'ports'} ${words.slice(0, 5).join(', ')}${words.length > 5 ? ' and more' : ''}`;
}
