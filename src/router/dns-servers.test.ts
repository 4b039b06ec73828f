// The machine's name servers out of resolv.conf(5).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemDnsServers } from './dns-servers.ts';

const reading = (files: Readonly<Record<string, string>>) => systemDnsServers(path => files[path]);

test('name servers in order, at most three, IPv4 only', () => {
  const text = [
    '# nameserver 9.9.9.9',
    'search example.org',
    'nameserver 10.0.0.2',
    ' nameserver\t10.0.0.3 ',
    'nameserver fe80::1%eth0',
    'nameserver 10.0.0.4',
    'nameserver 10.0.0.5',
  ].join('\n');
  assert.deepEqual(reading({ '/etc/resolv.conf': text }), ['10.0.0.2', '10.0.0.3', '10.0.0.4']);
});

test('behind the stub of systemd-resolved the real servers are asked, else the stub', () => {
  const stub = { '/etc/resolv.conf': 'nameserver 127.0.0.53\n' };
  assert.deepEqual(reading(stub), ['127.0.0.53']);
  assert.deepEqual(reading({ ...stub, '/run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.2\n' }), [
    '10.0.0.2',
  ]);
});

test('no file, no servers', () => assert.deepEqual(reading({}), []));
