// `postern test` as it is called: what passes, what fails and how that is told, and its exit codes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runTest } from './test.ts';
import { folderWith, outcomeOf } from './testing.ts';

const ROOT = join(import.meta.dirname, '../..');
const POLICIES = join(ROOT, 'test/policies');

function run(...args: readonly string[]) {
  let clock = 0;
  const now = () => {
    clock += 250;
    return clock;
  };
  return outcomeOf(world => runTest(args, { ...world, now }));
}

/** A file of tests about the export beside it. */
function file(t: TestContext, tests: string): string {
  const policy = `policy: ${join(POLICIES, 'aks-export.jsonc')}\nparameters: {region: westeurope}\n`;
  const text = `${policy}resolve: {ghcr.io: 192.0.2.33, two.example.org: [192.0.2.33, 192.0.2.34]}\ntests:\n${tests}`;
  return join(folderWith(t, { 'x.test.yaml': text }), 'x.test.yaml');
}

test('tests that pass', async () => {
  const { code, out, error } = await run(join(POLICIES, 'aks.test.yaml'));
  assert.equal(error, '');
  assert.match(out, /✔ .*aks\.test\.yaml \(14 tests\)\n1 file, 14 tests: 14 passed \(0\.25 s\)\n/);
  assert.equal(code, 0);
});

test('what is said about the rules besides follows the outcome where a test failed, or with --verbose', async t => {
  const ignored = /^postern test: ignored, .*: Microsoft\.Compute\/virtualMachines jump\n$/;
  const failing = file(t, '- {name: n, from: 10.42.9.9, to: archive.ubuntu.com:80, expect: allow}');
  assert.match((await run(failing)).error, ignored);
  assert.match((await run(join(POLICIES, 'aks.test.yaml'), '--verbose')).error, ignored);
  assert.equal((await run(failing, '--quiet')).error, '');
});

const FAILURES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'denied, and allowed was expected: the nearest rule is told',
    '- {name: n, from: 10.42.9.9, to: archive.ubuntu.com:80, expect: allow}',
    [
      'flow      10.42.9.9 to archive.ubuntu.com:80, TCP, Http',
      'expected  Allow',
      'got       Deny by none, DefaultAction (no rule matched, and what no rule allows is denied)',
      'why       nearest fwp-aks/aks/aks-fqdn/packages: source 10.42.9.9 is not in 10.42.1.0/24',
      'x.test.yaml:5:5',
    ],
  ],
  [
    'the expected rule is judged after the one that decides',
    '- {name: n, from: 10.42.1.5, to: ghcr.io:443, sni: mcr.microsoft.com, expect: allow, by: images}',
    [
      'got       Allow by fwp-aks/aks/control-plane/registry',
      'why       fwp-aks/aks/aks-fqdn/images would match, but fwp-aks/aks/control-plane/registry is judged before it',
    ],
  ],
  [
    'the expected rule does not match',
    '- {name: n, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: allow, by: aks-fqdn/api-server}',
    ['why       fwp-aks/aks/aks-fqdn/api-server: name mcr.microsoft.com is not *.hcp.westeurope.azmk8s.io'],
  ],
  [
    'there is no such rule: the end of a name is whole names',
    '- {name: n, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: allow, by: mages}',
    ['why       no rule is called mages'],
  ],
  [
    'another path and translation',
    '- {name: n, from: 10.42.1.5, to: ghcr.io:443, expect: allow, snat: None, translated: "10.0.0.1:80"}',
    ['got       Allow by fwp-aks/aks/control-plane/registry, snat PublicIp, translated to nothing'],
  ],
  [
    'another source address for the target of a NAT rule',
    '- {name: n, from: 198.51.100.7, to: "203.0.113.10:8080", outside: true, expect: allow, snat: None}',
    ['got       Allow by fwp-aks/aks/inbound/web, snat PrivateIp'],
  ],
  [
    'allowed by no name of a rule',
    '- {name: n, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: deny, by: none}',
    ['got       Allow by fwp-aks/aks/aks-fqdn/images'],
  ],
  [
    'a name passes when every address of it does',
    '- {name: n, from: 10.42.1.5, to: two.example.org:443, expect: allow}',
    ['flow      10.42.1.5 to two.example.org:443, TCP, Https at 192.0.2.34'],
  ],
  [
    'and is denied when every address of it is',
    '- {name: n, from: 10.42.1.5, to: two.example.org:443, expect: deny}',
    ['flow      10.42.1.5 to two.example.org:443, TCP, Https at 192.0.2.33'],
  ],
];

for (const [title, tests, lines] of FAILURES)
  test(`fails: ${title}`, async t => {
    const { code, out } = await run(file(t, `  ${tests}`));
    for (const line of lines) assert.ok(out.includes(line), `${line}\nis not in\n${out}`);
    assert.match(out, /✖ .* \(1 test, 1 failed\)\n {4}✖ n\n/);
    assert.match(out, /1 file, 1 test: 0 passed, 1 failed/);
    assert.equal(code, 3);
  });

test('--filter picks by name; a filter that leaves nothing is an error', async t => {
  const path = file(
    t,
    `  - {name: Wanted, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: allow}
  - {name: other, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: deny}`,
  );
  const { code, out } = await run(path, '--filter', 'wanted', '--verbose');
  assert.match(out, /✔ Wanted\n1 file, 1 test: 1 passed/);
  assert.equal(code, 0);
  const nothing = await run(path, '--filter', 'nonsense');
  assert.match(nothing.error, /no name of a test holds 'nonsense'/);
  assert.equal(nothing.code, 1);
});

test('-o json, and JUnit with what XML cannot hold', async t => {
  const path = file(
    t,
    `  - {name: "a <b> & \\"c\\" \\u0001", from: 10.42.1.5, to: mcr.microsoft.com:443, expect: deny}
  - {name: good, from: 10.42.1.5, to: mcr.microsoft.com:443, expect: allow}`,
  );
  const junit = join(folderWith(t), 'out.xml');
  const nowhere = await run(path, '--junit', '/nowhere/out.xml');
  assert.match(nowhere.error, /out\.xml was not written: the folder it is to lie in is missing\./);
  const { code, out } = await run(path, '-o', 'json', '--junit', junit);
  assert.equal(code, 3);
  const told = JSON.parse(out);
  assert.deepEqual([told.tests, told.passed, told.failed, told.broken], [2, 1, 1, 0]);
  const [first, second] = told.results[0].tests;
  assert.deepEqual(first.decision.rule, {
    policy: 'fwp-aks',
    group: 'aks',
    collection: 'aks-fqdn',
    name: 'images',
  });
  assert.deepEqual(
    [first.passed, first.expected, first.got],
    [false, 'Deny', 'Allow by fwp-aks/aks/aks-fqdn/images'],
  );
  assert.deepEqual([second.passed, second.line, 'got' in second], [true, 6, false]);
  const xml = readFileSync(junit, 'utf8');
  assert.match(xml, /<testsuites name="postern test" tests="2" failures="1" errors="0" time="0\.250">/);
  assert.match(xml, /name="a &lt;b> &amp; &quot;c&quot; \uFFFD"/);
  assert.match(xml, /<failure message="expected Deny, got Allow by fwp-aks\/aks\/aks-fqdn\/images">/);
});

test('a file that cannot be run is an error with its place, and the others run', async t => {
  const bad = join(folderWith(t), 'bad.yaml');
  writeFileSync(bad, 'tests:\n  - {from: 10.0.0.1, too: x}\n');
  const both = await run(bad, join(POLICIES, 'aks.test.yaml'));
  assert.match(both.error, /bad\.yaml:2:\d+: .*no key 'too'/);
  assert.match(
    both.out,
    /✖ .*bad\.yaml: could not be run\n✔ .*\n2 files, 14 tests: 14 passed; 1 file could not be run/,
  );
  assert.equal(both.code, 1);
  const question = await run(file(t, '  - {from: 10.0.0.1, to: nowhere, expect: deny}'));
  assert.match(question.error, /x\.test\.yaml:5:26: to: 'nowhere' names no port/);
  assert.equal(question.code, 1);
  assert.match((await run('/nowhere.yaml')).error, /\/nowhere\.yaml: there is no such file/);
  const noPolicy = join(folderWith(t), 'no.yaml');
  writeFileSync(noPolicy, 'tests: [{from: 10.0.0.1, to: "1.2.3.4:5", expect: deny}]');
  assert.match((await run(noPolicy)).error, /no\.yaml: 'policy' is missing: it names the file/);
});

test('the other tests of a file with a fault in some of them run, and the file counts as broken', async t => {
  const good = '  - {from: 10.42.1.5, to: "mcr.microsoft.com:443", expect: allow}\n';
  const table =
    '  - table: {columns: [from, to, expect], rows: [[10.42.1.5, "mcr.microsoft.com:443", allowed], [10.42.9.9, "192.0.2.1:9", allow]]}\n';
  const path = file(t, `${good}${table}  - {from: 10.42.1.5, to: [192.0.2.1:22, nowhere], expect: deny}\n`);
  const { code, out, error } = await run(path);
  assert.equal(code, 1);
  assert.match(
    error,
    /x\.test\.yaml:6:\d+: 'allowed' is not a value of 'expect', which takes allow or deny\./,
  );
  assert.match(error, /x\.test\.yaml:7:42: to: 'nowhere' names no port/);
  assert.match(out, /^✖ \S+ \(3 tests, 1 failed, others could not be run\)\n/);
  assert.match(out, /\n1 file, 3 tests: 2 passed, 1 failed; 1 file could not be run in full \(/);
});

test('the command line names other rules, and options that the file does not', async t => {
  const path = join(folderWith(t), 'y.yaml');
  writeFileSync(
    path,
    `policy: nowhere.json
resolve: {ghcr.io: 192.0.2.33, other.example.org: 192.0.2.33}
tests: [{from: 10.42.1.5, to: other.example.org:443, expect: deny, reason: SniMismatch}]`,
  );
  const policy = ['--policy', join(POLICIES, 'aks-export.jsonc'), '--parameters', 'region=westeurope'];
  assert.match((await run(path)).error, /nowhere\.json: there is no such file/);
  assert.equal((await run(path, ...policy)).code, 3);
  assert.equal((await run(path, ...policy, '--bind-network-fqdns')).code, 0);
});

test('a folder stands for the test files in it and below', async t => {
  const { code, out } = await run(POLICIES);
  assert.match(out, /✔ .*aks\.test\.yaml \(14 tests\)/);
  assert.equal(code, 0);
  assert.match((await run(folderWith(t))).error, /the folder holds no \*\.test\.yaml/);
});

test('a command line that makes no sense', async () => {
  assert.equal((await run()).code, 2);
  assert.equal((await run('x.yaml', '-o', 'table')).code, 2);
  assert.equal((await run('x.yaml', '--nonsense')).code, 2);
});

test('as a process', () => {
  const { status, stdout } = spawnSync(join(ROOT, 'bin/postern'), ['test', join(POLICIES, 'aks.test.yaml')], {
    encoding: 'utf8',
  });
  assert.match(stdout, /14 passed/);
  assert.equal(status, 0);
});

test('what a file of tests names cannot begin a line of its own nor move the cursor in a build log', async t => {
  const evil = '"a\\n##vso[task.setvariable variable=x]y\\n::error::z\\e[2J\\u202E"';
  const failing = file(
    t,
    `  - {name: ${evil}, from: 10.0.0.1, to: "192.0.2.1:443", expect: allow, by: ${evil}}\n`,
  );
  const broken = file(t, `  - {from: ${evil}, to: ${evil}, expect: allow}\n`);
  for (const path of [failing, broken]) {
    const { out, error } = await run(path);
    assert.match(out + error, /a\\u000a##vso/);
    assert.doesNotMatch(out + error, /^(##|::)/m);
    for (const mark of ['\u001b', '\u202e']) assert.ok(!(out + error).includes(mark));
  }
});

test('rules out of a device that never ends are refused', { skip: process.platform !== 'linux' }, async t => {
  const path = join(folderWith(t), 'x.test.yaml');
  writeFileSync(path, 'policy: /dev/zero\ntests:\n  - {from: 10.0.0.1, to: "192.0.2.1:443", expect: deny}\n');
  const { code, error } = await run(path);
  assert.equal(code, 1);
  assert.match(error, /\/dev\/zero: it is larger than \d+ bytes/);
});
