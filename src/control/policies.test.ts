// Firewall policies through the whole control plane: the API's answer, the program that the gateway is told, and what the
// policy says of itself. The gateway is played by the client of the control channel.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlClient } from '#gateway/control-client.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { type ControlPlaneOptions, startControlPlane } from './control-plane.ts';

const SUBSCRIPTION = '/subscriptions/00000000-0000-4000-8000-000000000001';
const GROUP = `${SUBSCRIPTION}/resourceGroups/rg`;
const N = `${GROUP}/providers/Microsoft.Network`;
const BASE = `${N}/firewallPolicies/base`;
const POLICY = `${N}/firewallPolicies/policy`;

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: {
    readonly status?: string;
    readonly error?: { readonly code: string; readonly message: string };
    readonly properties: Readonly<Record<string, unknown>>;
  };
}

async function setUp(t: TestContext, options: Partial<ControlPlaneOptions> = {}) {
  const stateDir = mkdtempSync(join(tmpdir(), 'postern-policies-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const control = await startControlPlane({ stateDir, ...options });
  t.after(() => control.close());
  const call = (method: string, path: string, body?: unknown) => send(stateDir, method, path, body);
  const put = async (path: string, properties: object, more: object = { location: 'eastus' }) => {
    const answer = await call('PUT', path, { ...more, properties });
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    return answer;
  };
  const applied: string[] = [];
  const faults: string[] = [];
  const gateway = new ControlClient({
    path: join(stateDir, 'gateway.sock'),
    firewall: '',
    apply: async program => {
      const [fault] = faults;
      if (fault !== undefined) throw new Error(fault);
      applied.push(JSON.stringify(program));
    },
  });
  t.after(() => gateway.close());
  await put(GROUP, {});
  await put(`${N}/virtualNetworks/vnet`, {
    addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
    subnets: [{ name: 'AzureFirewallSubnet', properties: { addressPrefix: '10.42.2.0/24' } }],
  });
  await put(
    `${N}/publicIPAddresses/ip`,
    { publicIPAllocationMethod: 'Static' },
    { location: 'eastus', sku: { name: 'Standard' } },
  );
  await put(`${N}/ipGroups/clients`, { ipAddresses: ['10.42.1.0/24'] });
  await put(BASE, {});
  await put(POLICY, { basePolicy: { id: BASE } });
  await put(`${BASE}/ruleCollectionGroups/g`, rulesTo('base.example.org'), {});
  const firewall = (name: string) =>
    put(`${N}/azureFirewalls/fw`, {
      firewallPolicy: { id: `${N}/firewallPolicies/${name}` },
      ipConfigurations: [
        {
          name: 'config',
          properties: {
            subnet: { id: `${N}/virtualNetworks/vnet/subnets/AzureFirewallSubnet` },
            publicIPAddress: { id: `${N}/publicIPAddresses/ip` },
          },
        },
      ],
    });
  await firewall('policy');
  return { call, put, applied, faults, firewall, last: () => applied.at(-1) ?? '' };
}

const rulesTo = (fqdn: string, priority = 200) => ({
  priority,
  ruleCollections: [
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'web',
      priority: 100,
      action: { type: 'Allow' },
      rules: [
        {
          ruleType: 'ApplicationRule',
          name: 'r',
          sourceIpGroups: [`${N}/ipGroups/clients`],
          protocols: [{ protocolType: 'Https', port: 443 }],
          targetFqdns: [fqdn],
        },
      ],
    },
  ],
});

function send(stateDir: string, method: string, path: string, body: unknown): Promise<Answer> {
  const token = readFileSync(join(stateDir, 'token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { pathname, searchParams } = new URL(path, 'https://localhost');
  searchParams.set('api-version', '2024-05-01');
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: join(stateDir, 'api.sock'),
      method,
      path: `${pathname}?${searchParams}`,
      headers,
    };
    const asked = request(options, answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: text === '' ? {} : JSON.parse(text),
        }),
      );
    });
    asked.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test('a write of a policy, a parent, a group or an IP group is answered when the gateway has it', async t => {
  const { call, put, applied, firewall, last } = await setUp(t);
  assert.match(last(), /base\.example\.org/);
  await put(`${POLICY}/ruleCollectionGroups/g`, rulesTo('own.example.org'), {});
  assert.match(last(), /base\.example\.org.*own\.example\.org/);
  await put(`${BASE}/ruleCollectionGroups/g`, rulesTo('other.example.org'), {});
  assert.match(last(), /other\.example\.org/);
  assert.doesNotMatch(last(), /base\.example\.org/);
  const count = applied.length;
  await put(`${N}/ipGroups/clients`, { ipAddresses: ['10.42.9.0/24'] });
  await put(BASE, { threatIntelMode: 'Deny' });
  assert.equal(applied.length, count + 2);
  assert.equal((await call('DELETE', `${POLICY}/ruleCollectionGroups/g`)).status, 200);
  assert.doesNotMatch(last(), /own\.example\.org/);
  await put(`${N}/firewallPolicies/empty`, {});
  await firewall('empty');
  assert.doesNotMatch(last(), /example\.org/);
  assert.equal((await call('DELETE', POLICY)).status, 200);
});

test('what the gateway cannot apply fails group and policy, and the same write tries again', async t => {
  const { call, put, faults } = await setUp(t);
  const path = `${POLICY}/ruleCollectionGroups/g`;
  const state = async (id: string) => (await call('GET', id)).body.properties.provisioningState;
  faults.push('the kernel has no tproxy');
  const answer = await put(path, rulesTo('own.example.org'), {});
  assert.equal(answer.body.properties.provisioningState, 'Updating');
  const operation = (await call('GET', String(answer.headers['azure-asyncoperation']))).body;
  assert.deepEqual([operation.status, operation.error?.message], ['Failed', 'the kernel has no tproxy']);
  assert.deepEqual([await state(path), await state(POLICY)], ['Failed', 'Failed']);
  faults.length = 0;
  const again = await put(path, rulesTo('own.example.org'), {});
  assert.equal(again.body.properties.provisioningState, 'Succeeded');
  assert.deepEqual([await state(path), await state(POLICY)], ['Succeeded', 'Succeeded']);
});

test("options say whether Azure's limits hold and whether NAT rules are inherited", async t => {
  const nat = {
    priority: 300,
    ruleCollections: [
      {
        ruleCollectionType: 'FirewallPolicyNatRuleCollection',
        name: 'nat',
        priority: 100,
        action: { type: 'DNAT' },
        rules: [
          {
            ruleType: 'NatRule',
            name: 'in',
            ipProtocols: ['TCP'],
            sourceAddresses: ['*'],
            destinationAddresses: ['20.62.192.1'],
            destinationPorts: ['8443'],
            translatedAddress: '10.42.1.77',
            translatedPort: '443',
          },
        ],
      },
    ],
  };
  const plain = await setUp(t);
  assert.equal(
    (await plain.call('PUT', `${POLICY}/ruleCollectionGroups/low`, { properties: { priority: 1 } })).status,
    400,
  );
  await plain.put(`${BASE}/ruleCollectionGroups/nat`, nat, {});
  assert.match(plain.last(), /8443/);
  const other = await setUp(t, {
    policyOptions: { ...DEFAULT_POLICY_OPTIONS, azureLimits: false, inheritNatRules: false },
  });
  await other.put(`${POLICY}/ruleCollectionGroups/low`, { priority: 1 }, {});
  await other.put(`${BASE}/ruleCollectionGroups/nat`, nat, {});
  assert.doesNotMatch(other.last(), /8443/);
});
