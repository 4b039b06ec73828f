// az network public-ip: public IP addresses.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import { isRecord } from '../errors.ts';
import { presentResource, unwrapped } from '../present.ts';
import type { Command } from '../spec.ts';
import { given } from './fields.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = {
  type: 'publicIPAddresses',
  noun: 'public IP address',
  showTable: tableRow,
  listTable: (result: unknown) => (Array.isArray(result) ? result.map(tableRow) : result),
};

function tableRow(address: unknown): unknown {
  if (!isRecord(address)) return address;
  return {
    Name: address.name,
    ResourceGroup: address.resourceGroup,
    Location: address.location,
    Zones: Array.isArray(address.zones) ? address.zones.join(' ') : ' ',
    Address: address.ipAddress,
    IdleTimeoutInMinutes: address.idleTimeoutInMinutes,
    ProvisioningState: address.provisioningState,
  };
}

const noDnsName = 'public IPs have no DNS name of their own.';

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a public IP address. The address is allocated at once.',
    arguments: [
      named('public IP address'),
      resourceGroup,
      {
        key: 'allocationMethod',
        flags: ['--allocation-method'],
        choices: ['Dynamic', 'Static'],
        help: 'Static for the Standard SKU.',
      },
      {
        key: 'idleTimeout',
        flags: ['--idle-timeout'],
        kind: 'integer',
        default: '4',
        help: 'Idle timeout in minutes.',
      },
      location,
      noWait,
      { key: 'sku', flags: ['--sku'], choices: ['Basic', 'Standard'], default: 'Standard', help: 'SKU.' },
      tags,
      { key: 'tier', flags: ['--tier'], choices: ['Global', 'Regional'], help: 'Tier of the SKU.' },
      {
        key: 'version',
        flags: ['--version'],
        choices: ['IPv4', 'IPv6'],
        default: 'IPv4',
        help: 'IP address family.',
      },
      {
        key: 'zone',
        flags: ['--zone', '-z'],
        kind: 'list',
        help: 'Space-separated availability zones, kept with the resource.',
      },
    ],
    refused: {
      '--dns-name': noDnsName,
      '--dns-name-scope': noDnsName,
      '--reverse-fqdn': noDnsName,
      '--public-ip-prefix': 'there are no public IP prefixes.',
      '--ip-tags': 'there are no IP tags.',
      '--ip-address': 'the address is chosen by the control plane.',
      '--edge-zone': 'there are no edge zones.',
      '--ddos-protection-mode': 'there is no DDoS protection.',
      '--protection-mode': 'there is no DDoS protection.',
      '--ddos-protection-plan': 'there is no DDoS protection.',
    },
    table: unwrapped('publicIp'),
    examples: [
      'az network public-ip create -g aks-egress-rg -n aks-egress-fwpublicip -l eastus --sku Standard',
    ],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const sku = values.text('sku');
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        zones: values.list('zone'),
        sku: given({ name: sku, tier: values.optional('tier') }),
        properties: {
          idleTimeoutInMinutes: values.integer('idleTimeout'),
          publicIPAddressVersion: values.text('version'),
          publicIPAllocationMethod:
            values.optional('allocationMethod') ?? (sku === 'Standard' ? 'Static' : 'Dynamic'),
        },
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      const result = await arm.put(path, body, { noWait: values.switch('noWait') });
      return result && { publicIp: presentResource(result) };
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  showCommand(kind),
];
