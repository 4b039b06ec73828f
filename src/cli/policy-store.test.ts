// `--policy store` reads what Postern holds: from its database when nothing runs, from the control plane while it runs and has
// the database locked.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startControlPlane } from '#control/control-plane.ts';
import { writeProcessFile } from '#state/process-file.ts';
import type { ResourceStore } from '#store/resource-store.ts';
import { SqliteStore } from '#store/sqlite-store.ts';
import { runDecide } from './decide.ts';
import { runLint } from './lint.ts';
import { folderWith, outcomeOf } from './testing.ts';

const NETWORK =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network';
const POLICY = `${NETWORK}/firewallPolicies/p`;

function fill(store: ResourceStore): void {
  const common = { location: 'eastus' };
  store.put({
    id: POLICY,
    name: 'p',
    type: 'Microsoft.Network/firewallPolicies',
    ...common,
    properties: { sku: { tier: 'Standard' }, threatIntelMode: 'Off' },
  });
  store.put({
    id: `${POLICY}/ruleCollectionGroups/g`,
    name: 'g',
    type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
    properties: {
      priority: 100,
      ruleCollections: [
        {
          ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
          name: 'c',
          priority: 100,
          action: { type: 'Allow' },
          rules: [
            {
              ruleType: 'NetworkRule',
              name: 'ssh',
              ipProtocols: ['TCP'],
              sourceIpGroups: [`${NETWORK}/ipGroups/office`],
              destinationAddresses: ['192.0.2.1'],
              destinationPorts: ['22'],
            },
          ],
        },
      ],
    },
  });
  store.put({
    id: `${NETWORK}/ipGroups/office`,
    name: 'office',
    type: 'Microsoft.Network/ipGroups',
    ...common,
    properties: { ipAddresses: ['10.0.0.0/24'] },
  });
}

function stateFolder(t: TestContext, ...folder: string[]): { state: string; folder: string } {
  const state = folderWith(t);
  mkdirSync(join(state, ...folder), { recursive: true });
  return { state, folder: join(state, ...folder) };
}

const QUESTION = ['--policy', 'store', '--from', '10.0.0.9', '--to', '192.0.2.1:22', '-o', 'json'];
const ask = (state: string, ...more: string[]) =>
  outcomeOf(world => runDecide([...QUESTION, '--state', state, ...more], world), {});

test('the database of the router, when nothing runs', async t => {
  const { state, folder } = stateFolder(t, 'router');
  const store = new SqliteStore(join(folder, 'store.db'));
  fill(store);
  store.close();
  const { out, error, code } = await ask(state);
  assert.equal(error, '');
  assert.equal(JSON.parse(out).rule.name, 'ssh');
  assert.equal(code, 0);
});

test('the control plane of a lab, while it runs', async t => {
  const { state, folder } = stateFolder(t, 'labs', 'two');
  const control = await startControlPlane({ stateDir: folder });
  t.after(() => control.close());
  fill(control.store);
  const { out, error, code } = await ask(state, '--name', 'two');
  assert.equal(error, '');
  assert.equal(JSON.parse(out).rule.name, 'ssh');
  assert.equal(code, 0);
});

test('what is found in a store stands at the id of its resource', async t => {
  const { state, folder } = stateFolder(t, 'labs', 'two');
  const control = await startControlPlane({ stateDir: folder });
  t.after(() => control.close());
  fill(control.store);
  const lint = (...more: string[]) =>
    outcomeOf(world => runLint(['--policy', 'store', '--name', 'two', '--state', state, ...more], world), {});
  const { out } = await lint();
  assert.doesNotMatch(out, /api\.sock/);
  assert.match(out, / {2}threat-intel-off +\S+ {2}\/subscriptions\/\S+\n/);
  const { findings } = JSON.parse((await lint('-o', 'json')).out) as { findings: { place: unknown }[] };
  assert.ok(findings.length > 0);
  assert.ok(findings.every(({ place }) => place === null));
});

const MEANT: readonly (readonly [
  string,
  readonly string[],
  readonly string[],
  string | undefined,
  RegExp,
])[] = [
  ['nothing named and nothing up: the router', [], [], undefined, /\/router: there is no store/],
  ['the only lab that is up', ['demo'], [], undefined, /labs\/demo: there is no store/],
  ['$POSTERN_LAB before one that is up', ['demo'], [], 'two', /labs\/two: there is no store/],
  ['--name before $POSTERN_LAB', ['demo'], ['--name', 'one'], 'two', /labs\/one: there is no store/],
  ['--router before all', ['demo'], ['--router'], 'two', /\/router: there is no store/],
  ['several that are up', ['demo', 'two'], [], undefined, /store: several labs are up: demo, two\. .*--name/],
  ['both', [], ['--router', '--name', 'two'], undefined, /--name and --router exclude each other/],
];

for (const [title, up, flags, variable, message] of MEANT)
  test(`whose store is meant: ${title}`, async t => {
    const { state } = stateFolder(t, 'router');
    for (const name of up) {
      mkdirSync(join(state, 'labs', name), { recursive: true });
      writeProcessFile(join(state, 'labs', name, 'lab.pid'));
    }
    const env = { POSTERN_STATE: state, ...(variable !== undefined && { POSTERN_LAB: variable }) };
    const { error, code } = await outcomeOf(world => runDecide([...QUESTION, ...flags], world), env);
    assert.match(error, message);
    assert.equal(code, 1);
  });

test('where nothing is up and the router has no store, labs that keep theirs are named', async t => {
  const { state, folder } = stateFolder(t, 'labs', 'demo');
  new SqliteStore(join(folder, 'store.db')).close();
  const { error, code } = await ask(state);
  assert.match(error, /store: no lab is up, and the router has no store\. .* still there: demo\. Name one/);
  assert.equal(code, 1);
});

test('no store is said with where it was looked for', async t => {
  const { state } = stateFolder(t, 'router');
  const { error, code } = await ask(state);
  assert.match(error, /router: there is no store; postern lab up or postern up makes one/);
  assert.equal(code, 1);
  const files = await ask(state, '--policy', 'x.json', '--name', 'two');
  assert.match(files.error, /labs\/two: there is no store/);
});

test('a lab without a store: those that have one are named, and what may have been meant', async t => {
  const { state, folder } = stateFolder(t, 'labs', 'two');
  new SqliteStore(join(folder, 'store.db')).close();
  const { error, code } = await ask(state, '--name', 'tow');
  assert.match(error, /labs\/tow: there is no store; .*Labs that have one: two\. Did you mean 'two'\?\n/);
  assert.equal(code, 1);
  const { error: far } = await ask(state, '--name', 'elsewhere');
  assert.match(far, /Labs that have one: two\n/);
});

test('a store without rules: they are created, not saved', async t => {
  const { state, folder } = stateFolder(t, 'router');
  new SqliteStore(join(folder, 'store.db')).close();
  const { error, code } = await ask(state);
  assert.match(error, /no firewall policy yet\. Create one: az network firewall create -g GROUP -n NAME/);
  assert.doesNotMatch(error, /Save/);
  assert.equal(code, 1);
});
