// Which addresses of a DNS answer may be connected to. A name that a rule allows can resolve to anything its owner
// likes, so the engine checks the answer itself and connects only to an address that passed. Pure.

import type { ThreatListing } from '#ir/decide.ts';
import { findThreat } from '#ir/decide.ts';
import type { AddressSet } from '#ir/policy.ts';
import { includesAddress, isNeverATarget } from '#net/ipv4.ts';
import type { L7Rules, Threat } from './judge.ts';

/** Answers longer than this are cut; a client would have given up long before the last one is tried. */
const MAX_ADDRESSES = 16;

export function isForbiddenAddress(address: number, rules: L7Rules, forbidden: AddressSet): boolean {
  return (
    isNeverATarget(address) ||
    includesAddress(forbidden, address) ||
    address === rules.privateAddress ||
    rules.publicIps.some(ip => ip.address === address)
  );
}

export type ServerAddresses =
  | {
      readonly status: 'usable';
      readonly addresses: readonly number[];
      /** The first listed one, where threat intelligence only alerts. */
      readonly alert?: Threat;
    }
  | { readonly status: 'none'; readonly reason: 'NameUnresolved' | 'ForbiddenAddress' }
  | { readonly status: 'none'; readonly reason: 'ThreatIntel'; readonly threat: Threat };

/** Keeps the order of the answer. The reason is that of the last address that was taken out. */
export function usableAddresses(
  answer: readonly number[],
  rules: L7Rules,
  forbidden: AddressSet,
  threats: ThreatListing | undefined,
): ServerAddresses {
  let refusal: ServerAddresses = { status: 'none', reason: 'NameUnresolved' };
  let alert: Threat | undefined;
  const addresses: number[] = [];
  for (const address of new Set(answer.slice(0, MAX_ADDRESSES))) {
    const threat = findThreat(rules.threatIntel, { addresses: [address] }, threats);
    if (isForbiddenAddress(address, rules, forbidden))
      refusal = { status: 'none', reason: 'ForbiddenAddress' };
    else if (threat?.action === 'Deny') refusal = { status: 'none', reason: 'ThreatIntel', threat };
    else {
      addresses.push(address);
      alert ??= threat;
    }
  }
  return addresses.length > 0 ? { status: 'usable', addresses, ...(alert && { alert }) } : refusal;
}
