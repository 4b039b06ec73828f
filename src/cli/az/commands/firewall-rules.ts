// az network firewall network-rule, application-rule and nat-rule, and their collections. A rule is a part of the
// firewall's document: every change reads the whole and writes it back, unless somebody else wrote meanwhile.

import { firewallName, named, resourceGroup } from '../arguments.ts';
import type { Arm, ArmObject } from '../arm.ts';
import { notFound, UsageError } from '../errors.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { namedItems, propertiesOf, sameName } from './fields.ts';
import { applicationRules, natRules, networkRules, type RuleKind } from './firewall-rule-kinds.ts';

const COLLECTION_SECTION = 'Collection Arguments';

const collectionName: Argument = {
  key: 'collectionName',
  flags: ['--collection-name', '-c'],
  required: true,
  help: 'Name of the rule collection.',
};

/** Where the collection is the thing itself, `--name` means it too. */
const ownCollectionName: Argument = { ...collectionName, flags: ['--collection-name', '--name', '-c', '-n'] };

export const networkRuleCommands = ruleCommands(networkRules);
export const networkCollectionCommands = collectionCommands(networkRules);
export const applicationRuleCommands = ruleCommands(applicationRules);
export const applicationCollectionCommands = collectionCommands(applicationRules);
export const natRuleCommands = ruleCommands(natRules);
export const natCollectionCommands = collectionCommands(natRules);

function ruleCommands(kind: RuleKind): readonly Command[] {
  const ruleName = named(kind.noun);
  return [
    {
      name: 'create',
      summary: `Create ${kind.noun.startsWith('a') ? 'an' : 'a'} ${kind.noun}, and its collection if there is none of that name.`,
      arguments: [
        { ...collectionName, help: 'Name of the rule collection. A new one needs --priority and --action.' },
        firewallName,
        ruleName,
        resourceGroup,
        ...kind.arguments,
        {
          key: 'action',
          flags: ['--action'],
          choices: kind.actions,
          help: 'Action of a new collection.',
          section: COLLECTION_SECTION,
        },
        {
          key: 'priority',
          flags: ['--priority'],
          kind: 'integer',
          help: 'Priority of a new collection, from 100 (first) to 65000 (last).',
          section: COLLECTION_SECTION,
        },
      ],
      examples: [kind.example],
      async run({ arm, values }) {
        const rule = kind.toRule(arm, values);
        const firewall = await arm.edit(firewallPath(arm, values), current =>
          addRule(kind, current, rule, values),
        );
        return presentResource(findRule(kind, firewall ?? {}, values));
      },
    },
    {
      name: 'delete',
      summary: `Delete a ${kind.noun}.`,
      arguments: [collectionName, firewallName, ruleName, resourceGroup],
      async run({ arm, values, warn }) {
        await arm.edit(firewallPath(arm, values), current => {
          const { properties: inner } = findCollection(kind, current, values);
          const rules = namedItems((inner as ArmObject | undefined)?.rules);
          const kept = rules.filter(rule => !sameName(rule, values.text('name')));
          if (kept.length === rules.length) {
            warn(
              `There is no ${kind.noun} '${values.text('name')}' in that collection; nothing was deleted.`,
            );
            return undefined;
          }
          return withRules(kind, current, values, kept);
        });
      },
    },
    {
      name: 'list',
      summary: `List the ${kind.noun}s of a collection: the collection with its rules.`,
      arguments: [collectionName, firewallName, resourceGroup],
      table: rulesTable,
      async run({ arm, values }) {
        return presentResource(findCollection(kind, await arm.get(firewallPath(arm, values)), values));
      },
    },
    {
      name: 'show',
      summary: `Show a ${kind.noun}.`,
      arguments: [collectionName, firewallName, ruleName, resourceGroup],
      async run({ arm, values }) {
        return presentResource(findRule(kind, await arm.get(firewallPath(arm, values)), values));
      },
    },
  ];
}

function collectionCommands(kind: RuleKind): readonly Command[] {
  const noun = `${kind.noun} collection`;
  return [
    {
      name: 'delete',
      summary: `Delete a ${noun} with all its rules.`,
      arguments: [ownCollectionName, firewallName, resourceGroup],
      async run({ arm, values, warn }) {
        await arm.edit(firewallPath(arm, values), current => {
          const all = collectionsOf(kind, current);
          const kept = all.filter(collection => !sameName(collection, values.text('collectionName')));
          if (kept.length === all.length) {
            warn(`There is no ${noun} '${values.text('collectionName')}'; nothing was deleted.`);
            return undefined;
          }
          return withCollections(kind, current, kept);
        });
      },
    },
    {
      name: 'list',
      summary: `List the ${noun}s of a firewall.`,
      arguments: [firewallName, resourceGroup],
      table: result => (Array.isArray(result) ? result.map(collectionRow) : result),
      async run({ arm, values }) {
        return presentResource(collectionsOf(kind, await arm.get(firewallPath(arm, values))));
      },
    },
    {
      name: 'show',
      summary: `Show a ${noun}.`,
      arguments: [ownCollectionName, firewallName, resourceGroup],
      async run({ arm, values }) {
        return presentResource(findCollection(kind, await arm.get(firewallPath(arm, values)), values));
      },
    },
  ];
}

function firewallPath(arm: Arm, values: Values): string {
  return arm.networkPath(values.text('resourceGroup'), 'azureFirewalls', values.text('firewallName'));
}

function collectionsOf(kind: RuleKind, firewall: ArmObject): ArmObject[] {
  return namedItems(propertiesOf(firewall)[kind.property]);
}

function withCollections(kind: RuleKind, firewall: ArmObject, collections: readonly ArmObject[]): ArmObject {
  return { ...firewall, properties: { ...propertiesOf(firewall), [kind.property]: collections } };
}

function withRules(
  kind: RuleKind,
  firewall: ArmObject,
  values: Values,
  rules: readonly ArmObject[],
): ArmObject {
  const collections = collectionsOf(kind, firewall).map(collection =>
    sameName(collection, values.text('collectionName'))
      ? { ...collection, properties: { ...propertiesOf(collection), rules } }
      : collection,
  );
  return withCollections(kind, firewall, collections);
}

/** A new collection needs priority and action; an existing one has them already, whatever the line says. */
function addRule(kind: RuleKind, firewall: ArmObject, rule: ArmObject, values: Values): ArmObject {
  const name = values.text('collectionName');
  const priority = values.integer('priority');
  const action = values.optional('action');
  const existing = collectionsOf(kind, firewall).find(collection => sameName(collection, name));
  if (existing) {
    if (priority !== undefined || action !== undefined) {
      throw new UsageError(
        `The ${kind.noun} collection '${name}' exists already: leave --priority and --action out.`,
        'usage error: --collection-name EXISTING_NAME | --collection-name NEW_NAME --priority INT --action ACTION',
      );
    }
    return withRules(kind, firewall, values, [...namedItems(propertiesOf(existing).rules), rule]);
  }
  if (priority === undefined || action === undefined) {
    throw new UsageError(
      `The ${kind.noun} collection '${name}' does not exist yet: --priority and --action are needed to create it.`,
      'usage error: --collection-name EXISTING_NAME | --collection-name NEW_NAME --priority INT --action ACTION',
    );
  }
  const created = { name, properties: { priority, action: { type: action }, rules: [rule] } };
  return withCollections(kind, firewall, [...collectionsOf(kind, firewall), created]);
}

function findCollection(kind: RuleKind, firewall: ArmObject, values: Values): ArmObject {
  const name = values.text('collectionName');
  const found = collectionsOf(kind, firewall).find(collection => sameName(collection, name));
  if (found) return found;
  throw notFound(`The firewall '${values.text('firewallName')}' has no ${kind.noun} collection '${name}'.`);
}

function findRule(kind: RuleKind, firewall: ArmObject, values: Values): ArmObject {
  const collection = findCollection(kind, firewall, values);
  const name = values.text('name');
  const found = namedItems(propertiesOf(collection).rules).find(rule => sameName(rule, name));
  if (found) return found;
  throw notFound(`The ${kind.noun} collection '${values.text('collectionName')}' has no rule '${name}'.`);
}

/** A table shows the rules, lists joined, since the collection alone would be one poor row. */
function rulesTable(collection: unknown): unknown {
  return namedItems((collection as ArmObject).rules).map(rule =>
    Object.fromEntries(
      Object.entries(rule).flatMap(([key, value]) => {
        if (!Array.isArray(value)) return [[key, value]];
        return value.length ? [[key, value.map(cellText).join(' ')]] : [];
      }),
    ),
  );
}

function cellText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { protocolType, port } = value as ArmObject;
  return protocolType === undefined ? JSON.stringify(value) : `${protocolType}=${port}`;
}

function collectionRow(collection: unknown): unknown {
  const { name, priority, action, rules } = collection as ArmObject;
  return {
    name,
    priority,
    action: (action as ArmObject | undefined)?.type,
    rules: Array.isArray(rules) ? rules.length : 0,
  };
}
