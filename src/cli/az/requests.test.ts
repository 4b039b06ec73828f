// What each command sends.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AzHarness, lastWrite, ok, SUBSCRIPTION, words } from './testing.ts';

const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg`;
const NETWORK = `${GROUP}/providers/Microsoft.Network`;

describe('requests of the commands', () => {
  const cases: readonly (readonly [string, string, string, unknown])[] = [
    ['group create -n rg -l "East US"'.replace('"East US"', 'EastUS'), 'PUT', GROUP, { location: 'eastus' }],
    [
      'network vnet create -g rg -n v -l eastus --subnet-name a --subnet-prefix 10.0.1.0/24',
      'PUT',
      `${NETWORK}/virtualNetworks/v`,
      {
        location: 'eastus',
        properties: {
          addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
          enableDdosProtection: false,
          subnets: [{ name: 'a', properties: { addressPrefix: '10.0.1.0/24' } }],
        },
      },
    ],
    [
      'network vnet subnet create -g rg --vnet-name v -n s --address-prefix 10.0.2.0/24 --route-table rt',
      'PUT',
      `${NETWORK}/virtualNetworks/v/subnets/s`,
      {
        name: 's',
        properties: { addressPrefix: '10.0.2.0/24', routeTable: { id: `${NETWORK}/routeTables/rt` } },
      },
    ],
    [
      'network public-ip create -g rg -n p -l eastus --sku standard',
      'PUT',
      `${NETWORK}/publicIPAddresses/p`,
      {
        location: 'eastus',
        sku: { name: 'Standard' },
        properties: {
          idleTimeoutInMinutes: 4,
          publicIPAddressVersion: 'IPv4',
          publicIPAllocationMethod: 'Static',
        },
      },
    ],
    [
      'network firewall create -g rg -n fw -l eastus --enable-dns-proxy --dns-servers 10.0.0.4 10.0.0.5 --private-ranges IANAPrivateRanges 198.18.0.0/15 --threat-intel-mode deny',
      'PUT',
      `${NETWORK}/azureFirewalls/fw`,
      {
        location: 'eastus',
        properties: {
          additionalProperties: {
            'Network.DNS.EnableProxy': 'true',
            'Network.DNS.Servers': '10.0.0.4,10.0.0.5',
            'Network.SNAT.PrivateRanges': 'IANAPrivateRanges, 198.18.0.0/15',
          },
          sku: { tier: 'Standard' },
          threatIntelMode: 'Deny',
        },
      },
    ],
    [
      'network route-table create -g rg -n rt -l eastus',
      'PUT',
      `${NETWORK}/routeTables/rt`,
      { location: 'eastus' },
    ],
    [
      'network route-table route create -g rg --route-table-name rt -n r --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4',
      'PUT',
      `${NETWORK}/routeTables/rt/routes/r`,
      {
        name: 'r',
        properties: {
          addressPrefix: '0.0.0.0/0',
          nextHopType: 'VirtualAppliance',
          nextHopIpAddress: '10.42.2.4',
        },
      },
    ],
    [
      'network ip-group create -g rg -n ig -l eastus --ip-addresses 10.0.0.1 10.0.0.0/24',
      'PUT',
      `${NETWORK}/ipGroups/ig`,
      { location: 'eastus', properties: { ipAddresses: ['10.0.0.1', '10.0.0.0/24'] } },
    ],
    ['network vnet delete -g rg -n v', 'DELETE', `${NETWORK}/virtualNetworks/v`, undefined],
    [
      'network vnet subnet delete -g rg --vnet-name v -n s',
      'DELETE',
      `${NETWORK}/virtualNetworks/v/subnets/s`,
      undefined,
    ],
    [
      'network route-table route delete -g rg --route-table-name t -n r',
      'DELETE',
      `${NETWORK}/routeTables/t/routes/r`,
      undefined,
    ],
    ['group delete -n rg --yes', 'DELETE', GROUP, undefined],
  ];
  for (const [line, method, path, body] of cases) {
    test(`az ${line}`, async () => {
      await using harness = await AzHarness.create();
      await ok(harness, line);
      assert.deepEqual(lastWrite(harness), { method, path, body });
      assert.equal(harness.api.seen[0]?.headers.authorization, 'Bearer the-token');
    });
  }

  test('the location is the resource group’s where none is given', async () => {
    await using harness = await AzHarness.create();
    await ok(harness, 'group create -n rg -l westus');
    await ok(harness, 'network public-ip create -g rg -n p');
    assert.equal((lastWrite(harness).body as { location: string }).location, 'westus');
  });

  test('vnet update and subnet update keep what they do not name', async () => {
    await using harness = await AzHarness.create();
    await ok(
      harness,
      'network vnet create -g rg -n v -l eastus --subnet-name a --subnet-prefixes 10.0.1.0/24',
    );
    await ok(harness, 'network vnet update -g rg -n v --dns-servers 10.0.2.4');
    const vnet = lastWrite(harness).body as { properties: Record<string, unknown> };
    assert.deepEqual(vnet.properties.dhcpOptions, { dnsServers: ['10.0.2.4'] });
    assert.deepEqual(vnet.properties.addressSpace, { addressPrefixes: ['10.0.0.0/16'] });

    await ok(harness, 'network vnet subnet update -g rg --vnet-name v -n a --route-table rt');
    const subnet = lastWrite(harness).body as { properties: Record<string, unknown> };
    assert.deepEqual(subnet.properties, {
      addressPrefix: '10.0.1.0/24',
      routeTable: { id: `${NETWORK}/routeTables/rt` },
    });
    const { status } = await harness.az([
      ...words('network vnet subnet update -g rg --vnet-name v -n a --route-table'),
      '',
    ]);
    assert.equal(status, 0);
    assert.deepEqual((lastWrite(harness).body as { properties: unknown }).properties, {
      addressPrefix: '10.0.1.0/24',
    });
  });

  test('an update of nothing is refused', async () => {
    await using harness = await AzHarness.create();
    const { status, stderr } = await harness.az(words('network firewall update -g rg -n fw'));
    assert.equal(status, 2);
    assert.match(stderr, /^nothing to update: give one of --dns-servers/);
  });
});
