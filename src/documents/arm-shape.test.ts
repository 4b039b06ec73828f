// What the Azure CLI prints becomes what ARM holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toArmDocument } from './arm-shape.ts';
import { firewall, NETWORK, policy, publicIp, ruleCollectionGroup } from './printed-fixture.ts';

test('what the CLI prints of a firewall becomes an ARM document', () => {
  const document = toArmDocument(firewall);
  assert.deepEqual(document.properties, {
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    threatIntelMode: 'Alert',
    ipConfigurations: [
      {
        id: `${NETWORK}/azureFirewalls/fw/azureFirewallIpConfigurations/c`,
        name: 'c',
        properties: { privateIPAddress: '10.42.2.4', publicIPAddress: { id: publicIp.id } },
      },
    ],
    networkRuleCollections: [
      {
        name: 'net',
        properties: { priority: 100, action: { type: 'Allow' }, rules: [{ name: 'r', protocols: ['TCP'] }] },
      },
    ],
  });
});

test("a public IP's sku stays beside its properties", () => {
  const document = toArmDocument(publicIp);
  assert.deepEqual(document.sku, { name: 'Standard', tier: 'Regional' });
  assert.deepEqual(document.properties, { ipAddress: '20.1.2.3' });
});

test("ARM's own shape is taken as it is", () => {
  const document = toArmDocument({ id: publicIp.id, name: 'ip', properties: { ipAddress: '20.1.2.3' } });
  assert.deepEqual(document.properties, { ipAddress: '20.1.2.3' });
});

test('policies and their groups become ARM documents, collections as they are printed', () => {
  assert.deepEqual(toArmDocument(policy).properties, {
    sku: { tier: 'Standard' },
    basePolicy: { id: `${NETWORK}/firewallPolicies/base` },
    childPolicies: [{ id: `${NETWORK}/firewallPolicies/not-needed` }],
    firewalls: [{ id: firewall.id }],
    ruleCollectionGroups: [{ id: ruleCollectionGroup.id }],
  });
  assert.ok(!('identity' in toArmDocument(policy)));
  const identity = { type: 'UserAssigned' };
  assert.deepEqual({ ...toArmDocument({ ...policy, identity }) }, { ...toArmDocument(policy), identity });
  const { destinationFqdns: _null, ...rule } = ruleCollectionGroup.ruleCollections[0]?.rules[0] ?? {};
  assert.deepEqual(toArmDocument(ruleCollectionGroup).properties, {
    priority: 100,
    ruleCollections: [{ ...ruleCollectionGroup.ruleCollections[0], rules: [rule] }],
  });
});

test("members in Python's spelling, which older versions of az print, become ARM's at every depth", () => {
  const rules = [{ ruleType: 'ApplicationRule', name: 'r', terminateTls: true }];
  const printed = { id: `${NETWORK}/firewallPolicies/p/ruleCollectionGroups/g`, name: 'g', priority: 100 };
  const document = toArmDocument({ ...printed, ruleCollections: [{ name: 'c', rules }] });
  assert.deepEqual(document.properties.ruleCollections, [
    { name: 'c', rules: [{ ruleType: 'ApplicationRule', name: 'r', terminateTLS: true }] },
  ]);
});
