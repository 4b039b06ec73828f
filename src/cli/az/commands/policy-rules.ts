// az network firewall policy rule-collection-group collection rule: single rules of a collection. Each command prints
// the group as it is afterwards, as Azure's does.

import { named, noWait, resourceGroup } from '../arguments.ts';
import { AzError } from '../errors.ts';
import { genericUpdate } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command } from '../spec.ts';
import { requireUpdate, sameName } from './fields.ts';
import { editGroup, groupName, requireType, ruleType, withRules } from './policy-collections.ts';
import {
  applicationArguments,
  commonArguments,
  natArguments,
  networkArguments,
  RULE_TYPES,
  type RuleType,
  refusedRuleFlags,
  ruleFields,
  toRule,
} from './policy-rule-kinds.ts';
import { policyName } from './rule-collection-group.ts';

const collectionName: Argument = {
  key: 'collectionName',
  flags: ['--collection-name'],
  required: true,
  help: 'Name of the rule collection.',
};

const where = [collectionName, named('rule'), groupName, policyName, resourceGroup];
const fields = [...commonArguments, ...networkArguments, ...applicationArguments, ...natArguments];

export const commands: readonly Command[] = [
  {
    name: 'add',
    summary: 'Add a rule to a collection.',
    arguments: [...where, { ...ruleType, required: true }, noWait, ...fields, ...genericUpdate],
    refused: refusedRuleFlags,
    examples: [
      "az network firewall policy rule-collection-group collection rule add -g aks-egress-rg --policy-name aks-egress-policy --rcg-name aks --collection-name app -n registry --rule-type ApplicationRule --protocols https=443 --source-addresses '*' --target-fqdns mcr.microsoft.com '*.data.mcr.microsoft.com'",
    ],
    async run({ arm, values }) {
      const type = values.text('ruleType') as RuleType;
      const rule = toRule(arm, values, type, values.text('name'));
      const group = await editGroup(arm, values, current =>
        withRules(current, values, (rules, collection) => {
          requireType(collection, type);
          return [...rules, rule];
        }),
      );
      return presentResource(group);
    },
  },
  {
    name: 'remove',
    summary: 'Remove a rule from a collection.',
    arguments: [...where, noWait, ...genericUpdate],
    async run({ arm, values, warn }) {
      const name = values.text('name');
      const group = await editGroup(arm, values, current =>
        withRules(current, values, rules => {
          const kept = rules.filter(rule => !sameName(rule, name));
          if (kept.length < rules.length) return kept;
          warn(`There is no rule '${name}' in that collection; nothing was removed.`);
          return undefined;
        }),
      );
      return presentResource(group);
    },
  },
  {
    name: 'update',
    summary: 'Change a rule of a collection: what is given is replaced, the rest stays.',
    arguments: [...where, noWait, ...fields, ...genericUpdate],
    refused: refusedRuleFlags,
    examples: [
      'az network firewall policy rule-collection-group collection rule update -g aks-egress-rg --policy-name aks-egress-policy --rcg-name aks --collection-name app -n registry --target-fqdns mcr.microsoft.com',
    ],
    async run({ arm, values }) {
      const name = values.text('name');
      const changes = Object.fromEntries(
        fields.filter(({ key }) => values.has(key)).map(({ key }) => [key, true]),
      );
      requireUpdate(values, changes, 'the flags of the rule, such as --source-addresses');
      const group = await editGroup(arm, values, current =>
        withRules(current, values, rules => {
          if (!rules.some(rule => sameName(rule, name))) {
            throw new AzError(
              `The rule collection '${values.text('collectionName')}' has no rule '${name}'.`,
            );
          }
          return rules.map(rule =>
            sameName(rule, name) ? { ...rule, ...ruleFields(arm, values, typeOf(rule.ruleType)) } : rule,
          );
        }),
      );
      return presentResource(group);
    },
  },
];

function typeOf(value: unknown): RuleType {
  const type = RULE_TYPES.find(candidate => candidate.toLowerCase() === String(value).toLowerCase());
  if (type === undefined) throw new AzError(`Undefined ruleType: ${value}`);
  return type;
}
