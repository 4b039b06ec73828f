// Virtual networks and subnets in the API: references to route tables, and what keeps a subnet from going away.

import { type Faults, isObject, type Json } from '#arm/json-reader.ts';
import { sameId } from '#arm/resource-id.ts';
import { ROUTE_TABLE_TYPE } from '#model/route-table.ts';
import {
  checkSubnets,
  FIREWALL_SUBNET,
  readSubnet,
  readVirtualNetwork,
  type StoredSubnet,
  SUBNET_TYPE,
  subnetsOf,
  VIRTUAL_NETWORK_TYPE,
} from '#model/virtual-network.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { configurationsInSubnet, isOfType } from './references.ts';
import {
  type DeletionBlock,
  invalidReference,
  type KindContext,
  type ResourceKind,
} from './resource-kind.ts';
import { showChildren } from './show.ts';

export const virtualNetworks: ResourceKind = {
  type: VIRTUAL_NETWORK_TYPE,
  deletionRank: 1,
  child: {
    type: SUBNET_TYPE,
    list: 'subnets',
    read: readSubnet,
    checkList: (subnets, parent, faults) =>
      checkSubnets(faults, 'properties.subnets', addressPrefixesOf(parent), subnets),
    blockDeletion: blockSubnetDeletion,
  },

  read({ envelope, reader, before }) {
    const properties = reader.object('properties');
    if (properties === undefined) reader.missing('properties');
    reader.unsupported(['extendedLocation']);
    reader.finish();
    return { ...envelope, properties: properties ? readVirtualNetwork(properties, before?.properties) : {} };
  },

  check(after, before, faults, context) {
    const subnets = subnetsOf(after.properties);
    subnets.forEach((subnet, index) => {
      checkRouteTable(after, subnet, `properties.subnets[${index}].properties.routeTable`, faults, context);
    });
    for (const old of before ? subnetsOf(before.properties) : []) {
      const id = `${after.id}/subnets/${old.name}`;
      const index = subnets.findIndex(subnet => subnet.name.toLowerCase() === old.name.toLowerCase());
      if (index < 0) {
        const block = blockSubnetDeletion(id, old.name, context);
        if (block) faults.add(block.code, 'properties.subnets', block.message);
      } else if (subnets[index]?.properties.addressPrefix !== old.properties.addressPrefix) {
        const users = usersOfSubnet(id, context);
        if (users.length > 0)
          faults.add(
            'InUsePrefixCannotBeDeleted',
            `properties.subnets[${index}].properties.addressPrefix`,
            `The address prefix ${old.properties.addressPrefix} of subnet '${old.name}' is in use by ${users.join(', ')} and cannot be changed.`,
          );
      }
    }
  },

  showProperties(resource, context) {
    const { document } = resource;
    const subnets = showChildren(resource, this.child, subnetsOf(document.properties)).map(subnet => {
      const users = configurationsInSubnet(context.store, String(subnet.id)).map(({ id }) => ({ id }));
      const properties = isObject(subnet.properties) ? subnet.properties : {};
      return users.length === 0
        ? subnet
        : { ...subnet, properties: { ...properties, ipConfigurations: users } };
    });
    return { ...document.properties, subnets };
  },

  blockDeletion(document, context) {
    const blocks = subnetsOf(document.properties).flatMap(
      ({ name }) => blockSubnetDeletion(`${document.id}/subnets/${name}`, name, context) ?? [],
    );
    return blocks[0] && { ...blocks[0], users: blocks.flatMap(({ users }) => users) };
  },

  affectedFirewalls(after, before, context) {
    const shape = (document: ArmDocument | undefined): string =>
      JSON.stringify(firewallSubnetOf(document)?.properties.addressPrefix ?? null);
    if (before === undefined || shape(after) === shape(before)) return [];
    return configurationsInSubnet(context.store, `${after.id}/subnets/${FIREWALL_SUBNET}`).map(
      ({ id }) => id.split('/azureFirewallIpConfigurations/')[0] ?? id,
    );
  },
};

function firewallSubnetOf(document: ArmDocument | undefined): StoredSubnet | undefined {
  return (
    document &&
    subnetsOf(document.properties).find(({ name }) => name.toLowerCase() === FIREWALL_SUBNET.toLowerCase())
  );
}

function addressPrefixesOf(document: ArmDocument): string[] {
  const space = document.properties.addressSpace;
  return isObject(space) && Array.isArray(space.addressPrefixes) ? space.addressPrefixes.map(String) : [];
}

function checkRouteTable(
  network: ArmDocument,
  { name, properties }: { readonly name: string; readonly properties: Json },
  target: string,
  faults: Faults,
  { store }: KindContext,
): void {
  const id = isObject(properties.routeTable) ? String(properties.routeTable.id) : undefined;
  if (id === undefined) return;
  const table = store.get(id)?.document;
  const fits =
    table && isOfType(table, ROUTE_TABLE_TYPE) && sameId(table.id, id) && table.location === network.location;
  if (!fits) faults.list.push(invalidReference(target, id, `subnet '${name}'`));
}

function usersOfSubnet(subnetId: string, { store, options }: KindContext): string[] {
  return [
    ...configurationsInSubnet(store, subnetId).map(({ id }) => id),
    ...(options.usersOf?.(subnetId) ?? []),
  ];
}

function blockSubnetDeletion(
  subnetId: string,
  name: string,
  context: KindContext,
): DeletionBlock | undefined {
  const users = usersOfSubnet(subnetId, context);
  if (users.length === 0) return undefined;
  return {
    code: 'InUseSubnetCannotBeDeleted',
    message: `Subnet ${name} is in use by ${users.join(', ')} and cannot be deleted. Delete what is in it first.`,
    users,
  };
}
