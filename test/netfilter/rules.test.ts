// What the rules do to real packets, one rule of the firewall a test.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { Bench } from './bench.ts';

const unavailable = await namespacesUnavailable();

describe('network rules', { skip: unavailable ?? false }, () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.open();
    await bench.server.call('listenTcp', { port: 9000 });
    await bench.server.call('listenTcp', { port: 443 });
    await bench.server.call('listenUdp', { port: 1194, address: '192.0.2.10' });
  });
  after(() => bench.net.close());

  it('nothing is forwarded before the first program', async () => {
    await bench.gateway.call('start');
    const result = await bench.connect('192.0.2.10', 9000, { timeoutMs: 500 });
    assert.equal(result.error, 'timeout');
  });

  it('an allowed flow passes with the public address, another is dropped by default', async () => {
    await bench.apply({
      network: [
        { rule: 'tcp', to: ['192.0.2.10', '192.0.2.20-192.0.2.29'], ports: ['9000'] },
        { rule: 'udp', protocols: ['UDP'], to: ['192.0.2.0/24'], ports: ['1194'] },
      ],
    });
    const allowed = await bench.connect('192.0.2.10', 9000);
    assert.match(allowed.greeting, /^(::ffff:)?198\.51\.100\.1:\d+$/);
    assert.equal((await bench.connect('192.0.2.25', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.30', 9000, { timeoutMs: 500 })).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.10', 443, { timeoutMs: 500 })).error, 'timeout');
    assert.match(
      (await bench.client.call<string>('udp', { address: '192.0.2.10', port: 1194 })) ?? '',
      /^198/,
    );
    assert.deepEqual(await bench.problems(), []);
    console.error(JSON.stringify(await bench.records(), null, 1), await bench.ruleset());
  });
});
