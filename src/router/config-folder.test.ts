// A folder that cannot be put in force must say why.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { firewall, NETWORK, policy, publicIp, ruleCollectionGroup } from '#documents/printed-fixture.ts';
import { parseFirewallPolicy } from '#model/firewall-policy.ts';
import { readConfigFolder } from './config-folder.ts';

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
  const base = { ...policy, id: `${NETWORK}/firewallPolicies/base`, name: 'base', basePolicy: null };
  const complete = {
    'p.json': [policy, { ...base, ruleCollectionGroups: [] }],
    'g.json': ruleCollectionGroup,
  };
  assert.deepEqual(asked(complete), ['network ip-group show -g rg -n office']);
  assert.deepEqual(
    asked({ ...complete, 'i.json': { id: `${NETWORK}/ipGroups/office`, name: 'office' } }),
    [],
  );
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
  withFolder({ 'x.json': { id: `${NETWORK}/loadBalancers/lb`, name: 'lb' } }, folder =>
    assert.match(
      readConfigFolder(folder).faults[0] ?? '',
      /Microsoft\.Network\/loadBalancers say nothing about what a firewall does/,
    ),
  );
  withFolder({ 'a.json': firewall, 'b.json': firewall, 'ip.json': publicIp }, folder =>
    assert.match(readConfigFolder(folder).faults[0] ?? '', /b\.json: .* is described by .*a\.json too/),
  );
});

test('what decides no flow is not left aside: a router would have to do it', () => {
  const features = {
    intrusionDetection: { mode: 'Alert' },
    insights: { isEnabled: true },
    transportSecurity: { certificateAuthority: { name: 'ca' } },
    identity: { type: 'UserAssigned' },
  };
  withFolder({ 'p.json': { ...policy, ...features } }, folder => {
    const [found] = readConfigFolder(folder).documents;
    const { diagnostics = [] } = parseFirewallPolicy(found?.document, { azureLimits: true });
    assert.deepEqual(
      diagnostics.map(({ target }) => target.replace('properties.', '')).sort(),
      Object.keys(features).sort(),
    );
  });
});
