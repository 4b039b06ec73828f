// Changes of a document by `--set`, `--add` and `--remove`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzError } from './errors.ts';
import { applyUpdates, genericUpdate, type UpdateAction } from './generic-update.ts';
import { parseArguments } from './parse.ts';

const document = {
  id: '/x',
  location: 'eastus',
  properties: {
    priority: 100,
    dnsSettings: { enableProxy: false, servers: ['10.0.0.4'] },
    ruleCollections: [
      { name: 'a', priority: 1, rules: [] },
      { name: 'b', priority: 2, rules: [{ name: 'r', targetFqdns: ['x.example.org'] }] },
    ],
  },
};

function updates(line: string): readonly UpdateAction[] {
  const words = line.split(' ');
  return parseArguments(words, { command: 'az x update', arguments: genericUpdate }).updates() ?? [];
}

function changed(line: string, forceString = false): Record<string, unknown> {
  return applyUpdates(document, updates(line), { forceString });
}

describe('changes', () => {
  const properties = document.properties;
  const [a, b] = properties.ruleCollections;
  const cases: readonly (readonly [string, string, object])[] = [
    ['a property inside', '--set priority=200', { ...properties, priority: 200 }],
    [
      'its name with underscores',
      '--set dns_settings.enable_proxy=true --remove rule_collections 0',
      {
        ...properties,
        dnsSettings: { enableProxy: true, servers: ['10.0.0.4'] },
        ruleCollections: [b],
      },
    ],
    [
      'a property that is not there yet',
      '--set threatIntelMode=Deny',
      { ...properties, threatIntelMode: 'Deny' },
    ],
    [
      'an object that is not there yet',
      '--set basePolicy.id=/y',
      { ...properties, basePolicy: { id: '/y' } },
    ],
    ['JSON', '--set sql={"allowSqlRedirect":true}', { ...properties, sql: { allowSqlRedirect: true } }],
    [
      'JSON in single quotes',
      "--set dnsSettings.servers=['10.0.0.5','10.0.0.6']",
      { ...properties, dnsSettings: { enableProxy: false, servers: ['10.0.0.5', '10.0.0.6'] } },
    ],
    [
      'an item by index',
      '--set ruleCollections[0].priority=7',
      {
        ...properties,
        ruleCollections: [{ ...a, priority: 7 }, b],
      },
    ],
    [
      'an item by name',
      '--set ruleCollections[name=b].priority=7',
      {
        ...properties,
        ruleCollections: [a, { ...b, priority: 7 }],
      },
    ],
    [
      'items added to a list',
      '--add dnsSettings.servers 10.0.0.5 10.0.0.6',
      {
        ...properties,
        dnsSettings: { enableProxy: false, servers: ['10.0.0.4', '10.0.0.5', '10.0.0.6'] },
      },
    ],
    [
      'a list that is not there yet',
      '--add threatIntelWhitelist.fqdns example.org',
      {
        ...properties,
        threatIntelWhitelist: { fqdns: ['example.org'] },
      },
    ],
    [
      'an object added to a list',
      '--add ruleCollections[0].rules name=n port=80',
      {
        ...properties,
        ruleCollections: [{ ...a, rules: [{ name: 'n', port: '80' }] }, b],
      },
    ],
    [
      'an item removed',
      '--remove dnsSettings.servers 0',
      {
        ...properties,
        dnsSettings: { enableProxy: false, servers: [] },
      },
    ],
    [
      'a list emptied',
      '--remove dnsSettings.servers',
      {
        ...properties,
        dnsSettings: { enableProxy: false, servers: [] },
      },
    ],
    [
      'an object removed',
      '--remove dnsSettings',
      {
        priority: 100,
        ruleCollections: properties.ruleCollections,
      },
    ],
    [
      'one after the other, as written',
      '--remove dnsSettings.servers --add dnsSettings.servers a --add dnsSettings.servers b',
      {
        ...properties,
        dnsSettings: { enableProxy: false, servers: ['a', 'b'] },
      },
    ],
  ];
  for (const [title, line, expected] of cases) {
    test(`${title}: ${line}`, () => assert.deepEqual(changed(line).properties, expected));
  }

  test('tags and location are outside the properties', () => {
    const { tags, location, properties: kept } = changed('--set tags.env=prod location=westus');
    assert.deepEqual(
      { tags, location, kept },
      { tags: { env: 'prod' }, location: 'westus', kept: properties },
    );
  });

  test('--force-string keeps what looks like a number a string', () => {
    assert.deepEqual(changed('--set tags.a=1', true).tags, { a: '1' });
    assert.deepEqual(changed('--set tags.a=1').tags, { a: 1 });
  });

  test('the document that was read stays as it is', () => {
    const before = structuredClone(document);
    changed('--set priority=3 --remove ruleCollections');
    assert.deepEqual(document, before);
  });
});

describe('refusals', () => {
  for (const [line, message] of [
    ['--set priority', 'invalid syntax: --set property1.property2=<value>'],
    ['--set =3', 'invalid syntax: --set property1.property2=<value>'],
    ['--add priority 3', /^invalid syntax: --add/],
    ['--add dnsSettings.servers', /^invalid syntax: --add/],
    ['--remove priority 0', /^invalid syntax: --remove/],
    ['--remove dnsSettings.servers 0 1', /^invalid syntax: --remove/],
    ['--remove dnsSettings.servers 1', "index 1 doesn't exist on servers"],
    ['--remove nothing', /^Couldn't find 'nothing' in ''. Available options: dnsSettings, id, location, /],
    ['--set priority.x=1', "Couldn't find 'x' in 'priority'. 'priority' does not support further indexing."],
    [
      '--set ruleCollections.name=1',
      /^Couldn't find 'name' in 'ruleCollections'. Available options: index into/,
    ],
    [
      '--set ruleCollections[name=c].priority=7',
      "item with value 'c' doesn't exist for key 'name' on ruleCollections",
    ],
  ] as const) {
    test(line, () => {
      assert.throws(
        () => changed(line),
        (error: unknown) => {
          assert.ok(error instanceof AzError);
          assert.equal(error.exitCode, 1);
          if (typeof message === 'string') assert.equal(error.message, message);
          else assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
