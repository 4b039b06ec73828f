// az network vnet: virtual networks.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import { isRecord, UsageError } from '../errors.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource, unwrapped } from '../present.ts';
import type { Argument, Command } from '../spec.ts';
import { given, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = {
  type: 'virtualNetworks',
  noun: 'virtual network',
  listTable: (result: unknown) => (Array.isArray(result) ? result.map(tableRow) : result),
};

const addressPrefixes: Argument = {
  key: 'addressPrefixes',
  flags: ['--address-prefixes'],
  kind: 'list',
  help: 'Space-separated IPv4 prefixes of the network.',
};

const dnsServers: Argument = {
  key: 'dnsServers',
  flags: ['--dns-servers'],
  kind: 'list',
  help: 'Space-separated addresses of the DNS servers that hosts use. "" is Azure DNS.',
};

const refused = {
  '--ddos-protection': 'there is no DDoS protection plan.',
  '--ddos-protection-plan': 'there is no DDoS protection plan.',
  '--vm-protection': 'there are no virtual machines.',
  '--edge-zone': 'there are no edge zones.',
  '--encryption-enabled': 'traffic between hosts is not encrypted.',
  '--enable-encryption': 'traffic between hosts is not encrypted.',
  '--flowtimeout': 'idle times are those of the firewall.',
  '--bgp-community': 'there is no BGP.',
  '--network-security-group': 'there are no network security groups.',
  '--nsg': 'there are no network security groups.',
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a virtual network, with one subnet if it is named.',
    arguments: [
      named('virtual network'),
      resourceGroup,
      { ...addressPrefixes, default: '10.0.0.0/16' },
      dnsServers,
      location,
      noWait,
      tags,
      {
        key: 'subnetName',
        flags: ['--subnet-name'],
        help: 'Name of a subnet to create along.',
        section: 'Subnet Arguments',
      },
      {
        key: 'subnetPrefixes',
        flags: ['--subnet-prefixes'],
        kind: 'list',
        help: 'Its IPv4 prefix. The first /24 of the network if absent.',
        section: 'Subnet Arguments',
      },
    ],
    refused,
    table: unwrapped('newVNet'),
    examples: [
      'az network vnet create -g aks-egress-rg -n aks-egress-vnet --address-prefixes 10.42.0.0/16 --subnet-name aks-subnet --subnet-prefixes 10.42.1.0/24',
    ],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const prefixes = values.list('addressPrefixes') ?? [];
      const servers = values.list('dnsServers');
      const subnet = newSubnet(values.optional('subnetName'), values.list('subnetPrefixes'), prefixes);
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        properties: given({
          addressSpace: { addressPrefixes: prefixes },
          dhcpOptions: servers && { dnsServers: servers },
          enableDdosProtection: false,
          subnets: subnet && [subnet],
        }),
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      const result = await arm.put(path, body, { noWait: values.switch('noWait') });
      return result && { newVNet: presentResource(result) };
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  showCommand(kind),
  {
    name: 'update',
    summary: 'Change the prefixes, DNS servers or tags of a virtual network.',
    arguments: [
      named('virtual network'),
      resourceGroup,
      addressPrefixes,
      dnsServers,
      noWait,
      tags,
      ...genericUpdate,
    ],
    refused,
    async run({ arm, values }) {
      const prefixes = values.list('addressPrefixes');
      const servers = values.list('dnsServers');
      const newTags = values.tags();
      const changes = given({
        addressSpace: prefixes && { addressPrefixes: prefixes },
        dhcpOptions: servers && { dnsServers: servers },
      });
      requireUpdate(
        values,
        { ...changes, ...given({ tags: newTags }) },
        '--address-prefixes, --dns-servers, --tags',
      );
      const path = arm.networkPath(values.text('resourceGroup'), kind.type, values.text('name'));
      const result = await arm.edit(
        path,
        thenUpdates(values, vnet => ({
          ...vnet,
          ...updatedTags(vnet, newTags),
          properties: { ...propertiesOf(vnet), ...changes },
        })),
        { noWait: values.switch('noWait') },
      );
      return presentResource(result);
    },
  },
];

function tableRow(vnet: unknown): unknown {
  if (!isRecord(vnet)) return vnet;
  const texts = (value: unknown, key: string): string => {
    const list = isRecord(value) ? value[key] : undefined;
    return Array.isArray(list) ? list.join(', ') : '';
  };
  return {
    Name: vnet.name,
    ResourceGroup: vnet.resourceGroup,
    Location: vnet.location,
    NumSubnets: Array.isArray(vnet.subnets) ? vnet.subnets.length : 0,
    Prefixes: texts(vnet.addressSpace, 'addressPrefixes'),
    DnsServers: texts(vnet.dhcpOptions, 'dnsServers') || ' ',
    DDOSProtection: vnet.enableDdosProtection,
    VMProtection: vnet.enableVmProtection,
  };
}

function newSubnet(
  name: string | undefined,
  prefixes: readonly string[] | undefined,
  vnetPrefixes: readonly string[],
): object | undefined {
  if (name === undefined) {
    if (prefixes) throw new UsageError('--subnet-prefixes needs --subnet-name');
    return undefined;
  }
  const [prefix = firstSubnet(vnetPrefixes[0]), ...others] = prefixes ?? [];
  const properties = others.length ? { addressPrefixes: prefixes } : { addressPrefix: prefix };
  return { name, properties };
}

/** The network's own prefix, cut to a /24 if it is larger, as Azure's CLI does. */
function firstSubnet(vnetPrefix = ''): string {
  const [address, length] = vnetPrefix.split('/');
  return `${address}/${Math.max(24, Number(length))}`;
}
