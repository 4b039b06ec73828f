// az network firewall: the firewall itself. Its settings, which create and update share, are in firewall-settings.ts.

import { location, named, noWait, resourceGroup } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { UsageError } from '../errors.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import {
  additionalProperties,
  policyId,
  refused,
  settings,
  withAdditionalProperties,
  withPolicy,
} from './firewall-settings.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = { type: 'azureFirewalls', noun: 'firewall' };

const IP_SECTION = 'IP Configuration Arguments';

const zones: Argument = {
  key: 'zones',
  flags: ['--zones', '-z'],
  kind: 'list',
  help: 'Space-separated availability zones, kept with the resource.',
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a firewall. It passes nothing until it has an IP configuration.',
    arguments: [
      named('firewall'),
      resourceGroup,
      location,
      noWait,
      { key: 'sku', flags: ['--sku'], choices: ['AZFW_Hub', 'AZFW_VNet'], help: 'SKU. AZFW_VNet if absent.' },
      {
        key: 'tier',
        flags: ['--tier'],
        choices: ['Basic', 'Premium', 'Standard'],
        default: 'Standard',
        help: 'Tier of the SKU.',
      },
      zones,
      ...settings,
      {
        key: 'confName',
        flags: ['--conf-name'],
        help: 'Name of an IP configuration to create along.',
        section: IP_SECTION,
      },
      {
        key: 'publicIp',
        flags: ['--public-ip'],
        help: 'Name or id of its public IP address.',
        section: IP_SECTION,
      },
      { key: 'vnetName', flags: ['--vnet-name'], help: 'Name of its virtual network.', section: IP_SECTION },
    ],
    refused,
    examples: [
      'az network firewall create -g aks-egress-rg -n aks-egress-fw -l eastus --enable-dns-proxy true',
    ],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const policy = policyId(arm, values);
      const configuration = ipConfiguration(arm, values);
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        zones: values.list('zones'),
        properties: given({
          additionalProperties: additionalProperties(values),
          firewallPolicy: policy ? { id: policy } : undefined,
          sku: given({ name: values.optional('sku'), tier: values.text('tier') }),
          threatIntelMode: values.optional('threatIntelMode'),
          ipConfigurations: configuration && [configuration],
        }),
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      return presentResource(await arm.put(path, body, { noWait: values.switch('noWait') }));
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  {
    name: 'list-fqdn-tags',
    summary: 'List the FQDN tags that application rules may name.',
    arguments: [],
    async run({ arm }) {
      return presentResource(await arm.list(arm.networkPath(undefined, 'azureFirewallFqdnTags')));
    },
  },
  showCommand(kind),
  {
    name: 'update',
    summary: 'Change the settings of a firewall.',
    arguments: [named('firewall'), resourceGroup, noWait, zones, ...settings, ...genericUpdate],
    refused,
    async run({ arm, values }) {
      const additional = additionalProperties(values);
      const mode = given({ threatIntelMode: values.optional('threatIntelMode') });
      const newTags = values.tags();
      const policy = policyId(arm, values);
      requireUpdate(
        values,
        { ...additional, ...mode, ...given({ newTags, policy, zones: values.list('zones') }) },
        '--dns-servers, --enable-dns-proxy, --firewall-policy, --private-ranges, --threat-intel-mode, --tags, --zones',
      );
      const path = arm.networkPath(values.text('resourceGroup'), kind.type, values.text('name'));
      const change = (firewall: ArmObject): ArmObject => ({
        ...firewall,
        ...updatedTags(firewall, newTags),
        ...given({ zones: values.list('zones') }),
        properties: {
          ...withPolicy(withAdditionalProperties(propertiesOf(firewall), additional), policy),
          ...mode,
        },
      });
      return presentResource(
        await arm.edit(path, thenUpdates(values, change), { noWait: values.switch('noWait') }),
      );
    },
  },
];

function ipConfiguration(arm: Arm, values: Values): object | undefined {
  const [name, publicIp, vnet] = ['confName', 'publicIp', 'vnetName'].map(key => values.optional(key));
  if (name === undefined && publicIp === undefined && vnet === undefined) return undefined;
  if (!name || !publicIp || !vnet) {
    throw new UsageError(
      '--conf-name, --public-ip and --vnet-name belong together: give all of them or none',
    );
  }
  return newIpConfiguration(arm, { group: values.text('resourceGroup'), name, publicIp, vnet });
}

export interface NewIpConfiguration {
  readonly group: string;
  readonly name: string;
  readonly publicIp: string;
  /** Absent for the second and later ones: they stand where the first one does. */
  readonly vnet?: string | undefined;
}

export function newIpConfiguration(arm: Arm, { group, name, publicIp, vnet }: NewIpConfiguration): ArmObject {
  const subnet = vnet && `${arm.networkId(vnet, group, 'virtualNetworks')}/subnets/AzureFirewallSubnet`;
  return {
    name,
    properties: {
      ...(subnet ? { subnet: { id: subnet } } : {}),
      publicIPAddress: { id: arm.networkId(publicIp, group, 'publicIPAddresses') },
    },
  };
}
