// Nothing that was read goes unseen: rules that nobody reads are faults, what no rule depends on is listed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocuments } from './read-documents.ts';

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const policy = (properties: object) => ({
  id: `${network}/firewallPolicies/p`,
  name: 'p',
  type: 'Microsoft.Network/FirewallPolicies',
  properties,
});
const read = (...values: object[]) =>
  readDocuments(values.map((value, index) => ({ file: `${index}.json`, text: JSON.stringify(value) })));

test('rule groups of old API versions are a fault, in a template and printed', () => {
  const type = 'Microsoft.Network/firewallPolicies/ruleGroups';
  const template = {
    $schema: 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#',
    resources: [{ type, name: 'p/old', properties: { priority: 100, rules: [] } }],
  };
  const printed = { id: `${network}/firewallPolicies/p/ruleGroups/old`, name: 'old', type, priority: 100 };
  for (const value of [template, printed]) {
    const [fault, ...others] = read(value).faults;
    assert.match(
      fault?.message ?? '',
      /^rule groups of API versions before .* write them as ruleCollectionGroups/,
    );
    assert.deepEqual(others, []);
  }
});

test('a group whose policy is in no file is listed', () => {
  const group = (name: string) => ({
    id: `${network}/firewallPolicies/${name}/ruleCollectionGroups/g`,
    name: 'g',
    type: 'Microsoft.Network/FirewallPolicies/RuleCollectionGroups',
    priority: 100,
  });
  assert.deepEqual(read(policy({}), group('P')).ignored, []);
  assert.deepEqual(
    read(policy({}), group('other')).ignored.map(({ place, name }) => [place.file, name]),
    [['1.json', `g (its policy is in no file: ${network}/firewallPolicies/other)`]],
  );
});

test('features that no flow is decided by are left aside and listed, the others stay', () => {
  const on = {
    insights: { isEnabled: true, retentionDays: 30 },
    intrusionDetection: { mode: 'Alert' },
    transportSecurity: { certificateAuthority: { name: 'ca' } },
  };
  const given = read(policy({ ...on, threatIntelMode: 'Deny' }));
  assert.deepEqual(given.documents[0]?.document.properties, { threatIntelMode: 'Deny' });
  assert.deepEqual(
    given.ignored.map(({ type, name }) => `${type} ${name}`),
    ['insights of p', 'intrusionDetection of p', 'transportSecurity of p'],
  );
  const others = {
    insights: { isEnabled: false },
    intrusionDetection: { mode: 'Deny' },
    transportSecurity: {},
    explicitProxy: { enableExplicitProxy: true },
  };
  const kept = read(policy(others));
  assert.deepEqual(kept.documents[0]?.document.properties, others);
  assert.deepEqual(kept.ignored, []);
  const firewall = {
    id: `${network}/azureFirewalls/fw`,
    name: 'fw',
    managementIpConfiguration: { name: 'm', publicIpAddress: { id: `${network}/publicIPAddresses/m` } },
    autoscaleConfiguration: { minCapacity: 3, maxCapacity: null },
    sku: { name: 'AZFW_VNet', tier: 'Basic' },
  };
  const basic = read(firewall);
  assert.deepEqual(Object.keys(basic.documents[0]?.document.properties ?? {}), ['sku']);
  assert.deepEqual(
    basic.ignored.map(({ type }) => type),
    ['autoscaleConfiguration', 'managementIpConfiguration'],
  );
});

test('the identity of a policy, which fetches a certificate, is left aside and listed, in a template too', () => {
  const identity = { type: 'UserAssigned', userAssignedIdentities: { "[parameters('nobody')]": {} } };
  const template = {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    resources: [{ type: 'Microsoft.Network/firewallPolicies', name: 'p', identity, properties: {} }],
  };
  for (const value of [{ ...policy({}), identity }, template]) {
    const { documents, ignored, faults } = read(value);
    assert.deepEqual(faults, []);
    assert.ok(!('identity' in (documents[0]?.document ?? {})));
    assert.deepEqual(
      ignored.map(({ type, name }) => `${type} ${name}`),
      ['identity of p'],
    );
  }
  assert.deepEqual(read({ ...policy({}), identity: { type: 'None' } }).ignored, []);
});

test('a parameter that only such a feature uses needs no value', () => {
  const template = (properties: object) => ({
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    parameters: { workspace: { type: 'string' }, on: { type: 'bool' } },
    resources: [{ type: 'Microsoft.Network/firewallPolicies', name: 'p', properties }],
  });
  const workspaceId = { id: "[parameters('workspace')]" };
  const insights = { isEnabled: true, logAnalyticsResources: { defaultWorkspaceId: workspaceId } };
  const given = read(template({ insights, threatIntelMode: 'Deny' }));
  assert.deepEqual(given.faults, []);
  assert.deepEqual(given.documents[0]?.document.properties, { threatIntelMode: 'Deny' });
  assert.deepEqual(
    given.ignored.map(({ type, name }) => `${type} ${name}`),
    ['insights of p'],
  );
  assert.deepEqual(read(template({ insights: { ...insights, isEnabled: false } })).faults, []);
  const needed: readonly (readonly [object, RegExp])[] = [
    [{ insights: { isEnabled: "[parameters('on')]" } }, /parameter 'on' has no value/],
    [{ basePolicy: workspaceId }, /parameter 'workspace' has no value/],
    [
      { intrusionDetection: { mode: 'Deny', profile: "[parameters('workspace')]" } },
      /'workspace' has no value/,
    ],
  ];
  for (const [properties, message] of needed)
    assert.match(read(template(properties)).faults[0]?.message ?? '', message);
});
