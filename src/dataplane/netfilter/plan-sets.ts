// Matches on addresses, ports and names for rules that are being written, and the named sets that these matches need. Equal
// lists share a set. Pure.

import type { Program } from '#ir/program.ts';
import { ALL_IPV4, type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import { match, type NftSet, type NftStatement } from '#nft/tree.ts';
import { addressSetName, fqdnSetName, portSetName } from './names.ts';

/** Addresses of one name; a full set refuses more, which then stay denied. */
const FQDN_SET_SIZE = 65_536;

/** The protocols that have ports. */
export const PORTS_PROTOCOLS = match.words('meta l4proto', ['tcp', 'udp']);

/** Collects named sets while rules are written. */
export class PlanSets {
  readonly used = new Map<string, NftSet>();

  /** A match on any of the ranges; empty for "any address", undefined for "no address at all". */
  addresses(key: 'ip saddr' | 'ip daddr', ranges: readonly Ipv4Range[]): NftStatement[] | undefined {
    const merged = mergeRanges(ranges);
    const [first] = merged;
    if (first === undefined) return undefined;
    if (first.first === ALL_IPV4.first && first.last === ALL_IPV4.last) return [];
    if (merged.length === 1) return [match.addresses(key, merged)];
    const name = addressSetName(merged);
    this.used.set(name, { kind: 'intervals', name, ranges: merged });
    return [match.set(key, name)];
  }

  /** As `addresses`, for destination ports. Named sets, since a rule with a set of its own is dear to load. */
  ports(ranges: readonly PortRange[]): NftStatement[] {
    const merged = mergeRanges(ranges);
    const [first] = merged;
    if (first?.first === ALL_PORTS.first && first.last === ALL_PORTS.last) return [];
    if (merged.length === 1) return [match.ports('th dport', merged)];
    const name = portSetName(merged);
    this.used.set(name, { kind: 'ports', name, ranges: merged });
    return [match.set('th dport', name)];
  }

  fqdn(key: 'ip daddr', fqdn: string): NftStatement[] {
    const name = fqdnSetName(fqdn);
    this.used.set(name, { kind: 'timeouts', name, size: FQDN_SET_SIZE });
    return [match.set(key, name)];
  }
}

/** Absent means any address. A set that the program does not hold is the compiler's bug. */
export function rangesOf(program: Program, set: string | undefined): readonly Ipv4Range[] {
  if (set === undefined) return [ALL_IPV4];
  const ranges = program.netfilter.addressSets[set];
  if (ranges === undefined) throw new Error(`the program has no address set ${set}`);
  return ranges;
}
