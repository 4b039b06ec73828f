// What is gone is told once, and only when it is known to be gone.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { watchTable } from './table-watch.ts';

const RULE = '20559:\tfrom all fwmark 0x30000000/0xf0000000 lookup 20559\n';

function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const state = { table: true, rules: async () => RULE, told: [] as string[] };
  const stop = watchTable({
    netlink: { tableExists: () => state.table },
    listRules: () => state.rules(),
    onGone: what => void state.told.push(what),
  });
  t.after(stop);
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms);
    await new Promise(resolve => setImmediate(resolve));
  };
  return { state, pass, stop };
}

test('a table that is gone is told once, within a second', async t => {
  const { state, pass } = setUp(t);
  await pass(30_000);
  assert.deepEqual(state.told, []);
  state.table = false;
  await pass(1000);
  await pass(60_000);
  assert.deepEqual(state.told, ['the nft table inet postern']);
});

test('a routing rule that is gone is told; one that cannot be asked for is not', async t => {
  const { state, pass } = setUp(t);
  state.rules = () => Promise.reject(new Error('no ip'));
  await pass(20_000);
  assert.deepEqual(state.told, []);
  state.rules = async () => '0:\tfrom all lookup local\n';
  await pass(20_000);
  assert.deepEqual(state.told, ['the routing rule 20559']);
});

test('nothing is told after the watch has ended', async t => {
  const { state, pass, stop } = setUp(t);
  stop();
  state.table = false;
  await pass(60_000);
  assert.deepEqual(state.told, []);
});
