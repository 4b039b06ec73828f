// All good feeds together, made for look-ups: disjoint sorted ranges in typed arrays, names and suffixes in maps.
// Immutable, so that a reload replaces the whole of it at once.

import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import type { Feed } from './feed.ts';

export interface FeedIndex {
  ofAddress(address: number): string | undefined;
  /** `name` must be normalized. */
  ofName(name: string): string | undefined;
  readonly ranges: readonly Ipv4Range[];
  readonly ipv6Networks: readonly string[];
}

/** Where feeds overlap, the earlier feed describes a name, the range that starts first an address. */
export function indexFeeds(feeds: readonly Feed[]): FeedIndex {
  const sorted = feeds.flatMap(feed => feed.networks).sort((a, b) => a.range.first - b.range.first);
  const firsts = new Uint32Array(sorted.length);
  const lasts = new Uint32Array(sorted.length);
  const descriptions: string[] = [];
  let covered = -1;
  for (const { range, description } of sorted) {
    if (range.last <= covered) continue;
    firsts[descriptions.length] = Math.max(range.first, covered + 1);
    lasts[descriptions.length] = range.last;
    descriptions.push(description);
    covered = range.last;
  }
  const names = mergeMaps(feeds.map(feed => feed.names));
  const suffixes = mergeMaps(feeds.map(feed => feed.suffixes));

  return {
    ranges: mergeRanges(sorted.map(entry => entry.range)),
    ipv6Networks: [...new Set(feeds.flatMap(feed => feed.ipv6Networks))],
    ofAddress(address) {
      let low = 0;
      let high = descriptions.length - 1;
      while (low <= high) {
        const middle = (low + high) >>> 1;
        if (address < (firsts[middle] as number)) high = middle - 1;
        else if (address > (lasts[middle] as number)) low = middle + 1;
        else return descriptions[middle];
      }
      return undefined;
    },
    ofName(name) {
      const exact = names.get(name);
      if (exact !== undefined || suffixes.size === 0) return exact;
      for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        const description = suffixes.get(name.slice(dot + 1));
        if (description !== undefined) return description;
      }
      return undefined;
    },
  };
}

function mergeMaps(maps: readonly ReadonlyMap<string, string>[]): Map<string, string> {
  return new Map([...maps].reverse().flatMap(map => [...map]));
}

/** What of `merged` lies outside `allowed`; both in `mergeRanges`' normal form. */
export function subtractRanges(merged: readonly Ipv4Range[], allowed: readonly Ipv4Range[]): Ipv4Range[] {
  const rest: Ipv4Range[] = [];
  let index = 0;
  for (const range of merged) {
    let first = range.first;
    while (index < allowed.length && (allowed[index] as Ipv4Range).last < first) index++;
    for (let at = index; at < allowed.length && first <= range.last; at++) {
      const hole = allowed[at] as Ipv4Range;
      if (hole.first > range.last) break;
      if (hole.first > first) rest.push({ first, last: hole.first - 1 });
      first = hole.last + 1;
    }
    if (first <= range.last) rest.push({ first, last: range.last });
  }
  return rest;
}
