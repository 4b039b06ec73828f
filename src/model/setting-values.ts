// What settings of firewalls and of policies have in common, however they are written: as strings in `additionalProperties` or
// as lists.

import { AZURE_DNS, IANA_PRIVATE_RANGES, type Ipv4Range, isNeverATarget, parseRange } from '#net/ipv4.ts';

/** `IANAPrivateRanges`, an address, a prefix or a range (https://learn.microsoft.com/azure/firewall/snat-private-range). */
export function parsePrivateRange(text: string): readonly Ipv4Range[] | undefined {
  if (text.toLowerCase() === 'ianaprivateranges') return IANA_PRIVATE_RANGES;
  const range = parseRange(text);
  return range && [range];
}

export const NO_PRIVATE_RANGE = "neither 'IANAPrivateRanges' nor an IPv4 address or prefix";

/** 168.63.129.16 is a fine server, though no fine target of a rule. */
export function canBeDnsServer(address: number): boolean {
  return address === AZURE_DNS || !isNeverATarget(address);
}
