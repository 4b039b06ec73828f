// Who refers to whom among stored resources. References are few and looked up on demand, so nothing can go stale.

import { isObject, type Json } from '#arm/json-reader.ts';
import { idKey, sameId } from '#arm/resource-id.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { subnetsOf, VIRTUAL_NETWORK_TYPE } from '#model/virtual-network.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';

/** Types are matched without regard to case: documents of configuration files have them as the file spells them. */
export function isOfType(document: { readonly type: string } | undefined, type: string): boolean {
  return document?.type.toLowerCase() === type.toLowerCase();
}

export interface IpConfiguration {
  /** `.../azureFirewallIpConfigurations/<name>` of its firewall. */
  readonly id: string;
  readonly name: string;
  readonly subnetId: string | undefined;
  readonly publicIpId: string | undefined;
  readonly privateIPAddress: string | undefined;
}

/** Malformed members read as absent: whether they are well-formed is judged when they are written. */
export function ipConfigurationsOf(firewall: {
  readonly id: string;
  readonly properties: Json;
}): IpConfiguration[] {
  const list = firewall.properties.ipConfigurations;
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap(item => {
    if (!isObject(item) || typeof item.name !== 'string') return [];
    const properties = isObject(item.properties) ? item.properties : {};
    const { privateIPAddress } = properties;
    return {
      id: `${firewall.id}/azureFirewallIpConfigurations/${item.name}`,
      name: item.name,
      subnetId: idOf(properties.subnet),
      publicIpId: idOf(properties.publicIPAddress),
      privateIPAddress: typeof privateIPAddress === 'string' ? privateIPAddress : undefined,
    };
  });
}

/** Whether a gateway runs it: without IP configuration there is nothing to apply. */
export function hasDataPath(document: ArmDocument | undefined): boolean {
  return (
    document !== undefined && isOfType(document, FIREWALL_TYPE) && ipConfigurationsOf(document).length > 0
  );
}

export function idOf(reference: unknown): string | undefined {
  return isObject(reference) && typeof reference.id === 'string' ? reference.id : undefined;
}

export function firewallsIn(store: ResourceStore): ArmDocument[] {
  return store.list({ type: FIREWALL_TYPE }).map(resource => resource.document);
}

/** IP configurations of all firewalls that lie in the subnet. */
export function configurationsInSubnet(store: ResourceStore, subnetId: string): IpConfiguration[] {
  return firewallsIn(store)
    .flatMap(ipConfigurationsOf)
    .filter(({ subnetId: id }) => id !== undefined && sameId(id, subnetId));
}

export function configurationsWithPublicIp(store: ResourceStore, publicIpId: string): IpConfiguration[] {
  return firewallsIn(store)
    .flatMap(ipConfigurationsOf)
    .filter(({ publicIpId: id }) => id !== undefined && sameId(id, publicIpId));
}

/** Ids of the subnets that a route table is associated with. */
export function subnetsWithRouteTable(store: ResourceStore, routeTableId: string): string[] {
  return store.list({ type: VIRTUAL_NETWORK_TYPE }).flatMap(({ document }) =>
    subnetsOf(document.properties)
      .filter(({ properties }) => idKey(idOf(properties.routeTable) ?? '') === idKey(routeTableId))
      .map(({ name }) => `${document.id}/subnets/${name}`),
  );
}
