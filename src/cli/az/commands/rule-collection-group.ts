// az network firewall policy rule-collection-group: groups of collections under one priority. A group is a resource
// of its own below its policy; what stands in it is edited by the commands of collections and rules.

import { named, noWait, resourceGroup, yes } from '../arguments.ts';
import type { Arm } from '../arm.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, propertiesOf, requireUpdate } from './fields.ts';

export const policyName: Argument = {
  key: 'policyName',
  flags: ['--policy-name'],
  required: true,
  help: 'Name of the firewall policy.',
};

const name = named('rule collection group');

const priority: Argument = {
  key: 'priority',
  flags: ['--priority'],
  kind: 'integer',
  help: 'Priority of the group, from 100 (first) to 65000 (last).',
};

const refused = { '--ids': 'name the group with --name, --policy-name and --resource-group.' };

export function groupPath(arm: Arm, values: Values, group: string): string {
  const words = ['firewallPolicies', values.text('policyName'), 'ruleCollectionGroups', group];
  return arm.networkPath(values.text('resourceGroup'), ...words);
}

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a rule collection group without collections. One of that name is replaced.',
    arguments: [name, policyName, { ...priority, required: true }, resourceGroup, noWait],
    examples: [
      'az network firewall policy rule-collection-group create -g aks-egress-rg --policy-name aks-egress-policy -n aks --priority 200',
    ],
    async run({ arm, values }) {
      const body = { name: values.text('name'), properties: { priority: values.integer('priority') } };
      const path = groupPath(arm, values, values.text('name'));
      return presentResource(await arm.put(path, body, { noWait: values.switch('noWait') }));
    },
  },
  {
    name: 'delete',
    summary: 'Delete a rule collection group with all its collections.',
    arguments: [name, policyName, resourceGroup, noWait, yes],
    refused,
    confirm: 'Are you sure you want to perform this operation?',
    async run({ arm, values }) {
      const path = groupPath(arm, values, values.text('name'));
      await arm.deleteIfThere(path, { noWait: values.switch('noWait') });
    },
  },
  {
    name: 'list',
    summary: 'List the rule collection groups of a firewall policy.',
    arguments: [policyName, resourceGroup],
    async run({ arm, values }) {
      const words = ['firewallPolicies', values.text('policyName'), 'ruleCollectionGroups'];
      return presentResource(await arm.list(arm.networkPath(values.text('resourceGroup'), ...words)));
    },
  },
  {
    name: 'show',
    summary: 'Show a rule collection group with its collections and rules.',
    arguments: [name, policyName, resourceGroup],
    refused,
    async run({ arm, values }) {
      return presentResource(await arm.get(groupPath(arm, values, values.text('name'))));
    },
  },
  {
    name: 'update',
    summary: 'Change the priority of a rule collection group.',
    arguments: [name, policyName, priority, resourceGroup, noWait, ...genericUpdate],
    refused: { ...refused, '--tags': 'rule collection groups have no tags.' },
    examples: [
      'az network firewall policy rule-collection-group update -g aks-egress-rg --policy-name aks-egress-policy -n aks --priority 300',
      'az network firewall policy rule-collection-group update -g aks-egress-rg --policy-name aks-egress-policy -n aks --set ruleCollections[name=web].priority=250',
    ],
    async run({ arm, values }) {
      const changes = given({ priority: values.integer('priority') });
      requireUpdate(values, changes, '--priority');
      const change = thenUpdates(values, group => ({
        ...group,
        properties: { ...propertiesOf(group), ...changes },
      }));
      const path = groupPath(arm, values, values.text('name'));
      return presentResource(await arm.edit(path, change, { noWait: values.switch('noWait') }));
    },
  },
];
