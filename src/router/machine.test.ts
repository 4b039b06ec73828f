// What the machine's own tables say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpv4 } from '#net/ipv4.ts';
import { interfaceNames, machineAddresses, sshSessions } from './machine.ts';

test('interfaces by name, also those without an address', () => {
  const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes
    lo:     100       1    0    0    0     0          0         0      100
eth0.5:       0       0    0    0    0     0          0         0        0
`;
  assert.deepEqual(interfaceNames(table), ['lo', 'eth0.5']);
});

test('addresses in the order of the interfaces that were named', () => {
  const text = JSON.stringify([
    { ifname: 'lo', addr_info: [{ local: '127.0.0.1' }] },
    { ifname: 'eth0', addr_info: [{ local: '10.0.0.1' }, { local: '10.0.0.2' }] },
    { ifname: 'eth1', addr_info: [] },
    { ifname: 'eth2', addr_info: [{ local: '10.2.0.1' }] },
  ]);
  const { inside, all } = machineAddresses(['eth2', 'eth0'], text);
  assert.deepEqual(inside.map(formatIpv4), ['10.2.0.1', '10.0.0.1', '10.0.0.2']);
  assert.equal(all.length, 4);
});

test('SSH sessions: established, to port 22, from elsewhere', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100000A:0016 0500000A:C001 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:0016 0100007F:C002 01 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0100000A:C003 0500000A:0016 01 00000000:00000000 00:00000000 00000000     0        0 4
`;
  assert.deepEqual(
    sshSessions(table).map(({ source, port }) => `${formatIpv4(source)}:${port}`),
    ['10.0.0.5:22'],
  );
});
