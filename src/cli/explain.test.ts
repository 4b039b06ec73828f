// `postern explain` as it is called: out of files that az prints, on something that runs, and what it refuses.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { toArmDocument } from '#documents/arm-shape.ts';
import { SqliteStore } from '#store/sqlite-store.ts';
import { runExplain } from './explain.ts';
import { addressesOfSets, type RunningWorld } from './running-place.ts';
import { folderWith, outcomeOf } from './testing.ts';

const NOTHING_RUNS: RunningWorld = {
  lab: async name => {
    throw new Error(`The lab '${name ?? 'postern'}' is not up. Start it: postern lab up`);
  },
  router: async () => {
    throw new Error('No gateway is up on this machine. Start it: postern up');
  },
  threats: async (files, report) => {
    for (const file of files) report(`${file} cannot be read`);
    return { ofAddress: () => undefined, ofName: () => undefined };
  },
  setNameOf: fqdn => `f_${fqdn}`,
};

const run = (args: readonly string[], running = NOTHING_RUNS, state = '/nowhere') =>
  outcomeOf(world => runExplain(args, running, world), { POSTERN_STATE: state });

const SUBSCRIPTION = '/subscriptions/00000000-0000-0000-0000-000000000001';
const id = (type: string, name: string, provider = 'Microsoft.Network') =>
  `${SUBSCRIPTION}/resourceGroups/aks-rg/providers/${provider}/${type}/${name}`;
const printed = (type: string, name: string, members: object) => ({
  id: id(type, name),
  name,
  resourceGroup: 'aks-rg',
  location: 'eastus',
  type: `Microsoft.Network/${type}`,
  ...members,
});
const NODE_NIC = `${id('virtualMachineScaleSets', 'aks-pool', 'Microsoft.Compute')}/virtualMachines/0/networkInterfaces/aks-pool`;
const LB = id('loadBalancers', 'kubernetes');
const NODES = `${id('virtualNetworks', 'vnet')}/subnets/nodes`;

/** AKS behind a firewall, as az prints it; `routes` beyond the default route. */
function files(routes: readonly object[] = []): Record<string, unknown> {
  return {
    'firewall.json': printed('azureFirewalls', 'fw', {
      ipConfigurations: [
        {
          name: 'c',
          id: `${id('azureFirewalls', 'fw')}/azureFirewallIpConfigurations/c`,
          privateIPAddress: '10.42.2.4',
          publicIPAddress: { id: id('publicIPAddresses', 'fw-ip'), resourceGroup: 'aks-rg' },
          subnet: { id: `${id('virtualNetworks', 'vnet')}/subnets/AzureFirewallSubnet` },
        },
      ],
      natRuleCollections: [
        {
          name: 'in',
          priority: 100,
          action: { type: 'Dnat' },
          rules: [
            {
              name: 'web',
              protocols: ['TCP'],
              sourceAddresses: ['*'],
              destinationAddresses: ['20.62.192.1'],
              destinationPorts: ['80'],
              translatedAddress: '20.62.192.9',
              translatedPort: '80',
            },
          ],
        },
      ],
      networkRuleCollections: [],
      applicationRuleCollections: [],
      sku: { name: 'AZFW_VNet', tier: 'Standard' },
      threatIntelMode: 'Alert',
    }),
    'ips.json': [
      printed('publicIPAddresses', 'fw-ip', {
        ipAddress: '20.62.192.1',
        publicIPAllocationMethod: 'Static',
        sku: { name: 'Standard' },
      }),
      printed('publicIPAddresses', 'lb-ip', {
        ipAddress: '20.62.192.9',
        publicIPAllocationMethod: 'Static',
        sku: { name: 'Standard' },
      }),
    ],
    'vnets.json': [
      printed('virtualNetworks', 'vnet', {
        addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
        subnets: [
          {
            id: NODES,
            name: 'nodes',
            addressPrefix: '10.42.1.0/24',
            routeTable: { id: id('routeTables', 'rt'), resourceGroup: 'aks-rg' },
            resourceGroup: 'aks-rg',
          },
          { name: 'AzureFirewallSubnet', addressPrefix: '10.42.2.0/26', resourceGroup: 'aks-rg' },
        ],
      }),
    ],
    'route-tables.json': [
      printed('routeTables', 'rt', {
        routes: [
          {
            name: 'default',
            addressPrefix: '0.0.0.0/0',
            nextHopType: 'VirtualAppliance',
            nextHopIpAddress: '10.42.2.4',
          },
          ...routes,
        ],
      }),
    ],
    'nics.json': [
      {
        id: NODE_NIC,
        name: 'aks-pool',
        resourceGroup: 'aks-rg',
        ipConfigurations: [
          {
            id: `${NODE_NIC}/ipConfigurations/ipconfig1`,
            name: 'ipconfig1',
            privateIPAddress: '10.42.1.4',
            subnet: { id: NODES, resourceGroup: 'aks-rg' },
          },
        ],
      },
    ],
    'lb.json': [
      printed('loadBalancers', 'kubernetes', {
        sku: { name: 'Standard' },
        frontendIPConfigurations: [
          {
            id: `${LB}/frontendIPConfigurations/f`,
            name: 'f',
            publicIPAddress: { id: id('publicIPAddresses', 'lb-ip') },
          },
        ],
        backendAddressPools: [
          {
            id: `${LB}/backendAddressPools/kubernetes`,
            name: 'kubernetes',
            backendIPConfigurations: [{ id: `${NODE_NIC}/ipConfigurations/ipconfig1` }],
          },
        ],
        loadBalancingRules: [
          {
            name: 'http',
            frontendIPConfiguration: { id: `${LB}/frontendIPConfigurations/f` },
            backendAddressPool: { id: `${LB}/backendAddressPools/kubernetes` },
            protocol: 'Tcp',
            frontendPort: 80,
            backendPort: 80,
          },
        ],
      }),
    ],
  };
}

const findingsOf = (out: string) =>
  (JSON.parse(out) as { findings: { code: string; fix: string[] }[] }).findings.map(({ code }) => code);

test('AKS with a public load balancer behind a firewall: the /32 that is missing, and with it', async t => {
  const flow = ['--from', '198.51.100.7', '--to', '20.62.192.1:80', '-o', 'json'];
  const without = await run(['--policy', folderWith(t, files()), ...flow]);
  assert.deepEqual([without.code, without.error], [3, '']);
  assert.deepEqual(findingsOf(without.out), ['missing-firewall-ip-route']);
  assert.match(without.out, /--address-prefix 20\.62\.192\.1\/32 --next-hop-type Internet/);
  const own = { name: 'own', addressPrefix: '20.62.192.1/32', nextHopType: 'Internet' };
  const fixed = await run(['--policy', folderWith(t, files([own])), ...flow]);
  assert.deepEqual([fixed.code, fixed.error], [0, '']);
  assert.deepEqual(findingsOf(fixed.out), []);
});

test('straight in by the load balancer: asymmetric, said in words', async t => {
  const { code, out } = await run([
    ...['--policy', folderWith(t, files()), '--from', '198.51.100.7', '--to', '20.62.192.9:80'],
  ]);
  assert.equal(code, 3);
  assert.match(
    out,
    /^NO {2}198\.51\.100\.7 to 20\.62\.192\.9:80, TCP: gets there, and the reply does not come back\n/,
  );
  assert.match(out, /aks-pool_0 \(10\.42\.1\.4:80\) in vnet\/nodes/);
  assert.match(out, /Asymmetric routing: the flow came in by load balancer kubernetes/);
  const long = out.split('\n').filter(line => line.length > 120 && !line.includes('$ az '));
  assert.deepEqual(long, [], 'only commands are longer than a screen is wide');
});

test('a machine of a scale set by its name', async t => {
  const { code, out } = await run([
    ...['--policy', folderWith(t, files()), '--from', 'aks-pool_0', '--to', 'mcr.microsoft.com:443'],
  ]);
  assert.equal(code, 3);
  assert.match(
    out,
    /application-rule create -g aks-rg -f fw .* --target-fqdns mcr\.microsoft\.com --protocols https=443/,
  );
});

const FLOW = '--from 10.42.1.4 --to 1.2.3.4:443';
const FAULTS: readonly (readonly [string, string, number, RegExp])[] = [
  ['nothing', '', 2, /--from is missing.*\n.*--to is missing/],
  ['nothing runs', FLOW, 1, /lab up\n.*postern up\n.*--policy FOLDER/],
  ['no such lab', `${FLOW} --name x`, 1, /The lab 'x' is not up/],
  ['no gateway', `${FLOW} --router`, 1, /No gateway is up/],
  ['a gateway and files', `${FLOW} --router --policy FOLDER`, 2, /--router goes with neither/],
  ['a lab and files', `${FLOW} --name x --policy FOLDER`, 2, /--name names a lab/],
  ['options of files', `${FLOW} --bind-network-fqdns`, 2, /--bind-network-fqdns goes with --policy/],
  ['a state folder', `${FLOW} --state /x`, 2, /--state goes with --policy/],
  ['a firewall picked', `${FLOW} --policy FOLDER --firewall fw`, 2, /--firewall: the routes lead/],
  ['an output', `${FLOW} --policy FOLDER -o yaml`, 2, /--output yaml: json or text/],
  [
    'a source',
    '--policy FOLDER --from nobody --to 1.2.3.4:443',
    2,
    /'nobody' is no IPv4 address and none of the hosts aks-pool_0; the hosts of a lab are known .* without --policy/,
  ],
  [
    'a source in no VNet',
    '--policy FOLDER --from 10.99.0.1 --to 1.2.3.4:443',
    2,
    /no virtual network that is known holds 10\.99\.0\.1/,
  ],
  ['a target', '--policy FOLDER --from 10.42.1.4 --to 1.2.3.4', 2, /--to: '1\.2\.3\.4' names no port/],
  ['a protocol', `${FLOW} --policy FOLDER --proto ipx`, 2, /--proto: 'ipx' is no protocol/],
  [
    'SNI and Host',
    `${FLOW} --policy FOLDER --sni a.b --host a.b`,
    2,
    /--host: a client names its host by SNI or by Host/,
  ],
  ['a resolution', `${FLOW} --policy FOLDER --resolve a`, 2, /--resolve: 'a' must be NAME=ADDRESS/],
  ['a feed', `${FLOW} --policy FOLDER --threat-feed no-such-feed`, 1, /no-such-feed cannot be read/],
  ['a folder', `${FLOW} --policy no-such-folder`, 1, /no-such-folder/],
  ['an option', `${FLOW} --frm`, 2, /--frm/],
];
for (const [what, line, expected, message] of FAULTS)
  test(`refused: ${what}`, async t => {
    const words = line.split(' ').filter(word => word !== '');
    const folder = words.includes('FOLDER') ? folderWith(t, files()) : '';
    const { code, out, error } = await run(words.map(word => (word === 'FOLDER' ? folder : word)));
    assert.deepEqual([code, out], [expected, '']);
    assert.match(error, message);
  });

test('the help does not offer what is refused', async () => {
  const { out } = await run(['--help']);
  assert.doesNotMatch(out, /--firewall/);
  assert.match(out, /\n {2}--name LAB.*\n(?: {10,}.*\n)+ {2}--parameters/);
});

test('an IP group that is in no file is told with the place that names it', async t => {
  const [firewall] = Object.values(files()) as [Record<string, unknown>];
  const rule = {
    name: 'r',
    protocols: ['TCP'],
    sourceIpGroups: [id('ipGroups', 'office')],
    destinationAddresses: ['*'],
    destinationPorts: ['443'],
  };
  const collection = { name: 'c', priority: 100, action: { type: 'Allow' }, rules: [rule] };
  const folder = folderWith(t, {
    ...files(),
    'firewall.json': { ...firewall, networkRuleCollections: [collection] },
  });
  const { code, error } = await run(['--policy', folder, ...FLOW.split(' ')]);
  assert.equal(code, 1);
  assert.match(
    error,
    /firewall\.json:\d+:\d+: .*ipGroups\/office.* Save it, and name its file too: az network ip-group show/,
  );
});

test('a route table that is in no file is named', async t => {
  const { 'route-tables.json': _, ...others } = files();
  const { code, error } = await run(['--policy', folderWith(t, others), ...FLOW.split(' ')]);
  assert.equal(code, 1);
  assert.match(
    error,
    /route table '.*\/routeTables\/rt', which a subnet names, is missing: az network route-table list/,
  );
});

test('addresses in the sets that nft lists, with and without time-outs', () => {
  const set = (name: string, elem?: unknown) => ({ set: { family: 'inet', name, table: 'postern', elem } });
  const nftables = [
    { metainfo: { version: '1.0.6' } },
    set('f_a', [{ elem: { val: '1.2.3.4', timeout: 900, expires: 5 } }, '5.6.7.8']),
    set('f_empty'),
    set('p_ports', [80, { range: [1, 2] }]),
  ];
  assert.deepEqual(
    [...addressesOfSets(JSON.stringify({ nftables }))],
    [
      ['f_a', [0x01020304, 0x05060708]],
      ['f_empty', []],
      ['p_ports', []],
    ],
  );
});

test('on something that runs: its hosts, its name servers, the sets that it has loaded, and what is wrong with it', async t => {
  const contents = files();
  const firewall = contents['firewall.json'] as Record<string, unknown>;
  const state = folderWith(t);
  mkdirSync(join(state, 'router'));
  const store = new SqliteStore(join(state, 'router', 'store.db'));
  const named = {
    name: 'named',
    protocols: ['TCP'],
    sourceAddresses: ['*'],
    destinationFqdns: ['a.example.org'],
    destinationPorts: ['8443'],
  };
  const rules = {
    additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
    networkRuleCollections: [{ name: 'n', priority: 100, action: { type: 'Allow' }, rules: [named] }],
    provisioningState: 'Failed',
  };
  for (const resource of [
    { ...firewall, ...rules },
    ...['ips.json', 'vnets.json', 'route-tables.json'].flatMap(name => contents[name] as object[]),
  ])
    store.put(toArmDocument(resource));
  store.close();
  const asked: unknown[] = [];
  const place = (loaded: string) => ({
    label: 'lab x',
    lab: undefined,
    notices: ['gateway fw does not run.'],
    policyFlags: [],
    threatFeeds: [],
    hosts: [],
    outboundAddresses: [],
    resolve: async (name: string, from: unknown) => {
      asked.push([name, from]);
      return { addresses: ['20.5.5.5'], by: 'the server answers' };
    },
    loadedSets: async () => {
      if (loaded === '') throw new Error('not permitted');
      return loaded;
    },
  });
  const running = (loaded: string): RunningWorld => ({ ...NOTHING_RUNS, router: async () => place(loaded) });
  const set = (address: string) =>
    JSON.stringify({ nftables: [{ set: { name: 'f_a.example.org', elem: [address] } }] });
  const flow = ['--router', '--from', '10.42.1.4', '--to', 'a.example.org:8443', '-o', 'json'];

  const known = await run(flow, running(set('20.5.5.5')), state);
  assert.equal(known.code, 0, known.error);
  assert.match(known.error, /gateway fw does not run.*\n.*firewall fw is in state Failed/);
  assert.deepEqual(asked, [['a.example.org', { host: undefined, servers: ['168.63.129.16'] }]]);
  const other = await run(flow, running(set('20.5.5.6')), state);
  assert.equal(other.code, 3);
  assert.deepEqual(findingsOf(other.out), ['denied', 'client-dns', 'name-unknown-to-firewall']);
  const hidden = await run(flow, running(''), state);
  assert.equal(hidden.code, 0);
  assert.match(
    hidden.error,
    /what fw knows of names cannot be read \(not permitted\), so its name servers are asked/,
  );
});
