// az network ip-group: named lists of addresses.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command } from '../spec.ts';
import { given, isNullWord, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = {
  type: 'ipGroups',
  noun: 'IP group',
  confirmsDeletion: true,
  showRefused: { '--expand': 'a group names the firewalls and policies that use it.' },
};

const ipAddresses: Argument = {
  key: 'ipAddresses',
  flags: ['--ip-addresses'],
  kind: 'list',
  help: 'Space-separated addresses, prefixes and ranges. Replaces the list.',
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create an IP group.',
    arguments: [named('IP group'), resourceGroup, ipAddresses, location, noWait, tags],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        properties: { ipAddresses: values.list('ipAddresses') ?? [] },
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      return presentResource(await arm.put(path, body, { noWait: values.switch('noWait') }));
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  showCommand(kind),
  {
    name: 'update',
    summary: 'Change the addresses or tags of an IP group.',
    arguments: [
      { ...named('IP group'), flags: ['--name', '--ip-groups-name', '-n'] },
      resourceGroup,
      ipAddresses,
      noWait,
      tags,
      ...genericUpdate,
    ],
    refused: { '--ids': 'name the resource with --name and --resource-group.' },
    examples: [
      'az network ip-group update -g aks-egress-rg -n partners --add ipAddresses 192.0.2.0/24',
      'az network ip-group update -g aks-egress-rg -n partners --remove ipAddresses 0',
    ],
    async run({ arm, values }) {
      const list = values.list('ipAddresses');
      const addresses = given({ ipAddresses: isNullWord(list) ? [] : list });
      const newTags = values.tags();
      requireUpdate(values, { ...addresses, ...given({ newTags }) }, '--ip-addresses, --tags');
      const path = arm.networkPath(values.text('resourceGroup'), kind.type, values.text('name'));
      const result = await arm.edit(
        path,
        thenUpdates(values, group => ({
          ...group,
          ...updatedTags(group, newTags),
          properties: { ...propertiesOf(group), ...addresses },
        })),
        { noWait: values.switch('noWait') },
      );
      return presentResource(result);
    },
  },
];
