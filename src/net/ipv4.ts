// IPv4 addresses, prefixes and ranges as numbers. An address is an unsigned 32-bit integer; a range is
// inclusive at both ends. Text is parsed here once and nowhere else. IPv6 is only recognised, never held:
// the data plane denies what it does not govern.

import ipaddr from 'ipaddr.js';

/** An inclusive span of addresses, `first <= last`, both 0..2^32-1. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

export const ALL_IPV4: Ipv4Range = { first: 0, last: 0xffffffff };

const FOUR_PARTS = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/**
 * Four decimal parts, as RFC 791 addresses are written today; no octal, hex or short forms. By hand, because a service-tag
 * table has 67,000 of them and the library takes ten times as long.
 */
export function parseIpv4(text: string): number | undefined {
  const match = FOUR_PARTS.exec(text);
  if (!match) return undefined;
  const [a, b, c, d] = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
  return a > 255 || b > 255 || c > 255 || d > 255 ? undefined : a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

export interface Ipv4Prefix extends Ipv4Range {
  readonly length: number;
}

/** Whether the text is an IPv6 address or prefix; said by name when it is refused. */
export function isIpv6Text(text: string): boolean {
  return ipaddr.IPv6.isValid(text) || ipaddr.IPv6.isValidCIDR(text);
}

/** `10.0.0.0/8`. Host bits may be set: Azure accepts `10.42.1.4/24` in rules and masks it. */
export function parsePrefix(text: string): Ipv4Prefix | undefined {
  const match = /^([0-9.]+)\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const address = parseIpv4(match[1] ?? '');
  const length = Number(match[2]);
  if (address === undefined || length > 32) return undefined;
  return prefixOf(address, length);
}

export function prefixOf(address: number, length: number): Ipv4Prefix {
  const size = 2 ** (32 - length);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1, length };
}

export function formatPrefix(prefix: Ipv4Prefix): string {
  return `${formatIpv4(prefix.first)}/${prefix.length}`;
}

/** One address, `a.b.c.d`, a prefix, `a.b.c.d/n`, or a range, `a.b.c.d-e.f.g.h`. */
export function parseRange(text: string): Ipv4Range | undefined {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    return prefix && { first: prefix.first, last: prefix.last };
  }
  const [from = '', to = from, ...rest] = text.split('-');
  const first = parseIpv4(from);
  const last = parseIpv4(to);
  if (rest.length > 0 || first === undefined || last === undefined || first > last) return undefined;
  return { first, last };
}

export function formatRange({ first, last }: Ipv4Range): string {
  if (first === last) return formatIpv4(first);
  const length = 32 - Math.log2(last - first + 1);
  if (Number.isInteger(length) && first % (last - first + 1) === 0) return `${formatIpv4(first)}/${length}`;
  return `${formatIpv4(first)}-${formatIpv4(last)}`;
}

/** Azure's own DNS and health address, which every host can reach and no firewall may hand out as a target. */
export const AZURE_DNS = 0xa83f8110;

/** Unspecified, loopback, link-local, multicast, reserved and broadcast (RFC 6890), and 168.63.129.16. */
export const NEVER_A_TARGET: readonly Ipv4Range[] = [
  { first: 0, last: 0x00ffffff },
  { first: 0x7f000000, last: 0x7fffffff },
  { first: AZURE_DNS, last: AZURE_DNS },
  { first: 0xa9fe0000, last: 0xa9feffff },
  { first: 0xe0000000, last: 0xffffffff },
];

/** Addresses that no name and no rule may lead a connection of the firewall to. */
export function isNeverATarget(address: number): boolean {
  return NEVER_A_TARGET.some(range => contains(range, address));
}

export function contains(range: Ipv4Range, address: number): boolean {
  return range.first <= address && address <= range.last;
}

export function overlaps(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Sorted, disjoint and without touching neighbours: the normal form of a set of addresses. */
export function mergeRanges(ranges: readonly Ipv4Range[]): Ipv4Range[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const merged: Ipv4Range[] = [];
  for (const range of sorted) {
    const previous = merged.at(-1);
    if (previous && range.first <= previous.last + 1) {
      if (range.last > previous.last) merged[merged.length - 1] = { first: previous.first, last: range.last };
    } else merged.push({ first: range.first, last: range.last });
  }
  return merged;
}

/** RFC 1918 and RFC 6598: what Azure calls `IANAPrivateRanges` (https://learn.microsoft.com/azure/firewall/snat-private-range). */
export const IANA_PRIVATE_RANGES: readonly Ipv4Range[] = [
  { first: 0x0a000000, last: 0x0affffff },
  { first: 0x64400000, last: 0x647fffff },
  { first: 0xac100000, last: 0xac1fffff },
  { first: 0xc0a80000, last: 0xc0a8ffff },
];

export function isIanaPrivate(address: number): boolean {
  return includesAddress(IANA_PRIVATE_RANGES, address);
}

/** Binary search in the normal form that `mergeRanges` gives. */
export function includesAddress(merged: readonly Ipv4Range[], address: number): boolean {
  let low = 0;
  let high = merged.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = merged[middle] as Ipv4Range;
    if (address < range.first) high = middle - 1;
    else if (address > range.last) low = middle + 1;
    else return true;
  }
  return false;
}

/** How many addresses the normal form covers. */
export function countAddresses(merged: readonly Ipv4Range[]): number {
  return merged.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Addresses in both of two normal forms, in normal form. */
export function intersectRanges(a: readonly Ipv4Range[], b: readonly Ipv4Range[]): Ipv4Range[] {
  const common: Ipv4Range[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [left, right] = [a[i] as Ipv4Range, b[j] as Ipv4Range];
    const first = Math.max(left.first, right.first);
    const last = Math.min(left.last, right.last);
    if (first <= last) common.push({ first, last });
    if (left.last < right.last) i++;
    else j++;
  }
  return common;
}
