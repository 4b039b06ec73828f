// The kernel's table of addresses, and how often it is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4 } from '#net/ipv4.ts';
import { OwnAddresses } from './own-addresses.ts';

const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.42.1.0/24 2 0 2
        |-- 10.42.1.0
           /24 link UNICAST
        |-- 10.42.1.1
           /32 host LOCAL
        |-- 10.42.1.255
           /32 link BROADCAST
Local:
  +-- 127.0.0.0/8 2 0 2
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 10.42.1.1
        /32 host LOCAL
`;

test('addresses of the machine are those that the kernel delivers to itself', () => {
  assert.deepEqual(new OwnAddresses(() => TRIE).list().map(formatIpv4), ['10.42.1.1', '127.0.0.1']);
});

test('the table is read again when it is older than two seconds', () => {
  let now = 0;
  let reads = 0;
  const own = new OwnAddresses(
    () => {
      reads += 1;
      return TRIE;
    },
    () => now,
  );
  own.list();
  now = 1999;
  own.list();
  assert.equal(reads, 1);
  now = 2000;
  own.list();
  assert.equal(reads, 2);
});

test('this machine has a loopback address', () => {
  assert.ok(new OwnAddresses().list().map(formatIpv4).includes('127.0.0.1'));
});
