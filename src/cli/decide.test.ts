// `postern decide` as it is called: what it prints, and its exit code.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runDecide } from './decide.ts';
import { folderWith, outcomeOf } from './testing.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXPORT = join(ROOT, 'test/policies/aks-export.jsonc');
const AKS = ['--policy', EXPORT, '--parameters', 'region=westeurope', '--from', '10.42.1.5'];

const run = (...args: readonly string[]) => outcomeOf(world => runDecide(args, world));

const rule = (policy: string, group: string, collection: string, name: string) => ({
  policy,
  group,
  collection,
  name,
});

const ANSWERS: readonly (readonly [string, number, object])[] = [
  [
    '--to mcr.microsoft.com:443',
    0,
    {
      action: 'Allow',
      rule: rule('fwp-aks', 'aks', 'aks-fqdn', 'images'),
      reason: 'RuleMatched',
      nat: null,
      path: 'proxy',
    },
  ],
  [
    '--to ghcr.io:443',
    0,
    {
      action: 'Allow',
      rule: rule('fwp-aks', 'aks', 'control-plane', 'registry'),
      reason: 'RuleMatched',
      nat: { snat: 'PublicIp' },
      path: 'forward',
    },
  ],
  [
    '--to 203.0.113.10:8080 --from 198.51.100.7 --outside',
    0,
    {
      action: 'Allow',
      rule: rule('fwp-aks', 'aks', 'inbound', 'web'),
      reason: 'RuleMatched',
      nat: { translatedAddress: '10.42.1.50', translatedPort: 80, snat: 'PrivateIp' },
      path: 'nat',
    },
  ],
  [
    '--to 10.42.2.4:53 --proto udp',
    0,
    { action: 'Allow', rule: null, reason: 'DnsProxy', nat: null, path: 'local' },
  ],
  [
    '--to a.social.example.org:443',
    3,
    {
      action: 'Deny',
      rule: rule('fwp-aks', 'aks', 'never', 'social'),
      reason: 'RuleMatched',
      nat: null,
      path: null,
    },
  ],
  ['--to 192.0.2.7:443', 3, { action: 'Deny', rule: null, reason: 'SniMissing', nat: null, path: null }],
  [
    '--to 192.0.2.7 --proto icmp',
    3,
    { action: 'Deny', rule: null, reason: 'DefaultAction', nat: null, path: null },
  ],
];

for (const [question, code, answer] of ANSWERS)
  test(`-o json of ${question}`, async () => {
    const given = await run(...AKS, ...question.split(' '), '-o', 'json');
    assert.match(given.error, /^postern decide: ignored, .*: Microsoft\.Compute\/virtualMachines jump\n$/);
    assert.deepEqual(JSON.parse(given.out), answer);
    assert.equal(JSON.stringify(answer), given.out.trimEnd(), 'members stand in their order');
    assert.equal(given.code, code);
  });

test('an address that a name shares passes by the rule for the name, whatever the client asks for', async () => {
  const { code, out } = await run(
    ...AKS,
    '--to',
    'other.example.org:443',
    '--resolve',
    'ghcr.io=192.0.2.9',
    '--resolve',
    'other.example.org=192.0.2.9',
  );
  assert.equal(code, 0);
  assert.match(out, /every name on such an address passes on port 443/);
  assert.match(out, /On this address are also other\.example\.org/);
  assert.match(out, /for the addresses of pkg-containers\.githubusercontent\.com, too/);
  const bound = await run(
    ...AKS,
    '--bind-network-fqdns',
    ...['--to', 'other.example.org:443'],
    ...['--resolve', 'ghcr.io=192.0.2.9', '--resolve', 'other.example.org=192.0.2.9'],
  );
  assert.equal(bound.code, 3);
  assert.match(bound.out, /SniMismatch/);
});

test('without an address for a name the rules that an address would bring in are told', async () => {
  const { out } = await run(...AKS, '--to', 'x.example.org:9000');
  assert.match(
    out,
    /Nobody said which address x\.example\.org has .*; at another fwp-aks\/aks\/control-plane\/tunnel may decide/,
  );
  assert.doesNotMatch((await run(...AKS, '--to', 'mcr.microsoft.com:443')).out, /Nobody said/);
  const given = await run(...AKS, '--to', 'x.example.org:9000', '--resolve', 'x.example.org=192.0.2.1');
  assert.doesNotMatch(given.out, /Nobody said/);
});

test('a name that the client says and nobody reads is told', async () => {
  const inside = await run(...AKS, '--to', '192.0.2.1:9000', '--sni', 'a.example.org');
  assert.match(inside.out, /note +Nobody reads that the client names 'a\.example\.org': .* on port 9000\./);
  const outside = await run(...AKS, '--to', '203.0.113.10:8080', '--outside', '--host', 'a.example.org');
  assert.match(
    outside.out,
    /Nobody reads .*'a\.example\.org': connections from outside go by NAT rules alone/,
  );
  const read = await run(...AKS, '--to', '192.0.2.1:443', '--sni', 'a.example.org');
  assert.doesNotMatch(read.out, /Nobody reads/);
});

test('of several addresses a denied one is told, and how many there are', async () => {
  const { code, out } = await run(
    ...[...AKS, '--to', 'x.example.org:9000'],
    ...['--resolve', 'x.example.org=192.0.2.7,20.50.2.1'],
  );
  assert.equal(code, 3);
  assert.match(out, /x\.example\.org has 2 addresses, of which 1 is denied; this is 192\.0\.2\.7/);
});

test('--trace tells every rule that was looked at, and why it did not match', async () => {
  const { out } = await run(...AKS, '--to', 'archive.ubuntu.com:443', '--from', '10.9.0.1', '--trace');
  for (const line of [
    /1 {2}NAT fwp-aks\/aks\/inbound\/web +port 443 is not in 8080/,
    /network Allow fwp-base\/DefaultNetworkRuleCollectionGroup\/time\/ntp +TCP is not UDP/,
    /registry +source 10\.9\.0\.1 is not in 10\.42\.1\.0\/24, 10\.42\.3\.0\/24/,
    /never\/social +name archive\.ubuntu\.com is not \*\.social\.example\.org/,
    /packages +Https:443 is not Http:80/,
  ])
    assert.match(out, line);
  const json = JSON.parse((await run(...AKS, '--to', 'ghcr.io:443', '--trace', '-o', 'json')).out);
  assert.equal(json.trace.rules.length, 4);
  assert.deepEqual(json.trace.rules[0], {
    pass: 'nat',
    rule: rule('fwp-aks', 'aks', 'inbound', 'web'),
    action: 'DNAT',
    matched: false,
    field: 'port',
    why: 'port 443 is not in 8080',
  });
  assert.equal(json.trace.rules[3].matched, true);
});

const REFUSALS: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['--from', '10.0.0.1', '--to', 'a.example.org:443'], 2, /--policy is missing/],
  [['--policy', EXPORT], 2, /--from is missing.*\n.*--to is missing/],
  [['--nonsense'], 2, /'--nonsense'/],
  [[...AKS, '--to', 'a.example.org'], 2, /--to: .*names no port/],
  [[...AKS, '--to', 'a.example.org:443', '--proto', 'sctp'], 2, /--proto: 'sctp' is no protocol/],
  [[...AKS, '--to', '[2001:db8::1]:443'], 2, /--to: .* is IPv6/],
  [[...AKS, '--to', '1.2.3.4:5', '--proto', 'icmp'], 2, /which ICMP has not/],
  [[...AKS, '--to', '1.2.3.4:5', '--resolve', 'x'], 2, /--resolve: 'x' must be NAME=ADDRESS/],
  [[...AKS, '--to', '1.2.3.4:443', '--sni', 'a', '--host', 'b'], 2, /not by both/],
  [[...AKS, '--to', '1.2.3.4:443', '-o', 'table'], 2, /--output table/],
  [[...AKS, '--to', '1.2.3.4:443', '--parameters', 'zone=x'], 1, /no template has a parameter 'zone'/],
  [[...AKS, '--to', '1.2.3.4:443', '--policy', '/nowhere.json'], 1, /\/nowhere\.json: there is no such file/],
  [[...AKS, '--to', '1.2.3.4:443', '--policy', 'main.bicep'], 1, /main\.bicep: there is no such file/],
  [
    [...AKS, '--to', '1.2.3.4:443', '--firewall', 'other'],
    1,
    /there is no firewall 'other'; there is fw-aks/,
  ],
];

for (const [args, code, message] of REFUSALS)
  test(`refused: ${args.slice(-4).join(' ')}`, async () => {
    const given = await run(...args);
    assert.match(given.error, message);
    assert.equal(given.code, code);
    assert.equal(given.out, '');
  });

test('a file that Windows PowerShell wrote', async t => {
  const path = join(folderWith(t), 'p.json');
  writeFileSync(path, Buffer.from(`\uFEFF${JSON.stringify(policy('p'))}`, 'utf16le'));
  const { error, code } = await run('--policy', path, '--from', '10.0.0.1', '--to', '192.0.2.1:22');
  assert.equal(error, '');
  assert.equal(code, 3);
});

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const policy = (name: string, basePolicy: string | null = null): object => ({
  id: `${network}/firewallPolicies/${name}`,
  name,
  location: 'westeurope',
  resourceGroup: 'rg',
  sku: { tier: 'Standard' },
  basePolicy: basePolicy === null ? null : { id: `${network}/firewallPolicies/${basePolicy}` },
});

test('warnings: a short line for each kind, none with --quiet and none beside a question that makes no sense', async t => {
  const groups = [0, 1, 2].map(index => ({
    id: `${network}/firewallPolicies/p/ruleCollectionGroups/g${index}`,
    name: `g${index}`,
    priority: 100,
    ruleCollections: [],
  }));
  const question = [
    '--policy',
    folderWith(t, { 'p.json': [policy('p'), ...groups] }),
    '--from',
    '10.0.0.1',
    '--to',
  ];
  const { error } = await run(...question, '192.0.2.1:22');
  assert.match(
    error,
    /^postern decide: warning \(1 of 2 of its kind; postern lint tells all\): \S+p\.json:\d+: Rule collection groups 'g0' and 'g1' [^\n]*\n$/,
  );
  assert.equal((await run(...question, '192.0.2.1:22', '-q')).error, '');
  assert.match((await run(...question, 'nonsense')).error, /^postern decide: --to: [^\n]*\n$/);
});

test('in a folder the child of a policy is meant; of several the user names one', async t => {
  const question = ['--from', '10.0.0.1', '--to', '192.0.2.1:22'];
  const family = folderWith(t, { 'a.json': policy('parent'), 'b.json': policy('child', 'parent') });
  assert.equal((await run('--policy', family, ...question)).code, 3);
  const two = folderWith(t, { 'a.json': [policy('one'), policy('two')] });
  const { code, error } = await run('--policy', two, ...question);
  assert.equal(code, 1);
  assert.match(error, /there are 2 firewall policies; name one with --firewall-policy: one, two/);
  assert.equal((await run('--policy', two, '--firewall-policy', 'TWO', ...question)).code, 3);
});

test('a fault has its file, line and path; what is no JSON is refused by name', async t => {
  const question = ['--from', '10.0.0.1', '--to', '192.0.2.1:22'];
  const group = {
    id: `${network}/firewallPolicies/p/ruleCollectionGroups/g`,
    name: 'g',
    priority: 99,
    ruleCollections: [],
  };
  const bad = folderWith(t, { 'p.json': [policy('p'), group] });
  const { code, error } = await run('--policy', bad, ...question);
  assert.equal(code, 1);
  assert.match(error, /p\.json:15:17: \[1\]\.properties\.priority: /);
  const bicep = folderWith(t, { 'main.bicep': '', 'other.json': policy('p') });
  assert.match(
    (await run('--policy', bicep, ...question)).error,
    /Bicep is not read\. Build it: az bicep build --file .*main\.bicep/,
  );
  const yaml = folderWith(t, { 'p.yaml': '' });
  assert.match((await run('--policy', join(yaml, 'p.yaml'), ...question)).error, /YAML is not read here/);
  assert.match((await run('--policy', yaml, ...question)).error, /holds no JSON file/);
});

test('as a process', () => {
  const { status, stdout } = spawnSync(
    join(ROOT, 'bin/postern'),
    ['decide', ...AKS, '--to', 'mcr.microsoft.com:443', '-o', 'json'],
    { encoding: 'utf8' },
  );
  assert.equal(JSON.parse(stdout).action, 'Allow');
  assert.equal(status, 0);
});

/** A classic firewall with a network rule in each of its collections, and an IP group without addresses. */
function emptied(t: TestContext, ...rules: readonly (readonly ['Allow' | 'Deny', object])[]): string[] {
  const path = folderWith(t, {
    'nodes.json': { id: NODES, name: 'nodes', location: 'eastus', ipAddresses: [] },
    'firewall.json': {
      id: `${NETWORK}/azureFirewalls/fw`,
      ...{
        name: 'fw',
        location: 'eastus',
        sku: { name: 'AZFW_VNet', tier: 'Standard' },
        ipConfigurations: [],
      },
      networkRuleCollections: rules.map(([type, rule], index) => ({
        ...{ name: `c${index}`, priority: 100 + index, action: { type } },
        rules: [
          {
            ...{ protocols: ['TCP'], destinationAddresses: ['192.0.2.1'], destinationPorts: ['22'] },
            ...rule,
          },
        ],
      })),
    },
  });
  return ['--policy', path, '--from', '10.42.1.5', '--to', '192.0.2.1:22'];
}
const NETWORK = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const NODES = `${NETWORK}/ipGroups/nodes`;
const FROM_NODES = { name: 'ssh', sourceAddresses: [], sourceIpGroups: [NODES] };

test('a rule that is skipped is told in its place, and as the nearest', async t => {
  const question = emptied(
    t,
    ['Allow', { name: 'other', sourceAddresses: ['10.43.0.0/16'] }],
    ['Allow', FROM_NODES],
  );
  const { out, code } = await run(...question);
  assert.equal(code, 3);
  assert.match(out, /\n {2}nearest {2}c1\/ssh: skipped: IP group nodes is empty\n$/);
  assert.match(
    (await run(...question, '--trace')).out,
    / 2 {2}network Allow c1\/ssh {4}skipped: IP group nodes is empty\n/,
  );
  const json = JSON.parse((await run(...question, '--trace', '-o', 'json')).out);
  assert.deepEqual(json.trace.rules[1], {
    pass: 'network',
    rule: rule('', '', 'c1', 'ssh'),
    action: 'Allow',
    matched: false,
    skipped: true,
    field: 'source',
    why: 'skipped: IP group nodes is empty',
  });
});

test('a rule that is skipped is told where one behind it decides otherwise', async t => {
  const denies = emptied(t, ['Allow', FROM_NODES], ['Deny', { name: 'no', sourceAddresses: ['*'] }]);
  assert.match(
    (await run(...denies)).out,
    /^Deny .*\n {2}rule +c1\/no\n[\s\S]*nearest {2}c0\/ssh: skipped: IP group/,
  );
  const allows = emptied(t, ['Deny', FROM_NODES], ['Allow', { name: 'yes', sourceAddresses: ['*'] }]);
  assert.match(
    (await run(...allows)).out,
    /^Allow .*\n {2}rule +c1\/yes\n[\s\S]*nearest {2}c0\/ssh: skipped: IP group/,
  );
  const alike = emptied(t, ['Allow', FROM_NODES], ['Allow', { name: 'yes', sourceAddresses: ['*'] }]);
  assert.doesNotMatch((await run(...alike)).out, /nearest/);
});
