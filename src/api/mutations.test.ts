// Valid documents with one member after the other replaced by something odd: each is taken or refused with a reason,
// never answered with the 500 of a mistake of ours, and what is taken can be read again.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { faultsOfPolicy } from '#controller/policy-faults.ts';
import { loadFacts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import {
  buildNetwork,
  createTestApi,
  firewallBody,
  ipConfiguration,
  N,
  publicIpBody,
  type TestApi,
  vnetBody,
} from './api-fixture.ts';
import { applicationRule, natRule, networkRule } from './policy-fixture.ts';

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

const group = (ruleCollectionType: string, action: string, ...rules: object[]) => ({
  properties: {
    priority: 200,
    ruleCollections: [{ ruleCollectionType, name: 'c', priority: 100, action: { type: action }, rules }],
  },
});
const FILTER = 'FirewallPolicyFilterRuleCollection';

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

/** In the order in which they are made, with the firewall of `buildNetwork` attached. */
const POLICY_DOCUMENTS: Readonly<Record<string, unknown>> = {
  'firewallPolicies/parent': { location: 'eastus', properties: {} },
  'firewallPolicies/policy': {
    location: 'eastus',
    tags: { a: 'b' },
    properties: {
      sku: { tier: 'Standard' },
      basePolicy: { id: `${N}/firewallPolicies/parent` },
      threatIntelMode: 'Alert',
      threatIntelWhitelist: { ipAddresses: ['20.1.2.3'], fqdns: ['*.example.org'] },
      dnsSettings: { servers: ['10.42.1.4'], enableProxy: true, requireProxyForNetworkRules: true },
      snat: { privateRanges: ['IANAPrivateRanges'] },
    },
  },
  'azureFirewalls/fw': firewallBody({
    additionalProperties: {},
    firewallPolicy: { id: `${N}/firewallPolicies/policy` },
    ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')],
  }),
  'firewallPolicies/policy/ruleCollectionGroups/network': group(FILTER, 'Deny', networkRule()),
  'firewallPolicies/policy/ruleCollectionGroups/application': group(FILTER, 'Allow', applicationRule()),
  'firewallPolicies/policy/ruleCollectionGroups/nat': group(
    'FirewallPolicyNatRuleCollection',
    'DNAT',
    natRule(),
  ),
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

async function mutate({ call }: TestApi, path: string, document: unknown): Promise<void> {
  const valid = await call('PUT', `${N}/${path}`, document);
  assert.ok(valid.status < 300, valid.text);
  for (const odd of ODD)
    for (const body of mutated(document, odd)) {
      const answer = await call('PUT', `${N}/${path}`, JSON.stringify(body));
      assert.ok(answer.status < 500, `${JSON.stringify(body).slice(0, 2000)}: ${answer.text}`);
      if (answer.status >= 300)
        assert.ok(answer.body.error.code.length > 0 && answer.body.error.message.length > 0);
      else assert.equal((await call('GET', `${N}/${path}`)).status, 200);
    }
}

for (const [path, document] of Object.entries(DOCUMENTS))
  it(`${path} with odd members`, async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    await test.call('PUT', `${N}/routeTables/table`, DOCUMENTS['routeTables/table']);
    await mutate(test, path, document);
  });

const facts = loadFacts();

for (const [path, document] of Object.entries(POLICY_DOCUMENTS))
  it(`${path} among policies, with odd members`, async () => {
    const test = await createTestApi({
      facts: () => facts,
      faultsOf: (subject, documents) =>
        faultsOfPolicy(subject, documents, { facts, options: DEFAULT_POLICY_OPTIONS }),
    });
    await buildNetwork(test);
    for (const [other, body] of Object.entries(POLICY_DOCUMENTS))
      assert.ok((await test.call('PUT', `${N}/${other}`, body)).status < 300);
    await mutate(test, path, document);
  });
