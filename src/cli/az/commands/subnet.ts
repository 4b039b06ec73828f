// az network vnet subnet: subnets, and the route table that is associated with each.

import { named, noWait, resourceGroup, vnetName } from '../arguments.ts';
import type { Arm } from '../arm.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, isNothing, propertiesOf, requireUpdate } from './fields.ts';

const addressPrefixes: Argument = {
  key: 'addressPrefixes',
  flags: ['--address-prefixes'],
  kind: 'list',
  help: 'IPv4 prefix of the subnet.',
};

const routeTable: Argument = {
  key: 'routeTable',
  flags: ['--route-table'],
  help: 'Name or id of the route table to associate. "" takes it away.',
};

const noNsg = 'there are no network security groups.';
const noEndpoints = 'there are no service endpoints or private endpoints.';
const refused = {
  '--network-security-group': noNsg,
  '--nsg': noNsg,
  '--service-endpoints': noEndpoints,
  '--service-endpoint-policy': noEndpoints,
  '--disable-private-endpoint-network-policies': noEndpoints,
  '--private-endpoint-network-policies': noEndpoints,
  '--disable-private-link-service-network-policies': noEndpoints,
  '--private-link-service-network-policies': noEndpoints,
  '--delegations': 'no service takes a subnet over.',
  '--nat-gateway': 'there are no NAT gateways; hosts without a route reach the Internet directly.',
  '--default-outbound-access': 'hosts without a route reach the Internet directly.',
  '--default-outbound': 'hosts without a route reach the Internet directly.',
  '--ids': 'name the subnet with --name, --vnet-name and --resource-group.',
};

const subnetArguments = [named('subnet'), resourceGroup, vnetName];

function subnetPath(arm: Arm, values: Values): string {
  const words = ['virtualNetworks', values.text('vnetName'), 'subnets', values.text('name')];
  return arm.networkPath(values.text('resourceGroup'), ...words);
}

/** One prefix is written as Azure's CLI writes it; several go to the server as they are. */
function prefixProperties(prefixes: readonly string[] | undefined): object {
  if (!prefixes) return {};
  return prefixes.length === 1 ? { addressPrefix: prefixes[0] } : { addressPrefixes: prefixes };
}

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a subnet.',
    arguments: [...subnetArguments, addressPrefixes, noWait, routeTable],
    refused,
    examples: [
      'az network vnet subnet create -g aks-egress-rg --vnet-name aks-egress-vnet -n AzureFirewallSubnet --address-prefixes 10.42.2.0/24',
    ],
    async run({ arm, values }) {
      const table = values.optional('routeTable');
      const id = table && arm.networkId(table, values.text('resourceGroup'), 'routeTables');
      const properties = {
        ...prefixProperties(values.list('addressPrefixes')),
        ...(id ? { routeTable: { id } } : {}),
      };
      const body = { name: values.text('name'), properties };
      return presentResource(
        await arm.put(subnetPath(arm, values), body, { noWait: values.switch('noWait') }),
      );
    },
  },
  {
    name: 'delete',
    summary: 'Delete a subnet.',
    arguments: [...subnetArguments, noWait],
    refused,
    async run({ arm, values }) {
      await arm.deleteIfThere(subnetPath(arm, values), { noWait: values.switch('noWait') });
    },
  },
  {
    name: 'list',
    summary: 'List the subnets of a virtual network.',
    arguments: [resourceGroup, vnetName],
    async run({ arm, values }) {
      const path = arm.networkPath(
        values.text('resourceGroup'),
        'virtualNetworks',
        values.text('vnetName'),
        'subnets',
      );
      return presentResource(await arm.list(path));
    },
  },
  {
    name: 'show',
    summary: 'Show a subnet.',
    arguments: subnetArguments,
    refused,
    async run({ arm, values }) {
      return presentResource(await arm.get(subnetPath(arm, values)));
    },
  },
  {
    name: 'update',
    summary: 'Change the prefix or the route table of a subnet.',
    arguments: [...subnetArguments, addressPrefixes, noWait, routeTable, ...genericUpdate],
    refused,
    examples: [
      'az network vnet subnet update -g aks-egress-rg --vnet-name aks-egress-vnet -n aks-subnet --route-table aks-egress-fwrt',
    ],
    async run({ arm, values }) {
      const prefixes = values.list('addressPrefixes');
      const table = values.optional('routeTable');
      requireUpdate(values, given({ prefixes, table }), '--address-prefixes, --route-table');
      const change = (subnet: Record<string, unknown>): Record<string, unknown> => {
        const properties = propertiesOf(subnet);
        if (prefixes) {
          delete properties.addressPrefix;
          delete properties.addressPrefixes;
          Object.assign(properties, prefixProperties(prefixes));
        }
        if (table !== undefined) {
          delete properties.routeTable;
          if (!isNothing(table)) {
            properties.routeTable = {
              id: arm.networkId(table, values.text('resourceGroup'), 'routeTables'),
            };
          }
        }
        return { ...subnet, properties };
      };
      return presentResource(
        await arm.edit(subnetPath(arm, values), thenUpdates(values, change), {
          noWait: values.switch('noWait'),
        }),
      );
    },
  },
];
