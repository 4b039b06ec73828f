// A program that cannot start says why: in its status, with a count, and in a log of its own.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeptProcess } from './kept-process.ts';
import { lastWords } from './last-words.ts';
import { formatProcesses } from './status.ts';

describe('a program that ends at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-kept-'));
  after(() => rmSync(folder, { recursive: true }));
  const start = (...command: string[]) => {
    const lines: string[] = [];
    const output = join(folder, `${Math.random().toString(36).slice(2)}.log`);
    const kept = new KeptProcess({
      name: 'gateway fw',
      command,
      environment: { PATH: process.env.PATH ?? '' },
      output,
      log: line => lines.push(line),
    });
    return { kept, lines, output };
  };

  it('counts how often it ended for the same reason, and keeps what it printed', async () => {
    const { kept, lines, output } = start('sh', '-c', 'echo first >&2; printf "no such table" >&2; exit 3');
    await assert.rejects(kept.ready, /gateway fw ended with status 3: first\nno such table/);
    for (let waited = 0; (kept.status.ended?.count ?? 0) < 2 && waited < 3000; waited += 10) await sleep(10);
    const { status } = kept;
    await kept.stop();
    assert.equal(status.ended?.reason, 'status 3: no such table');
    assert.ok((status.ended?.count ?? 0) >= 2);
    assert.match(readFileSync(output, 'utf8'), /first\n.* no such table\n/);
    assert.match(lines[0] ?? '', /gateway fw: ended with status 3: no such table; starts again/);
    const { rows, events } = formatProcesses([status]);
    assert.deepEqual(rows[0]?.at(-1), output);
    assert.match(events[0] ?? '', /^gateway fw ended \d times, last at .* with status 3: no such table$/);
  });

  it('names a program that is not there', async () => {
    const { kept } = start('/no/such/program');
    await assert.rejects(kept.ready, /ENOENT/);
    assert.match(kept.status.ended?.reason ?? '', /\/no\/such\/program ENOENT/);
    await kept.stop();
  });
});

for (const [lines, expected] of [
  [[], ''],
  [['one', 'two'], 'two'],
  [
    [
      'file:///x/src/main.ts:7',
      "throw new Error('no table');",
      '      ^',
      'Error: no table',
      '    at file:///x/src/main.ts:7:7',
      '    at ModuleJob.run (node:internal/modules/esm/module_job:343:25) {',
      "  code: 'EPERM'",
      '}',
      'Node.js v24.11.0',
    ],
    'Error: no table',
  ],
  [['TypeError: early', '    at x', 'postern gateway: nft is missing'], 'postern gateway: nft is missing'],
] as const)
  it(`finds the reason in ${JSON.stringify(lines).slice(0, 60)}`, () => {
    assert.equal(lastWords(lines), expected);
  });
