// What a hostile file of rules can do to whoever reads the output of an offline command.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noticesOf } from './notices.ts';
import { readPolicyInput } from './policy-input.ts';
import { folderWith } from './testing.ts';

const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p';
const EVIL = 'evil\n##vso[task.setvariable variable=a]b\n::error::x\u001b[2J';

function read(t: TestContext, documents: readonly object[]) {
  const file = join(folderWith(t, { 'rules.json': JSON.stringify(documents) }), 'rules.json');
  return readPolicyInput({ policy: [file] }, { env: { POSTERN_STATE: '/nowhere' } });
}

const policy = { id, name: 'p', properties: {} };

test('names cannot begin a line of their own in a fault or a notice', async t => {
  const rule = { ruleType: 'NetworkRule', name: EVIL };
  const collection = {
    ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
    ...{ name: 'f', priority: 100, action: { type: 'Allow' }, rules: [rule] },
  };
  const group = {
    id: `${id}/ruleCollectionGroups/r`,
    name: 'r',
    properties: { priority: 100, ruleCollections: [collection] },
  };
  const { faults = [] } = await read(t, [policy, group]);
  assert.ok(faults.some(fault => fault.includes('evil\\u000a##vso')));
  const { input } = await read(t, [policy, { id: `${id.replace('firewallPolicies', 'other')}`, name: EVIL }]);
  assert.ok(input);
  const notices = noticesOf(input);
  assert.ok(notices.length > 0);
  for (const line of [...faults, ...notices]) assert.doesNotMatch(line, /\p{Cc}/u);
});

test('of very many faults the first thousand are told', async t => {
  const { faults = [] } = await read(t, Array(150_000).fill({ id, name: 1 }));
  assert.equal(faults.length, 1001);
  assert.match(faults.at(-1) ?? '', /and 149000 more faults/);
});
