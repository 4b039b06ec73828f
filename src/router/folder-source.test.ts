// The store follows the folder, all or nothing.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStore } from '#store/memory-store.ts';
import { ConfigFault, FolderSource } from './folder-source.ts';

const group = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const firewall = (rest: object = {}) => ({
  id: `${group}/azureFirewalls/fw`,
  name: 'fw',
  type: 'Microsoft.Network/azureFirewalls',
  ...rest,
});
const ipGroup = { id: `${group}/ipGroups/g`, name: 'g', ipAddresses: ['10.0.0.1'] };

function setUp(t: TestContext, refuse: () => readonly string[] = () => []) {
  const parent = mkdtempSync(join(tmpdir(), 'postern-folder-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, 'config');
  mkdirSync(folder);
  const store = new MemoryStore();
  const events: string[] = [];
  const start = () => {
    const source = FolderSource.start({
      folder,
      store,
      check: refuse,
      onLoaded: documents => void events.push(`loaded ${documents.length}`),
      onFault: faults => void events.push(`fault ${faults.join('; ')}`),
    });
    t.after(() => source.close());
  };
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const heard = async (fits: RegExp) => {
    for (let waited = 0; waited < 5000; waited += 20) {
      if (fits.test(events.at(-1) ?? '')) return;
      await sleep(20);
    }
    assert.fail(`not heard: ${fits}; heard ${events.join(' | ')}`);
  };
  const ids = () => store.list().map(({ document }) => document.name);
  return { parent, folder, store, events, start, write, heard, ids };
}

test('documents come with the file they are from; what the API made stays', t => {
  const { store, start, write, ids, folder } = setUp(t);
  store.put({
    id: `${group}/routeTables/api`,
    name: 'api',
    type: 'Microsoft.Network/routeTables',
    properties: {},
  });
  write('fw.json', firewall());
  start();
  assert.deepEqual(ids().sort(), ['api', 'fw']);
  assert.equal(store.get(firewall().id)?.origin, join(folder, 'fw.json'));
});

test('what the API made below a resource that a file describes goes: the file says what is below it too', t => {
  const { store, start, write, ids } = setUp(t);
  const policy = { id: `${group}/firewallPolicies/p`, name: 'p', type: 'Microsoft.Network/firewallPolicies' };
  const groups = ['made', 'described'].map(name => ({
    id: `${policy.id}/ruleCollectionGroups/${name}`,
    name,
    type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
  }));
  const other = { ...policy, id: `${group}/firewallPolicies/p2`, name: 'p2' };
  const [made] = groups;
  for (const document of [policy, made, other]) if (document) store.put({ ...document, properties: {} });
  write('fw.json', firewall({ firewallPolicy: { id: policy.id } }));
  write('policy.json', policy);
  write('group.json', groups[1]);
  start();
  assert.deepEqual(ids().sort(), ['described', 'fw', 'p', 'p2']);
});

test('a faulty folder at the start is thrown, with nothing stored', t => {
  const { start, write, ids } = setUp(t);
  write('fw.json', '{');
  assert.throws(start, ConfigFault);
  assert.deepEqual(ids(), []);
});

test('a file that comes, changes, breaks, and goes', async t => {
  const { folder, store, start, write, heard, ids } = setUp(t);
  write('fw.json', firewall());
  start();
  write('group.json', ipGroup);
  await heard(/loaded 2/);
  write('fw.json', firewall({ threatIntelMode: 'Deny' }));
  await heard(/loaded 2/);
  for (
    let waited = 0;
    waited < 50 && store.get(firewall().id)?.document.properties.threatIntelMode !== 'Deny';
    waited += 1
  )
    await sleep(20);
  assert.equal(store.get(firewall().id)?.document.properties.threatIntelMode, 'Deny');
  write('group.json', '{"id"');
  await heard(/fault .*group\.json/);
  assert.deepEqual(ids().sort(), ['fw', 'g']);
  rmSync(join(folder, 'group.json'));
  await heard(/loaded 1/);
  assert.deepEqual(ids(), ['fw']);
});

test('a folder that vanishes keeps the last good state, and one that takes its place is read', async t => {
  const { parent, folder, start, write, heard, ids } = setUp(t);
  write('fw.json', firewall());
  start();
  renameSync(folder, join(parent, 'old'));
  await heard(/fault .*cannot be read/);
  assert.deepEqual(ids(), ['fw']);
  mkdirSync(join(parent, 'new'));
  writeFileSync(join(parent, 'new/fw.json'), JSON.stringify([firewall(), ipGroup]));
  renameSync(join(parent, 'new'), folder);
  await heard(/loaded 2/);
  write('fw.json', firewall());
  await heard(/loaded 1/);
});

test('what the model refuses is not stored', async t => {
  let faults: readonly string[] = [];
  const { start, write, heard, ids } = setUp(t, () => faults);
  write('fw.json', firewall());
  start();
  faults = ['a rule is wrong'];
  write('group.json', ipGroup);
  await heard(/fault a rule is wrong/);
  assert.deepEqual(ids(), ['fw']);
});
