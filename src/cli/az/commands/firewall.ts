// az network firewall: the firewall itself. Settings that Azure keeps among `additionalProperties` as strings (DNS,
// private ranges) are written as Azure's CLI writes them.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { AzError, isRecord, UsageError } from '../errors.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, isNothing, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = { type: 'azureFirewalls', noun: 'firewall' };

const DNS_SECTION = 'DNS Arguments';
const IP_SECTION = 'IP Configuration Arguments';

const zones: Argument = {
  key: 'zones',
  flags: ['--zones', '-z'],
  kind: 'list',
  help: 'Space-separated availability zones, kept with the resource.',
};

const settings: readonly Argument[] = [
  {
    key: 'firewallPolicy',
    flags: ['--firewall-policy', '--policy'],
    help: 'Name or id of the firewall policy that the firewall follows. "" takes it away.',
  },
  {
    key: 'threatIntelMode',
    flags: ['--threat-intel-mode'],
    choices: ['Alert', 'Deny', 'Off'],
    help: 'What threat intelligence does with a match.',
  },
  {
    key: 'privateRanges',
    flags: ['--private-ranges'],
    kind: 'list',
    help: 'Space-separated destinations that see the real source address: addresses, prefixes, IANAPrivateRanges.',
  },
  {
    key: 'dnsServers',
    flags: ['--dns-servers'],
    kind: 'list',
    help: 'Space-separated addresses of the DNS servers that the firewall asks. "" is Azure DNS.',
    section: DNS_SECTION,
  },
  {
    key: 'enableDnsProxy',
    flags: ['--enable-dns-proxy'],
    kind: 'boolean',
    help: 'Answer DNS on port 53 of the private address.',
    section: DNS_SECTION,
  },
  tags,
];

const noExplicitProxy = 'clients reach the firewall by their route; there is no proxy to name.';
const noScaling = 'the gateway takes what the machine has.';
const refused = {
  '--virtual-hub': 'there are no virtual hubs.',
  '--vhub': 'there are no virtual hubs.',
  '--public-ip-count': 'there are no virtual hubs; use az network firewall ip-config create.',
  '--count': 'there are no virtual hubs; use az network firewall ip-config create.',
  '--public-ips': 'there are no virtual hubs; use az network firewall ip-config delete.',
  '--allow-active-ftp': 'FTP is not followed into its data connections.',
  '--enable-fat-flow-logging': 'every decision is logged already.',
  '--fat-flow-logging': 'every decision is logged already.',
  '--enable-udp-log-optimization': 'every decision is logged already.',
  '--udp-log-optimization': 'every decision is logged already.',
  '--enable-dnstap-logging': 'DNS questions are logged already.',
  '--enable-explicit-proxy': noExplicitProxy,
  '--enable-pac-file': noExplicitProxy,
  '--http-port': noExplicitProxy,
  '--https-port': noExplicitProxy,
  '--pac-file': noExplicitProxy,
  '--pac-file-port': noExplicitProxy,
  '--max-capacity': noScaling,
  '--min-capacity': noScaling,
  '--route-server-id': 'there is no route server.',
  '--edge-zone': 'there are no edge zones.',
  '--m-conf-name': 'the firewall is managed from outside its data path.',
  '--m-public-ip': 'the firewall is managed from outside its data path.',
  '--ids': 'name the firewall with --name and --resource-group.',
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

/** The id that the command line names, empty where the policy is taken away. DNS settings are the policy's then. */
function policyId(arm: Arm, values: Values): string | undefined {
  const given = values.optional('firewallPolicy');
  if (given === undefined) return undefined;
  if (isNothing(given)) return '';
  if (values.boolean('enableDnsProxy') || values.list('dnsServers')?.length) {
    throw new AzError(
      'usage error: firewall policy and dns settings cannot co-exist.',
      1,
      'The policy has its own: az network firewall policy update --enable-dns-proxy --dns-servers',
    );
  }
  return arm.networkId(given, values.text('resourceGroup'), 'firewallPolicies');
}

function withPolicy(properties: ArmObject, policy: string | undefined): ArmObject {
  if (policy === undefined) return properties;
  const { firewallPolicy: _, ...others } = properties;
  return policy === '' ? others : { ...others, firewallPolicy: { id: policy } };
}

/** The strings that the command line gives; an empty one means that the setting goes back to its default. */
function additionalProperties(values: Values): Record<string, string> {
  const proxy = values.boolean('enableDnsProxy');
  return given({
    'Network.DNS.EnableProxy': proxy === undefined ? undefined : String(proxy),
    'Network.DNS.Servers': values.list('dnsServers')?.join(','),
    'Network.SNAT.PrivateRanges': values.list('privateRanges')?.join(', '),
  }) as Record<string, string>;
}

/** The firewall's `properties` with some of the strings replaced, and the empty ones taken away. */
export function withAdditionalProperties(
  properties: ArmObject,
  changes: Readonly<Record<string, string>>,
): ArmObject {
  const before = isRecord(properties.additionalProperties) ? properties.additionalProperties : {};
  const after = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== '');
  return { ...properties, additionalProperties: Object.fromEntries(after) };
}

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
