// The requests of the egress article, in their order: what each must answer so that the next one can follow.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertOk, at, createTestApi, N, S } from './api-fixture.ts';

it('carries the whole sequence of the article, from the group to its deletion', async () => {
  const test = await createTestApi();
  const { call } = test;
  const group = assertOk(
    await call('PUT', `${S}/resourcegroups/rg?api-version=2021-04-01`, { location: 'eastus' }),
    201,
  );
  assert.deepEqual(group.body, {
    id: `${S}/resourceGroups/rg`,
    name: 'rg',
    type: 'Microsoft.Resources/resourceGroups',
    location: 'eastus',
    properties: { provisioningState: 'Succeeded' },
  });

  const vnet = assertOk(
    await call('PUT', `${N}/virtualNetworks/vnet`, {
      location: 'eastus',
      properties: {
        addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
        enableDdosProtection: false,
        enableVmProtection: false,
        subnets: [{ name: 'aks-subnet', properties: { addressPrefix: '10.42.1.0/24' } }],
      },
    }),
    201,
  );
  assert.equal(at(vnet.body, 'properties.provisioningState'), 'Succeeded');
  assert.equal(at(vnet.body, 'properties.subnets.0.id'), `${N}/virtualNetworks/vnet/subnets/aks-subnet`);

  const subnet = assertOk(
    await call('PUT', `${N}/virtualNetworks/vnet/subnets/AzureFirewallSubnet`, {
      name: 'AzureFirewallSubnet',
      properties: { addressPrefix: '10.42.2.0/24' },
    }),
    201,
  );
  assert.equal(subnet.body.id, `${N}/virtualNetworks/vnet/subnets/AzureFirewallSubnet`);
  assert.equal(subnet.body.type, 'Microsoft.Network/virtualNetworks/subnets');

  const publicIp = assertOk(
    await call('PUT', `${N}/publicIPAddresses/pip`, {
      location: 'eastus',
      properties: {
        idleTimeoutInMinutes: 4,
        publicIPAddressVersion: 'IPv4',
        publicIPAllocationMethod: 'Static',
      },
      sku: { name: 'Standard' },
    }),
    201,
  );
  assert.equal(at(publicIp.body, 'properties.ipAddress'), '20.51.96.1');
  assert.deepEqual(publicIp.body.sku, { name: 'Standard', tier: 'Regional' });

  // Version 1.3 of the extension sends a tier without a name.
  const bare = assertOk(
    await call('PUT', `${N}/azureFirewalls/fw`, {
      location: 'eastus',
      properties: { additionalProperties: { 'Network.DNS.EnableProxy': 'true' }, sku: { tier: 'Standard' } },
    }),
    201,
  );
  assert.deepEqual(at(bare.body, 'properties'), {
    provisioningState: 'Succeeded',
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    threatIntelMode: 'Alert',
    additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
    networkRuleCollections: [],
    applicationRuleCollections: [],
    natRuleCollections: [],
    ipConfigurations: [],
  });

  const edit = async (change: (properties: Record<string, unknown[]>) => void) => {
    const { body } = assertOk(await call('GET', `${N}/azureFirewalls/fw`), 200);
    // What the CLI's model of 2021-08-01 does not know, or holds as read-only, it does not send back.
    const firewall = structuredClone(body) as unknown as {
      etag?: string;
      properties: Record<string, unknown[]>;
    };
    delete firewall.etag;
    delete firewall.properties.provisioningState;
    for (const configuration of firewall.properties.ipConfigurations as {
      properties: Record<string, unknown>;
    }[]) {
      delete configuration.properties.privateIPAddress;
      delete configuration.properties.provisioningState;
    }
    change(firewall.properties);
    return assertOk(await call('PUT', `${N}/azureFirewalls/fw?api-version=2021-08-01`, firewall), 200);
  };

  const configured = await edit(properties =>
    properties.ipConfigurations?.push({
      name: 'fwconfig',
      properties: {
        subnet: { id: `${N}/virtualNetworks/vnet/subnets/AzureFirewallSubnet` },
        publicIPAddress: { id: `${N}/publicIPAddresses/pip` },
      },
    }),
  );
  assert.equal(at(configured.body, 'properties.ipConfigurations.0.name'), 'fwconfig');
  assert.equal(at(configured.body, 'properties.ipConfigurations.0.properties.privateIPAddress'), '10.42.2.4');
  assert.equal(at(configured.body, 'properties.provisioningState'), 'Succeeded');
  assert.equal(configured.headers.get('Azure-AsyncOperation'), null);

  assertOk(await call('PUT', `${N}/routeTables/rt`, { location: 'eastus' }), 201);
  const route = assertOk(
    await call('PUT', `${N}/routeTables/rt/routes/default`, {
      name: 'default',
      properties: {
        addressPrefix: '0.0.0.0/0',
        nextHopIpAddress: '10.42.2.4',
        nextHopType: 'VirtualAppliance',
      },
    }),
    201,
  );
  assert.equal(route.body.id, `${N}/routeTables/rt/routes/default`);
  assertOk(
    await call('PUT', `${N}/routeTables/rt/routes/internet`, {
      name: 'internet',
      properties: { addressPrefix: '20.51.96.1/32', nextHopType: 'Internet' },
    }),
    201,
  );

  const rule = (name: string, protocols: string[], ports: string[], destination: object) => ({
    name,
    protocols,
    sourceAddresses: ['*'],
    destinationPorts: ports,
    ...destination,
  });
  await edit(properties =>
    properties.networkRuleCollections?.push({
      name: 'aksfwnr',
      properties: {
        priority: 100,
        action: { type: 'Allow' },
        rules: [rule('apiudp', ['UDP'], ['1194'], { destinationAddresses: ['AzureCloud.eastus'] })],
      },
    }),
  );
  const rules = [
    rule('apitcp', ['TCP'], ['9000'], { destinationAddresses: ['AzureCloud.eastus'] }),
    rule('time', ['UDP'], ['123'], { destinationFqdns: ['ntp.ubuntu.com'] }),
    rule('ghcr', ['TCP'], ['443'], { destinationFqdns: ['ghcr.io', 'pkg-containers.githubusercontent.com'] }),
    rule('docker', ['TCP'], ['443'], { destinationFqdns: ['docker.io', 'registry-1.docker.io'] }),
  ];
  for (const added of rules) {
    const answer = await edit(properties =>
      (at(properties, 'networkRuleCollections.0.properties.rules') as unknown[]).push(added),
    );
    const shown = at(answer.body, 'properties.networkRuleCollections.0.properties.rules') as {
      name: string;
    }[];
    assert.equal(shown.at(-1)?.name, added.name);
  }
  await edit(properties =>
    properties.applicationRuleCollections?.push({
      name: 'aksfwar',
      properties: {
        priority: 100,
        action: { type: 'Allow' },
        rules: [
          {
            name: 'fqdn',
            sourceAddresses: ['*'],
            protocols: [
              { protocolType: 'Http', port: 80 },
              { protocolType: 'Https', port: 443 },
            ],
            fqdnTags: ['AzureKubernetesService'],
          },
        ],
      },
    }),
  );

  const aksSubnet = assertOk(await call('GET', `${N}/virtualNetworks/vnet/subnets/aks-subnet`), 200).body;
  const { provisioningState: _, ...inner } = aksSubnet.properties as Record<string, unknown>;
  const associated = assertOk(
    await call('PUT', `${N}/virtualNetworks/vnet/subnets/aks-subnet`, {
      id: aksSubnet.id,
      name: 'aks-subnet',
      type: aksSubnet.type,
      properties: { ...inner, routeTable: { id: `${N}/routeTables/rt` } },
    }),
    200,
  );
  assert.equal(at(associated.body, 'properties.routeTable.id'), `${N}/routeTables/rt`);
  const table = assertOk(await call('GET', `${N}/routeTables/rt`), 200);
  assert.deepEqual(at(table.body, 'properties.subnets'), [
    { id: `${N}/virtualNetworks/vnet/subnets/aks-subnet` },
  ]);

  const nat = await edit(properties =>
    properties.natRuleCollections?.push({
      name: 'inbound',
      properties: {
        priority: 100,
        action: { type: 'Dnat' },
        rules: [
          {
            name: 'web',
            sourceAddresses: ['*'],
            destinationAddresses: ['20.51.96.1'],
            destinationPorts: ['80'],
            protocols: ['Any'],
            translatedAddress: '10.42.1.50',
            translatedPort: '80',
          },
        ],
      },
    }),
  );
  // After all these writes without it, the private address is still there.
  assert.equal(at(nat.body, 'properties.ipConfigurations.0.properties.privateIPAddress'), '10.42.2.4');
  assert.equal(
    at(nat.body, 'properties.networkRuleCollections.0.id'),
    `${N}/azureFirewalls/fw/networkRuleCollections/aksfwnr`,
  );

  const deletion = assertOk(await call('DELETE', `${S}/resourcegroups/rg?api-version=2021-04-01`), 202);
  assert.equal(deletion.headers.get('Retry-After'), '1');
  const location = deletion.headers.get('Location') ?? '';
  assert.match(location, /^https:\/\/localhost:8443\/subscriptions\/.*api-version=2021-04-01$/);
  assert.equal(assertOk(await call('GET', location), 200).text, '');
  assert.deepEqual(test.store.list(), []);
});
