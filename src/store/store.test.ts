// The contract of the resource store, run by both stores, and what SQLite promises beyond it.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { MemoryStore } from './memory-store.ts';
import {
  type ArmDocument,
  type ResourceStore,
  RevisionConflict,
  type StoreChange,
  type StoredResource,
} from './resource-store.ts';
import { SqliteStore } from './sqlite-store.ts';

const GROUP = '/subscriptions/s/resourceGroups/Rg';
const NETWORK = `${GROUP}/providers/Microsoft.Network`;

function vnet(name: string, properties: Record<string, unknown> = {}): ArmDocument {
  return {
    id: `${NETWORK}/virtualNetworks/${name}`,
    name,
    type: 'Microsoft.Network/virtualNetworks',
    location: 'eastus',
    properties,
  };
}

type Listed = { document: { properties: { list: number[] } } };

const group: ArmDocument = {
  id: GROUP,
  name: 'Rg',
  type: 'Microsoft.Resources/resourceGroups',
  properties: {},
};

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-store-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function describeStore(name: string, open: (context: TestContext) => ResourceStore): void {
  describe(name, () => {
    it('finds what was put, whatever the case of the id', t => {
      const store = open(t);
      store.put(vnet('Hub', { a: [1] }));
      assert.deepEqual(
        store.get(`${NETWORK}/VIRTUALNETWORKS/hub`.toUpperCase())?.document,
        vnet('Hub', { a: [1] }),
      );
      assert.equal(store.get(`${NETWORK}/virtualNetworks/other`), undefined);
    });

    it('keeps the spelling of id and name that came first', t => {
      const store = open(t);
      store.put(vnet('Hub'));
      const second = store.put({ ...vnet('HUB', { a: 1 }), id: vnet('HUB').id.toLowerCase() });
      assert.equal(second.document.id, vnet('Hub').id);
      assert.equal(store.get(vnet('hub').id)?.document.name, 'Hub');
      assert.deepEqual(store.get(vnet('hub').id)?.document.properties, { a: 1 });
    });

    it('shares no objects with its callers', t => {
      const store = open(t);
      const properties = { list: [1] };
      const stored = store.put(vnet('hub', properties));
      properties.list.push(2);
      (stored as StoredResource & Listed).document.properties.list.push(3);
      (store.list()[0] as StoredResource & Listed).document.properties.list.push(4);
      assert.deepEqual(store.get(vnet('hub').id)?.document.properties, { list: [1] });
    });

    it('lists by id, filtered by type and resource group without regard to case', t => {
      const store = open(t);
      store.put(group);
      store.put(vnet('b'));
      store.put(vnet('A'));
      store.put({ ...vnet('c'), id: vnet('c').id.replace('Rg', 'other') });
      store.put({ ...vnet('t'), id: `${NETWORK}/routeTables/t`, type: 'Microsoft.Network/routeTables' });
      const names = (filter?: { type?: string; resourceGroup?: string }) =>
        store.list(filter).map(r => r.document.name);
      assert.deepEqual(names(), ['c', 'Rg', 't', 'A', 'b']);
      assert.deepEqual(names({ type: 'microsoft.network/VIRTUALNETWORKS' }), ['c', 'A', 'b']);
      assert.deepEqual(names({ resourceGroup: 'RG' }), ['t', 'A', 'b']);
      assert.deepEqual(names({ resourceGroup: 'rg', type: 'Microsoft.Network/routeTables' }), ['t']);
      assert.deepEqual(names({ type: 'Microsoft.Resources/resourceGroups' }), ['Rg']);
    });

    it('gives each write a higher revision', t => {
      const store = open(t);
      assert.equal(store.revision, 0);
      const first = store.put(vnet('a'));
      const second = store.put(vnet('a'));
      assert.ok(second.revision > first.revision);
      assert.equal(store.revision, second.revision);
      store.delete(vnet('a').id);
      assert.ok(store.revision > second.revision);
    });

    it('refuses a write that expects another revision, and leaves the entry alone', t => {
      const store = open(t);
      const { revision } = store.put(vnet('a', { n: 1 }), { expectedRevision: 0 });
      assert.throws(() => store.put(vnet('a', { n: 2 }), { expectedRevision: 0 }), RevisionConflict);
      assert.throws(
        () => store.put(vnet('a', { n: 2 }), { expectedRevision: revision + 1 }),
        RevisionConflict,
      );
      assert.throws(() => store.put(vnet('b'), { expectedRevision: 5 }), RevisionConflict);
      assert.deepEqual(store.get(vnet('a').id)?.document.properties, { n: 1 });
      store.put(vnet('a', { n: 2 }), { expectedRevision: revision });
      assert.deepEqual(store.get(vnet('a').id)?.document.properties, { n: 2 });
    });

    it('keeps the origin until another is named', t => {
      const store = open(t);
      assert.equal(store.put(vnet('a')).origin, 'api');
      assert.equal(store.put(vnet('a'), { origin: '/etc/fw.json' }).origin, '/etc/fw.json');
      assert.equal(store.put(vnet('a')).origin, '/etc/fw.json');
      assert.equal(store.put(vnet('a'), { origin: 'api' }).origin, 'api');
    });

    it('deletes once', t => {
      const store = open(t);
      store.put(vnet('a'));
      assert.equal(store.delete(vnet('A').id), true);
      assert.equal(store.delete(vnet('a').id), false);
      assert.equal(store.get(vnet('a').id), undefined);
    });

    it('rolls a transaction back when its work throws: nothing stays and nobody hears of it', t => {
      const store = open(t);
      store.put(vnet('a', { n: 1 }));
      const { revision } = store;
      const heard: StoreChange[] = [];
      store.watch(change => heard.push(change));
      const work = () =>
        store.transaction(() => {
          store.put(vnet('a', { n: 2 }));
          store.put(vnet('b'));
          store.delete(vnet('a').id);
          throw new Error('changed my mind');
        });
      assert.throws(work, /changed my mind/);
      assert.deepEqual(store.get(vnet('a').id)?.document.properties, { n: 1 });
      assert.equal(store.get(vnet('b').id), undefined);
      assert.equal(store.revision, revision);
      assert.deepEqual(heard, []);
    });

    it('joins nested transactions: the outer one decides', t => {
      const store = open(t);
      const work = () =>
        store.transaction(() => {
          store.transaction(() => store.put(vnet('a')));
          throw new Error('outer');
        });
      assert.throws(work, /outer/);
      assert.equal(store.get(vnet('a').id), undefined);
    });

    it('fails the outer transaction when an inner one failed, even if the error was caught', t => {
      const store = open(t);
      const work = () =>
        store.transaction(() => {
          store.put(vnet('a'));
          try {
            store.put(vnet('a'), { expectedRevision: 99 });
          } catch {}
        });
      assert.throws(work, RevisionConflict);
      assert.equal(store.get(vnet('a').id), undefined);
      store.put(vnet('a'));
    });

    it('refuses work that waits', t => {
      const store = open(t);
      assert.throws(() => store.transaction(async () => undefined), /must not wait/);
    });

    it('tells watchers after the commit, in order, with what was written', t => {
      const store = open(t);
      const heard: string[] = [];
      const stop = store.watch(change => {
        heard.push(change.kind === 'put' ? `put ${change.resource.document.name}` : `delete ${change.id}`);
      });
      store.transaction(() => {
        store.put(vnet('a'));
        store.put(vnet('b'));
        store.delete(vnet('a').id);
        assert.deepEqual(heard, []);
      });
      assert.deepEqual(heard, ['put a', 'put b', `delete ${vnet('a').id}`]);
      stop();
      store.put(vnet('c'));
      assert.equal(heard.length, 3);
    });

    it('keeps the order when a watcher writes', t => {
      const store = open(t);
      const heard: number[] = [];
      store.watch(change => {
        if (change.kind === 'put' && change.resource.document.name === 'a')
          store.put(vnet('status', { of: change.resource.revision }));
      });
      store.watch(change => heard.push(change.kind === 'put' ? change.resource.revision : change.revision));
      store.transaction(() => {
        store.put(vnet('a'));
        store.put(vnet('b'));
      });
      assert.deepEqual(heard, [1, 2, 3]);
    });
  });
}

describeStore('MemoryStore', () => new MemoryStore());
describeStore('SqliteStore', t => {
  const store = new SqliteStore(join(temporaryFolder(t), 'state', 'store.db'));
  t.after(() => store.close());
  return store;
});

describe('the SQLite file', () => {
  it('holds everything over a reopen, the revision included', t => {
    const path = join(temporaryFolder(t), 'store.db');
    const before = new SqliteStore(path);
    before.put(vnet('a', { n: 'é' }), { origin: 'file.json' });
    before.put(vnet('gone'));
    before.delete(vnet('gone').id);
    const all = before.list();
    const { revision } = before;
    before.close();
    const after = new SqliteStore(path);
    assert.deepEqual(after.list(), all);
    assert.equal(after.revision, revision);
    after.close();
  });

  it('is readable by its owner only, its write-ahead log and folder too', t => {
    const folder = join(temporaryFolder(t), 'state');
    const path = join(folder, 'store.db');
    const store = new SqliteStore(path);
    store.put(vnet('a'));
    const mode = (file: string) => statSync(file).mode & 0o777;
    assert.equal(mode(folder), 0o700);
    assert.equal(mode(path), 0o600);
    assert.equal(mode(`${path}-wal`), 0o600);
    store.close();
    chmodSync(folder, 0o755);
    new SqliteStore(path).close();
    assert.equal(mode(folder), 0o700);
  });

  it('is refused to a second process while it is open', t => {
    const path = join(temporaryFolder(t), 'store.db');
    const store = new SqliteStore(path);
    assert.throws(() => new SqliteStore(path), /in use by another process/);
    store.close();
    new SqliteStore(path).close();
  });

  it('is refused in a folder shared with other users', t => {
    const shared = temporaryFolder(t);
    chmodSync(shared, 0o1777);
    assert.throws(() => new SqliteStore(join(shared, 'store.db')), /shared by several users/);
  });
});
