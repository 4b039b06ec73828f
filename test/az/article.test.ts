// Postern's own `az` as a process against the real API: the sequence of commands that builds an egress firewall for
// a cluster, with what each must print so that the next one can follow.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RealApi } from './real-api.ts';

const RG = 'aks-egress-rg';
const FW = 'aks-egress-fw';
const VNET = 'aks-egress-vnet';
const RULE = [
  '--resource-group',
  RG,
  '--firewall-name',
  FW,
  '--collection-name',
  'aksfwnr',
  '--source-addresses',
  '*',
];

describe('the sequence of the egress architecture', () => {
  let api: RealApi;
  let publicIp = '';
  let privateIp = '';
  before(async () => {
    api = await RealApi.start();
  });
  after(() => api[Symbol.asyncDispose]());

  async function ok(args: readonly string[], https = false): Promise<string> {
    const { status, stdout, stderr } = await api.az(args, { https });
    assert.deepEqual({ args, status, stderr }, { args, status: 0, stderr: '' });
    return stdout;
  }

  async function json(args: readonly string[]): Promise<Record<string, unknown>> {
    return JSON.parse(await ok(args)) as Record<string, unknown>;
  }

  test('group and network', async () => {
    const group = await json(['group', 'create', '--name', RG, '--location', 'eastus']);
    assert.deepEqual(group.properties, { provisioningState: 'Succeeded' });
    const { newVNet } = (await json(
      `network vnet create --resource-group ${RG} --name ${VNET} --location eastus --address-prefixes 10.42.0.0/16 --subnet-name aks-subnet --subnet-prefix 10.42.1.0/24`.split(
        ' ',
      ),
    )) as { newVNet: { subnets: Record<string, unknown>[] } };
    assert.equal(newVNet.subnets[0]?.addressPrefix, '10.42.1.0/24');
    const subnet = await json(
      `network vnet subnet create --resource-group ${RG} --vnet-name ${VNET} --name AzureFirewallSubnet --address-prefix 10.42.2.0/24`.split(
        ' ',
      ),
    );
    assert.equal(subnet.resourceGroup, RG);
  });

  test('public IP, extension, firewall and its IP configuration', async () => {
    await ok([
      'network',
      'public-ip',
      'create',
      '--resource-group',
      RG,
      '-n',
      'aks-egress-fwpublicip',
      '--location',
      'eastus',
      '--sku',
      'Standard',
    ]);
    assert.equal(await ok(['extension', 'add', '--name', 'azure-firewall']), '');
    const firewall = await json([
      'network',
      'firewall',
      'create',
      '--resource-group',
      RG,
      '--name',
      FW,
      '--location',
      'eastus',
      '--enable-dns-proxy',
      'true',
    ]);
    assert.deepEqual(firewall.additionalProperties, { 'Network.DNS.EnableProxy': 'true' });
    const configuration = await json(
      `network firewall ip-config create --resource-group ${RG} --firewall-name ${FW} --name aks-egress-fwconfig --public-ip-address aks-egress-fwpublicip --vnet-name ${VNET}`.split(
        ' ',
      ),
    );
    assert.equal(configuration.privateIPAddress, '10.42.2.4');
    publicIp = (
      await ok([
        'network',
        'public-ip',
        'show',
        '-g',
        RG,
        '-n',
        'aks-egress-fwpublicip',
        '--query',
        'ipAddress',
        '-o',
        'tsv',
      ])
    ).trim();
    privateIp = (
      await ok([
        'network',
        'firewall',
        'show',
        '-g',
        RG,
        '-n',
        FW,
        '--query',
        'ipConfigurations[0].privateIPAddress',
        '-o',
        'tsv',
      ])
    ).trim();
    const older = await ok([
      'network',
      'firewall',
      'show',
      '-g',
      RG,
      '-n',
      FW,
      '--query',
      'ipConfigurations[0].privateIpAddress',
      '-o',
      'tsv',
    ]);
    assert.match(publicIp, /^\d+\.\d+\.\d+\.\d+$/);
    assert.equal(privateIp, '10.42.2.4');
    assert.equal(older.trim(), privateIp);
  });

  test('route table and routes', async () => {
    await ok([
      'network',
      'route-table',
      'create',
      '-g',
      RG,
      '--location',
      'eastus',
      '--name',
      'aks-egress-fwrt',
    ]);
    const route = [
      'network',
      'route-table',
      'route',
      'create',
      '-g',
      RG,
      '--route-table-name',
      'aks-egress-fwrt',
    ];
    await ok([
      ...route,
      '--name',
      'aks-egress-fwrn',
      '--address-prefix',
      '0.0.0.0/0',
      '--next-hop-type',
      'VirtualAppliance',
      '--next-hop-ip-address',
      privateIp,
    ]);
    await ok([
      ...route,
      '--name',
      'aks-egress-fwinternet',
      '--address-prefix',
      `${publicIp}/32`,
      '--next-hop-type',
      'Internet',
    ]);
    const names = await ok([
      'network',
      'route-table',
      'route',
      'list',
      '-g',
      RG,
      '--route-table-name',
      'aks-egress-fwrt',
      '--query',
      '[].name',
      '-o',
      'tsv',
    ]);
    assert.deepEqual(names.trim().split('\n').sort(), ['aks-egress-fwinternet', 'aks-egress-fwrn']);
  });

  test('rules', async () => {
    const network = ['network', 'firewall', 'network-rule', 'create', ...RULE];
    await ok([
      ...network,
      '--name',
      'apiudp',
      '--protocols',
      'UDP',
      '--destination-addresses',
      'AzureCloud.eastus',
      '--destination-ports',
      '1194',
      '--action',
      'allow',
      '--priority',
      '100',
    ]);
    await ok([
      ...network,
      '--name',
      'apitcp',
      '--protocols',
      'TCP',
      '--destination-addresses',
      'AzureCloud.eastus',
      '--destination-ports',
      '9000',
    ]);
    await ok([
      ...network,
      '--name',
      'time',
      '--protocols',
      'UDP',
      '--destination-fqdns',
      'ntp.ubuntu.com',
      '--destination-ports',
      '123',
    ]);
    await ok([
      ...network,
      '--name',
      'ghcr',
      '--protocols',
      'TCP',
      '--destination-fqdns',
      'ghcr.io',
      'pkg-containers.githubusercontent.com',
      '--destination-ports',
      '443',
    ]);
    await ok([
      ...network,
      '--name',
      'docker',
      '--protocols',
      'TCP',
      '--destination-fqdns',
      'docker.io',
      'registry-1.docker.io',
      'production.cloudflare.docker.com',
      '--destination-ports',
      '443',
    ]);
    await ok([
      'network',
      'firewall',
      'application-rule',
      'create',
      '-g',
      RG,
      '-f',
      FW,
      '-c',
      'aksfwar',
      '-n',
      'fqdn',
      '--source-addresses',
      '*',
      '--protocols',
      'http=80',
      'https=443',
      '--fqdn-tags',
      'AzureKubernetesService',
      '--action',
      'allow',
      '--priority',
      '100',
    ]);
    await ok([
      'network',
      'firewall',
      'nat-rule',
      'create',
      '--collection-name',
      'exampleset',
      '--destination-addresses',
      publicIp,
      '--destination-ports',
      '80',
      '--firewall-name',
      FW,
      '--name',
      'inboundrule',
      '--protocols',
      'Any',
      '--resource-group',
      RG,
      '--source-addresses',
      '*',
      '--translated-port',
      '80',
      '--action',
      'Dnat',
      '--priority',
      '100',
      '--translated-address',
      '10.42.1.50',
    ]);
    const collection = await json([
      'network',
      'firewall',
      'network-rule',
      'collection',
      'show',
      '-g',
      RG,
      '-f',
      FW,
      '-c',
      'aksfwnr',
    ]);
    assert.equal((collection.rules as unknown[]).length, 5);
    assert.equal(collection.priority, 100);
  });

  test('the route table is associated, over HTTPS as in the shell of the lab', async () => {
    const output = await ok(
      `network vnet subnet update --resource-group ${RG} --vnet-name ${VNET} --name aks-subnet --route-table aks-egress-fwrt`.split(
        ' ',
      ),
      true,
    );
    assert.match(
      (JSON.parse(output) as { routeTable: { id: string } }).routeTable.id,
      /routeTables\/aks-egress-fwrt$/,
    );
    const id = await ok(
      [
        'network',
        'vnet',
        'subnet',
        'show',
        '-g',
        RG,
        '--vnet-name',
        VNET,
        '-n',
        'aks-subnet',
        '--query',
        'id',
        '-o',
        'tsv',
      ],
      true,
    );
    assert.match(id, /virtualNetworks\/aks-egress-vnet\/subnets\/aks-subnet\n$/);
  });

  test('rules added by eight processes at once all arrive', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `at-once-${index}`);
    const ports = [
      '--protocols',
      'TCP',
      '--destination-addresses',
      '10.9.0.0/16',
      '--destination-ports',
      '22',
    ];
    await Promise.all(
      names.map(name =>
        ok(['network', 'firewall', 'network-rule', 'create', ...RULE, '--name', name, ...ports]),
      ),
    );
    const found = await ok([
      'network',
      'firewall',
      'network-rule',
      'list',
      '-g',
      RG,
      '-f',
      FW,
      '-c',
      'aksfwnr',
      '--query',
      'rules[].name',
      '-o',
      'tsv',
    ]);
    for (const name of names) assert.ok(found.split('\n').includes(name), `${name} was lost`);
  });

  test('refusals of the server keep their code, and nothing else is on standard error', async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['network', 'vnet', 'show', '-g', RG, '-n', 'none'], 3, /^\(ResourceNotFound\) /],
      [['group', 'show', '-n', 'none'], 3, /^\(ResourceGroupNotFound\) /],
      [
        [
          'network',
          'vnet',
          'subnet',
          'create',
          '-g',
          RG,
          '--vnet-name',
          VNET,
          '-n',
          'x',
          '--address-prefix',
          '10.99.0.0/24',
        ],
        1,
        /^\(\w+\) /,
      ],
      [
        [
          'network',
          'firewall',
          'network-rule',
          'create',
          ...RULE,
          '--name',
          'time',
          '--protocols',
          'UDP',
          '--destination-fqdns',
          'ntp.ubuntu.com',
          '--destination-ports',
          '123',
        ],
        1,
        /^\(\w+\) /,
      ],
      [['network', 'public-ip', 'delete', '-g', RG, '-n', 'aks-egress-fwpublicip'], 1, /^\(\w+\) /],
    ];
    for (const [args, expected, pattern] of cases) {
      const { status, stdout, stderr } = await api.az(args);
      assert.deepEqual({ args, status, stdout }, { args, status: expected, stdout: '' });
      assert.match(stderr, pattern);
      const [, code] = /^\((\w+)\)/.exec(stderr) ?? [];
      assert.match(stderr, new RegExp(`\\nCode: ${code}\\nMessage: `));
    }
  });

  test('lists, tags and updates', async () => {
    assert.match(
      await ok(['network', 'firewall', 'list-fqdn-tags', '--query', '[].fqdnTagName', '-o', 'tsv']),
      /AzureKubernetesService/,
    );
    const prefixes = await ok([
      'network',
      'list-service-tags',
      '--location',
      'eastus',
      '--query',
      "values[?name=='AzureCloud.eastus'].properties.addressPrefixes[]",
      '-o',
      'tsv',
    ]);
    assert.match(prefixes, /^20\.42\.0\.0\/17\n/);
    const updated = await json([
      'network',
      'firewall',
      'update',
      '-g',
      RG,
      '-n',
      FW,
      '--threat-intel-mode',
      'Deny',
      '--dns-servers',
      '10.42.1.9',
      '--tags',
      'team=net',
    ]);
    assert.equal(updated.threatIntelMode, 'Deny');
    assert.deepEqual(updated.tags, { team: 'net' });
    assert.equal((updated.networkRuleCollections as unknown[]).length, 1);
    assert.match(
      await ok([
        'network',
        'vnet',
        'update',
        '-g',
        RG,
        '-n',
        VNET,
        '--dns-servers',
        privateIp,
        '--query',
        'dhcpOptions.dnsServers',
        '-o',
        'tsv',
      ]),
      /10\.42\.2\.4/,
    );
    assert.match(
      await ok(['network', 'firewall', 'list', '-o', 'table']),
      /^Location +Name +ProvisioningState +ResourceGroup/,
    );
    assert.match(
      await ok(['network', 'firewall', 'show', '-g', RG, '-n', FW, '-o', 'yaml']),
      /^additionalProperties:\n {2}Network\.DNS\.EnableProxy: 'true'\n/,
    );
  });

  test('the group is deleted after a yes, and not without', async () => {
    const refused = await api.az(['group', 'delete', '--name', RG]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /--yes/);
    assert.equal((await ok(['group', 'exists', '-n', RG])).trim(), 'true');
    const { status, stderr } = await api.az(['group', 'delete', '--name', RG], { input: 'y\n' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal((await ok(['group', 'exists', '-n', RG])).trim(), 'false');
    assert.equal((await api.az(['group', 'delete', '--name', RG, '--yes'])).status, 3);
  });
});

test('a slow apply is waited for, and a failed one is an error', async () => {
  let state: 'Pending' | 'Failed' = 'Pending';
  const settle = async () =>
    state === 'Pending' ? { state } : { state, message: 'The gateway refused it.' };
  await using api = await RealApi.start({ settle, settleTimeoutMs: 10 });
  await api.az(['group', 'create', '-n', RG, '-l', 'eastus']);
  await api.az([
    'network',
    'vnet',
    'create',
    '-g',
    RG,
    '-n',
    VNET,
    '--subnet-name',
    'AzureFirewallSubnet',
    '--subnet-prefixes',
    '10.0.2.0/24',
  ]);
  await api.az(['network', 'public-ip', 'create', '-g', RG, '-n', 'p']);
  await api.az(['network', 'firewall', 'create', '-g', RG, '-n', FW]);
  const create = [
    'network',
    'firewall',
    'ip-config',
    'create',
    '-g',
    RG,
    '-f',
    FW,
    '-n',
    'c',
    '--public-ip-address',
    'p',
    '--vnet-name',
    VNET,
  ];
  const noWait = await api.az([...create, '--no-wait']);
  assert.deepEqual(noWait, { status: 0, stdout: '', stderr: '' });
  setTimeout(() => {
    state = 'Failed';
    // What the controller does when a gateway refuses a program.
    const { store } = api.test;
    const [firewall] = store.list({ type: 'Microsoft.Network/azureFirewalls' });
    assert.ok(firewall);
    const { document } = firewall;
    store.put({ ...document, properties: { ...document.properties, provisioningState: 'Failed' } });
  }, 800);
  const failed = await api.az([
    'network',
    'firewall',
    'update',
    '-g',
    RG,
    '-n',
    FW,
    '--threat-intel-mode',
    'Off',
  ]);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^\(\w+\) .*The gateway refused it\./);
});

test('a wrong token is refused with the code of the API and status 1', async () => {
  await using api = await RealApi.start();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${api.folder}/token`, 'nonsense');
  const { status, stderr } = await api.az(['group', 'list']);
  assert.equal(status, 1);
  assert.match(stderr, /^\(\w*[Aa]uth\w*\) /);
});
