// The same gateway without privileges: in a user namespace, started by an ordinary user when the tests run as root.
// An unprivileged process has smaller socket buffers, so large policies and large sets are part of it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { AS_NOBODY } from '../support/privileges.ts';
import { Bench } from './bench.ts';

const unavailable = await namespacesUnavailable();
const AGAIN = 'POSTERN_TEST_UNPRIVILEGED';

async function scenario(): Promise<void> {
  await using bench = await Bench.open({ user: true });
  await bench.server.call('listenTcp', { port: 9000 });
  await bench.client.call('listenTcp', { port: 8080 });
  const noise = Array.from({ length: 1000 }, (_, index) => ({
    rule: `rule ${index}`,
    from: ['10.42.1.0/24', `10.43.${index % 250}.0/24`],
    to: [`198.18.${index % 256}.${index >> 8}`, `198.19.${index % 256}.0/26`],
    ports: [String(1000 + index), '443'],
  }));
  // Every second address of a /18: 8,192 ranges that do not merge.
  const many = Array.from({ length: 8192 }, (_, index) => `100.70.${index >> 7}.${(index & 127) * 2}`);
  const policy = {
    network: [
      ...noise,
      { rule: 'large', to: [...many, '192.0.2.200'], ports: ['9000'] },
      { rule: 'name', fqdns: ['a.example.org'], ports: ['9000'] },
      { rule: 'one', to: ['192.0.2.1'], ports: ['9000'] },
    ],
    applicationPorts: [443],
    nat: [{ rule: 'web', to: '198.51.100.1', port: '81', target: '10.42.1.4', targetPort: 8080 }],
  };
  await bench.apply(policy);
  assert.equal((await bench.connect('192.0.2.1', 9000, { name: 'held' })).error, null);
  assert.equal((await bench.connect('192.0.2.200', 9000)).error, null);
  assert.equal((await bench.connect('192.0.2.2', 9000, { timeoutMs: 400 })).error, 'timeout');
  await bench.add('a.example.org', ['192.0.2.3']);
  assert.equal((await bench.connect('192.0.2.3', 9000)).error, null);
  assert.equal((await bench.connect('192.0.2.4', 443)).greeting, 'engine 192.0.2.4:443');
  const nat = await bench.server.call<{ error: string | null }>('connect', {
    address: '198.51.100.1',
    port: 81,
  });
  assert.equal(nat.error, null);
  await bench.apply({ ...policy, network: policy.network.slice(0, -1) });
  await sleep(700);
  assert.deepEqual(await bench.client.call('state', { name: 'held' }), { open: false, error: 'ECONNRESET' });
  const types = new Set((await bench.records()).map(record => record.Type));
  assert.deepEqual(types, new Set(['AZFWNetworkRule', 'AZFWNatRule']));
  assert.deepEqual(await bench.problems(), []);
}

describe('without privileges', { skip: unavailable ?? false }, () => {
  it('everything works in a user namespace', { timeout: 60_000 }, async () => {
    if (AS_NOBODY.length === 0 || process.env[AGAIN] !== undefined) return scenario();
    const [program = '', ...args] = [
      ...AS_NOBODY,
      join(import.meta.dirname, '../../scripts/node'),
      import.meta.filename,
    ];
    const child = spawn(program, args, {
      env: { ...process.env, HOME: '/tmp', [AGAIN]: '1', NODE_TEST_CONTEXT: '' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
    const status = await new Promise(resolve => child.on('close', resolve));
    assert.equal(status, 0, said);
  });
});
