// Valid documents with one member after the other replaced by something odd: each is taken or refused with a reason,
// never answered with the 500 of a mistake of ours, and what is taken can be read again.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  buildNetwork,
  createTestApi,
  firewallBody,
  ipConfiguration,
  N,
  publicIpBody,
  vnetBody,
} from './api-fixture.ts';

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  ' ',
  '\u0000',
  '__proto__',
  '*',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '/subscriptions/x',
  'x'.repeat(5000),
  'ä€😀',
  [],
  [null],
  [[]],
  {},
  { id: 1 },
  { id: '/' },
  { name: null },
  [{}, {}],
  ['a', 'a'],
  { __proto__x: 1 },
];

const rule = (more: object) => [
  {
    name: 'c',
    properties: {
      priority: 100,
      action: { type: 'Allow' },
      rules: [{ name: 'r', sourceAddresses: ['*'], ...more }],
    },
  },
];

const DOCUMENTS: Readonly<Record<string, unknown>> = {
  'virtualNetworks/vnet': vnetBody(),
  'publicIPAddresses/pip': { ...publicIpBody, tags: { a: 'b' }, zones: ['1'] },
  'routeTables/table': {
    location: 'eastus',
    properties: {
      disableBgpRoutePropagation: false,
      routes: [
        {
          name: 'r',
          properties: {
            addressPrefix: '0.0.0.0/0',
            nextHopType: 'VirtualAppliance',
            nextHopIpAddress: '10.42.2.4',
          },
        },
      ],
    },
  },
  'ipGroups/group': { location: 'eastus', properties: { ipAddresses: ['10.0.0.0/24', '10.1.0.1'] } },
  'virtualNetworks/vnet/subnets/third': {
    name: 'third',
    properties: { addressPrefix: '10.42.3.0/24', routeTable: { id: `${N}/routeTables/table` } },
  },
  'azureFirewalls/fw': firewallBody({
    threatIntelMode: 'Alert',
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')],
    networkRuleCollections: rule({
      protocols: ['TCP'],
      destinationAddresses: ['10.0.0.1'],
      destinationPorts: ['443'],
    }),
    applicationRuleCollections: rule({
      protocols: [{ protocolType: 'Https', port: 443 }],
      targetFqdns: ['*.example.org'],
    }),
  }),
};

/** The document with the member at one place replaced, for every place. */
function* mutated(value: unknown, odd: unknown): Generator<unknown> {
  yield odd;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value))
    for (const changed of mutated(inner, odd))
      yield Array.isArray(value)
        ? value.map((item, index) => (String(index) === key ? changed : item))
        : { ...value, [key]: changed };
}

for (const [path, document] of Object.entries(DOCUMENTS))
  it(`${path} with odd members`, async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    await test.call('PUT', `${N}/routeTables/table`, DOCUMENTS['routeTables/table']);
    const valid = await test.call('PUT', `${N}/${path}`, document);
    assert.ok(valid.status < 300, valid.text);
    for (const odd of ODD)
      for (const body of mutated(document, odd)) {
        const answer = await test.call('PUT', `${N}/${path}`, JSON.stringify(body));
        assert.ok(answer.status < 500, `${JSON.stringify(body).slice(0, 2000)}: ${answer.text}`);
        if (answer.status >= 300)
          assert.ok(answer.body.error.code.length > 0 && answer.body.error.message.length > 0);
        else assert.equal((await test.call('GET', `${N}/${path}`)).status, 200);
      }
  });
