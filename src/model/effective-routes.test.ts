// The table of routes a subnet has, and which of them an address takes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatPrefix, type Ipv4Prefix, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import { effectiveRoutes, routeTo } from './effective-routes.ts';
import type { NextHop, Route } from './route-table.ts';

const prefix = (text: string) => parsePrefix(text) as Ipv4Prefix;
const VNET = [prefix('10.42.0.0/16')];

function route(range: string, hop: NextHop['type'], address = '10.42.2.4'): Route {
  const nextHop: NextHop =
    hop === 'VirtualAppliance' ? { type: hop, address: parseIpv4(address) ?? 0 } : { type: hop };
  return { name: `to ${range}`, prefix: prefix(range), nextHop };
}

function hopOf(user: readonly Route[], address: string, vnet: readonly Ipv4Prefix[] = VNET): string {
  return routeTo(effectiveRoutes(vnet, user), parseIpv4(address) ?? 0)?.nextHop.type ?? 'no route';
}

describe('which route an address takes', () => {
  const appliance = route('0.0.0.0/0', 'VirtualAppliance');
  const cases: readonly (readonly [string, readonly Route[], string, NextHop['type']])[] = [
    ['the VNet is local', [], '10.42.3.4', 'VnetLocal'],
    ['the rest is the Internet', [], '20.1.2.3', 'Internet'],
    ['other private space leads nowhere', [], '10.43.0.1', 'None'],
    ['172.16.0.0/12 too', [], '172.31.255.255', 'None'],
    ['192.168.0.0/16 too', [], '192.168.1.1', 'None'],
    ['carrier-grade NAT space too', [], '100.64.0.1', 'None'],
    ['just beside it is the Internet', [], '100.128.0.1', 'Internet'],
    ["a user's default route wins the tie", [appliance], '20.1.2.3', 'VirtualAppliance'],
    ['the VNet is longer than the default route', [appliance], '10.42.3.4', 'VnetLocal'],
    ['a default route takes private space along', [appliance], '10.43.0.1', 'VirtualAppliance'],
    [
      'a longer one to the Internet',
      [appliance, route('20.62.192.1/32', 'Internet')],
      '20.62.192.1',
      'Internet',
    ],
    [
      'the VNet itself through an appliance',
      [route('10.42.0.0/16', 'VirtualAppliance')],
      '10.42.3.4',
      'VirtualAppliance',
    ],
    [
      'one subnet through an appliance',
      [route('10.42.3.0/24', 'VirtualAppliance')],
      '10.42.3.4',
      'VirtualAppliance',
    ],
    ['the others stay local', [route('10.42.3.0/24', 'VirtualAppliance')], '10.42.4.4', 'VnetLocal'],
    [
      'private space opened by its own prefix',
      [route('10.0.0.0/8', 'VirtualAppliance')],
      '10.43.0.1',
      'VirtualAppliance',
    ],
    ['a part of the Internet cut off', [route('20.0.0.0/8', 'None')], '20.1.2.3', 'None'],
  ];
  for (const [title, user, address, expected] of cases)
    test(title, () => assert.equal(hopOf(user, address), expected));

  test('a VNet that is one of the private ranges is local', () => {
    assert.equal(hopOf([], '10.200.0.1', [prefix('10.0.0.0/8')]), 'VnetLocal');
  });
});

test('peered VNets are as near as the own one, and a default route to an appliance leaves them so', () => {
  const routes = effectiveRoutes(VNET, [route('0.0.0.0/0', 'VirtualAppliance')], [prefix('10.50.0.0/16')]);
  assert.equal(routeTo(routes, parseIpv4('10.50.1.1') ?? 0)?.nextHop.type, 'VnetLocal');
  assert.equal(routeTo(routes, parseIpv4('10.51.1.1') ?? 0)?.nextHop.type, 'VirtualAppliance');
});

test('overridden system routes are listed as invalid, each prefix once', () => {
  const routes = effectiveRoutes(VNET, [
    route('0.0.0.0/0', 'VirtualAppliance'),
    route('10.42.0.0/16', 'None'),
  ]);
  assert.deepEqual(
    routes.map(({ source, state, prefix }) => `${source} ${state} ${formatPrefix(prefix)}`),
    [
      'Default Invalid 10.42.0.0/16',
      'Default Invalid 0.0.0.0/0',
      'Default Invalid 10.0.0.0/8',
      'Default Invalid 172.16.0.0/12',
      'Default Invalid 192.168.0.0/16',
      'Default Invalid 100.64.0.0/10',
      'User Active 0.0.0.0/0',
      'User Active 10.42.0.0/16',
    ],
  );
});
