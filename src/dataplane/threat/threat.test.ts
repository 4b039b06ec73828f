import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatRange,
  type Ipv4Range,
  includesAddress,
  mergeRanges,
  parseIpv4,
  parseRange,
} from '#net/ipv4.ts';
import { parseFeed } from './feed.ts';
import { indexFeeds, subtractRanges } from './feed-index.ts';
import { ThreatFeeds } from './threat-feeds.ts';

const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
const TEST_NAME = 'testmaliciousdomain.eastus.cloudapp.azure.com';

describe('a feed', () => {
  it('holds networks, names, wildcards and IPv6 with descriptions and comments', () => {
    const feed = parseFeed(
      '# list\n192.0.2.0/24\tBotnet # seen\n198.51.100.7\r\n\nEvil.Example.org.\tPhishing\n*.bad.example\n2001:db8::/32\n',
      'Listed.',
    );
    assert.deepEqual(feed.problems, []);
    const index = indexFeeds([feed]);
    const lookups: [string, string | undefined][] = [
      ['192.0.2.255', 'Botnet'],
      ['192.0.3.0', undefined],
      ['198.51.100.7', 'Listed.'],
      ['198.51.100.6', undefined],
    ];
    for (const [address, expected] of lookups) assert.equal(index.ofAddress(ip(address)), expected, address);
    const names: [string, string | undefined][] = [
      ['evil.example.org', 'Phishing'],
      ['www.evil.example.org', undefined],
      ['a.b.bad.example', 'Listed.'],
      ['bad.example', undefined],
      ['notbad.example', undefined],
    ];
    for (const [name, expected] of names) assert.equal(index.ofName(name), expected, name);
    assert.deepEqual(index.ipv6Networks, ['2001:db8::/32']);
  });

  for (const line of [
    '192.0.2.0/33',
    '192.0.2.256',
    '10.0.0',
    'bad name',
    '0.0.0.0/0',
    '::/0',
    '2001:db8::zz',
    'a..b',
    '*',
    'a*.b',
  ])
    it(`refuses '${line}' and says where`, () => {
      assert.deepEqual(
        parseFeed(`192.0.2.1\n${line}\n`, '').problems.map(problem => problem.line),
        [2],
      );
    });

  it('of 40,000 networks is read in well under a second and looked up in microseconds', context => {
    const lines = Array.from({ length: 40_000 }, (_, index) => {
      const value = (index * 100_003) >>> 0;
      return `${1 + (value % 220)}.${(value >>> 8) & 255}.${(value >>> 4) & 255}.${index & 255}\tipsum`;
    });
    const started = performance.now();
    const index = indexFeeds([parseFeed(lines.join('\n'), '')]);
    const loadedMs = performance.now() - started;
    const lookupsAt = performance.now();
    let found = 0;
    for (let address = 0; address < 1_000_000; address++)
      if (index.ofAddress((address * 4099) >>> 0)) found++;
    const perLookup = (performance.now() - lookupsAt) / 1000;
    context.diagnostic(
      `loaded in ${loadedMs.toFixed(0)} ms, ${perLookup.toFixed(3)} us a look-up, ${found} found`,
    );
    assert.ok(loadedMs < 1000 && perLookup < 5);
  });
});

describe('ranges', () => {
  const range = fc
    .tuple(fc.nat(200), fc.nat(20))
    .map(([first, size]): Ipv4Range => ({ first, last: first + size }));
  const merged = fc.array(range, { maxLength: 12 }).map(mergeRanges);

  it('minus allowed ones are exactly the addresses in the one and not in the other', () => {
    fc.assert(
      fc.property(merged, merged, (all, allowed) => {
        const rest = subtractRanges(all, allowed);
        for (let address = 0; address < 230; address++)
          assert.equal(
            includesAddress(rest, address),
            includesAddress(all, address) && !includesAddress(allowed, address),
          );
      }),
    );
  });

  it('that overlap are looked up as their union', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), ranges => {
        const lines = ranges.map(({ first, last }) => formatRange({ first, last })).join('\n');
        const index = indexFeeds([parseFeed(lines, 'x')]);
        for (let address = 0; address < 230; address++)
          assert.equal(
            index.ofAddress(address) !== undefined,
            ranges.some(r => r.first <= address && address <= r.last),
          );
      }),
    );
  });
});

describe('threat feeds of a gateway', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-threat-'));
  });
  after(() => rm(folder, { recursive: true }));

  it("know Azure's test name without any file", async () => {
    const feeds = new ThreatFeeds({ files: [] });
    await feeds.start();
    assert.equal(
      feeds.ofName(`${TEST_NAME.toUpperCase()}.`),
      'This is a test indicator for a Microsoft owned domain.',
    );
    assert.deepEqual(feeds.ranges(), []);
    feeds.close();
  });

  it('take a changed file as a whole, keep the last good one, and report every broken line once', async () => {
    const path = join(folder, 'list.txt');
    const messages: string[] = [];
    let changes = 0;
    await writeFile(path, '192.0.2.0/24\tOne\n');
    const feeds = new ThreatFeeds({
      files: [path],
      pollMs: 60_000,
      report: message => messages.push(message),
    });
    feeds.onChange(() => changes++);
    try {
      await feeds.start();
      assert.equal(feeds.ofAddress(ip('192.0.2.9')), 'One');
      assert.deepEqual(feeds.ranges([parseRange('192.0.2.0/25') ?? assert.fail()]).map(formatRange), [
        '192.0.2.128/25',
      ]);

      await writeFile(path, '198.51.100.0/24\nbroken line\n10.0.0.0/40\n');
      await feeds.reload();
      await feeds.reload();
      assert.equal(feeds.ofAddress(ip('192.0.2.9')), 'One');
      assert.equal(feeds.ofAddress(ip('198.51.100.1')), undefined);
      assert.deepEqual(
        messages.map(message => message.replace(path, 'FILE')),
        [
          "Threat feed FILE, line 2: 'broken line' is neither an address, a prefix nor a name.",
          "Threat feed FILE, line 3: '10.0.0.0/40' is neither an address, a prefix nor a name.",
          'Threat feed FILE has 2 broken lines and is not used. Its last good content stays in force.',
        ],
      );

      await writeFile(`${path}.new`, '203.0.113.0/24\n');
      await rename(`${path}.new`, path);
      for (let tries = 0; tries < 100 && changes < 2; tries++)
        await new Promise(resolve => setTimeout(resolve, 20));
      assert.equal(feeds.ofAddress(ip('203.0.113.1')), 'Listed in list.txt.');
      assert.equal(feeds.ofAddress(ip('192.0.2.9')), undefined);
      assert.equal(changes, 2);
    } finally {
      feeds.close();
    }
  });

  it('report a missing file once and read it when it appears', async () => {
    const path = join(folder, 'later.txt');
    const messages: string[] = [];
    const feeds = new ThreatFeeds({
      files: [path],
      pollMs: 60_000,
      report: message => messages.push(message),
    });
    await feeds.start();
    await feeds.reload();
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /later\.txt cannot be read: ENOENT.*Nothing of it is in force\./);
    await writeFile(path, 'evil.example\n');
    await feeds.reload();
    assert.equal(feeds.ofName('evil.example'), 'Listed in later.txt.');
    feeds.close();
  });
});
