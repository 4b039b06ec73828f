// One holder at a time; a gateway that is in the way is ended, another program's lock is not waited for for ever.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readProcessFile } from '#state/process-file.ts';
import { markRemoved, pidFile, takeLock, wasRemovedSince } from './lock.ts';

const NAME = `\0postern-lock-test-${process.pid}`;

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-lock-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Another process that takes the lock and keeps it. */
async function holder(t: TestContext, folder: string) {
  const script = `const { takeLock } = await import(${JSON.stringify(import.meta.resolve('./lock.ts'))});
    await takeLock(${JSON.stringify(folder)}, { name: ${JSON.stringify(NAME)} });
    console.log('has it'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await new Promise(resolve => child.stdout.once('data', resolve));
  return child;
}

test('the newer process takes the lock from the older one', async t => {
  const folder = folderFor(t);
  const older = await holder(t, folder);
  assert.equal(readProcessFile(pidFile(folder))?.pid, older.pid);
  const lock = await takeLock(folder, { name: NAME });
  assert.ok(lock);
  assert.equal(readProcessFile(pidFile(folder))?.pid, process.pid);
  assert.notEqual(older.exitCode ?? older.signalCode, null);
  await lock.release();
});

test('a gateway with another state folder keeps the lock', async t => {
  const older = await holder(t, folderFor(t));
  assert.equal(await takeLock(folderFor(t), { name: NAME }), undefined);
  assert.equal(older.exitCode, null);
});

test('a process knows that the rules were taken away since it began', t => {
  const folder = folderFor(t);
  const began = Date.now() - 1000;
  assert.equal(wasRemovedSince(folder, began), false);
  markRemoved(folder);
  assert.equal(wasRemovedSince(folder, began), true);
  assert.equal(wasRemovedSince(folder, Date.now() + 1000), false);
});
