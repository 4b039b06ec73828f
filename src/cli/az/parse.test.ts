// What the parser accepts, and the messages for what it refuses.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzError } from './errors.ts';
import { parseArguments } from './parse.ts';
import type { Argument } from './spec.ts';

const declared: readonly Argument[] = [
  { key: 'name', flags: ['--name', '-n'], help: '', required: true },
  { key: 'group', flags: ['--resource-group', '-g'], help: '' },
  { key: 'proxy', flags: ['--enable-dns-proxy'], help: '', kind: 'boolean' },
  { key: 'servers', flags: ['--dns-servers'], help: '', kind: 'list' },
  { key: 'protocols', flags: ['--protocols'], help: '', kind: 'list', choices: ['Any', 'TCP', 'UDP'] },
  { key: 'priority', flags: ['--priority'], help: '', kind: 'integer' },
  { key: 'noWait', flags: ['--no-wait'], help: '', kind: 'switch' },
  { key: 'tags', flags: ['--tags'], help: '', kind: 'tags' },
  { key: 'sku', flags: ['--sku'], help: '', choices: ['Basic', 'Standard'], default: 'Standard' },
  { key: 'prefixes', flags: ['--address-prefixes'], help: '', kind: 'list' },
  { key: '_help', flags: ['--help', '-h'], help: '', kind: 'switch' },
];

function parse(words: readonly string[], defaults?: Record<string, string>) {
  return parseArguments(['-n', 'x', ...words], {
    command: 'az thing create',
    arguments: declared,
    refused: { '--zones': 'there are none.' },
    ...(defaults ? { defaults } : {}),
  });
}

describe('values', () => {
  const cases: readonly (readonly [string, readonly string[], string, unknown])[] = [
    ['a long flag', ['--resource-group', 'rg'], 'group', 'rg'],
    ['a long flag with =', ['--resource-group=rg'], 'group', 'rg'],
    ['a value with = in it', ['--resource-group=a=b'], 'group', 'a=b'],
    ['a short flag', ['-g', 'rg'], 'group', 'rg'],
    ['a short flag with its value attached', ['-grg'], 'group', 'rg'],
    ['a short flag with =', ['-g=rg'], 'group', 'rg'],
    ['a unique prefix', ['--resource', 'rg'], 'group', 'rg'],
    [
      'a singular that is a prefix of the plural',
      ['--address-prefix', '10.0.0.0/8'],
      'prefixes',
      ['10.0.0.0/8'],
    ],
    ['the last of two', ['-g', 'a', '-g', 'b'], 'group', 'b'],
    ['an attached empty value', ['--resource-group='], 'group', ''],
    ['a value that starts with a dash and has a space', ['-g', '- x'], 'group', '- x'],
    ['a negative number', ['--priority', '-5'], 'priority', -5],
    ['a boolean without a value', ['--enable-dns-proxy'], 'proxy', true],
    ['a boolean with true', ['--enable-dns-proxy', 'true'], 'proxy', true],
    ['a boolean with No', ['--enable-dns-proxy', 'No'], 'proxy', false],
    ['a boolean before another flag', ['--enable-dns-proxy', '-g', 'x'], 'proxy', true],
    ['a list', ['--dns-servers', 'a', 'b', '-g', 'x'], 'servers', ['a', 'b']],
    ['a list given twice', ['--dns-servers', 'a', '--dns-servers', 'b'], 'servers', ['a', 'b']],
    ['an empty list', ['--dns-servers', ''], 'servers', []],
    ['a list in brackets', ['--dns-servers', '[a,"b"]'], 'servers', ['a', 'b']],
    ['a star in a list', ['--dns-servers', '*'], 'servers', ['*']],
    ['a choice in another case', ['--protocols', 'udp', 'any'], 'protocols', ['UDP', 'Any']],
    ['a switch', ['--no-wait'], 'noWait', true],
    ['tags', ['--tags', 'a=b', 'c', 'd=e=f'], 'tags', { a: 'b', c: '', d: 'e=f' }],
    ['no tags', ['--tags', ''], 'tags', {}],
    ['a default', [], 'sku', 'Standard'],
  ];
  for (const [title, words, key, expected] of cases) {
    test(title, () => {
      const values = parse(words);
      const argument = declared.find(candidate => candidate.key === key);
      const read = {
        text: () => values.optional(key),
        list: () => values.list(key),
        integer: () => values.integer(key),
        boolean: () => values.boolean(key),
        switch: () => values.switch(key),
        tags: () => values.tags(key),
        actions: () => values.updates(),
      }[argument?.kind ?? 'text'];
      assert.deepEqual(read(), expected);
    });
  }

  test('an environment default fills what the line leaves out, and only that', () => {
    assert.equal(parse([], { group: 'from-env' }).optional('group'), 'from-env');
    assert.equal(parse(['-g', 'mine'], { group: 'from-env' }).optional('group'), 'mine');
  });
});

describe('refusals, all with status 2', () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a flag that nobody knows', ['--nonsense', 'x'], /^unrecognized arguments: --nonsense x$/],
    ['a stray word', ['stray'], /^unrecognized arguments: stray$/],
    ['a prefix of two flags', ['--p', 'x'], /^ambiguous option: --p could match --protocols, --priority$/],
    ['a missing value', ['-g'], /^argument --resource-group\/-g: expected one argument$/],
    ['an empty list of words', ['--dns-servers'], /^argument --dns-servers: expected at least one argument$/],
    ['a number that is none', ['--priority', 'high'], /^argument --priority: invalid int value: 'high'$/],
    ['a switch with a value', ['--no-wait=1'], /^argument --no-wait: ignored explicit argument '1'$/],
    [
      'an unknown choice',
      ['--sku', 'Standrd'],
      /^az thing create: 'Standrd' is not a valid value for '--sku'. Allowed values: Basic, Standard.$/,
    ],
    [
      'a flag of Azure that is not supported',
      ['--zones', '1'],
      /^--zones is not supported by Postern: there are none.$/,
    ],
  ];
  for (const [title, words, message] of cases) {
    test(title, () => {
      assert.throws(
        () => parse(words),
        (error: unknown) => {
          assert.ok(error instanceof AzError);
          assert.equal(error.exitCode, 2);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('missing arguments are named together', () => {
    const arguments_ = declared.map(argument =>
      argument.key === 'group' ? { ...argument, required: true } : argument,
    );
    assert.throws(
      () => parseArguments([], { command: 'az x', arguments: arguments_ }),
      /^Error: the following arguments are required: --name\/-n, --resource-group\/-g$/,
    );
  });

  test('--help needs nothing else', () => {
    const values = parseArguments(['--help', 'stray'], { command: 'az x', arguments: declared });
    assert.equal(values.switch('_help'), true);
  });

  test('a near flag is suggested', () => {
    assert.throws(() => parse(['--dns-server-s', 'x']), { hint: "Did you mean '--dns-servers'?" });
  });
});
