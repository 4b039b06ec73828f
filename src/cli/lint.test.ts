// `postern lint` as it is called: what it prints and writes, and its exit code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AzHarness, ok } from './az/testing.ts';
import { runLint } from './lint.ts';
import { folderWith, outcomeOf } from './testing.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXPORT = join(ROOT, 'test/policies/aks-export.jsonc');
const POLICY = ['--policy', EXPORT, '--parameters', 'region=westeurope'];

const run = (...args: readonly string[]) => outcomeOf(world => runLint(args, world));

interface FoundJson {
  readonly code: string;
  readonly severity: string;
  readonly rule: { readonly name: string } | null;
  readonly place: { readonly file: string; readonly line: number } | null;
  readonly reason: string;
  readonly fix: string;
}

const found = (out: string): readonly FoundJson[] => JSON.parse(out).findings;

test('findings are grouped by severity, with rule, place, reason and fix', async () => {
  const { code, out } = await run(...POLICY);
  assert.equal(code, 3);
  assert.match(
    out,
    /^Warnings\n\n {2}network-fqdn-web +fwp-aks\/aks\/control-plane\/registry {2}\S+aks-export\.jsonc:\d+:\d+\n/,
  );
  assert.match(out, /\n {6}fix: Make it an application rule/);
  assert.match(out, /\nNotes\n/);
  assert.match(out, /\n0 errors, 1 warning, \d notes\.\n$/);
});

test('the place is where the rule stands in the file', async () => {
  const [first] = found((await run(...POLICY, '-o', 'json')).out);
  assert.equal(first?.rule?.name, 'registry');
  assert.equal(first.place?.file, EXPORT);
  const lines = readFileSync(EXPORT, 'utf8').split('\n');
  assert.match(
    lines.slice((first.place?.line ?? 0) - 1, first.place?.line + 2).join('\n'),
    /"name": "registry"/,
  );
});

test('--fail-on and --disable decide the exit code', async () => {
  assert.equal((await run(...POLICY, '--fail-on', 'error')).code, 0);
  assert.equal((await run(...POLICY, '--disable', 'network-fqdn-web')).code, 0);
  assert.equal((await run(...POLICY, '--disable', 'network-fqdn-web', '--fail-on', 'note')).code, 3);
  const { out } = await run(...POLICY, '--disable', 'network-fqdn-web,any-source', '-o', 'json');
  assert.ok(!found(out).some(({ code }) => code === 'network-fqdn-web' || code === 'any-source'));
});

test('--aks tells what a cluster lacks, with the command that adds it', async () => {
  const { code, out } = await run(...POLICY, '--aks', '--all', '--from', '10.42.1.0/24', '-o', 'json');
  assert.equal(code, 3);
  const missing = found(out).filter(finding => finding.code === 'aks-required');
  assert.deepEqual(
    missing.map(({ reason }) => /to (\S+) is denied/.exec(reason)?.[1]),
    [
      ...['mcr-0001.mcr-msedge.net', 'management.azure.com', 'login.microsoftonline.com'],
      ...['packages.microsoft.com', 'acs-mirror.azureedge.net', 'packages.aks.azure.com'],
    ],
  );
  assert.match(
    missing[0]?.fix ?? '',
    /^az network firewall policy rule-collection-group collection rule add -g GROUP --policy-name fwp-aks --rcg-name aks --collection-name aks-fqdn .* --rule-type ApplicationRule --source-addresses 10\.42\.1\.0\/24 --protocols Https=443 --target-fqdns mcr-0001\.mcr-msedge\.net$/,
  );
});

test('where most is missing one finding comes first, each line of its fix a command', async () => {
  const { code, out } = await run(...POLICY, '--aks', '--from', '10.42.1.0/24');
  assert.equal(code, 3);
  assert.match(
    out,
    /^Errors\n\n {2}aks-required +fwp-aks .*\n {6}Most of what AKS needs is denied: [\s\S]*?\n {6}fix: Allow this tag:\n {11}az network firewall policy .* -g GROUP .* --fqdn-tags AzureKubernetesService\n/,
  );
  assert.equal(out.match(/aks-required/g)?.length, 1);
});

const BARE = ['network firewall policy create -g rg -n p -l eastus'];
const WITH_GROUPS = [
  ...BARE,
  ...['Network --priority 200', 'Application --priority 300'].map(text => {
    const [type, ...rest] = text.split(' ');
    return `network firewall policy rule-collection-group create -g rg --policy-name p -n Default${type}RuleCollectionGroup ${rest.join(' ')}`;
  }),
];
const CLASSIC = ['network firewall create -g rg -n fw -l eastus'];
const BEFORE: readonly (readonly [string, readonly string[]])[] = [
  ['a policy without groups', BARE],
  ['a policy with empty groups', WITH_GROUPS],
  ['a firewall with rules of its own', CLASSIC],
];
for (const [what, setup] of BEFORE)
  for (const more of [[], ['--all'], ['--disable', 'aks-required']])
    test(`az takes all commands in the order told, and then nothing is missing: ${[what, ...more].join(' ')}`, async t => {
      await using harness = await AzHarness.create();
      for (const command of setup) await ok(harness, command);
      const lintNow = async (...options: readonly string[]) => {
        const files: Record<string, unknown> =
          setup === CLASSIC
            ? { 'fw.json': await ok(harness, 'network firewall show -g rg -n fw') }
            : {
                'p.json': await ok(harness, 'network firewall policy show -g rg -n p'),
                'groups.json': await ok(
                  harness,
                  'network firewall policy rule-collection-group list -g rg --policy-name p',
                ),
              };
        const question = ['--aks', '--from', '10.42.1.0/24', '-o', 'json', ...options];
        return found((await run('--policy', folderWith(t, files), ...question)).out);
      };
      const fixes = (await lintNow(...more)).map(({ fix }) => fix).filter(fix => fix.includes('az network '));
      const commands = fixes.flatMap(fix => fix.split('\n').filter(line => line.startsWith('az network ')));
      assert.ok(commands.length > 2, fixes.join('\n'));
      for (const command of commands) await ok(harness, command.replace(/^az /, ''));
      const left = (await lintNow('--all')).filter(({ fix }) => fix.includes('az network '));
      const wanted = more.includes('--disable') ? ['aks-required'] : [];
      assert.deepEqual(
        left
          .map(({ code, reason }) => `${code} ${reason}`)
          .filter(text => !wanted.some(code => text.startsWith(code))),
        [],
      );
    });

test('the command that saves a public IP is whole', async t => {
  const network = '/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network';
  const firewall = {
    id: `${network}/azureFirewalls/fw`,
    name: 'fw',
    location: 'westeurope',
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    ipConfigurations: [
      {
        name: 'config',
        subnet: { id: `${network}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
        publicIPAddress: { id: `${network}/publicIPAddresses/pip-fw` },
        privateIPAddress: '10.0.0.4',
      },
    ],
  };
  const { out } = await run('--policy', folderWith(t, { 'fw.json': firewall }), '-o', 'json');
  assert.equal(
    found(out).find(({ code }) => code === 'public-ip-without-address')?.fix,
    'Save it, and name its file too: az network public-ip show -g hub -n pip-fw -o json > pip-fw.json',
  );
});

test('who leaves out some findings about AKS gets the others singly', async () => {
  const { code, out } = await run(
    ...POLICY,
    '--aks',
    '--from',
    '10.42.1.0/24',
    '--disable',
    'aks-conditional',
    '-o',
    'json',
  );
  assert.equal(code, 3);
  assert.equal(found(out).filter(finding => finding.code === 'aks-required').length, 6);
});

test('a resource group that somebody has said is in the command', async () => {
  const { out } = await run(...POLICY, '--aks', '--resource-group', 'hub-rg');
  assert.match(out, / -g hub-rg --policy-name fwp-aks /);
  assert.doesNotMatch(out, / -g (?:GROUP|template) /);
});

test('without --from the sources that get most of it are judged, and named', async () => {
  const { out } = await run(...POLICY, '--aks', '-o', 'json');
  const assumed = found(out).find(({ code }) => code === 'aks-source-assumed');
  assert.match(assumed?.reason ?? '', /Judged for 10\.42\.1\.0\/24, which/);
});

test('a rule that an explicit Deny stands before is told to come before it', async t => {
  const path = folderWith(t, {
    'firewall.json': {
      id: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/azureFirewalls/fw',
      name: 'fw',
      location: 'westeurope',
      resourceGroup: 'rg',
      sku: { name: 'AZFW_VNet', tier: 'Standard' },
      ipConfigurations: [],
      applicationRuleCollections: [
        {
          name: 'never',
          priority: 100,
          action: { type: 'Deny' },
          rules: [
            {
              name: 'sign-in',
              protocols: [{ protocolType: 'Https', port: 443 }],
              sourceAddresses: ['*'],
              targetFqdns: ['login.microsoftonline.com'],
            },
          ],
        },
      ],
    },
  });
  const { out } = await run('--policy', path, '--aks', '--all', '--from', '10.0.0.0/24', '-o', 'json');
  const denied = found(out).find(({ code, reason }) => code === 'aks-required' && /login\./.test(reason));
  assert.match(denied?.reason ?? '', /is denied: 'never\/sign-in' denies it/);
  assert.match(
    denied?.fix ?? '',
    /^Before 'never\/sign-in': az network firewall application-rule create -g rg --firewall-name fw --collection-name aks-application /,
  );
});

test('the help has every option once', async () => {
  const { out } = await run('--help');
  const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option);
  assert.ok(options.length > 20);
  assert.deepEqual(
    options.filter((option, index) => options.indexOf(option) !== index),
    [],
  );
  assert.equal(out.match(/--location (?:REGION|NAME)/g)?.length, 1);
});

test('--list names every code, a line each', async () => {
  const { code, out } = await run('--list');
  assert.equal(code, 0);
  assert.match(out, /^shadowed +error +a rule never decides/);
  assert.match(out, /\naks-required +error +/);
});

const REFUSALS: readonly (readonly [readonly string[], number, RegExp])[] = [
  [[], 2, /--policy is missing/],
  [[...POLICY, '--disable', 'nonsense'], 2, /--disable nonsense: there is no such code/],
  [[...POLICY, '--fail-on', 'fatal'], 2, /--fail-on fatal: one of error, warning, note/],
  [[...POLICY, '--connections', 'many'], 2, /--connections many/],
  [[...POLICY, '--instances', '3'], 2, /--instances goes with --connections/],
  [[...POLICY, '--features', 'gpu'], 2, /--features goes with --aks/],
  [[...POLICY, '--all'], 2, /--all goes with --aks/],
  [[...POLICY, '--aks', '--features', 'rockets'], 2, /--features rockets: AzureCloud has all or /],
  [[...POLICY, '--aks', '--location', 'atlantis'], 2, /--location atlantis: there is no such region/],
  [[...POLICY, '--aks', '--cloud', 'AzureMoon'], 2, /--cloud AzureMoon: one of AzureCloud, /],
  [[...POLICY, '--aks', '--from', 'home'], 2, /--from home/],
  [
    [...POLICY, '--sarif', '/nowhere/x.sarif'],
    1,
    /\/nowhere\/x\.sarif: the folder it is to lie in is missing/,
  ],
  [['--policy', '/nowhere.json'], 1, /\/nowhere\.json: there is no such file/],
];

for (const [args, code, message] of REFUSALS)
  test(`refused: ${args.slice(-2).join(' ')}`, async () => {
    const given = await run(...args);
    assert.match(given.error, message);
    assert.equal(given.code, code);
    assert.equal(given.out, '');
  });

test('SARIF is what the schema of version 2.1.0 asks for, in the file as on standard output', async t => {
  const file = join(folderWith(t), 'lint.sarif');
  const { out, code } = await run(...POLICY, '--aks', '--sarif', file, '-o', 'sarif');
  assert.equal(code, 3);
  assert.equal(readFileSync(file, 'utf8'), out);
  checkSarif(JSON.parse(out));
});

type Value = Readonly<Record<string, unknown>>;

/** The schema allows no other members. */
function members(value: unknown, required: readonly string[], optional: readonly string[] = []): Value {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  for (const name of required) assert.ok(name in value, `${name} is missing`);
  for (const name of Object.keys(value)) assert.ok([...required, ...optional].includes(name), name);
  return value as Value;
}

const list = (value: unknown): readonly unknown[] => {
  assert.ok(Array.isArray(value));
  return value;
};
const message = (value: unknown) => assert.equal(typeof members(value, ['text']).text, 'string');
const LEVELS = ['none', 'note', 'warning', 'error'];

function checkSarif(value: unknown): void {
  const log = members(value, ['version', 'runs'], ['$schema']);
  assert.equal(log.version, '2.1.0');
  assert.equal(list(log.runs).length, 1);
  const sarif = members(list(log.runs)[0], ['tool'], ['results', 'columnKind']);
  assert.equal(sarif.columnKind, 'utf16CodeUnits');
  const driver = members(members(sarif.tool, ['driver']).driver, ['name'], ['semanticVersion', 'rules']);
  assert.match(String(driver.semanticVersion), /^\d+\.\d+\.\d+/);
  const ids = list(driver.rules).map(item => {
    const rule = members(item, ['id'], ['shortDescription', 'defaultConfiguration']);
    message(rule.shortDescription);
    assert.ok(LEVELS.includes(String(members(rule.defaultConfiguration, ['level']).level)));
    return rule.id;
  });
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(list(sarif.results).length > 5);
  for (const item of list(sarif.results)) {
    const result = members(item, [
      'message',
      'ruleId',
      'ruleIndex',
      'level',
      'locations',
      'partialFingerprints',
    ]);
    message(result.message);
    assert.equal(ids[Number(result.ruleIndex)], result.ruleId);
    assert.ok(LEVELS.includes(String(result.level)));
    for (const text of Object.values(result.partialFingerprints as Value))
      assert.equal(typeof text, 'string');
    for (const place of list(result.locations)) {
      const location = members(place, [], ['physicalLocation', 'logicalLocations']);
      const physical = members(location.physicalLocation, ['artifactLocation', 'region']);
      const { uri } = members(physical.artifactLocation, ['uri']);
      assert.equal(new URL(String(uri)).pathname, EXPORT);
      const region = members(physical.region, ['startLine', 'startColumn']);
      assert.ok(Number(region.startLine) >= 1 && Number(region.startColumn) >= 1);
      for (const logical of list(location.logicalLocations))
        members(logical, ['name', 'fullyQualifiedName', 'kind']);
    }
  }
}
