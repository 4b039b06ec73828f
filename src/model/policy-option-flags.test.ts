// What may be typed, what it means, and that it survives the way to another process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { POLICY_OPTION_FLAGS, policyOptionFlags, policyOptionsOf } from './policy-option-flags.ts';
import { DEFAULT_POLICY_OPTIONS } from './policy-options.ts';

const read = (...args: string[]) =>
  policyOptionsOf(parseArgs({ args, options: { ...POLICY_OPTION_FLAGS, name: { type: 'string' } } }).values);

test('without flags the defaults hold', () => {
  assert.deepEqual(read('--name', 'x'), { options: DEFAULT_POLICY_OPTIONS, faults: [] });
  assert.deepEqual(policyOptionFlags(DEFAULT_POLICY_OPTIONS), []);
});

const CASES = [
  { args: ['--no-azure-limits'], changed: { azureLimits: false } },
  { args: ['--bind-network-fqdns'], changed: { bindNetworkFqdns: true } },
  { args: ['--no-inherited-nat-rules'], changed: { inheritNatRules: false } },
  {
    args: ['--infrastructure-fqdns', 'a.example.org,*.example.com'],
    changed: { infrastructureFqdns: ['a.example.org', '*.example.com'] },
  },
] as const;

for (const { args, changed } of CASES)
  test(`${args.join(' ')} changes its option alone, and is what the option is written as`, () => {
    const { options, faults } = read(...args);
    assert.deepEqual(faults, []);
    assert.deepEqual(options, { ...DEFAULT_POLICY_OPTIONS, ...changed });
    assert.deepEqual(policyOptionFlags(options), args);
  });

test('infrastructure names may come in several flags, in any case, and count once', () => {
  const { options } = read(
    ...['--infrastructure-fqdns', 'A.example.org, b.example.org', '--infrastructure-fqdns', 'a.example.org'],
  );
  assert.deepEqual(options.infrastructureFqdns, ['a.example.org', 'b.example.org']);
});

test('what is no name is named, all of it', () => {
  const { faults } = read('--infrastructure-fqdns', 'a.example.org,a.*.org,,b c');
  assert.deepEqual(
    faults.map(fault => /'(.*)'/.exec(fault)?.[1]),
    ['a.*.org', '', 'b c'],
  );
});
