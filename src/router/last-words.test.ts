// What is told of a program that ended is the line that says why.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { keepEnd, lastWords } from './last-words.ts';

test('the last line that is not empty', () => {
  assert.equal(lastWords(''), undefined);
  assert.equal(lastWords('\n \n'), undefined);
  assert.equal(lastWords('first\nlast  \n\n'), 'last');
});

test('a crash of Node: the message, not the stack', () => {
  for (const [script, words] of [
    ["throw new TypeError('x is gone')", 'TypeError: x is gone'],
    ["require('node:fs').readFileSync('/nowhere')", /^Error: ENOENT: .*'\/nowhere'$/],
    ["throw Object.assign(new Error('one'), { cause: 1 })", 'Error: one'],
  ] as const) {
    const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    const said = lastWords(stderr) ?? '';
    if (typeof words === 'string') assert.equal(said, words);
    else assert.match(said, words);
  }
});

test('only the end is kept, and a line has bounds', () => {
  let kept = '';
  for (let index = 0; index < 100; index += 1) kept = keepEnd(kept, 'x'.repeat(1000));
  assert.ok(kept.length <= 8192);
  assert.equal(lastWords(kept)?.length, 500);
});
