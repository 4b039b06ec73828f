// `postern tags` as a person meets it: what it shows, what it imports, and what it will not import.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { importedServiceTagsPath, loadFacts } from '#facts/facts.ts';
import { pack } from '#facts/gzip.ts';
import { printServiceTags, toServiceTagTable } from '#facts/service-tag-table.ts';
import { runTags, type TagsWorld } from './tags.ts';
import { findTagsInUse } from './tags-in-use.ts';
import { type Outcome, outcomeOf } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'postern-tags-'));
after(() => rmSync(root, { recursive: true }));

let count = 0;

function newState(): string {
  return join(root, `state-${count++}`);
}

const tags = (state: string, args: string[], world: Partial<TagsWorld> = {}): Promise<Outcome> =>
  outcomeOf(
    common =>
      runTags(args, {
        ...common,
        tagsInUse: async () => ({ destinations: [], silent: [] }),
        today: () => '2026-02-03',
        ...world,
      }),
    { POSTERN_STATE: state },
  );

function download(tagPrefixes: Record<string, string[]>, name = 'ServiceTags_Public_20260119.json'): string {
  const values = Object.entries(tagPrefixes).map(([tag, addressPrefixes]) => ({
    name: tag,
    id: tag,
    properties: {
      changeNumber: 7,
      region: '',
      regionId: 0,
      platform: 'Azure',
      systemService: '',
      addressPrefixes,
      networkFeatures: null,
    },
  }));
  return file(JSON.stringify({ changeNumber: 400, cloud: 'Public', values }), name);
}

function file(content: string | Uint8Array, name = 'file.json'): string {
  const folder = join(root, `in-${count++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

describe('postern tags with what is not there', () => {
  for (const [args, status, message] of [
    [
      ['import', '/nonexistent'],
      1,
      /^postern tags: \/nonexistent was not imported: there is no such file\.$/m,
    ],
    [['import', '/etc'], 1, /\/etc was not imported: it is a folder\.$/m],
    [['show', '--frob'], 2, /^postern tags: Unknown option '--frob'$/m],
  ] as const)
    it(args.join(' '), async () => {
      const result = await tags(newState(), [...args]);
      assert.equal(result.code, status);
      assert.match(result.error, message);
    });
});

describe('postern tags show', () => {
  it('lists the tables, a service tag and an FQDN tag', async () => {
    const state = newState();
    const all = await tags(state, ['show']);
    assert.match(all.out, /2967 tags/);
    assert.match(all.out, /^ {2}AzureCloud$/m);
    assert.match(all.out, /^ {2}AzureKubernetesService$/m);
    const one = await tags(state, ['show', 'azurecloud.EASTUS']);
    assert.match(
      one.out,
      /^AzureCloud\.eastus, service tag, eastus, change \d+, \d+ prefixes\n {2}\S+\/\d+\n/,
    );
    const names = await tags(state, ['show', 'azurekubernetesservice']);
    assert.match(names.out, /Https:443 {2}mcr\.microsoft\.com/);
    const json = await tags(state, ['show', 'AzureCloud.eastus', '--json']);
    assert.equal(JSON.parse(json.out).name, 'AzureCloud.eastus');
  });

  it('says what it does not know', async () => {
    const unknown = await tags(newState(), ['show', 'Nothing']);
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.match(unknown.error, /'Nothing'/);
    assert.equal((await tags(newState(), ['wash'])).code, 2);
    assert.equal((await tags(newState(), ['show', '--wash'])).code, 2);
    assert.equal((await tags(newState(), ['import'])).code, 2);
    assert.equal((await tags(newState(), ['--help'])).code, 0);
  });
});

describe('postern tags import', () => {
  it('takes a download, and its own form, and leaves nothing beside it', async () => {
    const state = newState();
    const done = await tags(state, [
      'import',
      download({ One: ['192.0.2.0/24', '2001:db8::/32'], Two: ['198.51.100.0/24'] }),
    ]);
    assert.equal(done.code, 0, done.error);
    assert.match(done.out, /Imported 2 service tags, change 400 of 2026-01-19/);
    assert.deepEqual(loadFacts(state).serviceTagNames(), ['One', 'Two']);
    assert.deepEqual(readdirSync(join(state, 'tags')), ['service-tags.tsv.gz']);
    assert.equal(statSync(importedServiceTagsPath(state)).mode & 0o777, 0o600);
    const table = toServiceTagTable({ cloud: 'Public', changeNumber: 401, origin: 'x', date: '2026-01-26' }, [
      {
        name: 'Three',
        changeNumber: 1,
        region: '',
        regionId: 0,
        systemService: '',
        networkFeatures: [],
        prefixes: ['192.0.2.0/24'],
      },
    ]);
    assert.equal((await tags(state, ['import', file(pack(printServiceTags(table)))])).code, 0);
    assert.deepEqual(loadFacts(state).serviceTagNames(), ['Three']);
  });

  const whole = download({ One: ['192.0.2.0/24'] });
  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      'a download that is cut off',
      file('{"changeNumber":400,"cloud":"Public","values":[{"name":"On'),
      /not complete JSON/,
    ],
    [
      'an own file that is cut off',
      file(
        pack(
          printServiceTags(toServiceTagTable({ cloud: '', changeNumber: 1, origin: '', date: '' }, [])),
        ).subarray(0, 30),
      ),
      /does not decompress/,
    ],
    ['an empty file', file(''), /not complete JSON/],
    ['a list without tags', download({}), /no service tag/],
    ['another document', file('{"a":1}'), /no list 'values'/],
    ['a prefix that is none', download({ One: ['192.0.2.0/33'] }), /'192\.0\.2\.0\/33'/],
    [
      'a tag twice',
      file(
        JSON.stringify({
          changeNumber: 1,
          cloud: 'Public',
          values: ['A', 'a'].map(name => ({ name, properties: { addressPrefixes: [] } })),
        }),
      ),
      /'a' twice/,
    ],
    [
      'a tag without prefixes',
      file(JSON.stringify({ changeNumber: 1, cloud: 'Public', values: [{ name: 'A', properties: {} }] })),
      /values\[0\]\.properties\.addressPrefixes/,
    ],
    ['no such file', join(root, 'missing.json'), /no such file/],
  ];
  for (const [title, path, message] of refused) {
    it(`refuses ${title}, also with --force, and changes nothing`, async () => {
      const state = newState();
      await tags(state, ['import', whole]);
      for (const force of [[], ['--force']]) {
        const run = await tags(state, ['import', path, ...force]);
        assert.equal(run.code, 1);
        assert.match(run.error, message);
        assert.deepEqual(loadFacts(state).serviceTagNames(), ['One']);
      }
    });
  }

  const whatever: readonly (readonly [string, string[], RegExp])[] = [
    ['0.0.0.0/0', ['192.0.2.0/24', '0.0.0.0/0'], /whole Internet/],
    ['::/0', ['192.0.2.0/24', '::/0'], /whole Internet/],
    ['two halves', ['192.0.2.0/24', '0.0.0.0/1', '128.0.0.0/1'], /half of the Internet/],
  ];
  for (const [title, prefixes, message] of whatever) {
    it(`takes ${title} in a tag only with --force`, async () => {
      const state = newState();
      const path = download({ One: prefixes });
      const run = await tags(state, ['import', path]);
      assert.equal(run.code, 1);
      assert.match(run.error, message);
      assert.throws(() => statSync(importedServiceTagsPath(state)));
      assert.equal((await tags(state, ['import', path, '--force'])).code, 0);
    });
  }

  it('takes the loss of most of a tag only if no rule uses it, or with --force', async () => {
    const prefixes = Array.from({ length: 10 }, (_, index) => `198.51.${index}.0/24`);
    const inUse = { tagsInUse: async () => ({ destinations: ['used', '1.2.3.4'], silent: [] }) };
    const start = async () => {
      const state = newState();
      await tags(state, ['import', download({ Used: prefixes, Free: prefixes })]);
      return state;
    };
    const expect = async (
      next: Record<string, string[]>,
      status: number,
      more: string[] = [],
      world: Partial<TagsWorld> = inUse,
    ) => {
      const run = await tags(await start(), ['import', download(next), ...more], world);
      assert.equal(run.code, status, run.error);
      return run.error;
    };
    await expect({ Used: prefixes.slice(5), Free: [] }, 0);
    assert.match(
      await expect({ Used: prefixes.slice(6), Free: prefixes }, 1),
      /'Used', which rules use, loses more than half/,
    );
    assert.match(await expect({ Free: prefixes }, 1), /'Used', which rules use, is gone/);
    await expect({ Free: prefixes }, 0, ['--force']);
    // The same addresses in fewer prefixes are no loss.
    await expect({ Used: ['198.51.0.0/21', '198.51.8.0/23'], Free: prefixes }, 0);
    // One large prefix left of ten is most of the addresses, but not most of the tag.
    await expect({ Used: ['198.51.0.0/24'], Free: prefixes }, 1);
    // A control plane that does not answer may use any tag.
    const silent = { tagsInUse: async () => ({ destinations: [], silent: ['/state/labs/other'] }) };
    assert.match(await expect({ Used: prefixes, Free: prefixes.slice(6) }, 1, [], silent), /'Free'.*\n/);
  });
});

describe('tags in use', () => {
  it('come from the destination addresses of every firewall and policy that a control plane holds', async () => {
    const state = newState();
    const folder = join(state, 'labs', 'one');
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(state, 'labs', 'never-started'));
    const dead = join(state, 'router');
    mkdirSync(dead);
    const api = JSON.stringify({
      url: 'https://127.0.0.1:1',
      ca: 'ca.pem',
      subscription: 'sub',
      tenant: 't',
    });
    for (const where of [folder, dead]) {
      writeFileSync(join(where, 'api.json'), api);
      writeFileSync(join(where, 'token'), 'secret\n');
      chmodSync(join(where, 'token'), 0o600);
    }
    const network = '/subscriptions/sub/providers/Microsoft.Network';
    const policy = '/subscriptions/sub/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p';
    const classic = [{ name: 'r', destinationAddresses: ['AzureCloud.eastus', '1.2.3.4'] }];
    const collection = { name: 'c', rules: [{ name: 'r', destinationAddresses: ['Storage'] }] };
    const answers: Readonly<Record<string, readonly object[]>> = {
      [`${network}/azureFirewalls`]: [
        {
          name: 'fw',
          properties: { networkRuleCollections: [{ name: 'c', properties: { rules: classic } }] },
        },
      ],
      [`${network}/firewallPolicies`]: [{ id: policy, name: 'p', properties: {} }],
      [`${policy}/ruleCollectionGroups`]: [{ name: 'g', properties: { ruleCollections: [collection] } }],
    };
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://localhost');
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end(JSON.stringify({ value: answers[pathname] }));
    });
    await new Promise<void>(resolve => server.listen(join(folder, 'api.sock'), resolve));
    try {
      assert.deepEqual(await findTagsInUse(state), {
        destinations: ['AzureCloud.eastus', '1.2.3.4', 'Storage'],
        silent: [dead],
      });
      assert.equal(asked[0], `GET ${network}/azureFirewalls?api-version=2024-05-01 Bearer secret`);
    } finally {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  });
});
