// What people mistype, and what they are told.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyOptionsOf } from '#model/policy-option-flags.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { parseInternetConfig } from './internet/config.ts';
import { parseInvocation } from './usage.ts';

const saved = process.env.POSTERN_COMMAND;
delete process.env.POSTERN_COMMAND;
process.once('exit', () => {
  if (saved !== undefined) process.env.POSTERN_COMMAND = saved;
});

const helpOf = (...args: string[]) => {
  const result = parseInvocation(args);
  return 'help' in result ? result.help : assert.fail('no help');
};

describe('the command line of postern lab', () => {
  for (const [args, message] of [
    [
      ['exec', 'node-1', 'curl', '-sS', 'http://x/'],
      'put -- before the command: postern lab exec node-1 -- curl -sS http://x/',
    ],
    [
      ['--name', 'other', 'exec', 'node-1', 'sh', '-c', 'echo a b'],
      "put -- before the command: postern lab exec node-1 -- sh -c 'echo a b'",
    ],
    [['up', '--frob'], "up has no option '--frob'. postern lab up --help says more."],
    [['status', '-z'], "status has no option '-z'. postern lab status --help says more."],
    [['up', '--internet'], '--internet needs a value. postern lab up --help says more.'],
    [['status', '-o'], '--output needs a value. postern lab status --help says more.'],
    [
      ['add-host', 'a', '--internet=yes'],
      '--internet takes no value. postern lab add-host --help says more.',
    ],
    [['frobnicate'], "there is no command 'frobnicate'. postern lab --help lists them."],
    [['statsu'], "there is no command 'statsu'. Did you mean 'status'? postern lab --help lists them."],
    [['--name', 'two'], "'--name two' names no command. postern lab --help lists them."],
  ] as const)
    it(args.join(' '), () => {
      assert.throws(() => parseInvocation(args), { name: 'UsageError', message });
    });

  it('reads the options of policies for up', () => {
    const result = parseInvocation(['up', '--bind-network-fqdns', '--infrastructure-fqdns', 'a.example.org']);
    assert.ok('values' in result);
    assert.deepEqual(policyOptionsOf(result.values).options, {
      ...DEFAULT_POLICY_OPTIONS,
      bindNetworkFqdns: true,
      infrastructureFqdns: ['a.example.org'],
    });
    assert.match(helpOf('up', '--help'), /--no-inherited-nat-rules /);
  });

  it('reads a command behind --, and --name anywhere before it', () => {
    assert.deepEqual(parseInvocation(['exec', 'node-1', '--name', 'other', '--', 'curl', '-h']), {
      command: 'exec',
      positionals: ['node-1'],
      values: Object.assign(Object.create(null), { name: 'other' }),
      rest: ['curl', '-h'],
    });
  });

  it('has help for every command, with an example of an Internet that is one', () => {
    const overview = helpOf('--help');
    for (const command of ['up', 'status', 'shell', 'exec', 'add-host', 'down']) {
      assert.match(overview, new RegExp(`^ {2}${command} `, 'm'));
      assert.match(helpOf(command, '--help'), new RegExp(`^Usage: postern lab ${command} `));
    }
    const [example = ''] = /^ {25}\{$.*^ {25}\}$/ms.exec(helpOf('up', '-h')) ?? [];
    assert.ok('settings' in parseInternetConfig(JSON.parse(example)));
  });

  it('names the command as it was typed', () => {
    process.env.POSTERN_COMMAND = 'bin/postern';
    try {
      assert.match(helpOf('exec', '--help'), /^Usage: bin\/postern lab exec HOST/);
    } finally {
      delete process.env.POSTERN_COMMAND;
    }
  });
});
