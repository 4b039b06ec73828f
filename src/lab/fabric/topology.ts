// What the fabric is made from, out of the store's documents and the lab's hosts: virtual networks with the routes of
// their subnets, firewalls with their addresses, hosts. References that lead nowhere are left out, as in Azure a thing
// without network has no data path.

import { isObject } from '#arm/json-reader.ts';
import { groupKeyOf, idKey } from '#arm/resource-id.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { addressOfPublicIp } from '#model/public-ip.ts';
import { type Route, toRouteTable } from '#model/route-table.ts';
import { toVirtualNetwork, VIRTUAL_NETWORK_TYPE } from '#model/virtual-network.ts';
import { type Ipv4Prefix, parseIpv4 } from '#net/ipv4.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';

export interface SubnetTopology {
  readonly id: string;
  readonly name: string;
  readonly prefix: Ipv4Prefix;
  /** Empty without an associated route table. */
  readonly userRoutes: readonly Route[];
}

export interface VnetTopology {
  readonly id: string;
  /** `group.name` in lower case: part of the names of its namespaces. */
  readonly key: string;
  readonly name: string;
  readonly prefixes: readonly Ipv4Prefix[];
  /** Empty means Azure DNS. */
  readonly dnsServers: readonly number[];
  readonly subnets: readonly SubnetTopology[];
}

export interface FirewallTopology {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly subnetId: string;
  readonly privateAddress: number;
  /** In the order of its IP configurations; the first is what the gateway itself speaks from. */
  readonly publicAddresses: readonly number[];
}

/** A host in a subnet, or, without `subnetId`, somewhere on the Internet. */
export interface LabHost {
  readonly name: string;
  readonly address: number;
  readonly subnetId?: string;
}

export interface Topology {
  readonly vnets: readonly VnetTopology[];
  readonly firewalls: readonly FirewallTopology[];
  readonly hosts: readonly LabHost[];
}

export function readTopology(store: ResourceStore, hosts: readonly LabHost[]): Topology {
  return {
    vnets: store.list({ type: VIRTUAL_NETWORK_TYPE }).map(({ document }) => toVnet(document, store)),
    firewalls: store.list({ type: FIREWALL_TYPE }).flatMap(({ document }) => toFirewall(document, store)),
    hosts,
  };
}

function toVnet(document: ArmDocument, store: ResourceStore): VnetTopology {
  const vnet = toVirtualNetwork(document);
  return {
    id: vnet.id,
    key: keyOf(document),
    name: vnet.name,
    prefixes: vnet.addressSpace,
    dnsServers: vnet.dnsServers,
    subnets: vnet.subnets.map(({ id, name, prefix, routeTableId }) => {
      const table = routeTableId === undefined ? undefined : store.get(routeTableId);
      return { id, name, prefix, userRoutes: table ? toRouteTable(table.document).routes : [] };
    }),
  };
}

function toFirewall(document: ArmDocument, store: ResourceStore): FirewallTopology[] {
  const list = document.properties.ipConfigurations;
  const configurations = (Array.isArray(list) ? (list as unknown[]) : []).flatMap(item =>
    isObject(item) && isObject(item.properties) ? [item.properties] : [],
  );
  const [first] = configurations;
  const subnetId = referenceOf(first?.subnet);
  const privateAddress = parseIpv4(String(first?.privateIPAddress));
  if (subnetId === undefined || privateAddress === undefined) return [];
  const publicAddresses = configurations.flatMap(({ publicIPAddress }) => {
    const id = referenceOf(publicIPAddress);
    const resource = id === undefined ? undefined : store.get(id);
    return (resource && addressOfPublicIp(resource.document)) ?? [];
  });
  const key = keyOf(document);
  return [{ id: document.id, key, name: document.name, subnetId, privateAddress, publicAddresses }];
}

function keyOf({ id, name }: ArmDocument): string {
  return `${groupKeyOf(id)}.${name}`.toLowerCase();
}

function referenceOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.id === 'string' ? value.id : undefined;
}

export function findSubnet(
  vnets: readonly VnetTopology[],
  subnetId: string,
): { readonly vnet: VnetTopology; readonly subnet: SubnetTopology } | undefined {
  const key = idKey(subnetId);
  for (const vnet of vnets) {
    const subnet = vnet.subnets.find(({ id }) => idKey(id) === key);
    if (subnet) return { vnet, subnet };
  }
  return undefined;
}
