// az network firewall threat-intel-allowlist: two strings among the firewall's `additionalProperties`.

import { named, resourceGroup } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { isRecord } from '../errors.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, propertiesOf, requireChange } from './fields.ts';
import { withAdditionalProperties } from './firewall-settings.ts';

const FQDNS = 'ThreatIntel.Whitelist.FQDNs';
const ADDRESSES = 'ThreatIntel.Whitelist.IpAddresses';

const lists: readonly Argument[] = [
  { key: 'fqdns', flags: ['--fqdns'], kind: 'list', help: 'Space-separated FQDNs.' },
  { key: 'ipAddresses', flags: ['--ip-addresses'], kind: 'list', help: 'Space-separated IPv4 addresses.' },
];

const firewallArguments = [named('firewall'), resourceGroup];

async function write(arm: Arm, values: Values, changes: Readonly<Record<string, string>>): Promise<unknown> {
  const path = arm.networkPath(values.text('resourceGroup'), 'azureFirewalls', values.text('name'));
  const firewall = await arm.edit(path, current => ({
    ...current,
    properties: withAdditionalProperties(propertiesOf(current), changes),
  }));
  return firewall && allowlist(firewall);
}

function allowlist(firewall: ArmObject): Record<string, unknown> {
  const additional = propertiesOf(firewall).additionalProperties;
  const present = isRecord(additional) ? additional : {};
  return given({ [FQDNS]: present[FQDNS], [ADDRESSES]: present[ADDRESSES] });
}

function changes(values: Values): Record<string, string> {
  return given({
    [FQDNS]: values.list('fqdns')?.join(', '),
    [ADDRESSES]: values.list('ipAddresses')?.join(', '),
  }) as Record<string, string>;
}

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Set the allow list of a firewall.',
    arguments: [...firewallArguments, ...lists],
    async run({ arm, values }) {
      requireChange(changes(values), '--fqdns, --ip-addresses');
      return write(arm, values, { [FQDNS]: '', [ADDRESSES]: '', ...changes(values) });
    },
  },
  {
    name: 'delete',
    summary: 'Empty the allow list of a firewall.',
    arguments: firewallArguments,
    async run({ arm, values }) {
      await write(arm, values, { [FQDNS]: '', [ADDRESSES]: '' });
    },
  },
  {
    name: 'show',
    summary: 'Show the allow list of a firewall.',
    arguments: firewallArguments,
    async run({ arm, values }) {
      const path = arm.networkPath(values.text('resourceGroup'), 'azureFirewalls', values.text('name'));
      return allowlist(await arm.get(path));
    },
  },
  {
    name: 'update',
    summary: 'Replace one or both parts of the allow list of a firewall.',
    arguments: [...firewallArguments, ...lists],
    async run({ arm, values }) {
      return write(
        arm,
        values,
        requireChange(changes(values), '--fqdns, --ip-addresses') as Record<string, string>,
      );
    },
  },
];
