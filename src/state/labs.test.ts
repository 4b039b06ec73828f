// Which lab is meant where nobody names one.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { labsUp, labToAsk } from './labs.ts';
import { writeProcessFile } from './process-file.ts';
import { labFolder } from './state-folder.ts';

/** Labs whose process runs, and what is left of some that ended. */
function labs(t: TestContext, up: readonly string[], ended: readonly string[] = []): string {
  const state = mkdtempSync(join(tmpdir(), 'postern-labs-'));
  t.after(() => rmSync(state, { recursive: true }));
  for (const name of [...up, ...ended]) mkdirSync(labFolder(name, { override: state }), { recursive: true });
  for (const name of up) writeProcessFile(join(labFolder(name, { override: state }), 'lab.pid'));
  return state;
}

test('a lab is up while its process runs', t => {
  const override = labs(t, ['two', 'one'], ['three']);
  assert.deepEqual(labsUp({ override }), ['one', 'two']);
  assert.deepEqual(labsUp({ override: '/nowhere' }), []);
});

const MEANT: readonly (readonly [string, string | undefined, readonly string[], string])[] = [
  ['the only one that is up, whatever its name', undefined, ['demo'], 'demo'],
  ['$POSTERN_LAB, though another is up', 'two', ['demo'], 'two'],
  ['of several the usual one', undefined, ['demo', 'postern'], 'postern'],
  ['of several others the usual one, which is not up', undefined, ['demo', 'two'], 'postern'],
  ['the usual one, when none is up', undefined, [], 'postern'],
];

for (const [title, variable, up, meant] of MEANT)
  test(`meant is ${title}`, t => {
    const env = variable === undefined ? {} : { POSTERN_LAB: variable };
    assert.equal(labToAsk({ env, override: labs(t, up, ['old']) }), meant);
  });
