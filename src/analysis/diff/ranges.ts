// What the comparison needs of ranges beyond the arithmetic of addresses.

import type { Ipv4Range } from '#net/ipv4.ts';

/** Everything below `end` that the normal form does not hold. */
export function complementOf(merged: readonly Ipv4Range[], end = 2 ** 32): Ipv4Range[] {
  const gaps: Ipv4Range[] = [];
  let next = 0;
  for (const { first, last } of merged) {
    if (first > next) gaps.push({ first: next, last: first - 1 });
    next = last + 1;
  }
  if (next < end) gaps.push({ first: next, last: end - 1 });
  return gaps;
}
