// The set of documents that a store makes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory-store.ts';
import type { ResourceStore } from './resource-store.ts';
import { documentsOfStore } from './store-documents.ts';

const TYPE = 'Microsoft.Network/ipGroups';
const idOf = (name: string) => `/subscriptions/s/resourceGroups/rg/providers/${TYPE}/${name}`;
const document = (name: string, properties: object = {}) => ({
  id: idOf(name),
  name,
  type: TYPE,
  properties: { ...properties },
});

test('documents are found in any case and listed by id, with the changed one in its place', () => {
  const store = new MemoryStore();
  for (const name of ['b', 'd']) store.put(document(name));
  const namesWith = (changed?: ReturnType<typeof document>) =>
    documentsOfStore(store, changed)
      .ofType(TYPE.toUpperCase())
      .map(({ name, properties }) => `${name}${properties.new ? ' new' : ''}`);
  assert.deepEqual(namesWith(), ['b', 'd']);
  assert.deepEqual(namesWith(document('c', { new: true })), ['b', 'c new', 'd']);
  assert.deepEqual(namesWith(document('B', { new: true })), ['B new', 'd']);
  assert.deepEqual(documentsOfStore(store, document('c')).ofType('Microsoft.Network/routeTables'), []);
  const documents = documentsOfStore(store, document('B', { new: true }));
  assert.equal(documents.get(idOf('D').toUpperCase())?.name, 'd');
  assert.deepEqual(documents.get(idOf('b'))?.properties, { new: true });
  assert.equal(documents.get(idOf('none')), undefined);
});

test('each document is read once', () => {
  const store = new MemoryStore();
  store.put(document('a'));
  const asked: string[] = [];
  const counting: Pick<ResourceStore, 'get' | 'list'> = {
    get: id => {
      asked.push(id);
      return store.get(id);
    },
    list: filter => store.list(filter),
  };
  const documents = documentsOfStore(counting as ResourceStore);
  for (const name of ['a', 'A', 'none', 'none']) documents.get(idOf(name));
  assert.deepEqual(asked, [idOf('a'), idOf('none')]);
});
