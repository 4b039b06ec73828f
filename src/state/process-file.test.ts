// A process is recognised by id and start time, and ended by its file.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { endProcess, readProcessFile, removeProcessFile, writeProcessFile } from './process-file.ts';

function fileFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-process-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'pid');
}

test('the process that wrote the file is found while it runs', t => {
  const file = fileFor(t);
  assert.equal(readProcessFile(file), undefined);
  writeProcessFile(file);
  assert.equal(readProcessFile(file)?.pid, process.pid);
  removeProcessFile(file);
  assert.equal(readProcessFile(file), undefined);
});

test('another process with the same id, nonsense and an empty file are nobody', t => {
  const file = fileFor(t);
  for (const text of [`${process.pid} 1\n`, 'nonsense', '', '0 0', '-1 5']) {
    writeFileSync(file, text);
    assert.equal(readProcessFile(file), undefined, text);
  }
});

test('a process that does not listen to SIGTERM is killed', async t => {
  const file = fileFor(t);
  const child = spawn('sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done']);
  await new Promise(resolve => child.stdout.once('data', resolve));
  const ticks = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[21];
  writeFileSync(file, `${child.pid} ${ticks}\n`);
  assert.equal(readProcessFile(file)?.pid, child.pid);
  assert.equal(await endProcess(file, 100), true);
  assert.equal(readProcessFile(file), undefined);
});

test('nobody to end is fine', async t => {
  assert.equal(await endProcess(fileFor(t), 100), true);
});
