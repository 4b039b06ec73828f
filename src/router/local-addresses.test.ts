// Which local address stands for which documented one, and what a person is told about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4, parseIpv4 } from '#net/ipv4.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { localAddresses } from './local-addresses.ts';

const ip = (text: string) => parseIpv4(text) ?? assert.fail(text);
const document = (type: string, properties: Record<string, unknown>): ArmDocument => ({
  id: `/${type}/x`,
  name: 'x',
  type: `Microsoft.Network/${type}`,
  properties,
});
const firewall = document('azureFirewalls', {
  ipConfigurations: [{ name: 'c', properties: { privateIPAddress: '10.42.2.4' } }],
});
const publicIp = document('publicIPAddresses', { ipAddress: '20.1.2.3' });

function choose(pairs: readonly string[], inside: readonly string[], others: readonly string[] = []) {
  const { localAddressOf, notes, faults } = localAddresses([firewall, publicIp], pairs, {
    inside: inside.map(ip),
    all: [...inside, ...others].map(ip),
  });
  const map = Object.entries(localAddressOf).map(
    ([address, local]) => `${formatIpv4(Number(address))}=${formatIpv4(local)}`,
  );
  return { map, notes, faults };
}

test('addresses that the machine has stand for themselves, in silence', () => {
  assert.deepEqual(choose([], ['10.42.2.4'], ['20.1.2.3']), { map: [], notes: [], faults: [] });
});

test('the first inside address stands for a private one that is not here, and a person is told', () => {
  const { map, notes } = choose([], ['10.9.0.1', '10.9.1.1'], ['20.1.2.3']);
  assert.deepEqual(map, ['10.42.2.4=10.9.0.1']);
  assert.match(notes.join(), /10\.42\.2\.4; 10\.9\.0\.1 stands for it/);
});

test('a 1:1 NAT: the named local address stands for the public one', () => {
  assert.deepEqual(choose(['20.1.2.3=10.42.2.4'], ['10.42.2.4']), {
    map: ['20.1.2.3=10.42.2.4'],
    notes: [],
    faults: [],
  });
});

test('a public IP that is nowhere, and a local address that is not here are noted', () => {
  assert.match(choose([], ['10.42.2.4']).notes.join(), /No interface has the public IP 20\.1\.2\.3/);
  const { notes } = choose(['20.1.2.3=10.0.0.7'], ['10.42.2.4'], ['20.1.2.3']);
  assert.match(notes.join(), /no interface of this machine has 10\.0\.0\.7/);
});

test('a pair for no public IP is a fault that names those that there are', () => {
  const { faults } = choose(['20.9.9.9=10.42.2.4'], ['10.42.2.4'], ['20.1.2.3']);
  assert.deepEqual(faults, [
    '--public-ip 20.9.9.9=10.42.2.4: no file has the public IP 20.9.9.9; they have 20.1.2.3.',
  ]);
});

test('without any inside address there is nothing to point a route at', () => {
  assert.match(choose([], []).faults.join(), /No inside interface has an IPv4 address/);
});
