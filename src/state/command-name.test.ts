// The command in hints is one that works where it is read.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandName } from './command-name.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The hint of a command that finds nothing to start with. */
function hint(program: string, env: Readonly<Record<string, string>> = {}): string {
  const { POSTERN_COMMAND: _, ...rest } = process.env;
  const { stdout, stderr } = spawnSync(program, ['status'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...rest, POSTERN_STATE: '/nowhere', ...env },
  });
  return /not up \((.*) up starts it\)/.exec(stdout)?.[1] ?? assert.fail(stdout + stderr);
}

function linkFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-path-'));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(ROOT, 'bin/postern'), join(folder, 'postern'));
  return folder;
}

test('postern unless told otherwise; what a shell would split is quoted', () => {
  assert.equal(commandName({}), 'postern');
  assert.equal(commandName({ POSTERN_COMMAND: '' }), 'postern');
  assert.equal(commandName({ POSTERN_COMMAND: './bin/postern' }), './bin/postern');
  assert.equal(commandName({ POSTERN_COMMAND: "/it's here/postern" }), "'/it'\\''s here/postern'");
});

test('a checkout is named as it was typed', () => {
  assert.equal(hint('bin/postern'), 'bin/postern');
  assert.equal(hint('./bin/postern'), './bin/postern');
});

test('on the path it is postern, however it was typed', t => {
  const PATH = `${linkFolder(t)}${delimiter}${process.env.PATH}`;
  assert.equal(hint('postern', { PATH }), 'postern');
  assert.equal(hint('bin/postern', { PATH }), 'postern');
});

test('another postern on the path does not count, and a command that Postern runs keeps the name of the first', t => {
  const folder = linkFolder(t);
  rmSync(join(folder, 'postern'));
  symlinkSync('/bin/true', join(folder, 'postern'));
  const PATH = `${folder}${delimiter}${process.env.PATH}`;
  assert.equal(hint('bin/postern', { PATH }), 'bin/postern');
  assert.equal(hint(join(ROOT, 'bin/postern'), { POSTERN_COMMAND: 'bin/postern' }), 'bin/postern');
});
