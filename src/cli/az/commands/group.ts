// az group: resource groups.

import { location, noWait, tags, yes } from '../arguments.ts';
import { normalizeLocation } from '../arm.ts';
import { isRecord, UsageError } from '../errors.ts';
import { presentGroup } from '../present.ts';
import type { Argument, Command } from '../spec.ts';

// Another key than `--resource-group` has elsewhere, so that no default can choose the group to delete.
const groupName: Argument = {
  key: 'group',
  flags: ['--name', '-n', '--resource-group', '-g'],
  required: true,
  help: 'Name of the resource group.',
};

const requiredLocation: Argument = { ...location, required: true, help: 'Azure region, such as eastus.' };

const tagFilter: Argument = {
  key: 'tag',
  flags: ['--tag'],
  help: 'Only groups with this tag: key or key=value.',
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a resource group.',
    arguments: [requiredLocation, groupName, tags],
    refused: { '--managed-by': 'no service manages a group here.' },
    examples: ['az group create --name aks-egress-rg --location eastus'],
    async run({ arm, values }) {
      const body = { location: normalizeLocation(values.text('location')), ...optionalTags(values.tags()) };
      return presentGroup(await arm.put(arm.groupPath(values.text('group')), body));
    },
  },
  {
    name: 'delete',
    summary: 'Delete a resource group and everything in it.',
    arguments: [groupName, noWait, yes],
    refused: { '--force-deletion-types': 'there are no virtual machines.' },
    confirm: 'Are you sure you want to perform this operation?',
    async run({ arm, values }) {
      await arm.delete(arm.groupPath(values.text('group')), { noWait: values.switch('noWait') });
    },
  },
  {
    name: 'exists',
    summary: 'Say whether a resource group exists: true or false.',
    arguments: [groupName],
    async run({ arm, values }) {
      return arm.exists(arm.groupPath(values.text('group')));
    },
  },
  {
    name: 'list',
    summary: 'List resource groups.',
    arguments: [tagFilter],
    table: result => (Array.isArray(result) ? result.map(tableRow) : result),
    async run({ arm, values }) {
      const items = await arm.list(`/subscriptions/${arm.subscription}/resourceGroups`);
      const tag = values.optional('tag');
      return items.filter(item => tag === undefined || hasTag(item, tag)).map(presentGroup);
    },
  },
  {
    name: 'show',
    summary: 'Show a resource group.',
    arguments: [groupName],
    async run({ arm, values }) {
      return presentGroup(await arm.get(arm.groupPath(values.text('group'))));
    },
  },
  {
    name: 'update',
    summary: 'Change the tags of a resource group.',
    arguments: [groupName, tags],
    async run({ arm, values }) {
      const given = values.tags();
      if (!given) throw new UsageError('nothing to update: give --tags');
      const path = arm.groupPath(values.text('group'));
      return presentGroup(await arm.edit(path, group => ({ ...group, tags: given })));
    },
  },
];

function optionalTags(given: Readonly<Record<string, string>> | undefined): object {
  return given ? { tags: given } : {};
}

function hasTag(group: unknown, tag: string): boolean {
  const present = isRecord(group) && isRecord(group.tags) ? group.tags : {};
  const [key = '', ...value] = tag.split('=');
  return key in present && (value.length === 0 || present[key] === value.join('='));
}

function tableRow(group: unknown): unknown {
  if (!isRecord(group)) return group;
  const properties = isRecord(group.properties) ? group.properties : {};
  return { Name: group.name, Location: group.location, Status: properties.provisioningState };
}
