// az network firewall policy rule-collection-group collection, and the rules in a collection. Both are parts of the
// group's document: every change reads the whole and writes it back, unless somebody else wrote meanwhile.

import { named, noWait, resourceGroup } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { AzError } from '../errors.ts';
import { applyUpdates, genericUpdate } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, namedItems, propertiesOf, sameName } from './fields.ts';
import {
  applicationArguments,
  commonArguments,
  natArguments,
  networkArguments,
  RULE_TYPES,
  type RuleType,
  refusedRuleFlags,
  toRule,
} from './policy-rule-kinds.ts';
import { groupPath, policyName } from './rule-collection-group.ts';

const FILTER_COLLECTION = 'FirewallPolicyFilterRuleCollection';
const NAT_COLLECTION = 'FirewallPolicyNatRuleCollection';

export const groupName: Argument = {
  key: 'groupName',
  flags: ['--rule-collection-group-name', '--rcg-name'],
  required: true,
  help: 'Name of the rule collection group.',
};

const collectionArguments = [named('collection'), groupName, policyName, resourceGroup];

const priority: Argument = {
  key: 'collectionPriority',
  flags: ['--collection-priority'],
  kind: 'integer',
  required: true,
  help: 'Priority of the collection, from 100 (first) to 65000 (last).',
};

const ruleName: Argument = { key: 'ruleName', flags: ['--rule-name'], help: 'Name of the first rule.' };

export const ruleType: Argument = {
  key: 'ruleType',
  flags: ['--rule-type'],
  choices: RULE_TYPES,
  help: 'Type of the rule.',
};

export const commands: readonly Command[] = [
  {
    name: 'add-filter-collection',
    summary: 'Add a collection of network or application rules, with its first rule.',
    arguments: [
      ...collectionArguments,
      { key: 'action', flags: ['--action'], choices: ['Allow', 'Deny'], help: 'What happens to a match.' },
      priority,
      noWait,
      ruleName,
      { ...ruleType, help: 'Type of the rules. ApplicationRule if absent.' },
      ...commonArguments,
      ...networkArguments,
      ...applicationArguments,
      ...genericUpdate,
    ],
    refused: refusedRuleFlags,
    table: collectionsTable,
    examples: [
      "az network firewall policy rule-collection-group collection add-filter-collection -g aks-egress-rg --policy-name aks-egress-policy --rcg-name aks -n net --action Allow --collection-priority 100 --rule-name apiudp --rule-type NetworkRule --ip-protocols UDP --source-addresses '*' --destination-addresses AzureCloud.eastus --destination-ports 1194",
      "az network firewall policy rule-collection-group collection add-filter-collection -g aks-egress-rg --policy-name aks-egress-policy --rcg-name aks -n app --action Allow --collection-priority 200 --rule-name fqdn --rule-type ApplicationRule --protocols http=80 https=443 --source-addresses '*' --fqdn-tags AzureKubernetesService",
    ],
    async run({ arm, values }) {
      const type = values.optional('ruleType') as RuleType | undefined;
      if (type === 'NatRule') throw wrongType(FILTER_COLLECTION, type);
      return addCollection(arm, values, FILTER_COLLECTION, type ?? 'ApplicationRule');
    },
  },
  {
    name: 'add-nat-collection',
    summary: 'Add a collection of NAT rules, with its first rule.',
    arguments: [
      ...collectionArguments,
      { key: 'action', flags: ['--action'], choices: ['DNAT', 'SNAT'], help: 'DNAT.' },
      priority,
      noWait,
      ruleName,
      ...commonArguments.map(argument =>
        argument.key === 'ipProtocols' ? { ...argument, required: true } : argument,
      ),
      ...natArguments,
      ...genericUpdate,
    ],
    table: collectionsTable,
    examples: [
      "az network firewall policy rule-collection-group collection add-nat-collection -g aks-egress-rg --policy-name aks-egress-policy --rcg-name aks -n inbound --action DNAT --collection-priority 100 --rule-name web --ip-protocols TCP --source-addresses '*' --destination-addresses 20.51.99.7 --destination-ports 80 --translated-address 10.42.1.50 --translated-port 80",
    ],
    async run({ arm, values }) {
      return addCollection(arm, values, NAT_COLLECTION, 'NatRule');
    },
  },
  {
    name: 'list',
    summary: 'List the collections of a rule collection group.',
    arguments: [groupName, policyName, resourceGroup],
    table: result => (Array.isArray(result) ? result.map(collectionRow) : result),
    async run({ arm, values }) {
      const group = await arm.get(groupPath(arm, values, values.text('groupName')));
      return presentResource(collectionsOf(group));
    },
  },
  {
    name: 'remove',
    summary: 'Remove a collection with all its rules.',
    arguments: [...collectionArguments, noWait, ...genericUpdate],
    table: collectionsTable,
    async run({ arm, values, warn }) {
      const group = await editGroup(arm, values, current => {
        const all = collectionsOf(current);
        const kept = all.filter(collection => !sameName(collection, values.text('name')));
        if (kept.length === all.length) {
          warn(`There is no rule collection '${values.text('name')}'; nothing was removed.`);
          return undefined;
        }
        return withCollections(current, kept);
      });
      return presentCollections(group);
    },
  },
];

async function addCollection(
  arm: Arm,
  values: Values,
  ruleCollectionType: string,
  type: RuleType,
): Promise<unknown> {
  const collection = {
    name: values.text('name'),
    priority: values.integer('collectionPriority'),
    ruleCollectionType,
    action: given({ type: values.optional('action') }),
    rules: [toRule(arm, values, type, values.optional('ruleName'))],
  };
  const group = await editGroup(arm, values, current =>
    withCollections(current, [...collectionsOf(current), collection]),
  );
  return presentCollections(group);
}

/** Writes the group with the change and then those of `--set`, `--add`, `--remove`. Undefined if nobody waits. */
export function editGroup(
  arm: Arm,
  values: Values,
  change: (group: ArmObject) => ArmObject | undefined,
): Promise<ArmObject | undefined> {
  const path = groupPath(arm, values, values.text('groupName'));
  const updates = values.updates();
  const both = (group: ArmObject): ArmObject | undefined => {
    const changed = change(group);
    if (!updates) return changed;
    return applyUpdates(changed ?? group, updates, { forceString: values.switch('forceString') });
  };
  return arm.edit(path, both, { noWait: values.switch('noWait') });
}

export function collectionsOf(group: ArmObject): ArmObject[] {
  return namedItems(propertiesOf(group).ruleCollections);
}

function withCollections(group: ArmObject, ruleCollections: readonly ArmObject[]): ArmObject {
  return { ...group, properties: { ...propertiesOf(group), ruleCollections } };
}

/** The group with other rules in the collection that the command line names. */
export function withRules(
  group: ArmObject,
  values: Values,
  change: (rules: readonly ArmObject[], collection: ArmObject) => readonly ArmObject[] | undefined,
): ArmObject | undefined {
  const name = values.text('collectionName');
  const all = collectionsOf(group);
  const found = all.find(collection => sameName(collection, name));
  if (!found) {
    throw new AzError(
      `The rule collection group '${values.text('groupName')}' has no rule collection '${name}'.`,
    );
  }
  const rules = change(namedItems(found.rules), found);
  return (
    rules &&
    withCollections(
      group,
      all.map(each => (each === found ? { ...found, rules } : each)),
    )
  );
}

/** A filter collection has network or application rules, a NAT collection NAT rules. */
export function requireType(collection: ArmObject, type: RuleType): void {
  const collectionType = String(collection.ruleCollectionType);
  if ((type === 'NatRule') !== (collectionType === NAT_COLLECTION)) throw wrongType(collectionType, type);
}

function wrongType(collectionType: string, type: RuleType): AzError {
  return new AzError(`A rule collection of type ${collectionType} has no rules of type ${type}.`);
}

function presentCollections(group: ArmObject | undefined): unknown {
  return group && { ruleCollections: presentResource(collectionsOf(group)) };
}

function collectionsTable(result: unknown): unknown {
  return namedItems((result as ArmObject).ruleCollections).map(collectionRow);
}

function collectionRow(collection: unknown): unknown {
  const { name, priority: at, ruleCollectionType, action, rules } = collection as ArmObject;
  return {
    name,
    priority: at,
    ruleCollectionType,
    action: (action as ArmObject | undefined)?.type,
    rules: Array.isArray(rules) ? rules.length : 0,
  };
}
