// What the offline commands make of files that do not hold everything: what is not needed is not asked for, and what is needed is
// asked for with the command that saves it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { firewall, NETWORK, policy, ruleCollectionGroup } from '#documents/printed-fixture.ts';
import { noticesOf } from './notices.ts';
import { readPolicyInput } from './policy-input.ts';
import { folderWith } from './testing.ts';

const world = { env: { POSTERN_STATE: '/nowhere' } };
const read = (t: TestContext, files: Readonly<Record<string, unknown>>, more: object = {}) =>
  readPolicyInput({ policy: [folderWith(t, files)], ...more }, world);

const rule = {
  name: 'r',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['192.0.2.1'],
  destinationPorts: ['22'],
};
const subnet = { id: `${NETWORK}/virtualNetworks/v/subnets/AzureFirewallSubnet`, resourceGroup: 'rg' };
const atSubnet = {
  ...firewall,
  ipConfigurations: firewall.ipConfigurations.map(configuration => ({ ...configuration, subnet })),
};
const classicWith = (more: object) => ({
  ...atSubnet,
  networkRuleCollections: [{ ...firewall.networkRuleCollections[0], rules: [{ ...rule, ...more }] }],
});

test('a firewall alone: that its public IP is in no file is a warning, with how to save it', async t => {
  const { input, faults } = await read(t, { 'fw.json': classicWith({}) });
  assert.deepEqual(faults, undefined);
  assert.deepEqual(input?.policy.publicIps, []);
  const [notice = '', ...others] = input ? noticesOf(input) : [];
  assert.deepEqual(others, []);
  assert.match(
    notice,
    /there is no public IP address '.*\/ip'\. .*: az network public-ip show -g rg -n ip -o json > ip\.json$/,
  );
});

test('what rules need and no file describes is a fault that ends with how to save it', async t => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    [
      'an IP group',
      { 'fw.json': classicWith({ sourceAddresses: [], sourceIpGroups: [`${NETWORK}/ipGroups/office`] }) },
      /there is no IP group .*: az network ip-group show -g rg -n office -o json > office\.json$/,
    ],
    [
      'a parent',
      { 'p.json': { ...policy, ruleCollectionGroups: [] } },
      /there is no firewall policy .*: az network firewall policy show -g rg -n base -o json > base\.json$/,
    ],
    [
      'a rule collection group',
      { 'p.json': { ...policy, basePolicy: null } },
      /there is no rule collection group .*: az network firewall policy rule-collection-group show -g rg --policy-name child -n DefaultGroup -o json > DefaultGroup\.json$/,
    ],
    [
      'the policy of a firewall',
      {
        'fw.json': { ...atSubnet, networkRuleCollections: [], firewallPolicy: { id: policy.id } },
        'group.json': { ...ruleCollectionGroup },
      },
      /there is no firewall policy .*: az network firewall policy show -g rg -n child -o json > child\.json$/,
    ],
  ];
  for (const [what, files, message] of cases) {
    const { faults = [] } = await read(t, files);
    assert.match(faults.at(-1) ?? '', message, what);
  }
});
