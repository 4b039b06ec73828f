// What the published facts say about the Internet of a lab: names of an Azure region resolve into that region's prefixes, and
// no other name gets an address inside a service tag, or a rule for the tag would let strangers pass.

import type { Facts } from '#facts/facts.ts';
import { formatRange, mergeRanges } from '#net/ipv4.ts';
import type { InternetConfig } from './config.ts';

const REGIONAL = /^AzureCloud\.(.+)$/i;
/** A tag of this size is a part of the address space, such as `Internet`, and not a service. */
const TOO_WIDE = 2 ** 28;

/** The two fields of the configuration; `alsoReserved` are prefixes of the lab's own hosts and public addresses. */
export function internetConfigOf(
  facts: Facts,
  alsoReserved: readonly string[] = [],
): Required<Pick<InternetConfig, 'regions' | 'reserved'>> {
  const tags = facts.serviceTagNames().map(name => ({ name, ranges: facts.serviceTag(name) ?? [] }));
  const services = tags.filter(({ ranges }) => {
    const size = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
    return size > 0 && size < TOO_WIDE;
  });
  const regions = services.flatMap(({ name, ranges }) => {
    const region = REGIONAL.exec(name)?.[1];
    return region === undefined ? [] : [[region.toLowerCase(), ranges.map(formatRange)] as const];
  });
  const reserved = mergeRanges(services.flatMap(({ ranges }) => ranges)).map(formatRange);
  return { regions: Object.fromEntries(regions), reserved: [...reserved, ...alsoReserved] };
}
