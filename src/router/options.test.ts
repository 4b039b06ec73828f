// Everything that is wrong with the flags, at once.

import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { checkUpArguments, parseSshFrom, type UpArguments } from './options.ts';

const machine = { interfaces: ['eth0', 'eth1', 'eth2'], dnsServers: ['10.0.0.2'] };
const given: UpArguments = {
  config: tmpdir(),
  inside: ['eth0'],
  insidePrefix: [],
  publicIp: [],
  dnsServer: [],
  sshFrom: [],
  threatFeed: [],
  apiPort: '0',
};

test('one interface is both sides; name servers are those of the machine, the API is on loopback', () => {
  const { options, faults } = checkUpArguments(given, machine);
  assert.deepEqual(faults, []);
  assert.equal(options.outside, 'eth0');
  assert.deepEqual(options.dnsServers, ['10.0.0.2']);
  assert.deepEqual([options.apiListen, options.apiNamed], ['127.0.0.1', false]);
});

test('what is named wins', () => {
  const { options } = checkUpArguments(
    { ...given, outside: 'eth1', dnsServer: ['9.9.9.9'], apiListen: '10.0.0.1' },
    machine,
  );
  assert.equal(options.outside, 'eth1');
  assert.deepEqual(options.dnsServers, ['9.9.9.9']);
  assert.equal(options.apiNamed, true);
});

test('several inside interfaces need another one outside', () => {
  assert.match(
    checkUpArguments({ ...given, inside: ['eth0', 'eth1'] }, machine).faults.join(),
    /--outside eth0: with several inside interfaces/,
  );
});

test('the API listens on an IPv4 address', () => {
  for (const bad of ['foo', '', '1.2.3', 'localhost'])
    assert.deepEqual(checkUpArguments({ ...given, apiListen: bad }, machine).faults, [
      `--api-listen ${bad}: expected an IPv4 address.`,
    ]);
});

test('options of policies are read, and a name that is none is told', () => {
  assert.deepEqual(checkUpArguments(given, machine).options.policyOptions, DEFAULT_POLICY_OPTIONS);
  const flags = { azureLimits: false, inheritedNatRules: false, bindNetworkFqdns: true };
  const names = { infrastructureFqdns: ['a.example.org,*.example.com'] };
  assert.deepEqual(checkUpArguments({ ...given, ...flags, ...names }, machine).options.policyOptions, {
    ...{ azureLimits: false, inheritNatRules: false, bindNetworkFqdns: true },
    infrastructureFqdns: ['a.example.org', '*.example.com'],
  });
  assert.match(
    checkUpArguments({ ...given, infrastructureFqdns: ['a b'] }, machine).faults.join(),
    /^--infrastructure-fqdns: 'a b' is no name/,
  );
});

test('a port is digits', () => {
  for (const bad of ['', ' ', '0x10', '1e3', '-1', '65536'])
    assert.match(checkUpArguments({ ...given, apiPort: bad }, machine).faults.join(), /^--api-port /, bad);
});

test('a threat feed is a file', () => {
  assert.match(
    checkUpArguments({ ...given, threatFeed: [tmpdir()] }, machine).faults.join(),
    /^--threat-feed .*: there is no such file\.$/,
  );
});

test('a machine without name servers must be told one', () => {
  const { faults } = checkUpArguments(given, { ...machine, dnsServers: [] });
  assert.match(faults.join(), /say --dns-server/);
});

test('sources of SSH: a prefix, and a port where it is not 22', () => {
  assert.equal(parseSshFrom('10.0.0.0/8')?.port, 22);
  assert.equal(parseSshFrom('10.0.0.0/8:2222')?.port, 2222);
  for (const bad of ['', 'x', '10.0.0.0/33', '10.0.0.0/8:0', '10.0.0.0/8:65536', '10.0.0.0/8:x'])
    assert.equal(parseSshFrom(bad), undefined, bad);
});
