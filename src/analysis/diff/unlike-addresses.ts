// That the two sides of a comparison know different public addresses because one of them does not describe a public IP that
// its firewall names. Entries about these addresses then say what is missing in a file, not what rules decide: told first.

import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatIpv4 } from '#net/ipv4.ts';

export interface UnlikeAddresses {
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** A sentence for each public IP that a side names and does not describe. */
  readonly undescribed: readonly { readonly side: 'A' | 'B'; readonly message: string }[];
}

export interface AddressedSide {
  readonly policy: Pick<ResolvedPolicy, 'publicIps'>;
  /** What each public IP lacks that the firewall names and nothing describes. */
  readonly undescribed: readonly string[];
}

/** Undefined where both know the same, or all is described and the difference is a real one. */
export function unlikeAddresses(a: AddressedSide, b: AddressedSide): UnlikeAddresses | undefined {
  const [before, after] = [addressesOf(a), addressesOf(b)];
  const undescribed = [
    ...a.undescribed.map(message => ({ side: 'A' as const, message })),
    ...b.undescribed.map(message => ({ side: 'B' as const, message })),
  ];
  if (undescribed.length === 0 || before.join() === after.join()) return undefined;
  return { before, after, undescribed };
}

export function unlikeAddressesText({ before, after, undescribed }: UnlikeAddresses): string[] {
  const known = (addresses: readonly string[]) => (addresses.length === 0 ? 'none' : addresses.join(', '));
  return [
    `The two sides know different public addresses: A ${known(before)}, B ${known(after)}. Entries about these addresses come from`,
    'that, not from the rules, since a public IP is named and not described:',
    ...undescribed.map(({ side, message }) => `  ${side}  ${message}`),
    '',
  ];
}

function addressesOf({ policy }: AddressedSide): string[] {
  return policy.publicIps.map(({ address }) => formatIpv4(address)).sort();
}
