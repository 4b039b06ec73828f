import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { FileSink } from './file-sink.ts';
import type { NetworkRuleRecord } from './records.ts';

const deny = (change: Partial<NetworkRuleRecord> = {}): NetworkRuleRecord => ({
  Type: 'AZFWNetworkRule',
  Protocol: 'TCP',
  SourceIp: '10.42.1.4',
  SourcePort: 40000,
  DestinationIp: '192.0.2.1',
  DestinationPort: 22,
  Action: 'Deny',
  ActionReason: 'Default Action',
  Policy: '',
  RuleCollectionGroup: '',
  RuleCollection: '',
  Rule: '',
  ...change,
});
const allow = (port: number): NetworkRuleRecord => deny({ Action: 'Allow', Rule: 'ssh', SourcePort: port });

describe('file sink', () => {
  let root = '';
  let path = '';
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'postern-sink-'));
  });
  beforeEach(() => {
    path = join(root, String(++count), 'logs', 'firewall.jsonl');
  });
  after(() => rm(root, { recursive: true }));
  const lines = async (file = path): Promise<Record<string, unknown>[]> =>
    (await readFile(file, 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line));

  it('writes one stamped line a record, in a folder and file of its owner only', async () => {
    const sink = new FileSink({ path, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    sink.write(allow(1));
    sink.write(allow(2));
    await sink.close();
    const written = await lines();
    assert.deepEqual(
      written.map(line => line.SourcePort),
      [1, 2],
    );
    assert.equal(written[0]?.TimeGenerated, '2026-01-02T03:04:05.006Z');
    assert.equal(Object.keys(written[0] ?? {})[0], 'TimeGenerated');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
  });

  it('rotates by size and loses no line', async () => {
    const sink = new FileSink({ path, maxBytes: 1000 });
    for (let port = 1; port <= 6; port++) {
      sink.write(allow(port));
      await sink.flush();
    }
    await sink.close();
    const ports = [...(await lines(`${path}.1`)), ...(await lines())].map(line => line.SourcePort);
    assert.deepEqual(ports, [1, 2, 3, 4, 5, 6]);
    assert.ok((await stat(path)).size <= 1000 && (await stat(`${path}.1`)).size <= 1000);
  });

  it('a full queue never blocks; what did not fit is reported', async () => {
    const sink = new FileSink({ path, maxQueued: 10 });
    for (let port = 1; port <= 25; port++) sink.write(allow(port));
    await sink.close();
    const written = await lines();
    assert.equal(written.filter(line => line.Type === 'AZFWNetworkRule').length, 10);
    const lost = written.find(line => line.Type === 'PosternLostRecords');
    assert.deepEqual([lost?.Count, lost?.Reason], [15, 'queue full']);
  });

  it('identical default denies above the limit are counted, others are written', async () => {
    let now = 1_000_000;
    const sink = new FileSink({ path, now: () => now });
    for (let index = 0; index < 350; index++) sink.write(deny({ SourcePort: index }));
    sink.write(deny({ DestinationPort: 23 }));
    sink.write(deny({ Rule: 'block', RuleCollection: 'net' }));
    now += 1001;
    sink.write(deny());
    await sink.close();
    const written = await lines();
    const summaries = written.filter(line => line.Type === 'PosternSuppressedDenies');
    assert.equal(written.length - summaries.length, 100 + 1 + 1 + 1);
    assert.deepEqual(
      summaries.map(line => [line.Count, line.Top]),
      [
        [
          250,
          [
            {
              Protocol: 'TCP',
              SourceIp: '10.42.1.4',
              Destination: '192.0.2.1',
              DestinationPort: 22,
              Count: 250,
            },
          ],
        ],
      ],
    );
  });

  it('a path that cannot be written is reported once, and writing goes on when it can', async () => {
    const messages: string[] = [];
    await mkdir(join(root, String(count)), { recursive: true });
    await writeFile(join(root, String(count), 'logs'), 'in the way');
    const sink = new FileSink({ path, report: message => messages.push(message) });
    sink.write(allow(1));
    await sink.flush();
    sink.write(allow(2));
    await sink.flush();
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /firewall\.jsonl cannot be written: /);
    await rm(join(root, String(count), 'logs'));
    sink.write(allow(3));
    await sink.close();
    const written = await lines();
    assert.deepEqual(
      written.map(line => line.SourcePort ?? line.Count),
      [3, 2],
    );
    assert.match(messages[1] ?? '', /can be written again/);
  });

  it('a file that somebody moved away is made anew', async () => {
    const sink = new FileSink({ path });
    sink.write(allow(1));
    await sink.flush();
    await rename(path, `${path}.moved`);
    await new Promise(resolve => setTimeout(resolve, 1050));
    sink.write(allow(2));
    await sink.close();
    assert.deepEqual(
      (await lines()).map(line => line.SourcePort),
      [2],
    );
  });
});
