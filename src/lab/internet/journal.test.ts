// The journal on disk and in memory, and what it does when the disk fails.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Journal, type JournalEntry } from './journal.ts';

const ENTRY: JournalEntry = {
  protocol: 'udp',
  client: '192.0.2.1',
  clientPort: 4000,
  server: '192.0.2.2',
  serverPort: 9,
};

describe('journal', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-journal-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('writes a line an entry', async () => {
    const path = join(folder, 'lines.jsonl');
    const journal = new Journal(path, { rotateBytes: 1e6, now: () => 0 });
    journal.write(ENTRY);
    journal.write({ ...ENTRY, protocol: 'dns', name: 'a.example' });
    await journal.flush();
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual(lines, [
      { sequence: 1, time: '1970-01-01T00:00:00.000Z', ...ENTRY },
      { sequence: 2, time: '1970-01-01T00:00:00.000Z', ...ENTRY, protocol: 'dns', name: 'a.example' },
    ]);
  });

  it('is rotated before it grows beyond its size', async () => {
    const path = join(folder, 'rotated.jsonl');
    const journal = new Journal(path, { rotateBytes: 4096 });
    for (let index = 0; index < 100; index++) {
      journal.write(ENTRY);
      await journal.flush();
    }
    assert.ok((await stat(path)).size <= 4096);
    assert.ok((await stat(`${path}.1`)).size <= 4096);
  });

  it('pages through what is in memory, and counts what no longer is', () => {
    const journal = new Journal(join(folder, 'memory.jsonl'), { rotateBytes: 1e9 });
    for (let index = 0; index < 10_005; index++) journal.write(ENTRY);
    const all = journal.since(1);
    assert.equal(all.entries.length, 10_000);
    assert.equal(all.entries[0]?.sequence, 6);
    assert.equal(all.next, 10_006);
    assert.deepEqual(all.counts, { udp: 10_005 });
    assert.deepEqual(
      journal.since(10_005).entries.map(entry => entry.sequence),
      [10_005],
    );
    assert.deepEqual(journal.since(10_006).entries, []);
    return journal.flush();
  });

  it('reports once that it cannot write, and goes on', async () => {
    const errors: Error[] = [];
    const journal = new Journal(join(folder, 'absent', 'a.jsonl'), {
      rotateBytes: 1e6,
      onError: error => errors.push(error),
    });
    for (let index = 0; index < 3; index++) {
      journal.write(ENTRY);
      await journal.flush();
    }
    assert.equal(errors.length, 1);
    assert.equal(journal.since(1).entries.length, 3);
  });
});
