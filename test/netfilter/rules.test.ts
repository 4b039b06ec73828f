// What the rules do to real packets that come from inside, one rule of the firewall a test.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { Agent } from './agent.ts';
import { Bench, type Connected } from './bench.ts';
import { range } from './programs.ts';

const unavailable = await namespacesUnavailable();
const TIMEOUT = { timeoutMs: 600 };

describe('traffic from inside', { skip: unavailable ?? false }, () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.open();
    for (const port of [80, 443, 8443, 9000]) await bench.server.call('listenTcp', { port });
    await bench.server.call('listenUdp', { port: 1194, address: '192.0.2.10' });
    // A service of the gateway itself on its private address, and one that no rule opens.
    await bench.net.start(
      'gateway',
      [
        process.execPath,
        '-e',
        `const net = require('net');
         for (const port of [53, 8080]) net.createServer(s => s.end('gateway service\\n')).listen(port, '10.42.1.1');
         const udp = require('dgram').createSocket('udp4', (m, r) => udp.send('dns', r.port, r.address));
         udp.bind(53, '10.42.1.1', () => console.log('ready'));`,
      ],
      'ready',
    );
  });
  after(() => bench.net.close());

  it('nothing is forwarded before the first program', async () => {
    await bench.gateway.call('start');
    assert.equal((await bench.connect('192.0.2.10', 9000, TIMEOUT)).error, 'timeout');
  });

  it('an allowed flow passes with the public address, another is denied by default', async () => {
    await bench.apply({
      network: [
        { rule: 'tcp', to: ['192.0.2.10', '192.0.2.20-192.0.2.29'], ports: ['9000'] },
        { rule: 'udp', protocols: ['UDP'], to: ['192.0.2.0/24'], ports: ['1194'] },
      ],
    });
    const from = (await bench.records()).length;
    assert.match((await bench.connect('192.0.2.10', 9000)).greeting, /^(::ffff:)?198\.51\.100\.1:\d+$/);
    assert.equal((await bench.connect('192.0.2.25', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.30', 9000, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.10', 443, TIMEOUT)).error, 'timeout');
    assert.match(
      (await bench.client.call<string>('udp', { address: '192.0.2.10', port: 1194 })) ?? '',
      /^198/,
    );
    const records = (await bench.records()).slice(from).map(record => {
      assert.equal(record.Type, 'AZFWNetworkRule');
      return `${record.Protocol} ${record.SourceIp} ${record.DestinationIp}:${record.DestinationPort} ${record.Action} ${record.Rule}${record.ActionReason}`;
    });
    assert.deepEqual(records, [
      'TCP 10.42.1.4 192.0.2.10:9000 Allow tcp',
      'TCP 10.42.1.4 192.0.2.25:9000 Allow tcp',
      'TCP 10.42.1.4 192.0.2.30:9000 Deny Default Action',
      'TCP 10.42.1.4 192.0.2.10:443 Deny Default Action',
      'UDP 10.42.1.4 192.0.2.10:1194 Allow udp',
    ]);
  });

  it('the first matching rule is final, and a deny names its rule', async () => {
    await bench.apply({
      network: [
        { rule: 'no', action: 'Deny', to: ['192.0.2.66'], ports: ['9000'] },
        { rule: 'yes', to: ['192.0.2.0/24'], ports: ['9000'] },
        { rule: 'never', action: 'Deny', to: ['192.0.2.67'], ports: ['9000'] },
      ],
    });
    assert.equal((await bench.connect('192.0.2.66', 9000, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.67', 9000)).error, null);
    const denied = (await bench.records()).findLast(record => 'Action' in record && record.Action === 'Deny');
    assert.ok(denied?.Type === 'AZFWNetworkRule');
    assert.deepEqual([denied.Rule, denied.RuleCollection, denied.ActionReason], ['no', 'test', '']);
  });

  it('sources are honoured, and an empty set matches nothing', async () => {
    await bench.apply({
      network: [
        { rule: 'nobody', from: [], to: ['192.0.2.0/24'], ports: ['9000'] },
        { rule: 'others', from: ['10.42.1.5-10.42.1.9'], to: ['192.0.2.0/24'], ports: ['9000'] },
        { rule: 'us', from: ['10.42.1.4'], to: ['192.0.2.0/24'], ports: ['8443'] },
      ],
    });
    assert.equal((await bench.connect('192.0.2.1', 9000, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.1', 8443)).error, null);
  });

  it('Any with ports is TCP and UDP; without ports every protocol; ICMP ignores ports', async () => {
    // A private destination: other protocols get no public address.
    await bench.net.ok('server', ['ip', 'route', 'add', 'local', '10.99.0.0/24', 'dev', 'lo']);
    await bench.net.ok('server', ['ip', 'route', 'add', '10.42.1.0/24', 'via', '198.51.100.1']);
    const ping = async () =>
      (await bench.net.exec('client', ['ping', '-c1', '-W1', '10.99.0.1'])).status === 0;
    await bench.apply({ network: [{ rule: 'ports', protocols: ['Any'], ports: ['9000'] }] });
    assert.equal(await ping(), false);
    assert.equal((await bench.connect('10.99.0.1', 9000)).error, null);
    await bench.apply({ network: [{ rule: 'all', protocols: ['Any'] }] });
    assert.equal(await ping(), true);
    await bench.apply({ network: [{ rule: 'icmp', protocols: ['ICMP'], ports: ['9000'] }] });
    assert.equal(await ping(), true);
    assert.equal((await bench.connect('10.99.0.1', 9000, TIMEOUT)).error, 'timeout');
    // Towards the Internet ICMP has no source address to leave with.
    assert.notEqual((await bench.net.exec('client', ['ping', '-c1', '-W1', '192.0.2.1'])).status, 0);
    await bench.net.ok('server', ['ip', 'route', 'del', '10.42.1.0/24']);
  });

  it('an address of a watched name is open as soon as it is added, before the first packet', async () => {
    await bench.apply({ network: [{ rule: 'name', fqdns: ['a.example.org'], ports: ['9000'] }] });
    assert.equal((await bench.connect('192.0.2.40', 9000, TIMEOUT)).error, 'timeout');
    for (let host = 41; host < 61; host += 1) {
      await bench.add('a.example.org', [`192.0.2.${host}`]);
      const result = await bench.connect(`192.0.2.${host}`, 9000);
      assert.equal(result.error, null);
      assert.ok(result.ms < 500, `connected after ${result.ms} ms, so its first SYN was lost`);
    }
    await bench.add('unwatched.example.org', ['192.0.2.40']);
    assert.equal((await bench.connect('192.0.2.40', 9000, TIMEOUT)).error, 'timeout');
  });

  it('addresses of a name expire, are refreshed by adding, and survive a change of policy', async () => {
    await bench.add('a.example.org', ['192.0.2.70'], 1);
    await bench.add('a.example.org', ['192.0.2.71'], 1);
    await sleep(500);
    await bench.add('a.example.org', ['192.0.2.71'], 60);
    await sleep(1200);
    await bench.apply({
      network: [
        { rule: 'more', to: ['192.0.2.200'], ports: ['9000'] },
        { rule: 'name', fqdns: ['a.example.org'], ports: ['9000'] },
      ],
    });
    assert.equal((await bench.connect('192.0.2.70', 9000, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.71', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.45', 9000)).error, null);
  });

  it('application ports reach the engine and nothing else, and are not logged here', async () => {
    await bench.apply({
      network: [{ rule: 'first', to: ['192.0.2.10'], ports: ['443'] }],
      applicationPorts: [80, 443, 8443],
    });
    const from = (await bench.records()).length;
    assert.equal((await bench.connect('192.0.2.11', 443)).greeting, 'engine 192.0.2.11:443');
    assert.equal((await bench.connect('192.0.2.11', 8443)).greeting, 'engine 192.0.2.11:8443');
    assert.match((await bench.connect('192.0.2.10', 443)).greeting, /198\.51\.100\.1/);
    assert.equal((await bench.connect('192.0.2.11', 9000, TIMEOUT)).error, 'timeout');
    const records = (await bench.records()).slice(from);
    assert.deepEqual(
      records.map(record => record.Type === 'AZFWNetworkRule' && record.DestinationPort),
      [443, 9000],
    );
  });

  it('only DNS of the firewall itself answers, and only while the proxy is enabled', async () => {
    const open = { network: [{ rule: 'all', protocols: ['Any'] as const }] };
    await bench.apply({ ...open, dns: true });
    assert.equal((await bench.connect('10.42.1.1', 53)).greeting, 'gateway service');
    assert.equal(await bench.client.call('udp', { address: '10.42.1.1', port: 53 }), 'dns');
    assert.equal((await bench.connect('10.42.1.1', 8080, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('198.51.100.1', 8080, TIMEOUT)).error, 'timeout');
    assert.notEqual((await bench.net.exec('client', ['ping', '-c1', '-W1', '10.42.1.1'])).status, 0);
    await bench.apply(open);
    assert.equal((await bench.connect('10.42.1.1', 53, TIMEOUT)).error, 'timeout');
    assert.equal(await bench.client.call('udp', { address: '10.42.1.1', port: 53 }), null);
  });

  it('threat intelligence stands before every rule: Alert logs, Deny drops, the allow list exempts', async () => {
    const network = [{ rule: 'all', to: ['192.0.2.0/24'], ports: ['9000'] }];
    await bench.gateway.call('threats', { ranges: [range('192.0.2.128/25')] });
    const last = async () => {
      const record = (await bench.records()).findLast(({ Type }) => Type === 'AZFWThreatIntel');
      return record?.Type === 'AZFWThreatIntel' ? `${record.DestinationIp} ${record.Action}` : undefined;
    };
    await bench.apply({ network, threat: 'Off' });
    assert.equal((await bench.connect('192.0.2.200', 9000)).error, null);
    assert.equal(await last(), undefined);
    await bench.apply({ network, threat: 'Alert' });
    assert.equal((await bench.connect('192.0.2.201', 9000)).error, null);
    assert.equal(await last(), '192.0.2.201 Alert');
    await bench.apply({ network, threat: 'Deny', threatAllowed: ['192.0.2.203'] });
    assert.equal((await bench.connect('192.0.2.202', 9000, TIMEOUT)).error, 'timeout');
    assert.equal(await last(), '192.0.2.202 Deny');
    assert.equal((await bench.connect('192.0.2.203', 9000)).error, null);
    await bench.gateway.call('threats', { ranges: [] });
    assert.equal((await bench.connect('192.0.2.202', 9000)).error, null);
  });

  it('IPv6 is denied and logged, neighbour discovery is not logged', async () => {
    await bench.apply({ network: [{ rule: 'all', protocols: ['Any'] }] });
    await bench.net.ok('gateway', ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1']);
    await bench.net.ok('gateway', [
      'ip',
      '-6',
      'address',
      'add',
      '2001:db8:1::1/64',
      'dev',
      'inside',
      'nodad',
    ]);
    await bench.net.ok('client', ['ip', '-6', 'address', 'add', '2001:db8:1::4/64', 'dev', 'eth0', 'nodad']);
    const { stdout } = await bench.net.ok('gateway', ['ip', '-o', 'link', 'show', 'inside']);
    const mac = /link\/ether (\S+)/.exec(stdout)?.[1] ?? '';
    await bench.net.ok('client', ['ip', '-6', 'neigh', 'add', '2001:db8:1::1', 'lladdr', mac, 'dev', 'eth0']);
    await bench.net.ok('client', ['ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:1::1']);
    // Addresses without a known neighbour cause neighbour discovery first.
    await bench.net.exec('client', ['ping', '-6', '-c1', '-W1', '2001:db8:1::77']);
    const result = await bench.connect('2001:db8:2::9', 9000, TIMEOUT);
    assert.equal(result.error, 'timeout');
    const records = (await bench.records()).filter(
      record => record.Type === 'AZFWNetworkRule' && record.SourceIp.includes(':'),
    );
    assert.ok(records.length > 0);
    for (const record of records) {
      assert.ok(record.Type === 'AZFWNetworkRule');
      assert.equal(record.DestinationIp, '2001:db8:2::9');
      assert.equal(record.DestinationPort, 9000);
      assert.equal(record.Action, 'Deny');
      assert.match(record.ActionReason, /IPv6/);
    }
  });

  it('no trouble was reported meanwhile', async () => {
    assert.deepEqual(await bench.problems(), []);
  });
});

describe('management access', { skip: unavailable ?? false }, () => {
  it('opens named ports of the machine itself to named sources and nothing else', async () => {
    const interfaces = {
      inside: ['inside'],
      outside: 'outside',
      insidePrefixes: [],
      management: [{ sources: range('10.42.1.0/24'), port: 22 }],
    };
    await using bench = await Bench.open({ plane: { interfaces } });
    const own = await Agent.start(bench.net, 'gateway', 'host-process.ts');
    for (const port of [22, 23]) await own.call('listenTcp', { port });
    await bench.server.call('listenTcp', { port: 22 });
    assert.equal((await bench.connect('10.42.1.1', 22, { name: 'session' })).error, null);
    for (const lines of [{}, { network: [{ rule: 'other', to: ['192.0.2.9'] }] }]) {
      await bench.apply(lines);
      assert.equal(await bench.client.call('say', { name: 'session' }), true, 'an older session goes on');
      assert.equal((await bench.connect('10.42.1.1', 22)).error, null);
      assert.equal((await bench.connect('10.42.1.1', 23, TIMEOUT)).error, 'timeout');
      assert.equal((await bench.connect('192.0.2.1', 22, TIMEOUT)).error, 'timeout');
    }
    const outside = { address: '198.51.100.1', port: 22, ...TIMEOUT };
    assert.equal((await bench.server.call<Connected>('connect', outside)).error, 'timeout');
  });
});
