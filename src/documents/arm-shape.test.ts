// What the Azure CLI prints becomes what ARM holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toArmDocument } from './arm-shape.ts';

const group =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network';
const publicIp = {
  id: `${group}/publicIPAddresses/ip`,
  name: 'ip',
  type: 'Microsoft.Network/publicIPAddresses',
  location: 'eastus',
  resourceGroup: 'rg',
  sku: { name: 'Standard', tier: 'Regional' },
  ipAddress: '20.1.2.3',
  zones: null,
};
const firewall = {
  id: `${group}/azureFirewalls/fw`,
  name: 'fw',
  type: 'Microsoft.Network/azureFirewalls',
  location: 'eastus',
  resourceGroup: 'rg',
  sku: { name: 'AZFW_VNet', tier: 'Standard' },
  threatIntelMode: 'Alert',
  firewallPolicy: null,
  ipConfigurations: [
    {
      id: `${group}/azureFirewalls/fw/azureFirewallIpConfigurations/c`,
      name: 'c',
      resourceGroup: 'rg',
      privateIPAddress: '10.42.2.4',
      publicIPAddress: { id: publicIp.id, resourceGroup: 'rg' },
    },
  ],
  networkRuleCollections: [
    {
      name: 'net',
      resourceGroup: 'rg',
      priority: 100,
      action: { type: 'Allow' },
      rules: [{ name: 'r', protocols: ['TCP'] }],
    },
  ],
};

test('what the CLI prints of a firewall becomes an ARM document', () => {
  const document = toArmDocument(firewall);
  assert.deepEqual(document.properties, {
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    threatIntelMode: 'Alert',
    ipConfigurations: [
      {
        id: `${group}/azureFirewalls/fw/azureFirewallIpConfigurations/c`,
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

const policy = {
  id: `${group}/firewallPolicies/child`,
  name: 'child',
  type: 'Microsoft.Network/firewallPolicies',
  location: 'eastus',
  resourceGroup: 'rg',
  identity: null,
  sku: { tier: 'Standard' },
  basePolicy: { id: `${group}/firewallPolicies/base`, resourceGroup: 'rg' },
  childPolicies: [{ id: `${group}/firewallPolicies/not-needed`, resourceGroup: 'rg' }],
  firewalls: [{ id: firewall.id, resourceGroup: 'rg' }],
  ruleCollectionGroups: [
    { id: `${group}/firewallPolicies/child/ruleCollectionGroups/DefaultGroup`, resourceGroup: 'rg' },
  ],
};
const ruleCollectionGroup = {
  id: `${group}/firewallPolicies/child/ruleCollectionGroups/DefaultGroup`,
  name: 'DefaultGroup',
  type: 'Microsoft.Network/FirewallPolicies/RuleCollectionGroups',
  resourceGroup: 'rg',
  priority: 100,
  ruleCollections: [
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'net',
      priority: 100,
      action: { type: 'Allow' },
      rules: [
        {
          ruleType: 'NetworkRule',
          name: 'r',
          destinationFqdns: null,
          sourceIpGroups: [`${group}/ipGroups/office`],
        },
      ],
    },
  ],
};

test('policies and their groups become ARM documents, collections as they are printed', () => {
  assert.deepEqual(toArmDocument(policy).properties, {
    sku: { tier: 'Standard' },
    basePolicy: { id: `${group}/firewallPolicies/base` },
    childPolicies: [{ id: `${group}/firewallPolicies/not-needed` }],
    firewalls: [{ id: firewall.id }],
    ruleCollectionGroups: [{ id: ruleCollectionGroup.id }],
  });
  const { destinationFqdns: _null, ...rule } = ruleCollectionGroup.ruleCollections[0]?.rules[0] ?? {};
  assert.deepEqual(toArmDocument(ruleCollectionGroup).properties, {
    priority: 100,
    ruleCollections: [{ ...ruleCollectionGroup.ruleCollections[0], rules: [rule] }],
  });
});

test("members in Python's spelling, which older versions of az print, become ARM's at every depth", () => {
  const rules = [{ ruleType: 'ApplicationRule', name: 'r', terminateTls: true }];
  const printed = { id: `${group}/firewallPolicies/p/ruleCollectionGroups/g`, name: 'g', priority: 100 };
  const document = toArmDocument({ ...printed, ruleCollections: [{ name: 'c', rules }] });
  assert.deepEqual(document.properties.ruleCollections, [
    { name: 'c', rules: [{ ruleType: 'ApplicationRule', name: 'r', terminateTLS: true }] },
  ]);
});
