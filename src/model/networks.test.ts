// The typed views of stored networks, route tables, public IPs and IP groups, which the fabric and the compiler read.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpv4, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import { ipGroupIdsIn, rangesOfIpGroup } from './ip-group.ts';
import { faultOfGroupName, faultOfName } from './names.ts';
import { addressOfPublicIp } from './public-ip.ts';
import { toRouteTable } from './route-table.ts';
import { firstUsableAddress, toVirtualNetwork } from './virtual-network.ts';

describe('views of stored documents', () => {
  it('of a network hold prefixes, DNS servers and the route table of each subnet', () => {
    const network = toVirtualNetwork({
      id: '/v',
      name: 'v',
      properties: {
        addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
        dhcpOptions: { dnsServers: ['10.42.2.4'] },
        subnets: [
          { name: 'a', properties: { addressPrefix: '10.42.1.0/24', routeTable: { id: '/rt' } } },
          { name: 'b', properties: { addressPrefixes: ['10.42.2.0/26'] } },
          { name: 'broken', properties: {} },
        ],
      },
    });
    assert.deepEqual(network, {
      id: '/v',
      name: 'v',
      addressSpace: [parsePrefix('10.42.0.0/16')],
      dnsServers: [parseIpv4('10.42.2.4')],
      subnets: [
        { id: '/v/subnets/a', name: 'a', prefix: parsePrefix('10.42.1.0/24'), routeTableId: '/rt' },
        { id: '/v/subnets/b', name: 'b', prefix: parsePrefix('10.42.2.0/26'), routeTableId: undefined },
      ],
    });
  });

  it('of a network without anything are empty', () => {
    assert.deepEqual(toVirtualNetwork({ id: '/v', name: 'v', properties: {} }), {
      id: '/v',
      name: 'v',
      addressSpace: [],
      dnsServers: [],
      subnets: [],
    });
  });

  it('of a route table hold next hops', () => {
    const route = (name: string, nextHopType: string, nextHopIpAddress?: string) => ({
      name,
      properties: { addressPrefix: '0.0.0.0/0', nextHopType, nextHopIpAddress },
    });
    const routes = [
      route('a', 'VirtualAppliance', '10.42.2.4'),
      route('b', 'internet'),
      route('c', 'VirtualAppliance'),
      route('d', 'Moon'),
    ];
    const table = toRouteTable({ id: '/rt', name: 'rt', properties: { routes } });
    assert.deepEqual(
      table.routes.map(({ name, nextHop }) => [name, nextHop]),
      [
        ['a', { type: 'VirtualAppliance', address: parseIpv4('10.42.2.4') }],
        ['b', { type: 'Internet' }],
      ],
    );
  });

  it('of a public IP and an IP group hold addresses', () => {
    assert.equal(addressOfPublicIp({ properties: { ipAddress: '20.51.96.1' } }), parseIpv4('20.51.96.1'));
    assert.equal(addressOfPublicIp({ properties: {} }), undefined);
    const ranges = rangesOfIpGroup({
      properties: { ipAddresses: ['10.0.0.1', '10.0.0.2-10.0.0.9', '10.0.0.0/32'] },
    });
    assert.deepEqual(ranges, [{ first: parseIpv4('10.0.0.0'), last: parseIpv4('10.0.0.9') }]);
  });
});

it('the first usable address of a subnet is its fourth after the first', () => {
  for (const [prefix, address] of [
    ['10.42.2.0/24', '10.42.2.4'],
    ['10.42.2.64/26', '10.42.2.68'],
  ] as const) {
    const parsed = parsePrefix(prefix);
    assert.equal(parsed && formatIpv4(firstUsableAddress(parsed)), address);
  }
});

it('references to IP groups are found in rules of all kinds', () => {
  const rules = [
    {
      properties: {
        rules: [{ sourceIpGroups: ['/a'], destinationIpGroups: ['/b'], sourceAddresses: ['/c'] }],
      },
    },
  ];
  assert.deepEqual(ipGroupIdsIn({ networkRuleCollections: rules, applicationRuleCollections: null }), [
    '/a',
    '/b',
  ]);
});

it('names follow the rule of their type', () => {
  const vnet = 'Microsoft.Network/virtualNetworks';
  for (const good of ['ab', 'a_', 'A1.b-c_', 'x'.repeat(64)])
    assert.equal(faultOfName(vnet, good, 'name'), undefined, good);
  for (const bad of ['a', '', '.ab', 'ab.', 'ab-', 'a b', 'aé', 'x'.repeat(65)])
    assert.equal(faultOfName(vnet, bad, 'name')?.code, 'InvalidResourceName', bad);
  assert.equal(faultOfName('microsoft.network/ROUTETABLES', 'r', 'name'), undefined);
  assert.equal(faultOfGroupName('(a).b_c-'), undefined);
  for (const bad of ['', 'a.', 'a/b', 'x'.repeat(91)])
    assert.equal(faultOfGroupName(bad)?.code, 'InvalidResourceGroup', bad);
});
