// Ranges without other ranges: threat feeds without the allow list. Pure.

import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';

export function excludeRanges(ranges: readonly Ipv4Range[], excluded: readonly Ipv4Range[]): Ipv4Range[] {
  const holes = mergeRanges(excluded);
  const kept: Ipv4Range[] = [];
  let hole = 0;
  for (const range of mergeRanges(ranges)) {
    let first = range.first;
    while (hole < holes.length && (holes[hole] as Ipv4Range).last < first) hole += 1;
    for (let index = hole; index < holes.length; index += 1) {
      const { first: from, last: to } = holes[index] as Ipv4Range;
      if (from > range.last) break;
      if (from > first) kept.push({ first, last: from - 1 });
      first = Math.max(first, to + 1);
    }
    if (first <= range.last) kept.push({ first, last: range.last });
  }
  return kept;
}
