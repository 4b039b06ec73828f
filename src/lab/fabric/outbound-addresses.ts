// The public address of each VNet's default outbound access: made from the VNet's id, so that it stays the same while
// other VNets come and go (a collision moves the later one).

import { createHash } from 'node:crypto';
import { parsePrefix } from '#net/ipv4.ts';

/** Beside the pool of public IP resources. */
export const OUTBOUND_POOL = '20.62.208.0/20';

export function outboundAddresses(vnetKeys: readonly string[]): ReadonlyMap<string, number> {
  const pool = parsePrefix(OUTBOUND_POOL);
  if (!pool) throw new TypeError(`${OUTBOUND_POOL} is not a prefix`);
  const size = pool.last - pool.first - 1;
  const taken = new Map<number, string>();
  const addresses = new Map<string, number>();
  for (const key of [...vnetKeys].sort()) {
    let index = createHash('sha256').update(key).digest().readUInt32BE(0) % size;
    while (taken.has(index)) index = (index + 1) % size;
    taken.set(index, key);
    addresses.set(key, pool.first + 1 + index);
  }
  return addresses;
}
