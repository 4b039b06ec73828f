// az network firewall ip-config: parts of the firewall's document, edited by reading and writing the whole of it.

import { firewallName, named, noWait, resourceGroup } from '../arguments.ts';
import type { Arm } from '../arm.ts';
import { notFound, UsageError } from '../errors.ts';
import { presentResource } from '../present.ts';
import type { Command, Values } from '../spec.ts';
import { namedItems, propertiesOf, sameName } from './fields.ts';
import { newIpConfiguration } from './firewall.ts';

const name = named('IP configuration');

function firewallPath(arm: Arm, values: Values): string {
  return arm.networkPath(values.text('resourceGroup'), 'azureFirewalls', values.text('firewallName'));
}

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary:
      'Create an IP configuration. The first one names the virtual network, later ones add public IPs.',
    arguments: [
      firewallName,
      name,
      resourceGroup,
      {
        key: 'publicIp',
        flags: ['--public-ip-address'],
        required: true,
        help: 'Name or id of the public IP address.',
      },
      {
        key: 'vnetName',
        flags: ['--vnet-name'],
        help: 'Name of the virtual network. It must have a subnet AzureFirewallSubnet.',
      },
      noWait,
    ],
    refused: {
      '--private-ip-address': 'the private address is the first usable one of AzureFirewallSubnet.',
      '--m-name': 'the firewall is managed from outside its data path.',
      '--m-public-ip-address': 'the firewall is managed from outside its data path.',
      '--m-vnet-name': 'the firewall is managed from outside its data path.',
    },
    examples: [
      'az network firewall ip-config create -g aks-egress-rg -f aks-egress-fw -n aks-egress-fwconfig --public-ip-address aks-egress-fwpublicip --vnet-name aks-egress-vnet',
    ],
    async run({ arm, values }) {
      const wanted = newIpConfiguration(arm, {
        group: values.text('resourceGroup'),
        name: values.text('name'),
        publicIp: values.text('publicIp'),
        vnet: values.optional('vnetName'),
      });
      const firewall = await arm.edit(
        firewallPath(arm, values),
        current => {
          const properties = propertiesOf(current);
          const others = namedItems(properties.ipConfigurations).filter(
            item => !sameName(item, values.text('name')),
          );
          if (others.length === 0 && !values.has('vnetName')) {
            throw new UsageError('the first IP configuration of a firewall needs --vnet-name');
          }
          return { ...current, properties: { ...properties, ipConfigurations: [...others, wanted] } };
        },
        { noWait: values.switch('noWait') },
      );
      return firewall && presentResource(find(firewall, values));
    },
  },
  {
    name: 'delete',
    summary: 'Delete an IP configuration.',
    arguments: [firewallName, name, resourceGroup, noWait],
    async run({ arm, values, warn }) {
      await arm.edit(
        firewallPath(arm, values),
        current => {
          const properties = propertiesOf(current);
          const all = namedItems(properties.ipConfigurations);
          const kept = all.filter(item => !sameName(item, values.text('name')));
          if (kept.length === all.length) {
            warn(`The firewall has no IP configuration '${values.text('name')}'; nothing was deleted.`);
            return undefined;
          }
          return { ...current, properties: { ...properties, ipConfigurations: kept } };
        },
        { noWait: values.switch('noWait') },
      );
    },
  },
  {
    name: 'list',
    summary: 'List the IP configurations of a firewall.',
    arguments: [firewallName, resourceGroup],
    async run({ arm, values }) {
      const firewall = await arm.get(firewallPath(arm, values));
      return presentResource(namedItems(propertiesOf(firewall).ipConfigurations));
    },
  },
  {
    name: 'show',
    summary: 'Show an IP configuration.',
    arguments: [firewallName, name, resourceGroup],
    async run({ arm, values }) {
      return presentResource(find(await arm.get(firewallPath(arm, values)), values));
    },
  },
];

function find(firewall: Record<string, unknown>, values: Values): unknown {
  const wanted = values.text('name');
  const found = namedItems(propertiesOf(firewall).ipConfigurations).find(item => sameName(item, wanted));
  if (!found)
    throw notFound(`The firewall '${values.text('firewallName')}' has no IP configuration '${wanted}'.`);
  return found;
}
