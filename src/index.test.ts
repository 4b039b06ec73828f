// What the library says about its input; that it runs everywhere and decides right is tested as a package.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicy } from './index.ts';

const id = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/p';
const policy = (properties: object = {}) => ({ id, name: 'p', properties });
const group = (name: string, priority: number) => ({
  id: `${id}/ruleCollectionGroups/${name}`,
  name,
  properties: { priority, ruleCollections: [] },
});

test('a fault says in which of several documents it stands', () => {
  const documents = [policy(), group('a', 100), group('b', 99)];
  const message =
    "[2].properties.priority: Rule collection group 'b': priority 99 is outside 100 to 65000. (AzureFirewallRuleCollectionInvalidPriority)";
  assert.deepEqual(parsePolicy(documents).faults, [`input: ${message}`]);
  const text = JSON.stringify(documents, null, 1);
  assert.deepEqual(parsePolicy(text, { name: 'rules.json' }).faults, [`rules.json:19:16: ${message}`]);
});

test('what is left aside is a warning', () => {
  const parsed = parsePolicy([policy({ insights: { isEnabled: true } })]);
  assert.deepEqual(parsed.policy && parsed.warnings, [
    {
      code: 'Ignored',
      target: '[0].properties.insights',
      message: 'insights of p: it says nothing about the rules.',
    },
  ]);
});
