// What no file describes is named with the command that saves it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDocuments } from '#arm/arm-document.ts';
import { adviceToSave, saveCommandOf } from './save-command.ts';

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';

test('the command that prints a resource', () => {
  const cases = [
    ['ipGroups/office', 'az network ip-group show -g rg -n office -o json'],
    ['publicIPAddresses/pip', 'az network public-ip show -g rg -n pip -o json'],
    ['firewallPolicies/base', 'az network firewall policy show -g rg -n base -o json'],
    [
      'firewallPolicies/base/ruleCollectionGroups/g',
      'az network firewall policy rule-collection-group show -g rg --policy-name base -n g -o json',
    ],
  ] as const;
  for (const [id, command] of cases) assert.equal(saveCommandOf(`${network}/${id}`)?.command, command);
  assert.equal(
    saveCommandOf('/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/d'),
    undefined,
  );
});

test('a resource group that a template does not name is for the reader to fill in', () => {
  const id =
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template/providers/Microsoft.Network/ipGroups/g';
  assert.equal(saveCommandOf(id)?.command, 'az network ip-group show -g GROUP -n g -o json');
});

test('a finding about a reference to what is there, or about anything else, needs none', () => {
  const group = {
    id: `${network}/ipGroups/g`,
    name: 'g',
    type: 'Microsoft.Network/ipGroups',
    properties: {},
  };
  const policy = {
    id: `${network}/firewallPolicies/p`,
    name: 'p',
    type: 'Microsoft.Network/firewallPolicies',
    properties: {
      basePolicy: { id: `${network}/firewallPolicies/base` },
      list: [group.id, `${group.id}2`],
      n: 1,
    },
  };
  const documents = toDocuments([group, policy]);
  const cases = [
    [
      'properties.basePolicy.id',
      ' Save it, and name its file too: az network firewall policy show -g rg -n base -o json > base.json',
    ],
    [
      'properties.basePolicy',
      ' Save it, and name its file too: az network firewall policy show -g rg -n base -o json > base.json',
    ],
    ['properties.list[0]', ''],
    [
      'properties.list[1]',
      ' Save it, and name its file too: az network ip-group show -g rg -n g2 -o json > g2.json',
    ],
    ['properties.n', ''],
    ['properties.other.id', ''],
    ['p/g/c/r', ''],
  ] as const;
  for (const [target, advice] of cases)
    assert.equal(adviceToSave({ resource: policy.id, target }, documents), advice, target);
});
