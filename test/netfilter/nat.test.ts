// Destination and source NAT, what the Internet side can reach, and the one-armed gateway.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Namespaces, namespacesUnavailable } from '../support/namespaces.ts';
import { Agent } from './agent.ts';
import { Bench, type Connected, startGateway } from './bench.ts';
import { program } from './programs.ts';

const unavailable = await namespacesUnavailable();
const TIMEOUT = { timeoutMs: 600 };

describe('address translation', { skip: unavailable ?? false }, () => {
  let bench: Bench;
  const fromOutside = (address: string, port: number, options: object = {}): Promise<Connected> =>
    bench.server.call('connect', { address, port, ...options });
  before(async () => {
    bench = await Bench.open();
    for (const port of [80, 443, 9000]) await bench.server.call('listenTcp', { port });
    await bench.client.call('listenTcp', { port: 8080 });
    await bench.client.call('listenUdp', { port: 5353 });
    await bench.net.ok('server', ['ip', 'route', 'add', '203.0.113.0/24', 'via', '198.51.100.1']);
    await bench.net.ok('server', ['ip', 'route', 'add', 'local', '10.99.0.0/24', 'dev', 'lo']);
    // The server could reach the client: only rules keep it from it.
    await bench.net.ok('server', ['ip', 'route', 'add', '10.42.1.0/24', 'via', '198.51.100.1']);
  });
  after(() => bench.net.close());

  const open = { rule: 'all', protocols: ['Any'] as const };

  it('from outside NAT rules answer; nothing else does, whatever network rules say', async () => {
    await bench.apply({
      network: [open],
      applicationPorts: [80, 443],
      dns: true,
      nat: [
        { rule: 'web', to: '198.51.100.1', port: '81', target: '10.42.1.4', targetPort: 8080 },
        {
          rule: 'udp',
          protocol: 'UDP',
          to: '203.0.113.7',
          port: '53-54',
          target: '10.42.1.4',
          targetPort: 5353,
        },
        {
          rule: 'other',
          from: ['192.0.2.0/24'],
          to: '198.51.100.1',
          port: '82',
          target: '10.42.1.4',
          targetPort: 8080,
        },
      ],
    });
    // The backend sees the firewall's private address, as in Azure.
    assert.match((await fromOutside('198.51.100.1', 81)).greeting, /^(::ffff:)?10\.42\.1\.1:/);
    assert.match(
      (await bench.server.call<string>('udp', { address: '203.0.113.7', port: 54 })) ?? '',
      /^10\.42\.1\.1:/,
    );
    for (const [address, port] of [
      ['198.51.100.1', 80],
      ['198.51.100.1', 443],
      ['198.51.100.1', 53],
      ['198.51.100.1', 82],
      ['198.51.100.1', 15001],
      ['10.42.1.1', 53],
      ['10.42.1.4', 8080],
    ] as const)
      assert.equal(
        (await fromOutside(address, port, { timeoutMs: 300 })).error,
        'timeout',
        `${address}:${port}`,
      );
    assert.equal((await fromOutside('198.51.100.1', 82, { localAddress: '192.0.2.5' })).error, null);
    const records = await bench.records();
    const nat = records.find(record => record.Type === 'AZFWNatRule');
    assert.ok(nat?.Type === 'AZFWNatRule');
    assert.deepEqual(
      [nat.SourceIp, nat.DestinationIp, nat.DestinationPort, nat.TranslatedIp, nat.TranslatedPort, nat.Rule],
      ['198.51.100.2', '198.51.100.1', 81, '10.42.1.4', 8080, 'web'],
    );
    assert.equal(
      records.filter(({ Type }) => Type === 'AZFWNetworkRule').length,
      0,
      'drops from outside are silent',
    );
  });

  it('a NAT target that is a name follows its first address', async () => {
    await bench.apply({
      nat: [{ rule: 'web', to: '198.51.100.1', port: '81', target: 'web.example.org', targetPort: 8080 }],
    });
    assert.equal((await fromOutside('198.51.100.1', 81, TIMEOUT)).error, 'timeout');
    await bench.add('web.example.org', ['10.42.1.4', '10.42.1.5']);
    const deadline = Date.now() + 3000;
    let result = await fromOutside('198.51.100.1', 81, TIMEOUT);
    while (result.error !== null && Date.now() < deadline)
      result = await fromOutside('198.51.100.1', 81, TIMEOUT);
    assert.equal(result.error, null);
  });

  it('a private destination sees the host itself, a public one the firewall', async () => {
    await bench.apply({ network: [open] });
    assert.match((await bench.connect('10.99.0.1', 9000)).greeting, /^(::ffff:)?10\.42\.1\.4:/);
    assert.match((await bench.connect('192.0.2.1', 9000)).greeting, /^(::ffff:)?198\.51\.100\.1:/);
  });

  it("the gateway's own connections get a public address towards public destinations only", async () => {
    await bench.apply({ snat: ['203.0.113.9'] });
    const own = await Agent.start(bench.net, 'gateway', 'host-process.ts');
    const connect = (address: string, localAddress: string) =>
      own.call<Connected>('connect', { address, port: 9000, localAddress });
    assert.match((await connect('192.0.2.1', '198.51.100.1')).greeting, /203\.0\.113\.9:/);
    assert.match((await connect('10.99.0.1', '10.42.1.1')).greeting, /10\.42\.1\.1:/);
    own.child.stdin?.end();
  });

  it('400 connections spread over 20 addresses, adjacent or not', async () => {
    const adjacent = Array.from({ length: 20 }, (_, index) => `203.0.113.${10 + index}`);
    const apart = Array.from({ length: 20 }, (_, index) => `203.0.113.${10 + 11 * index}`);
    for (const snat of [adjacent, apart]) {
      await bench.apply({ network: [open], snat });
      const { addresses, failed } = await bench.client.call<{
        addresses: Record<string, number>;
        failed: number;
      }>('many', { address: '192.0.2.1', port: 9000, count: 400 });
      assert.equal(failed, 0);
      const counts = Object.values(addresses);
      assert.equal(counts.length, 20, JSON.stringify(addresses));
      assert.ok(Math.max(...counts) <= 60, JSON.stringify(addresses));
    }
  });

  it('no trouble was reported meanwhile', async () => {
    assert.deepEqual(await bench.problems(), []);
  });
});

describe('source ports', { skip: unavailable ?? false }, () => {
  it('an address without a free port is passed over', async () => {
    await using bench = await Bench.open({ plane: { snatPorts: { first: 2000, last: 2004 } } });
    await bench.server.call('listenTcp', { port: 9000 });
    await bench.net.ok('server', ['ip', 'route', 'add', '203.0.113.0/24', 'via', '198.51.100.1']);
    const network = [{ rule: 'all', protocols: ['TCP'] as const }];
    const open = (count: number, timeoutMs: number) =>
      bench.client.call<{ addresses: Record<string, number>; failed: number }>('many', {
        ...{ address: '192.0.2.1', port: 9000, count, timeoutMs },
      });
    // Each address has five ports towards this server; two addresses are filled, and a sixth connection shows it.
    const full = ['203.0.113.1', '203.0.113.2'];
    for (const address of full) {
      await bench.apply({ network, snat: [address] });
      assert.deepEqual(await open(5, 5_000), { addresses: { [address]: 5 }, failed: 0 });
      assert.deepEqual(await open(1, 1_500), { addresses: {}, failed: 1 });
    }
    // A connection that draws a full one draws again with its next SYN: after 1, 2, 3, ... seconds. With eight addresses
    // beside the full ones, that no draw of one connection finds a port has odds of about 1 in 100,000.
    const free = Array.from({ length: 8 }, (_, index) => `203.0.113.${index + 3}`);
    await bench.apply({ network, snat: [...full, ...free] });
    const { addresses, failed } = await open(16, 15_000);
    assert.equal(failed, 0, JSON.stringify(addresses));
    for (const address of full) assert.equal(addresses[address], undefined);
  });
});

describe('one-armed gateway', { skip: unavailable ?? false }, () => {
  it('sources outside the inside prefixes are the Internet', async () => {
    // client and gateway on one link; the gateway's only interface leads through a router to the server.
    await using net = await Namespaces.open(['client', 'gateway', 'router', 'server']);
    await net.link('gateway', 'eth0', '10.42.2.4/24', 'router', 'gw', '10.42.2.1/24');
    await net.link('client', 'eth0', '10.42.1.4/24', 'router', 'lan', '10.42.1.1/24');
    await net.link('server', 'eth0', '198.51.100.2/24', 'router', 'wan', '198.51.100.1/24');
    await net.ok('client', ['ip', 'route', 'add', 'default', 'via', '10.42.1.1']);
    await net.ok('gateway', ['ip', 'route', 'add', 'default', 'via', '10.42.2.1']);
    await net.ok('router', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    await net.ok('router', ['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0']);
    // What a route table does: whatever comes from the client's subnet goes to the gateway.
    await net.ok('router', ['ip', 'rule', 'add', 'iif', 'lan', 'lookup', '7']);
    await net.ok('router', ['ip', 'route', 'add', 'default', 'via', '10.42.2.4', 'table', '7']);
    await net.ok('router', ['ip', 'route', 'add', '203.0.113.7', 'via', '10.42.2.4']);
    await net.ok('server', ['ip', 'route', 'add', '203.0.113.7', 'via', '198.51.100.1']);
    await net.ok('server', ['ip', 'route', 'add', '10.42.0.0/16', 'via', '198.51.100.1']);
    const interfaces = {
      inside: ['eth0'],
      outside: 'eth0',
      insidePrefixes: [{ first: 0x0a2a0000, last: 0x0a2affff }],
    };
    const [gateway, client, server] = await Promise.all([
      startGateway(net, { interfaces }),
      Agent.start(net, 'client', 'host-process.ts'),
      Agent.start(net, 'server', 'host-process.ts'),
    ]);
    await server.call('listenTcp', { port: 9000 });
    await client.call('listenTcp', { port: 8080 });
    await gateway.call('apply', {
      program: program({
        privateAddress: '10.42.2.4',
        snat: ['203.0.113.7'],
        dns: true,
        applicationPorts: [80],
        network: [{ rule: 'all', protocols: ['Any'], ports: ['9000', '8080'] }],
        nat: [{ rule: 'web', to: '203.0.113.7', port: '81', target: '10.42.1.4', targetPort: 8080 }],
      }),
    });
    const out = await client.call<Connected>('connect', { address: '198.51.100.2', port: 9000 });
    assert.match(out.greeting, /203\.0\.113\.7:/);
    const proxied = await client.call<Connected>('connect', { address: '198.51.100.2', port: 80 });
    assert.equal(proxied.greeting, 'engine 198.51.100.2:80');
    const nat = await server.call<Connected>('connect', { address: '203.0.113.7', port: 81 });
    assert.match(nat.greeting, /10\.42\.2\.4:/);
    for (const [address, port] of [
      ['203.0.113.7', 80],
      ['203.0.113.7', 8080],
      ['10.42.2.4', 53],
      ['10.42.2.4', 80],
    ] as const) {
      const result = await server.call<Connected>('connect', { address, port, timeoutMs: 300 });
      assert.equal(result.error, 'timeout', `${address}:${port}`);
    }
  });
});
