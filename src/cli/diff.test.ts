// `postern diff` as it is called: what it prints, and its exit code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runDiff } from './diff.ts';
import { folderWith, outcomeOf } from './testing.ts';

const EXPORT = join(import.meta.dirname, '../../test/policies/aks-export.jsonc');
const PARAMETERS = ['--parameters', 'region=westeurope'];

const run = (...args: readonly string[]) => outcomeOf(world => runDiff(args, world));

/** The export with some text in it replaced. */
function edited(context: TestContext, ...changes: readonly (readonly [string, string])[]): string {
  let text = readFileSync(EXPORT, 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${from} is not in the export`);
    text = text.replaceAll(from, to);
  }
  return join(folderWith(context, { 'edited.jsonc': text }), 'edited.jsonc');
}

test('the same rules: exit code 0', async () => {
  const { code, out, error } = await run(EXPORT, EXPORT, ...PARAMETERS);
  assert.deepEqual([code, out, error], [0, 'No difference: both mean the same.\n', '']);
});

test('another name: what it allows comes first, what it denies next; exit code 3', async context => {
  const file = edited(context, ['"mcr.microsoft.com"', '"mcr.example.org"']);
  const { code, out } = await run(EXPORT, file, ...PARAMETERS);
  assert.equal(code, 3);
  assert.match(out, /^Newly allowed: 1\n\n {2}from {2}10\.42\.1\.0\/24\n {2}to {4}mcr\.example\.org\n/);
  assert.match(out, /\nNewly denied: 1\n\n {2}from {2}10\.42\.1\.0\/24\n {2}to {4}mcr\.microsoft\.com\n/);
  assert.match(
    out,
    / {2}was {3}denied, no rule\n {2}now {3}allowed by fwp-aks\/aks\/aks-fqdn\/images, proxied\n/,
  );
  assert.match(out, /1 newly allowed, 1 newly denied, 0 otherwise changed\.\n$/);
});

test('sets that are one IP group or one service tag are called by its name', async context => {
  const file = edited(context, [
    '"destinationFqdns": ["ghcr.io", "pkg-containers.githubusercontent.com"]',
    '"destinationAddresses": ["azuremonitor"], "destinationFqdns": []',
  ]);
  const { out } = await run(EXPORT, file, ...PARAMETERS);
  assert.match(
    out,
    /\n {2}from {2}IP group ipg-nodes\n {2}to {4}AzureMonitor, unless known as ghcr\.io, pkg-containers\.githubusercontent\.com\n {2}by {4}http:443, mssql:443/,
  );
});

test('-o json is complete and stable', async context => {
  const file = edited(context, ['"translatedPort": "80"', '"translatedPort": "8081"']);
  const { code, out } = await run(EXPORT, file, ...PARAMETERS, '-o', 'json');
  assert.equal(code, 3);
  const rule = { policy: 'fwp-aks', group: 'aks', collection: 'inbound', name: 'web' };
  const service = { protocol: 'TCP', ports: '8080' };
  assert.deepEqual(JSON.parse(out), {
    same: false,
    finished: true,
    differentPublicAddresses: null,
    summary: { newlyAllowed: 0, newlyDenied: 0, changed: 1, renamed: 0, settings: 0 },
    unfinished: [],
    settings: [],
    renamed: [],
    entries: [
      {
        kind: 'Changed',
        services: ['inside', 'outside'].flatMap(from =>
          ['none', 'Http', 'Https', 'Mssql'].map(claim => ({ from, ...service, claim })),
        ),
        sources: ['198.51.100.0/24'],
        destinations: ['203.0.113.10'],
        destinationNames: null,
        claimedNames: null,
        before: { action: 'Allow', rule, path: 'nat', target: '10.42.1.50:80' },
        after: { action: 'Allow', rule, path: 'nat', target: '10.42.1.50:8081' },
      },
    ],
  });
});

test('a renamed rule is told by its names, and not at all with --no-rules', async context => {
  const file = edited(context, ['"name": "images"', '"name": "pictures"']);
  const { code, out } = await run(EXPORT, file, ...PARAMETERS);
  assert.equal(code, 3);
  assert.match(out, /fwp-aks\/aks\/aks-fqdn\/images -> fwp-aks\/aks\/aks-fqdn\/pictures\n/);
  assert.equal((await run(EXPORT, file, ...PARAMETERS, '--no-rules')).code, 0);
});

test('a bound that is reached: what was not compared, exit code 3', async context => {
  const file = edited(context, ['"mcr.microsoft.com"', '"mcr.example.org"'], ['"123"', '"124"']);
  const { code, out } = await run(EXPORT, file, ...PARAMETERS, '--max-boxes', '1');
  assert.equal(code, 3);
  assert.match(out, /\nNot finished: .* not compared, or not to the end\.\n.*; not finished\.\n$/);
});

test('bad usage is refused with 2, files that cannot be read with 1, and no answer', async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[EXPORT], 2, /two sets of rules are needed/],
    [[EXPORT, EXPORT, '-o', 'xml'], 2, /--output xml: json or text/],
    [[EXPORT, EXPORT, '--max-boxes', 'few'], 2, /--max-boxes few: a number/],
    [[EXPORT, EXPORT, '--policy', EXPORT], 2, /'--policy'/],
    [[EXPORT, '/nowhere/b.json', ...PARAMETERS], 1, /\/nowhere\/b\.json/],
    [[EXPORT, EXPORT], 1, /region/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, out, error } = await run(...args);
    assert.equal(code, expected, error);
    assert.match(error, message);
    assert.equal(out, '');
  }
});

const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
const policy = (name: string, more: object = {}) => ({
  id: `${network}/firewallPolicies/${name}`,
  name,
  location: 'westeurope',
  ...more,
});

test('it is enough that one side has a use for a flag; what neither has is refused', async context => {
  const template = {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    parameters: { mode: { type: 'string' } },
    resources: [
      {
        type: 'Microsoft.Network/firewallPolicies',
        name: 'p',
        properties: { threatIntelMode: "[parameters('mode')]" },
      },
    ],
  };
  const one = folderWith(context, { 'p.json': policy('p', { threatIntelMode: 'Alert' }) });
  const two = folderWith(context, { 't.json': template });
  const three = folderWith(context, { 'p.json': [policy('p', { threatIntelMode: 'Alert' }), policy('q')] });
  const mode = ['--parameters', 'mode=Alert'];
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[one, two, ...mode], 0, /^$/],
    [[two, one, ...mode], 0, /^$/],
    [[one, two, ...mode, '--parameters', 'zone=1'], 1, /^[^\n]*no template has a parameter 'zone'\.\n$/],
    [[one, one, ...mode], 1, /^[^\n]*no template has a parameter 'mode'\.\n$/],
    [[one, one, '--name', 'two'], 1, /^[^\n]*--name names a lab; it goes with --policy store\.\n$/],
    [[one, 'store', '--name', 'two', ...mode], 1, /^[^\n]*labs\/two: there is no store/],
    [[one, three, '--firewall-policy', 'p'], 0, /^$/],
    [[three, two, ...mode, '--firewall-policy', 'q'], 0, /^$/],
    [[three, one, '--firewall-policy', 'none'], 1, /there is no firewall policy 'none'; there is p, q\n/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, error } = await run(...args);
    assert.match(error, message);
    assert.equal(code, expected, args.join(' '));
  }
});

test('faults of both sides come together, and warnings once, after the answer', async context => {
  const faulty = await run('/nowhere/a.json', '/nowhere/b.json');
  assert.match(faulty.error, /a\.json: .*\n.*b\.json: /);
  const parent = policy('parent', { dnsSettings: { enableProxy: true } });
  const child = policy('child', { basePolicy: { id: parent.id } });
  const one = folderWith(context, { 'p.json': [parent, child] });
  const two = folderWith(context, { 'p.json': [parent, child] });
  const { code, out, error } = await run(one, two);
  assert.deepEqual([code, out], [0, 'No difference: both mean the same.\n']);
  assert.match(
    error,
    /^postern diff: warning: \S+p\.json:\d+: [^\n]*does not inherit the DNS settings of its parent 'parent'[^\n]*\n$/,
  );
  assert.equal((await run(one, two, '--quiet')).error, '');
});

/** A firewall without rules, as az prints it, and its public IP. */
const SITE =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network';
const FIREWALL = {
  id: `${SITE}/azureFirewalls/fw`,
  name: 'fw',
  type: 'Microsoft.Network/azureFirewalls',
  location: 'eastus',
  ipConfigurations: [
    {
      name: 'c',
      privateIPAddress: '10.42.2.4',
      publicIPAddress: { id: `${SITE}/publicIPAddresses/fw-ip` },
      subnet: { id: `${SITE}/virtualNetworks/vnet/subnets/AzureFirewallSubnet` },
    },
  ],
  networkRuleCollections: [
    {
      name: 'all',
      priority: 100,
      action: { type: 'Allow' },
      rules: [
        {
          name: 'tcp',
          protocols: ['TCP'],
          sourceAddresses: ['10.42.0.0/16'],
          destinationAddresses: ['*'],
          destinationPorts: ['22'],
        },
      ],
    },
  ],
  sku: { name: 'AZFW_VNet', tier: 'Standard' },
};
const PUBLIC_IP = {
  id: `${SITE}/publicIPAddresses/fw-ip`,
  name: 'fw-ip',
  type: 'Microsoft.Network/publicIPAddresses',
  location: 'eastus',
  ipAddress: '20.62.192.2',
};

test('a public IP that one side alone describes: said first, whatever is quiet', async context => {
  const folder = folderWith(context, { 'a.json': [FIREWALL, PUBLIC_IP], 'b.json': FIREWALL });
  const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')];
  const { code, out, error } = await run(a, b, '-q');
  assert.deepEqual([code, error], [3, '']);
  assert.match(
    out,
    /^The two sides know different public addresses: A 20\.62\.192\.2, B none\. Entries about/,
  );
  assert.match(
    out,
    /described:\n {2}B {2}\S+b\.json:\d+: .*publicIPAddresses\/fw-ip'\. Save it, .*\n\nNewly allowed/,
  );
  const json = JSON.parse((await run(b, a, '-o', 'json')).out);
  assert.deepEqual(json.differentPublicAddresses.before, []);
  assert.deepEqual(json.differentPublicAddresses.after, ['20.62.192.2']);
  assert.deepEqual(
    json.differentPublicAddresses.undescribed.map(({ side }: { side: string }) => side),
    ['A'],
  );
  const neither = await run(b, b);
  assert.equal(neither.code, 0);
  assert.match(neither.error, /there is no public IP address/);
});
