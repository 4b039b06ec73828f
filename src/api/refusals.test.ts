// What the API refuses, and by which code. After each refusal nothing has changed.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '#arm/json-reader.ts';
import {
  type Answer,
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
  type TestApi,
  vnetBody,
} from './api-fixture.ts';

/** Sends a write that must be refused, and looks that the store is as before. */
async function refused(
  test: TestApi,
  status: number,
  codes: string[],
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const { revision } = test.store;
  const answer = await test.call(method, path, body);
  assertRefused(answer, status, ...codes);
  assert.equal(test.store.revision, revision, 'a refused request must not change anything');
  return answer;
}

/** Of all faults: a single one is the error itself. */
const targets = ({ body: { error } }: Answer): unknown[] =>
  error.details.length === 0 ? [error.target] : error.details.map(detail => detail.target);

describe('the request itself', () => {
  it('must be JSON, an object, and in UTF-8', async () => {
    const test = await createTestApi();
    const deep = `{"location":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    for (const body of [deep, '{"location":', '[]', '"text"', 'null', '{"a":1}}'])
      await refused(test, 400, ['InvalidRequestContent'], 'PUT', G, body);
    const bytes = new Request(`https://localhost:8443${G}?api-version=2021-04-01`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${test.token}` },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    assertRefused(await test.fetch(bytes), 400, 'InvalidRequestContent');
  });

  it('is bounded at 4 MiB', async () => {
    const test = await createTestApi();
    const body = (size: number) => `{"location":"eastus","tags":{}}${' '.repeat(size)}`;
    await refused(test, 413, ['RequestTooLarge'], 'PUT', G, body(4 * 1024 * 1024));
    assertOk(await test.call('PUT', G, body(1024 * 1024)), 201);
  });

  it('carries an api-version, any that is a date', async () => {
    const test = await createTestApi();
    const call = (query: string) =>
      test.fetch(
        new Request(`https://localhost:8443/subscriptions${query}`, {
          headers: { Authorization: `Bearer ${test.token}` },
        }),
      );
    assertRefused(await call(''), 400, 'MissingApiVersionParameter');
    assertRefused(await call('?api-version='), 400, 'MissingApiVersionParameter');
    for (const version of [
      'latest',
      '2024',
      '2024-13-01',
      '2024-02-30',
      '2024-05-01-',
      '24-05-01',
      '2024-05-01 ',
    ])
      assertRefused(
        await call(`?api-version=${encodeURIComponent(version)}`),
        400,
        'InvalidApiVersionParameter',
      );
    for (const version of ['2015-01-01', '2024-05-01-preview'])
      assertOk(await call(`?api-version=${version}`), 200);
    assertOk(await call('?API-Version=2024-05-01'), 200);
  });

  it('names a subscription, a group, a namespace and a type that there are', async () => {
    const test = await createTestApi();
    assertRefused(
      await test.call('GET', '/subscriptions/22222222-2222-4222-8222-222222222222/resourcegroups'),
      404,
      'SubscriptionNotFound',
    );
    assertRefused(await test.call('GET', `${N}/virtualNetworks`), 404, 'ResourceGroupNotFound');
    await refused(test, 404, ['ResourceGroupNotFound'], 'PUT', `${N}/virtualNetworks/v`, vnetBody());
    await refused(test, 404, ['ResourceGroupNotFound'], 'DELETE', G);
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    for (const type of [
      'natGateways/n',
      'virtualNetworks/v/peerings/p',
      'publicIPAddresses/p/subnets/s',
      'nonsense/n',
    ])
      assertRefused(await test.call('GET', `${N}/${type}`), 404, 'InvalidResourceType');
    for (const path of [
      `${G}/providers/Microsoft.Compute/virtualMachines/vm`,
      `${S}/providers/Contoso.Own/things`,
    ])
      assertRefused(await test.call('GET', path), 400, 'NoRegisteredProviderFound');
    assertRefused(await test.call('GET', `${N}/azureFirewalls/none`), 404, 'ResourceNotFound');
    assertRefused(await test.call('GET', `${N}/routeTables/none/routes/r`), 404, 'ResourceNotFound');
    assertRefused(await test.call('GET', `${N}/routeTables/none/routes`), 404, 'ResourceNotFound');
    assertRefused(await test.call('GET', '/nothing/here'), 404, 'InvalidRequestUri');
    assertRefused(await test.call('GET', `${S}/resourcegroups/%E0%A4%A`), 400, 'InvalidRequestUri');
    assertRefused(await test.call('POST', `${N}/azureFirewalls/none`), 405, 'HttpMethodNotAllowed');
    await refused(test, 404, ['ParentResourceNotFound'], 'PUT', `${N}/routeTables/none/routes/r`, {});
  });

  it('holds no property that nobody knows, each refused by its path', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const body = {
      ...vnetBody(),
      surprise: 1,
      properties: {
        ...vnetBody().properties,
        adressSpace: {},
        subnets: [{ name: 's', properties: { addressPrefix: '10.42.1.0/24', size: 3 } }],
      },
    };
    const answer = await refused(
      test,
      400,
      ['InvalidRequestFormat'],
      'PUT',
      `${N}/virtualNetworks/vnet`,
      body,
    );
    assert.deepEqual(targets(answer), [
      'surprise',
      'properties.subnets[0].properties.size',
      'properties.adressSpace',
    ]);
  });

  it('asks for nothing that Azure has and Postern does not; read-only and empty members are let through', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const properties = vnetBody().properties;
    const subnet = (more: Json) => [{ name: 's', properties: { addressPrefix: '10.42.1.0/24', ...more } }];
    const unsupported: [string, Json][] = [
      ['properties.enableDdosProtection', { enableDdosProtection: true }],
      ['properties.virtualNetworkPeerings', { virtualNetworkPeerings: [{ name: 'p' }] }],
      [
        'properties.subnets[0].properties.networkSecurityGroup',
        { subnets: subnet({ networkSecurityGroup: { id: 'x' } }) },
      ],
      ['properties.subnets[0].properties.natGateway', { subnets: subnet({ natGateway: { id: 'x' } }) }],
      ['properties.subnets[0].properties.delegations', { subnets: subnet({ delegations: [{ name: 'd' }] }) }],
      [
        'properties.subnets[0].properties.defaultOutboundAccess',
        { subnets: subnet({ defaultOutboundAccess: false }) },
      ],
    ];
    for (const [target, change] of unsupported) {
      const body = { ...vnetBody(), properties: { ...properties, ...change } };
      const answer = await refused(
        test,
        400,
        ['UnsupportedProperty'],
        'PUT',
        `${N}/virtualNetworks/vnet`,
        body,
      );
      assert.deepEqual(targets(answer), [target]);
    }
    const harmless = {
      ...vnetBody(),
      etag: 'W/"x"',
      extendedLocation: null,
      properties: {
        ...properties,
        resourceGuid: 'x',
        provisioningState: 'Succeeded',
        virtualNetworkPeerings: [],
        encryption: null,
        subnets: subnet({
          serviceEndpoints: [],
          purpose: 'x',
          networkSecurityGroup: null,
          ipConfigurations: [{ id: 'x' }],
        }),
      },
    };
    assertOk(await test.call('PUT', `${N}/virtualNetworks/vnet`, harmless), 201);
  });

  it('says the same in the body as in the path', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const body = { ...vnetBody(), name: 'other', id: `${N}/virtualNetworks/other` };
    const answer = await refused(
      test,
      400,
      ['InvalidRequestContent'],
      'PUT',
      `${N}/virtualNetworks/vnet`,
      body,
    );
    assert.deepEqual(targets(answer), ['id', 'name']);
  });
});

describe('resource groups', () => {
  it('have a location that Azure has, and keep it', async () => {
    const test = await createTestApi();
    await refused(test, 400, ['LocationRequired'], 'PUT', G, {});
    await refused(test, 400, ['LocationNotAvailableForResourceGroup'], 'PUT', G, { location: 'atlantis' });
    assert.equal(assertOk(await test.call('PUT', G, { location: 'East US' }), 201).body.location, 'eastus');
    await refused(test, 409, ['InvalidResourceGroupLocation'], 'PUT', G, { location: 'westus' });
  });

  it('have names after their own rules', async () => {
    const test = await createTestApi();
    for (const name of ['ends.', 'a$b', 'x'.repeat(91), 'a b'])
      await refused(
        test,
        400,
        ['InvalidResourceGroup'],
        'PUT',
        `${S}/resourceGroups/${encodeURIComponent(name)}`,
        { location: 'eastus' },
      );
    for (const name of ['a.b', '(x)_y-', 'x'.repeat(90)])
      assertOk(
        await test.call('PUT', `${S}/resourceGroups/${encodeURIComponent(name)}`, { location: 'eastus' }),
        201,
      );
  });
});

describe('networks', () => {
  const cases: [string, readonly (readonly [string, string])[], string[]][] = [
    ['lie outside the address space', [['a', '10.43.0.0/24']], ['NetcfgSubnetRangeOutsideVnet']],
    [
      'overlap',
      [
        ['a', '10.42.0.0/24'],
        ['b', '10.42.0.128/25'],
      ],
      ['NetcfgSubnetRangesOverlap'],
    ],
    [
      'share a name',
      [
        ['a', '10.42.0.0/24'],
        ['A', '10.42.1.0/24'],
      ],
      ['NetcfgDuplicateSubnetName'],
    ],
    ['have host bits', [['a', '10.42.0.1/24']], ['InvalidCIDRNotation']],
    ['are no prefixes', [['a', '10.42.0/24']], ['InvalidAddressPrefixFormat']],
    ['are too small', [['a', '10.42.0.0/30']], ['InvalidSubnetPrefixLength']],
    ['are IPv6', [['a', 'fd00::/64']], ['UnsupportedProperty']],
    ['break the rules for names', [['-a', '10.42.0.0/24']], ['InvalidResourceName']],
    [
      'do all of it at once',
      [
        ['a', '10.43.0.0/24'],
        ['b.', '10.42.0.0/24'],
        ['c', '10.42.0.0/25'],
      ],
      ['NetcfgSubnetRangeOutsideVnet', 'InvalidResourceName', 'NetcfgSubnetRangesOverlap'],
    ],
  ];
  for (const [title, subnets, codes] of cases) {
    it(`refuse subnets that ${title}`, async () => {
      const test = await createTestApi();
      assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
      await refused(test, 400, codes, 'PUT', `${N}/virtualNetworks/vnet`, vnetBody(subnets));
    });
  }

  it('refuse a child subnet for the same reasons, with paths of its own body', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const put = (name: string, addressPrefix: string, codes: string[], target: string) =>
      refused(test, 400, codes, 'PUT', `${N}/virtualNetworks/vnet/subnets/${name}`, {
        properties: { addressPrefix },
      }).then(answer => assert.ok(targets(answer).includes(target), answer.text));
    await put('new', '10.42.1.128/25', ['NetcfgSubnetRangesOverlap'], 'properties.addressPrefix');
    await put('new', '10.99.0.0/24', ['NetcfgSubnetRangeOutsideVnet'], 'properties.addressPrefix');
    await put('new.', '10.42.9.0/24', ['InvalidResourceName'], 'name');
    await put('new', 'ten', ['InvalidAddressPrefixFormat'], 'properties.addressPrefix');
  });

  it('refuse address spaces that overlap, are reserved or missing', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const put = (addressPrefixes: string[], code: string) =>
      refused(test, 400, [code], 'PUT', `${N}/virtualNetworks/vnet`, {
        location: 'eastus',
        properties: { addressSpace: { addressPrefixes } },
      });
    await put(['10.0.0.0/16', '10.0.0.0/8'], 'VnetAddressSpacesOverlap');
    for (const reserved of ['127.0.0.0/8', '169.254.0.0/24', '224.0.0.0/8', '168.63.0.0/16'])
      await put([reserved], 'InvalidAddressPrefix');
    await put([], 'InvalidRequestFormat');
  });

  it('refuse names and DNS servers that cannot be, and locations', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    for (const name of ['v', 'v'.repeat(65), '_v', 'v-', 'a%20b'])
      await refused(test, 400, ['InvalidResourceName'], 'PUT', `${N}/virtualNetworks/${name}`, vnetBody());
    const dns = {
      ...vnetBody(),
      properties: { ...vnetBody().properties, dhcpOptions: { dnsServers: ['10.0.0.256'] } },
    };
    await refused(test, 400, ['InvalidIPAddress'], 'PUT', `${N}/virtualNetworks/vnet`, dns);
    await refused(test, 400, ['LocationNotAvailableForResourceType'], 'PUT', `${N}/virtualNetworks/vnet`, {
      ...vnetBody(),
      location: 'moon',
    });
    await refused(test, 400, ['LocationRequired'], 'PUT', `${N}/virtualNetworks/vnet`, {
      ...vnetBody(),
      location: null,
    });
    assertOk(await test.call('PUT', `${N}/virtualNetworks/vnet`, vnetBody()), 201);
    await refused(test, 409, ['InvalidResourceLocation'], 'PUT', `${N}/virtualNetworks/vnet`, {
      ...vnetBody(),
      location: 'westus',
    });
  });

  it('refuse a route table that is not there, is elsewhere, or is no route table', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    assertOk(await test.call('PUT', `${N}/routeTables/west`, { location: 'westus' }), 201);
    for (const id of [`${N}/routeTables/none`, `${N}/routeTables/west`, `${N}/publicIPAddresses/pip`, 'rt']) {
      const body = { properties: { addressPrefix: '10.42.1.0/24', routeTable: { id } } };
      const answer = await refused(
        test,
        400,
        ['InvalidResourceReference'],
        'PUT',
        `${N}/virtualNetworks/vnet/subnets/aks-subnet`,
        body,
      );
      assert.deepEqual(targets(answer), ['properties.routeTable']);
    }
    const body = { properties: { addressPrefix: '10.42.1.0/24', routeTable: {} } };
    await refused(
      test,
      400,
      ['MissingJsonReferenceId'],
      'PUT',
      `${N}/virtualNetworks/vnet/subnets/aks-subnet`,
      body,
    );
  });
});

describe('route tables', () => {
  const route = (properties: Json) => ({
    location: 'eastus',
    properties: { routes: [{ name: 'r', properties }] },
  });
  const cases: [string, Json, string][] = [
    [
      'VirtualAppliance without an address',
      { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance' },
      'InvalidRouteNextHopIpAddress',
    ],
    [
      'Internet with an address',
      { addressPrefix: '0.0.0.0/0', nextHopType: 'Internet', nextHopIpAddress: '10.0.0.4' },
      'InvalidRouteNextHopIpAddress',
    ],
    [
      'an address that is none',
      { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: 'fw' },
      'InvalidIPAddress',
    ],
    [
      'a prefix that is none',
      { addressPrefix: 'AzureCloud', nextHopType: 'Internet' },
      'InvalidAddressPrefixFormat',
    ],
    [
      'host bits in the prefix',
      { addressPrefix: '10.0.0.1/8', nextHopType: 'Internet' },
      'InvalidCIDRNotation',
    ],
    ['a next hop that is none', { addressPrefix: '0.0.0.0/0', nextHopType: 'Moon' }, 'InvalidRequestFormat'],
    [
      'a virtual network gateway',
      { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualNetworkGateway' },
      'UnsupportedProperty',
    ],
    ['nothing', {}, 'InvalidRequestFormat'],
  ];
  for (const [title, properties, code] of cases) {
    it(`refuse a route with ${title}, in the table and alone`, async () => {
      const test = await createTestApi();
      assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
      await refused(test, 400, [code], 'PUT', `${N}/routeTables/rt`, route(properties));
      assertOk(await test.call('PUT', `${N}/routeTables/rt`, { location: 'eastus' }), 201);
      await refused(test, 400, [code], 'PUT', `${N}/routeTables/rt/routes/r`, { properties });
    });
  }

  it('hold one route a prefix and a name', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const properties = { addressPrefix: '10.0.0.0/8', nextHopType: 'None' };
    assertOk(await test.call('PUT', `${N}/routeTables/rt`, route(properties)), 201);
    const answer = await refused(test, 400, ['RouteConflict'], 'PUT', `${N}/routeTables/rt/routes/twin`, {
      properties,
    });
    assert.deepEqual(targets(answer), ['properties.addressPrefix']);
    const twins = {
      location: 'eastus',
      properties: {
        routes: [
          { name: 'r', properties },
          { name: 'R', properties: { ...properties, addressPrefix: '11.0.0.0/8' } },
        ],
      },
    };
    await refused(test, 400, ['DuplicateRouteName'], 'PUT', `${N}/routeTables/rt`, twins);
    assertOk(await test.call('PUT', `${N}/routeTables/rt/routes/R`, { properties }), 200);
  });
});

describe('public IP addresses', () => {
  it('are Standard, static and IPv4', async () => {
    const test = await createTestApi();
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const put = (change: Json, code: string) =>
      refused(test, 400, [code], 'PUT', `${N}/publicIPAddresses/p`, { ...publicIpBody, ...change });
    await put({ sku: { name: 'Basic' } }, 'UnsupportedProperty');
    await put(
      { properties: { publicIPAllocationMethod: 'Dynamic' } },
      'StandardSkuPublicIPAddressMustBeStatic',
    );
    await put({ properties: { publicIPAddressVersion: 'IPv6' } }, 'UnsupportedProperty');
    await put({ properties: { idleTimeoutInMinutes: 3 } }, 'InvalidRequestFormat');
    await put({ properties: { dnsSettings: { domainNameLabel: 'x' } } }, 'UnsupportedProperty');
  });

  it('run out with the pool, and are free again after a deletion', async () => {
    const test = await createTestApi({ publicIpPool: ['20.51.96.0/30'] });
    assertOk(await test.call('PUT', G, { location: 'eastus' }), 201);
    const addresses: unknown[] = [];
    for (const name of ['a', 'b', 'c']) {
      const answer = assertOk(await test.call('PUT', `${N}/publicIPAddresses/${name}`, publicIpBody), 201);
      addresses.push(at(answer.body, 'properties.ipAddress'));
    }
    assert.deepEqual(addresses, ['20.51.96.1', '20.51.96.2', '20.51.96.3']);
    await refused(test, 400, ['PublicIPCountLimitReached'], 'PUT', `${N}/publicIPAddresses/d`, publicIpBody);
    assertOk(await test.call('PUT', `${N}/publicIPAddresses/b`, publicIpBody), 200);
    assertOk(await test.call('DELETE', `${N}/publicIPAddresses/b`), 200);
    const answer = assertOk(await test.call('PUT', `${N}/publicIPAddresses/d`, publicIpBody), 201);
    assert.equal(at(answer.body, 'properties.ipAddress'), '20.51.96.2');
  });
});

describe('firewalls', () => {
  const put = (test: TestApi, code: string, configurations: Json[], name = 'fw2') =>
    refused(
      test,
      400,
      [code],
      'PUT',
      `${N}/azureFirewalls/${name}`,
      firewallBody({ ipConfigurations: configurations }),
    );

  it('stand in an AzureFirewallSubnet of their own, /26 or larger, that exists', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    assertOk(await test.call('PUT', `${N}/publicIPAddresses/pip2`, publicIpBody), 201);
    await put(test, 'SubnetNameMustBeAzureFirewallSubnet', [ipConfiguration('c', 'pip2', 'aks-subnet')]);
    await put(test, 'AzureFirewallSubnetInUse', [ipConfiguration('c', 'pip2', 'AzureFirewallSubnet')]);
    const elsewhere = {
      ...ipConfiguration('c', 'pip2'),
      properties: {
        subnet: { id: `${N}/virtualNetworks/none/subnets/AzureFirewallSubnet` },
        publicIPAddress: { id: `${N}/publicIPAddresses/pip2` },
      },
    };
    await put(test, 'InvalidResourceReference', [elsewhere]);
    assertOk(
      await test.call(
        'PUT',
        `${N}/virtualNetworks/small`,
        vnetBody([['AzureFirewallSubnet', '10.42.0.0/27']]),
      ),
      201,
    );
    const small = {
      name: 'c',
      properties: {
        ...elsewhere.properties,
        subnet: { id: `${N}/virtualNetworks/small/subnets/azurefirewallsubnet` },
      },
    };
    await put(test, 'AzureFirewallSubnetTooSmall', [small]);
  });

  it('take public IP addresses that exist, in their region, each once', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    assertOk(await test.call('PUT', `${N}/virtualNetworks/v2`, vnetBody()), 201);
    const inV2 = (publicIp: string) => ({
      name: publicIp,
      properties: {
        ...ipConfiguration('c', publicIp).properties,
        subnet: { id: `${N}/virtualNetworks/v2/subnets/AzureFirewallSubnet` },
      },
    });
    await put(test, 'PublicIPAddressInUse', [inV2('pip')]);
    await put(test, 'InvalidResourceReference', [inV2('none')]);
    assertOk(
      await test.call('PUT', `${N}/publicIPAddresses/west`, { ...publicIpBody, location: 'westus' }),
      201,
    );
    await put(test, 'InvalidResourceReference', [inV2('west')]);
    assertOk(await test.call('PUT', `${N}/publicIPAddresses/free`, publicIpBody), 201);
    await put(test, 'PublicIPAddressInUse', [inV2('free'), ipConfiguration('again', 'free')]);
    test.store.put({
      id: `${N}/publicIPAddresses/basic`,
      name: 'basic',
      type: 'Microsoft.Network/publicIPAddresses',
      location: 'eastus',
      sku: { name: 'Basic' },
      properties: { ipAddress: '20.51.97.1' },
    });
    await put(test, 'AzureFirewallPublicIPAddressMustBeStandardSku', [inV2('basic')]);
  });

  it('report faults of rules and of references together', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const body = firewallBody({
      ipConfigurations: [ipConfiguration('config', 'none', 'aks-subnet')],
      networkRuleCollections: [
        { name: 'c', properties: { priority: 1, action: { type: 'Allow' }, rules: [] } },
      ],
    });
    const answer = await refused(
      test,
      400,
      ['SubnetNameMustBeAzureFirewallSubnet', 'InvalidResourceReference'],
      'PUT',
      `${N}/azureFirewalls/fw`,
      body,
    );
    assert.ok(
      targets(answer).includes('properties.networkRuleCollections[0].properties.priority'),
      answer.text,
    );
  });
});

describe('what is in use', () => {
  it('cannot be deleted, alone or by leaving it out', async () => {
    const test = await createTestApi({ usersOf: id => (id.endsWith('/aks-subnet') ? ['host web1'] : []) });
    await buildNetwork(test);
    assertOk(await test.call('PUT', `${N}/routeTables/rt`, { location: 'eastus' }), 201);
    const subnet = {
      properties: { addressPrefix: '10.42.1.0/24', routeTable: { id: `${N}/routeTables/rt` } },
    };
    assertOk(await test.call('PUT', `${N}/virtualNetworks/vnet/subnets/aks-subnet`, subnet), 200);
    assertOk(
      await test.call('PUT', `${N}/ipGroups/group`, {
        location: 'eastus',
        properties: { ipAddresses: ['10.0.0.0/8'] },
      }),
      201,
    );
    const rule = {
      name: 'r',
      protocols: ['TCP'],
      sourceIpGroups: [`${N}/ipGroups/group`],
      destinationAddresses: ['*'],
      destinationPorts: ['443'],
    };
    const body = firewallBody({
      ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')],
      networkRuleCollections: [
        { name: 'c', properties: { priority: 100, action: { type: 'Allow' }, rules: [rule] } },
      ],
    });
    assertOk(await test.call('PUT', `${N}/azureFirewalls/fw`, body), 200);

    const subnets = `${N}/virtualNetworks/vnet/subnets`;
    await refused(test, 400, ['InUseSubnetCannotBeDeleted'], 'DELETE', `${subnets}/AzureFirewallSubnet`);
    await refused(test, 400, ['InUseSubnetCannotBeDeleted'], 'DELETE', `${subnets}/aks-subnet`);
    await refused(test, 400, ['InUseSubnetCannotBeDeleted'], 'DELETE', `${N}/virtualNetworks/vnet`);
    await refused(
      test,
      400,
      ['InUseSubnetCannotBeDeleted'],
      'PUT',
      `${N}/virtualNetworks/vnet`,
      vnetBody([['aks-subnet', '10.42.1.0/24']]),
    );
    await refused(test, 400, ['InUsePrefixCannotBeDeleted'], 'PUT', `${subnets}/AzureFirewallSubnet`, {
      properties: { addressPrefix: '10.42.3.0/24' },
    });
    await refused(test, 400, ['InUseRouteTableCannotBeDeleted'], 'DELETE', `${N}/routeTables/rt`);
    await refused(test, 400, ['PublicIPAddressCannotBeDeleted'], 'DELETE', `${N}/publicIPAddresses/pip`);
    await refused(test, 400, ['IpGroupInUseCannotBeDeleted'], 'DELETE', `${N}/ipGroups/group`);

    assertOk(await test.call('DELETE', `${N}/azureFirewalls/fw`), 200);
    assertOk(await test.call('DELETE', `${subnets}/AzureFirewallSubnet`), 200);
    assertOk(await test.call('DELETE', `${N}/publicIPAddresses/pip`), 200);
    assertOk(await test.call('DELETE', `${N}/ipGroups/group`), 200);
  });

  it('keeps its group, where the user is in another one', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    const other = `${S}/resourceGroups/other`;
    assertOk(await test.call('PUT', other, { location: 'eastus' }), 201);
    assertOk(await test.call('DELETE', `${N}/azureFirewalls/fw`), 200);
    const body = firewallBody({
      ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')],
    });
    assertOk(await test.call('PUT', `${other}/providers/Microsoft.Network/azureFirewalls/fw`, body), 201);
    const answer = await refused(
      test,
      409,
      ['ResourceGroupDeletionBlocked', 'InUseSubnetCannotBeDeleted', 'PublicIPAddressCannotBeDeleted'],
      'DELETE',
      G,
    );
    assert.match(answer.body.error.message, /resourceGroups\/other/);
    assertOk(await test.call('DELETE', other), 202);
    assertOk(await test.call('DELETE', G), 202);
  });
});

describe('what a configuration file describes', () => {
  it('cannot be written or deleted; the message names the file', async () => {
    const test = await createTestApi();
    await buildNetwork(test);
    for (const resource of test.store.list({ resourceGroup: 'rg' }))
      test.store.put(resource.document, { origin: '/etc/postern/all.json' });
    const writes: [string, string, unknown?][] = [
      ['PUT', `${N}/azureFirewalls/fw`, firewallBody()],
      ['PATCH', `${N}/azureFirewalls/fw`, { tags: { a: 'b' } }],
      ['DELETE', `${N}/azureFirewalls/fw`],
      ['PUT', `${N}/virtualNetworks/vnet/subnets/new`, { properties: { addressPrefix: '10.42.9.0/24' } }],
      ['DELETE', `${N}/virtualNetworks/vnet/subnets/aks-subnet`],
      ['DELETE', G],
    ];
    for (const [method, path, body] of writes) {
      const answer = await refused(test, 409, ['ScopeLocked'], method, path, body);
      assert.match(answer.body.error.message, /\/etc\/postern\/all\.json/);
    }
    assertOk(await test.call('GET', `${N}/azureFirewalls/fw`), 200);
  });

  it('is in a group that exists by holding it', async () => {
    const test = await createTestApi();
    const document = {
      id: `${N}/ipGroups/own`,
      name: 'own',
      type: 'microsoft.network/ipGroups',
      location: 'eastus',
      properties: { ipAddresses: [] },
    };
    test.store.put(document, { origin: 'own.json' });
    assertOk(await test.call('GET', document.id), 200);
    assert.equal(assertOk(await test.call('GET', G), 200).body.location, 'eastus');
    assert.deepEqual(
      assertOk(await test.call('GET', `${S}/resourcegroups`), 200).body.value.map(({ name }) => name),
      ['rg'],
    );
    await refused(test, 409, ['ResourceGroupDeletionBlocked', 'ScopeLocked'], 'DELETE', G);
    assertRefused(await test.call('GET', `${S}/resourceGroups/other`), 404, 'ResourceGroupNotFound');
  });

  it('is found under the subscription it was exported from, and under the one of the API', async () => {
    const test = await createTestApi();
    const exported = S.replace('0001', '0009');
    const id = N.replace(S, exported);
    const document = {
      id: `${id}/ipGroups/own`,
      name: 'own',
      type: 'Microsoft.Network/ipGroups',
      location: 'eastus',
      properties: { ipAddresses: [] },
    };
    assertRefused(await test.call('GET', document.id), 404, 'SubscriptionNotFound');
    test.store.put(document, { origin: 'own.json' });
    for (const path of [document.id, `${N}/ipGroups/own`, document.id.toUpperCase()])
      assert.equal(assertOk(await test.call('GET', path), 200).body.id, document.id);
    await refused(test, 409, ['ScopeLocked'], 'DELETE', `${N}/ipGroups/own`);
  });
});

it('an encoded slash in a group name reaches no resource', async () => {
  const test = await createTestApi();
  await buildNetwork(test);
  for (const resource of ['azureFirewalls/fw', 'publicIPAddresses/pip']) {
    const name = encodeURIComponent(`rg/providers/Microsoft.Network/${resource}`);
    for (const method of ['GET', 'HEAD', 'DELETE'])
      assert.equal((await test.call(method, `${S}/resourceGroups/${name}`)).status, 400, method);
    await refused(test, 400, ['InvalidRequestUri'], 'PATCH', `${S}/resourceGroups/${name}`, {
      tags: { a: 'b' },
    });
    await refused(test, 400, ['InvalidRequestUri'], 'PUT', `${S}/resourceGroups/${name}`, {
      location: 'eastus',
    });
    assertOk(await test.call('GET', `${N}/${resource}`), 200);
  }
});
