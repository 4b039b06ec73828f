// Firewall policies driven with the real Azure CLI by `az rest` and `az resource`, which need no extension: a parent and
// a child, a rule collection group, a firewall that follows the child, what is refused, and the way back.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Run, Side, SUBSCRIPTION, succeed, whyNoRealAz, words } from './real-az.ts';

const skip = whyNoRealAz() ?? false;
const RG = 'policy-rg';
const NETWORK = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${RG}/providers/Microsoft.Network`;
const POLICIES = `${NETWORK}/firewallPolicies`;
const GROUP = `${POLICIES}/team/ruleCollectionGroups/aks`;
const VERSION = '2024-05-01';
const RESOURCE = `-g ${RG} --resource-type Microsoft.Network/firewallPolicies --api-version ${VERSION}`;
const PARENT = `-g ${RG} --namespace Microsoft.Network --parent firewallPolicies/team --resource-type ruleCollectionGroups --api-version ${VERSION}`;

type Json = Record<string, unknown>;

describe('firewall policies by az rest and az resource', { skip }, () => {
  let side: Side;
  before(async () => {
    side = await Side.start();
    await side.register();
    await succeed(side.login(side.read('client-secret')));
    await az(`group create -n ${RG} -l eastus`);
  });
  after(() => side[Symbol.asyncDispose]());

  const az = (line: string): Promise<string> => succeed(side.real(words(line)));
  function rest(method: string, path: string, body?: unknown): Promise<Run> {
    const file = join(side.folder, 'body.json');
    if (body !== undefined) writeFileSync(file, JSON.stringify(body));
    const given = body === undefined ? [] : ['-b', `@${file}`];
    return side.real(['rest', '-m', method, '-u', `${path}?api-version=${VERSION}`, ...given]);
  }
  const json = async (running: Promise<Run>): Promise<Json> => JSON.parse(await succeed(running));
  const propertiesOf = ({ properties }: Json): Json => properties as Json;

  test('a parent, a child and a group of rules', async () => {
    await json(
      rest('put', `${POLICIES}/base`, { location: 'eastus', properties: { threatIntelMode: 'Alert' } }),
    );
    const team = { basePolicy: { id: `${POLICIES}/base` }, dnsSettings: { enableProxy: true } };
    await json(rest('put', `${POLICIES}/team`, { location: 'eastus', properties: team }));
    const base = await json(rest('get', `${POLICIES}/base`));
    assert.deepEqual(propertiesOf(base).childPolicies, [{ id: `${POLICIES}/team` }]);
    const group = await json(rest('put', GROUP, { properties: { priority: 200, ruleCollections } }));
    assert.equal(propertiesOf(group).provisioningState, 'Succeeded');
    const written = await json(rest('put', GROUP, await json(rest('get', GROUP))));
    assert.deepEqual(propertiesOf(written).ruleCollections, propertiesOf(group).ruleCollections);
    const list = await json(rest('get', `${POLICIES}/team/ruleCollectionGroups`));
    assert.deepEqual(list.value, [written]);
  });

  test('az resource lists, shows and updates them', async () => {
    const names = await az(
      `resource list -g ${RG} --resource-type Microsoft.Network/firewallPolicies --query [].name -o tsv`,
    );
    assert.equal(names, 'base\nteam\n');
    const set = await az(
      `resource update -n team ${RESOURCE} --set properties.threatIntelMode=Deny --query properties.threatIntelMode -o tsv`,
    );
    assert.equal(set, 'Deny\n');
    const priority = await az(`resource show -n aks ${PARENT} --query properties.priority -o tsv`);
    assert.equal(priority, '200\n');
  });

  test('a firewall follows the child, and every change of its rules reaches the gateway', async () => {
    await az(
      `network vnet create -g ${RG} -n vnet --address-prefixes 10.42.0.0/16 --subnet-name AzureFirewallSubnet --subnet-prefixes 10.42.2.0/24`,
    );
    await az(`network public-ip create -g ${RG} -n pip --sku Standard`);
    const properties = {
      firewallPolicy: { id: `${POLICIES}/team` },
      ipConfigurations: [
        {
          name: 'config',
          properties: {
            subnet: { id: `${NETWORK}/virtualNetworks/vnet/subnets/AzureFirewallSubnet` },
            publicIPAddress: { id: `${NETWORK}/publicIPAddresses/pip` },
          },
        },
      ],
    };
    await json(rest('put', `${NETWORK}/azureFirewalls/fw`, { location: 'eastus', properties }));
    const team = await json(rest('get', `${POLICIES}/team`));
    assert.deepEqual(propertiesOf(team).firewalls, [{ id: `${NETWORK}/azureFirewalls/fw` }]);
    const before = side.control.accepted();
    await az(
      `resource update -n aks ${PARENT} --set properties.ruleCollections[0].rules[0].destinationPorts[0]=1195-1196`,
    );
    assert.ok(side.control.accepted() > before, 'the gateway got no program');
  });

  test('refusals: az prints the code', async () => {
    for (const [running, code] of [
      [rest('delete', `${POLICIES}/team`), 'FirewallPolicyInUseByFirewalls'],
      [rest('delete', `${POLICIES}/base`), 'FirewallPolicyInUseByChildPolicies'],
      [
        side.real(words(`resource update -n aks ${PARENT} --set properties.priority=99`)),
        'AzureFirewallRuleCollectionInvalidPriority',
      ],
    ] as const) {
      const { status, stderr } = await running;
      assert.equal(status, 1, code);
      assert.match(stderr, new RegExp(code));
    }
    assert.equal((await side.real(words(`resource show -n none ${PARENT}`))).status, 3);
  });

  test('all of it is deleted', async () => {
    await succeed(rest('delete', `${NETWORK}/azureFirewalls/fw`));
    await az(`resource delete -n aks ${PARENT}`);
    for (const name of ['team', 'base']) await az(`resource delete -n ${name} ${RESOURCE}`);
    const list = await json(rest('get', POLICIES));
    assert.deepEqual(list.value, []);
  });
});

const ruleCollections = [
  {
    name: 'net',
    priority: 300,
    ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
    action: { type: 'Allow' },
    rules: [
      {
        name: 'api',
        ruleType: 'NetworkRule',
        ipProtocols: ['UDP'],
        sourceAddresses: ['*'],
        destinationAddresses: ['AzureCloud.eastus'],
        destinationPorts: ['1194'],
      },
    ],
  },
  {
    name: 'app',
    priority: 400,
    ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
    action: { type: 'Allow' },
    rules: [
      {
        name: 'fqdn',
        ruleType: 'ApplicationRule',
        sourceAddresses: ['10.42.0.0/16'],
        protocols: [{ protocolType: 'Https', port: 443 }],
        fqdnTags: ['AzureKubernetesService'],
        terminateTLS: false,
      },
    ],
  },
];
