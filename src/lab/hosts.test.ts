// Where hosts may be, and what is said to those that may not.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatIpv4 } from '#net/ipv4.ts';
import { address, hub, prefix, subnetId } from './fabric/fixture.ts';
import { lostHosts, placeHost } from './hosts.ts';

const place = (subnet: string, privateIp?: string) =>
  formatIpv4(
    placeHost({ name: 'new', subnetId: subnetId(subnet), ...(privateIp && { privateIp }) }, hub()).address,
  );

test('a host gets the first free address behind the reserved ones', () => {
  assert.equal(place('apps'), '10.42.1.5');
  assert.equal(place('DATA'), '10.42.3.5');
});

test('a host gets the address it asks for, up to the last but one', () => {
  assert.equal(place('apps', '10.42.1.80'), '10.42.1.80');
  assert.equal(place('apps', '10.42.1.254'), '10.42.1.254');
});

test('hosts on the Internet follow the workstation', () => {
  assert.equal(formatIpv4(placeHost({ name: 'second' }, hub()).address), '20.51.99.9');
});

describe('refused, with the reason', () => {
  const cases: readonly (readonly [string, Parameters<typeof placeHost>[0], RegExp])[] = [
    ['a bad name', { name: 'Web_1' }, /lower-case letters/],
    ['a part of the lab', { name: 'internet' }, /part of every lab/],
    ['a name twice', { name: 'app' }, /already is a host 'app'/],
    ['an unknown subnet', { name: 'x', subnetId: subnetId('nope') }, /no subnet .* There are:\n.*apps/],
    ["the firewall's subnet", { name: 'x', subnetId: subnetId('AzureFirewallSubnet') }, /for firewalls only/],
    ['no address', { name: 'x', subnetId: subnetId('apps'), privateIp: '10.42.1' }, /not an IPv4 address/],
    [
      'a reserved one',
      { name: 'x', subnetId: subnetId('apps'), privateIp: '10.42.1.3' },
      /between 10\.42\.1\.4 and 10\.42\.1\.254/,
    ],
    ['the broadcast one', { name: 'x', subnetId: subnetId('apps'), privateIp: '10.42.1.255' }, /between/],
    ['one in use', { name: 'x', subnetId: subnetId('apps'), privateIp: '10.42.1.4' }, /belongs to host app/],
    ['an address on the Internet', { name: 'x', privateIp: '10.42.1.9' }, /needs --vnet-subnet-id/],
  ];
  for (const [title, request, message] of cases)
    test(title, () => assert.throws(() => placeHost(request, hub()), { name: 'HostRefused', message }));

  test('a full subnet', () => {
    const topology = hub();
    const hosts = ['10.42.3.4', '10.42.3.5', '10.42.3.6'].map((text, index) => ({
      name: `h${index}`,
      address: address(text),
      subnetId: subnetId('data'),
    }));
    assert.throws(() => placeHost({ name: 'x', subnetId: subnetId('data') }, { ...topology, hosts }), {
      message: 'Subnet data (10.42.3.0/29) has no free address.',
    });
  });
});

test('hosts are lost with their subnet, or when it moves away from them', () => {
  const topology = hub();
  const [vnet] = topology.vnets;
  assert.ok(vnet);
  assert.deepEqual(lostHosts(topology), []);
  const moved = vnet.subnets.map(subnet =>
    subnet.name === 'apps' ? { ...subnet, prefix: prefix('10.42.8.0/24') } : subnet,
  );
  const names = (vnets: typeof topology.vnets) => lostHosts({ ...topology, vnets }).map(({ name }) => name);
  assert.deepEqual(names([{ ...vnet, subnets: moved }]), ['app']);
  assert.deepEqual(names([]), ['app', 'db']);
});
