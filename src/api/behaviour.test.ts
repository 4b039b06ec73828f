// What clients rely on beside the codes: spelling, lists, etags, waiting for gateways, and the order of deletions.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  assertOk,
  assertRefused,
  at,
  buildNetwork,
  createTestApi,
  firewallBody,
  G,
  ipConfiguration,
  N,
  publicIpBody,
  S,
  SUBSCRIPTION,
  vnetBody,
} from './api-fixture.ts';
import type { Settled } from './options.ts';

describe('paths', () => {
  it('match in any case, and answers have the canonical spelling', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', `${S}/RESOURCEGROUPS/Rg`, { location: 'eastus' }), 201);
    const path = `${S}/resourcegroups/RG/providers/microsoft.network/VIRTUALNETWORKS/Hub`;
    const { body } = assertOk(await test.call('PUT', path, vnetBody()), 201);
    const id = `${S}/resourceGroups/Rg/providers/Microsoft.Network/virtualNetworks/Hub`;
    assert.equal(body.id, id);
    assert.equal(body.type, 'Microsoft.Network/virtualNetworks');
    for (const spelling of [
      id.toUpperCase(),
      id.toLowerCase(),
      `${id}/`,
      id.replace('/providers', '//providers'),
    ]) {
      const answer = assertOk(await test.call('GET', spelling), 200);
      assert.deepEqual([answer.body.id, answer.body.name], [id, 'Hub']);
    }
    assert.equal(assertOk(await test.call('PUT', id.toLowerCase(), vnetBody()), 200).body.id, id);
    const subnet = assertOk(await test.call('GET', `${id}/SUBNETS/AKS-SUBNET`), 200);
    assert.equal(subnet.body.id, `${id}/subnets/aks-subnet`);
    const changed = { properties: { addressPrefix: '10.42.7.0/24' } };
    assert.equal(
      assertOk(await test.call('PUT', `${id}/subnets/AKS-Subnet`, changed), 200).body.name,
      'aks-subnet',
    );
  });

  it('store references in their canonical spelling', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const lower = JSON.parse(
      JSON.stringify(ipConfiguration('config', 'pip', 'AzureFirewallSubnet')).toLowerCase(),
    );
    lower.properties.publicIPAddress = lower.properties.publicipaddress;
    delete lower.properties.publicipaddress;
    const { body } = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody({ ipConfigurations: [lower] })),
      200,
    );
    assert.equal(
      at(body, 'properties.ipConfigurations.0.properties.subnet.id'),
      `${N}/virtualNetworks/vnet/subnets/AzureFirewallSubnet`,
    );
    assert.equal(
      at(body, 'properties.ipConfigurations.0.properties.publicIPAddress.id'),
      `${N}/publicIPAddresses/pip`,
    );
  });
});

describe('lists', () => {
  it('hold the resources of a group, or of the subscription', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const other = `${S}/resourceGroups/other`;
    assertOk(await test.call('PUT', other, { location: 'westus' }), 201);
    assertOk(
      await test.call('PUT', `${other}/providers/Microsoft.Network/virtualNetworks/v2`, {
        ...vnetBody(),
        location: 'westus',
      }),
      201,
    );
    const names = async (path: string) =>
      assertOk(await test.call('GET', path), 200).body.value.map(({ name }) => name);
    assert.deepEqual(await names(`${N}/virtualNetworks`), ['vnet']);
    assert.deepEqual(await names(`${S}/providers/Microsoft.Network/virtualNetworks`), ['v2', 'vnet']);
    assert.deepEqual(await names(`${S}/providers/microsoft.network/azurefirewalls`), ['fw']);
    assert.deepEqual(await names(`${N}/virtualNetworks/vnet/subnets`), ['aks-subnet', 'AzureFirewallSubnet']);
    assert.deepEqual(await names(`${N}/routeTables`), []);
    assert.deepEqual(await names(`${S}/resourcegroups`), ['other', 'rg']);
    assert.deepEqual(await names(`${G}/resources`), ['fw', 'pip', 'vnet']);
    assert.deepEqual(await names(`${S}/providers/Microsoft.Network/azureFirewallFqdnTags`), [
      'AzureKubernetesService',
    ]);
  });

  it('say what the subscription, its tenant, regions, providers and service tags are', async () => {
    const test = await createTestApi();
    assert.equal(assertOk(await test.call('GET', S), 200).body.subscriptionId, SUBSCRIPTION);
    assert.equal(assertOk(await test.call('GET', '/tenants'), 200).body.value.length, 1);
    assert.ok(
      assertOk(await test.call('GET', `${S}/locations`), 200).body.value.some(
        ({ name }) => name === 'eastus',
      ),
    );
    const tags = assertOk(
      await test.call('GET', `${S}/providers/Microsoft.Network/locations/EastUS/serviceTags`),
      200,
    ).body;
    assert.equal(at(tags, 'values.0.properties.addressPrefixes.0'), '20.42.0.0/17');
    assertRefused(
      await test.call('GET', `${S}/providers/Microsoft.Network/locations/moon/serviceTags`),
      400,
      'LocationNotAvailableForResourceType',
    );
    const provider = assertOk(await test.call('POST', `${S}/providers/microsoft.network/register`), 200).body;
    assert.deepEqual([provider.namespace, provider.registrationState], ['Microsoft.Network', 'Registered']);
    assertOk(await test.call('GET', `${S}/providers/Microsoft.Network`), 200);
    assertRefused(await test.call('GET', `${S}/providers/Contoso.Own`), 404, 'InvalidResourceNamespace');
  });

  it('tell by HEAD whether a group exists', async () => {
    const test = await createTestApi();
    assert.equal((await test.call('HEAD', G)).status, 404);
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    assert.equal((await test.call('HEAD', G)).status, 204);
  });
});

describe('writes', () => {
  it('keep what they do not mention where Azure keeps it, and drop it where Azure drops it', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const { subnets: _, ...properties } = vnetBody().properties;
    const network = assertOk(
      await test.call('PUT', `${N}/virtualNetworks/vnet`, {
        location: 'eastus',
        tags: { a: 'b' },
        properties,
      }),
      200,
    );
    assert.equal((at(network.body, 'properties.subnets') as unknown[]).length, 2);
    assert.deepEqual(network.body.tags, { a: 'b' });
    const again = assertOk(await test.call('PUT', `${N}/virtualNetworks/vnet`, vnetBody()), 200);
    assert.equal(again.body.tags, undefined);
    assert.equal(at(again.body, 'properties.resourceGuid'), at(network.body, 'properties.resourceGuid'));
    const group = {
      properties: {
        priority: 100,
        action: { type: 'Deny' },
        rules: [
          {
            name: 'r',
            protocols: ['Any'],
            sourceAddresses: ['*'],
            destinationAddresses: ['*'],
            destinationPorts: ['*'],
          },
        ],
      },
    };
    const configurations = [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')];
    assertOk(
      await test.call(
        'PUT',
        `${N}/azureFirewalls/fw`,
        firewallBody({ ipConfigurations: configurations, networkRuleCollections: [{ name: 'c', ...group }] }),
      ),
      200,
    );
    const { body } = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody({ ipConfigurations: configurations })),
      200,
    );
    assert.deepEqual(at(body, 'properties.networkRuleCollections'), []);
  });

  it('add public IPs to a firewall; only the first IP configuration has the private address', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    assertOk(await test.call('PUT', `${N}/publicIPAddresses/pip2`, publicIpBody), 201);
    const ipConfigurations = [
      ipConfiguration('config', 'pip', 'AzureFirewallSubnet'),
      ipConfiguration('second', 'pip2'),
    ];
    const { body } = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody({ ipConfigurations })),
      200,
    );
    assert.equal(at(body, 'properties.ipConfigurations.0.properties.privateIPAddress'), '10.42.2.4');
    assert.equal(at(body, 'properties.ipConfigurations.1.properties.privateIPAddress'), undefined);
    const used = assertOk(await test.call('GET', `${N}/publicIPAddresses/pip2`), 200).body;
    assert.equal(
      at(used, 'properties.ipConfiguration.id'),
      `${N}/azureFirewalls/fw/azureFirewallIpConfigurations/second`,
    );
  });

  it('keep the zones of a firewall, which mean nothing here', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const written = { location: 'eastus', zones: ['1', '2'], properties: {} };
    assertOk(await test.call('PUT', `${N}/azureFirewalls/zoned`, written), 201);
    assert.deepEqual(assertOk(await test.call('GET', `${N}/azureFirewalls/zoned`), 200).body.zones, [
      '1',
      '2',
    ]);
  });

  it('replace tags alone with PATCH', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const { body } = assertOk(
      await test.call('PATCH', `${N}/publicIPAddresses/pip`, { tags: { env: 'lab' } }),
      200,
    );
    assert.deepEqual(body.tags, { env: 'lab' });
    assertRefused(
      await test.call('PATCH', `${N}/publicIPAddresses/pip`, { properties: {} }),
      400,
      'InvalidRequestFormat',
    );
    assertOk(await test.call('PATCH', G, { tags: { env: 'lab' } }), 200);
  });

  it('of children act on the parent, and deleting what is gone is no error', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const subnet = `${N}/virtualNetworks/vnet/subnets/aks-subnet`;
    assertOk(await test.call('DELETE', subnet), 200);
    assertOk(await test.call('DELETE', subnet), 204);
    assertRefused(await test.call('GET', subnet), 404, 'NotFound');
    assertOk(await test.call('DELETE', `${N}/routeTables/none`), 204);
    assertOk(await test.call('DELETE', `${N}/routeTables/none/routes/r`), 204);
  });
});

describe('etags', () => {
  it('change with every write and hold back a write that expects another one', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const path = `${N}/virtualNetworks/vnet`;
    const first = assertOk(await test.call('GET', path), 200);
    const etag = String(first.body.etag);
    assert.match(etag, /^W\/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$/);
    assert.equal(first.headers.get('ETag'), etag);
    assert.equal(at(first.body, 'properties.subnets.0.etag'), etag);
    const put = (headers: Record<string, string>) => test.call('PUT', path, vnetBody(), headers);
    assertOk(await put({ 'If-Match': etag }), 200);
    assertRefused(await put({ 'If-Match': etag }), 412, 'PreconditionFailed');
    assertOk(await put({ 'If-Match': '*' }), 200);
    assertRefused(await put({ 'If-None-Match': '*' }), 412, 'PreconditionFailed');
    assertRefused(
      await test.call('PUT', `${path}2`, vnetBody(), { 'If-Match': '*' }),
      412,
      'PreconditionFailed',
    );
    assertOk(await test.call('PUT', `${path}2`, vnetBody(), { 'If-None-Match': '*' }), 201);
    assertRefused(
      await test.call('DELETE', `${path}2`, undefined, { 'If-Match': etag }),
      412,
      'PreconditionFailed',
    );
    const child = `${path}/subnets/new`;
    const body = { properties: { addressPrefix: '10.42.9.0/24' } };
    assertRefused(await test.call('PUT', child, body, { 'If-Match': '*' }), 412, 'PreconditionFailed');
    assertOk(await test.call('PUT', child, body, { 'If-None-Match': '*' }), 201);
  });

  it('let one of two writers of the same version win', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const path = `${N}/virtualNetworks/vnet`;
    const headers = { 'If-Match': String(assertOk(await test.call('GET', path), 200).body.etag) };
    const answers = await Promise.all([1, 2, 3].map(() => test.call('PUT', path, vnetBody(), headers)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412]);
  });
});

describe('waiting for gateways', () => {
  const configuration = { ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')] };

  it('holds a PUT until the firewall is in force', async () => {
    let resolve: (settled: Settled) => void = () => {};
    let pending = false;
    const test = await createTestApi({
      settle: () =>
        pending
          ? new Promise(done => {
              resolve = done;
            })
          : Promise.resolve({ state: 'Applied' }),
    });
    await buildNetwork(test);
    pending = true;
    let answered = false;
    const put = test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration)).finally(() => {
      answered = true;
    });
    await new Promise(done => setTimeout(done, 20));
    assert.equal(answered, false);
    assert.equal(test.store.get(`${N}/azureFirewalls/fw`)?.document.properties.provisioningState, 'Updating');
    resolve({ state: 'Applied' });
    const { body, headers } = assertOk(await put, 200);
    assert.equal(at(body, 'properties.provisioningState'), 'Succeeded');
    assert.equal(headers.get('Azure-AsyncOperation'), null);
  });

  it('answers with an operation after the time-out, which follows the provisioning state; never with 202', async () => {
    let settled: Settled = { state: 'Applied' };
    const test = await createTestApi({ settle: async () => settled, settleTimeoutMs: 10 });
    await buildNetwork(test);
    settled = { state: 'Pending' };
    const { body, headers } = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration)),
      200,
    );
    assert.equal(at(body, 'properties.provisioningState'), 'Updating');
    const operation = headers.get('Azure-AsyncOperation') ?? '';
    assert.match(
      operation,
      /^https:\/\/localhost:8443\/subscriptions\/.*\/locations\/eastus\/operations\/.*api-version=2024-05-01$/,
    );
    const polled = assertOk(await test.call('GET', operation), 200);
    assert.deepEqual([polled.body.status, polled.headers.get('Retry-After')], ['InProgress', '1']);
    const stored = test.store.get(`${N}/azureFirewalls/fw`);
    assert.ok(stored);
    test.store.put({
      ...stored.document,
      properties: { ...stored.document.properties, provisioningState: 'Succeeded' },
    });
    assert.equal(assertOk(await test.call('GET', operation), 200).body.status, 'Succeeded');
    assertRefused(
      await test.call('GET', `${S}/providers/Microsoft.Network/locations/eastus/operations/none`),
      404,
      'OperationNotFound',
    );
  });

  it('does not wait for ever for a settle that never answers', async () => {
    let silent = false;
    const test = await createTestApi({
      settle: () => (silent ? new Promise(() => {}) : Promise.resolve({ state: 'Applied' })),
      settleTimeoutMs: 20,
    });
    await buildNetwork(test);
    silent = true;
    const answer = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration)),
      200,
    );
    assert.ok(answer.headers.get('Azure-AsyncOperation'));
  });

  it('fails the operation with the message of the gateway', async () => {
    let settled: Settled = { state: 'Applied' };
    const test = await createTestApi({ settle: async () => settled });
    await buildNetwork(test);
    settled = { state: 'Failed', message: 'nft: No space left on device' };
    const { headers } = assertOk(
      await test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration)),
      200,
    );
    const polled = assertOk(await test.call('GET', headers.get('Azure-AsyncOperation') ?? ''), 200);
    assert.equal(polled.body.status, 'Failed');
    assert.equal(polled.body.error.message, 'nft: No space left on device');
    assert.equal(test.store.get(`${N}/azureFirewalls/fw`)?.document.properties.provisioningState, 'Failed');
  });

  it('happens for IP groups that rules name, and for nothing else that changes no rule', async () => {
    const settledIds: string[] = [];
    const test = await createTestApi({
      settle: async id => {
        settledIds.push(id);
        return { state: 'Applied' };
      },
    });
    const { call } = test;
    await buildNetwork(test);
    settledIds.length = 0;
    const group = (address: string) =>
      call('PUT', `${N}/ipGroups/group`, { location: 'eastus', properties: { ipAddresses: [address] } });
    await group('10.0.0.1');
    assert.deepEqual(settledIds, []);
    const rule = {
      name: 'r',
      protocols: ['TCP'],
      sourceIpGroups: [`${N}/ipGroups/group`],
      destinationAddresses: ['*'],
      destinationPorts: ['443'],
    };
    const networkRuleCollections = [
      { name: 'c', properties: { priority: 100, action: { type: 'Allow' }, rules: [rule] } },
    ];
    await call('PUT', `${N}/azureFirewalls/fw`, firewallBody({ ...configuration, networkRuleCollections }));
    await group('10.0.0.2');
    assert.deepEqual(settledIds, [`${N}/azureFirewalls/fw`, `${N}/azureFirewalls/fw`]);
    await group('10.0.0.2');
    await call('PUT', `${N}/virtualNetworks/vnet`, vnetBody());
    await call('PUT', `${N}/publicIPAddresses/pip`, publicIpBody);
    assert.equal(settledIds.length, 2);
  });

  it('lets two PUTs of one resource follow each other', async () => {
    const order: string[] = [];
    const test = await createTestApi({
      settle: async () => {
        order.push('begin');
        await new Promise(done => setTimeout(done, 5));
        order.push('end');
        return { state: 'Applied' };
      },
    });
    await buildNetwork(test);
    order.length = 0;
    await Promise.all(
      [1, 2, 3].map(() => test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration))),
    );
    assert.deepEqual(order, ['begin', 'end', 'begin', 'end', 'begin', 'end']);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        test.call('PUT', `${N}/azureFirewalls/fw`, firewallBody(configuration)),
      ),
    );
    // How many are too many depends on how fast the first ones are done.
    assert.ok(answers.some(({ status }) => status === 409));
    assert.ok(answers.filter(({ status }) => status === 200).length >= 16);
    assert.equal(answers.find(({ status }) => status === 409)?.body.error.code, 'AnotherOperationInProgress');
  });
});

it('deletes a group in dependency order: firewalls, networks, route tables, public IPs, IP groups', async () => {
  const test = await createTestApi();
  await buildNetwork(test);
  assertOk(await test.call('PUT', `${N}/ipGroups/group`, { location: 'eastus' }), 201);
  assertOk(await test.call('PUT', `${N}/routeTables/rt`, { location: 'eastus' }), 201);
  const subnet = { properties: { addressPrefix: '10.42.1.0/24', routeTable: { id: `${N}/routeTables/rt` } } };
  assertOk(await test.call('PUT', `${N}/virtualNetworks/vnet/subnets/aks-subnet`, subnet), 200);
  const heard: string[] = [];
  test.store.watch(change =>
    heard.push(change.kind === 'delete' ? (change.id.split('/').at(-1) ?? '') : 'put'),
  );
  const deletion = assertOk(await test.call('DELETE', G), 202);
  assert.deepEqual(heard, ['fw', 'vnet', 'rt', 'pip', 'group', 'rg']);
  assert.equal(deletion.text, '');
  assertOk(await test.call('GET', deletion.headers.get('Location') ?? ''), 200);
  assertRefused(await test.call('GET', `${N}/azureFirewalls/fw`), 404, 'ResourceGroupNotFound');
});
