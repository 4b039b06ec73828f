// A file of policy tests is read strictly: every fault has its line and column.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicyTests } from './policy-tests-file.ts';

function cases(text: string): string[] {
  const { file, faults } = parsePolicyTests(text);
  assert.deepEqual(faults, undefined);
  return (file?.cases ?? []).map(
    ({ name, question: { from, to, protocol = '-' }, expected: { action, by = '-' } }) =>
      `${name} | ${from} > ${to} ${protocol} ${action} ${by}`,
  );
}

test('lists in from and to make a case for each pair; without a name the flow is the name', () => {
  assert.deepEqual(
    cases(`
tests:
  - name: n
    from: [10.0.0.1, 10.0.0.2]
    to: [a.example.org:443, 192.0.2.1:22]
    expect: allow
  - {from: 10.0.0.1, to: 192.0.2.1, proto: 47, expect: Deny}
`),
    [
      'n: 10.0.0.1 to a.example.org:443 | 10.0.0.1 > a.example.org:443 - Allow -',
      'n: 10.0.0.1 to 192.0.2.1:22 | 10.0.0.1 > 192.0.2.1:22 - Allow -',
      'n: 10.0.0.2 to a.example.org:443 | 10.0.0.2 > a.example.org:443 - Allow -',
      'n: 10.0.0.2 to 192.0.2.1:22 | 10.0.0.2 > 192.0.2.1:22 - Allow -',
      '10.0.0.1 to 192.0.2.1 | 10.0.0.1 > 192.0.2.1 47 Deny -',
    ],
  );
});

test('a table makes a case of each row; what stands beside it holds for all, and an empty cell says nothing', () => {
  assert.deepEqual(
    cases(`
tests:
  - name: t
    from: 10.0.0.1
    table:
      columns: [to, expect, by]
      rows:
        - [192.0.2.1:22, allow, c/r]
        - [192.0.2.2:22, deny, ~]
`),
    [
      't: 10.0.0.1 to 192.0.2.1:22 | 10.0.0.1 > 192.0.2.1:22 - Allow c/r',
      't: 10.0.0.1 to 192.0.2.2:22 | 10.0.0.1 > 192.0.2.2:22 - Deny -',
    ],
  );
});

test('what has an anchor can be used again', () => {
  assert.deepEqual(
    cases(`
tests:
  - {from: &nodes [10.0.0.1, 10.0.0.2], to: &there 192.0.2.1:22, expect: allow}
  - {from: *nodes, to: *there, expect: deny}
`).slice(2),
    [
      '10.0.0.1 to 192.0.2.1:22 | 10.0.0.1 > 192.0.2.1:22 - Deny -',
      '10.0.0.2 to 192.0.2.1:22 | 10.0.0.2 > 192.0.2.1:22 - Deny -',
    ],
  );
});

test('the rules, their parameters and options are as flags of the commands', () => {
  const { file } = parsePolicyTests(`
policy: [a.json, b]
parameters: {region: westeurope, count: 3}
firewall: fw
options: {no-azure-limits: true, infrastructure-fqdns: '*.example.org'}
resolve: {A.example.org: 192.0.2.1, b.example.org: [192.0.2.2, 192.0.2.3]}
tests: [{from: 10.0.0.1, to: '1.2.3.4:5', expect: allow}]
`);
  assert.deepEqual(file?.flags, {
    policy: ['a.json', 'b'],
    parameters: ['region=westeurope', 'count=3'],
    firewall: 'fw',
    'no-azure-limits': true,
    'infrastructure-fqdns': ['*.example.org'],
  });
  assert.deepEqual(
    [...(file?.resolved ?? [])],
    [
      ['a.example.org', [0xc0000201]],
      ['b.example.org', [0xc0000202, 0xc0000203]],
    ],
  );
});

const good = 'from: 10.0.0.1, to: "1.2.3.4:5", expect: allow';
const FAULTS: readonly (readonly [string, RegExp])[] = [
  ['', /^1:1: a file of policy tests must be a mapping/],
  ['tests: []', /^1:8: 'tests' is missing or empty/],
  ['polcy: x\ntests: [{}]', /^1:1: .* has no key 'polcy'; it takes policy, parameters/],
  [`tests:\n  - {${good}, expct: deny}`, /^2:\d+: .* has no key 'expct'/],
  [`tests:\n  - {${good}, expect: deny}`, /^2:\d+: Map keys must be unique/],
  ['tests:\n  - from: 10.0.0.1\n    expect: allow', /^2:5: 'to' is missing/],
  ['tests:\n  - {from: 10.0.0.1, to: "1.2.3.4:5"}', /^2:5: 'expect' is missing: allow or deny/],
  ['tests:\n  - {from: 10.0.0.1, to: "1.2.3.4:5", expect: maybe}', /'maybe' is not a value of 'expect'/],
  ['tests:\n  - {from: 10.0.0.1, to: [], expect: deny}', /^2:26: 'to' is empty/],
  ['tests:\n  - {from: 10.0.0.1, to: , expect: deny}', /'to' must be a text/],
  [`tests:\n  - {${good}, outside: perhaps}`, /'outside' must be true or false/],
  [`tests:\n  - {${good}, reason: Because}`, /'Because' is not a value of 'reason', which takes RuleMatched/],
  ['tests:\n  - {from: 10.0.0.1, to: x, expect: deny, snat: None}', /a denied connection has no 'snat'/],
  [`resolve: {a.example.org: x}\ntests: [{${good}}]`, /^1:26: 'x' is no IPv4 address/],
  [`resolve: {a.example.org: }\ntests: [{${good}}]`, /'a.example.org' must be a text/],
  [`options: {azure-limits: no}\ntests: [{${good}}]`, /no key 'azure-limits'; it takes no-azure-limits/],
  ['tests:\n  - {from: *nobody, to: "1.2.3.4:5", expect: deny}', /^2:12: /],
  ['tests:\n  - from: [\n', /^\d+:\d+: /],
  [
    'tests:\n  - table:\n      columns: [from, to]\n      rows:\n        - [10.0.0.1]',
    /^5:11: the row has 1 cells for 2 columns/,
  ],
  [
    'tests:\n  - from: 10.0.0.1\n    table: {columns: [from], rows: [[10.0.0.1]]}',
    /'from' is a column and stands beside the table/,
  ],
  ['tests:\n  - table: {columns: [to, to], rows: [[a, b]]}', /the column 'to' stands twice/],
  ['tests:\n  - table: {columns: [to], rows: []}', /the table has no rows/],
  ['tests:\n  - table: [1]', /must be a mapping/],
];

for (const [text, message] of FAULTS)
  test(`refused: ${JSON.stringify(text)}`, () => {
    const told = (parsePolicyTests(text).faults ?? []).map(
      fault => `${fault.line}:${fault.column}: ${fault.message}`,
    );
    assert.ok(
      told.some(line => message.test(line)),
      told.join('\n') || 'no fault',
    );
  });

test('a file that asks about more connections than anybody would is refused before they are made', () => {
  const list = (count: number, item: (index: number) => string) =>
    `[${Array.from({ length: count }, (_, index) => item(index)).join(', ')}]`;
  const many = `
tests:
  - {from: ${list(4000, index => `10.0.${index >> 8}.${index & 255}`)}, to: ${list(4000, index => `a${index}.example.org:443`)}, expect: deny}
`;
  assert.match(parsePolicyTests(many).faults?.[0]?.message ?? '', /more than 200000 connections/);
  const again = `
tests:
  - {from: &from ${list(1000, index => `10.0.${index >> 8}.${index & 255}`)}, to: "192.0.2.1:443", expect: deny}
${'  - {from: *from, to: "192.0.2.1:443", expect: deny}\n'.repeat(300)}`;
  assert.match(parsePolicyTests(again).faults?.[0]?.message ?? '', /more than 200000 connections/);
});

test('a hundred thousand aliases are found in a moment, and as many faults are told by the first of them', () => {
  const started = performance.now();
  const aliases = `tests:\n  - &a {from: 10.0.0.1, to: "192.0.2.1:443", expect: deny}\n${'  - *a\n'.repeat(100_000)}`;
  assert.equal(parsePolicyTests(aliases).file?.cases.length, 100_001);
  const faults = parsePolicyTests(`tests:\n${'  - {frm: x}\n'.repeat(100_000)}`).faults ?? [];
  assert.equal(faults.length, 100);
  assert.match(faults.at(-1)?.message ?? '', /more faults follow/);
  assert.ok(performance.now() - started < 60_000);
});

test('an alias stands for the nearest anchor before it', () => {
  assert.deepEqual(
    cases(`
tests:
  - {from: &a 10.0.0.1, to: "192.0.2.1:443", expect: deny}
  - {from: *a, to: "192.0.2.2:443", expect: deny}
  - {from: &a 10.0.0.2, to: "192.0.2.3:443", expect: deny}
  - {from: *a, to: "192.0.2.4:443", expect: deny}
`).map(name => name.split(' | ')[0]),
    [
      '10.0.0.1 to 192.0.2.1:443',
      '10.0.0.1 to 192.0.2.2:443',
      '10.0.0.2 to 192.0.2.3:443',
      '10.0.0.2 to 192.0.2.4:443',
    ],
  );
});
