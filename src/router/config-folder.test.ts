// What the Azure CLI prints must become what ARM holds, and a folder that cannot be put in force must say why.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfigFolder } from './config-folder.ts';

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

function withFolder(files: Readonly<Record<string, unknown>>, check: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
    }
    check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a complete folder has no faults', () => {
  withFolder({ 'fw.json': firewall, 'ip.json': [publicIp] }, folder => {
    const { documents, faults } = readConfigFolder(folder);
    assert.deepEqual(faults, []);
    assert.equal(documents.length, 2);
  });
});

test('a missing public IP is asked for by name, with the command that saves it', () => {
  withFolder({ 'fw.json': firewall }, folder => {
    const [fault = ''] = readConfigFolder(folder).faults;
    assert.match(fault, /publicIPAddresses\/ip, which no file describes/);
    assert.match(fault, /az network public-ip show -g rg -n ip -o json > .*ip\.json/);
  });
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

test('a policy, its parent, its groups and their IP groups are asked for, each by the command that saves it', () => {
  const attached = { ...firewall, networkRuleCollections: [], firewallPolicy: { id: policy.id } };
  const asked = (files: Readonly<Record<string, unknown>>) => {
    let faults: readonly string[] = [];
    withFolder({ 'fw.json': attached, 'ip.json': publicIp, ...files }, folder => {
      faults = readConfigFolder(folder).faults;
    });
    return faults.map(fault => / az (.*) -o json/.exec(fault)?.[1]);
  };
  assert.deepEqual(asked({}), ['network firewall policy show -g rg -n child']);
  assert.deepEqual(asked({ 'p.json': policy }), [
    'network firewall policy show -g rg -n base',
    'network firewall policy rule-collection-group show -g rg --policy-name child -n DefaultGroup',
  ]);
  const base = { ...policy, id: `${group}/firewallPolicies/base`, name: 'base', basePolicy: null };
  const complete = {
    'p.json': [policy, { ...base, ruleCollectionGroups: [] }],
    'g.json': ruleCollectionGroup,
  };
  assert.deepEqual(asked(complete), ['network ip-group show -g rg -n office']);
  assert.deepEqual(asked({ ...complete, 'i.json': { id: `${group}/ipGroups/office`, name: 'office' } }), []);
});

test('an empty folder, a broken file, a foreign type and a double description are named', () => {
  withFolder({}, folder => assert.match(readConfigFolder(folder).faults.join(), /no firewall/));
  withFolder({ 'fw.json': '{"id":' }, folder =>
    assert.match(readConfigFolder(folder).faults[0] ?? '', /fw\.json: .*JSON/),
  );
  // Nobody is told to save what is there and only needs mending.
  withFolder({ 'fw.json': '{"id":', 'ip.json': publicIp }, folder =>
    assert.doesNotMatch(readConfigFolder(folder).faults.join(), /Save it/),
  );
  withFolder({ 'fw.json': firewall, 'ip.json': '' }, folder =>
    assert.doesNotMatch(readConfigFolder(folder).faults.join(), /Save it/),
  );
  withFolder({ 'x.json': { id: `${group}/loadBalancers/lb`, name: 'lb' } }, folder =>
    assert.match(
      readConfigFolder(folder).faults[0] ?? '',
      /Microsoft\.Network\/loadBalancers say nothing about what a firewall does/,
    ),
  );
  withFolder({ 'a.json': firewall, 'b.json': firewall, 'ip.json': publicIp }, folder =>
    assert.match(readConfigFolder(folder).faults[0] ?? '', /b\.json: .* is described by .*a\.json too/),
  );
});
