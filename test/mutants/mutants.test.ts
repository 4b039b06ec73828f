// Every mutant can still be planted: its place in the source is there once. Whether the tests notice it is `npm run mutate`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MUTANTS } from './all.ts';
import { AREAS } from './mutant.ts';

const root = join(import.meta.dirname, '../..');

test('the source of every mutant occurs exactly once', () => {
  const faults = MUTANTS.flatMap(({ name, file, find, replace }) => {
    const times = readFileSync(join(root, file), 'utf8').split(find).length - 1;
    return times === 1 && replace !== find ? [] : [`${name}: ${times} times in ${file}: ${find}`];
  });
  assert.deepEqual(faults, []);
});

test('there are at least thirty, three or more of each kind, and no two alike', () => {
  assert.ok(MUTANTS.length >= 30, `${MUTANTS.length} mutants`);
  for (const area of AREAS) {
    const count = MUTANTS.filter(mutant => mutant.area === area).length;
    assert.ok(count >= 3, `${count} mutants of ${area}`);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});
