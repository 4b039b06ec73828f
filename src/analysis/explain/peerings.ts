// The peerings of a virtual network, as `az network vnet list` prints them or ARM has them: with whom it is connected, and which
// prefixes that brings.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import { toVirtualNetwork } from '#model/virtual-network.ts';
import { type Ipv4Prefix, parsePrefix } from '#net/ipv4.ts';

export interface Peering {
  readonly remoteId: string;
  readonly prefixes: readonly Ipv4Prefix[];
}

/** Those that are connected and let the networks reach each other. */
export function readPeerings({ properties }: ArmDocument, documents: Documents): Peering[] {
  const { virtualNetworkPeerings: list } = properties;
  return (Array.isArray(list) ? (list as unknown[]) : []).filter(isObject).flatMap(peering => {
    const members: Json = isObject(peering.properties) ? peering.properties : peering;
    const { remoteVirtualNetwork: remote, peeringState = 'Connected', allowVirtualNetworkAccess } = members;
    if (!isObject(remote) || typeof remote.id !== 'string') return [];
    if (peeringState !== 'Connected' || allowVirtualNetworkAccess === false) return [];
    const document = documents.get(remote.id);
    const prefixes = document
      ? toVirtualNetwork(document).addressSpace
      : prefixesOf(members.remoteVirtualNetworkAddressSpace ?? members.remoteAddressSpace);
    return [{ remoteId: remote.id, prefixes }];
  });
}

function prefixesOf(space: unknown): Ipv4Prefix[] {
  const list = isObject(space) ? space.addressPrefixes : undefined;
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap(text => parsePrefix(String(text)) ?? []);
}
