// The sign of life on a terminal: late, erased, and nowhere else.

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AzIo } from './io.ts';
import { withProgress } from './progress.ts';

function terminal(isTTY: boolean): { io: AzIo; written: () => string } {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} };
  return { io, written: () => String(stderr.read() ?? '') };
}

test('after two seconds a line with the seconds, erased at the end', async () => {
  const { io, written } = terminal(true);
  let during = '';
  await withProgress(io, true, async () => {
    await sleep(1500);
    assert.equal(written(), '');
    await sleep(900);
    during = written();
  });
  assert.match(during, /Running \.\.\. 2 s/);
  assert.ok(written().endsWith('\r\u001b[K'));
});

test('nothing without a terminal, and nothing for a short wait', async () => {
  const pipe = terminal(false);
  const short = terminal(true);
  await Promise.all([
    withProgress(pipe.io, true, () => sleep(2400)),
    withProgress(short.io, true, () => sleep(10)),
  ]);
  assert.equal(pipe.written(), '');
  assert.equal(short.written(), '');
});

test('the line is erased when the work fails', async () => {
  const { io, written } = terminal(true);
  const work = withProgress(io, true, async () => {
    await sleep(2300);
    throw new Error('no');
  });
  await assert.rejects(work, /no/);
  assert.ok(written().endsWith('\r\u001b[K'));
});
