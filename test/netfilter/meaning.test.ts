// What `decide` says of source addresses, of protocols without ports, of bound names and of the firewall's private address,
// seen in packets.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { Bench, type Connected } from './bench.ts';

const unavailable = await namespacesUnavailable();

const CLIENT = '10.42.1.4';
const PRIVATE_IP = '10.42.1.1';
const PUBLIC_IP = '198.51.100.1';
/** Private space that is not the client's, and a public destination. */
const INSIDE = '10.99.0.1';
const OUTSIDE = '192.0.2.1';
const IANA = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

describe('the completed meaning, in packets', { skip: unavailable ?? false }, () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.open();
    for (const port of [443, 8443, 9000]) await bench.server.call('listenTcp', { port });
    await bench.net.ok('server', ['ip', 'route', 'add', 'local', '10.99.0.0/24', 'dev', 'lo']);
    await bench.net.ok('server', ['ip', 'route', 'add', '10.42.1.0/24', 'via', PUBLIC_IP]);
    await bench.server.call('listenUdp', { address: INSIDE, port: 53 });
    await bench.server.call('listenUdp', { address: OUTSIDE, port: 443 });
  });
  after(() => bench.net.close());

  const open = { rule: 'all', protocols: ['Any'] as const };
  const sourceOf = (destination: string) => sourceSeen(bench.connect(destination, 9000));
  const pings = async (destination: string) =>
    (await bench.net.exec('client', ['ping', '-c1', '-W1', destination])).status === 0;
  const echoesAtServer = async () => {
    const { stdout } = await bench.net.ok('server', ['cat', '/proc/net/snmp']);
    const [names = [], values = []] = stdout
      .split('\n')
      .filter(line => line.startsWith('Icmp:'))
      .map(line => line.split(' '));
    return Number(values[names.indexOf('InEchos')]);
  };

  for (const { privateRanges, inside, outside, ping } of [
    { privateRanges: IANA, inside: CLIENT, outside: PUBLIC_IP, ping: false },
    { privateRanges: ['192.0.2.0/24'], inside: PRIVATE_IP, outside: CLIENT, ping: true },
    { privateRanges: [...IANA, '203.0.113.0/24'], inside: CLIENT, outside: PUBLIC_IP, ping: false },
    { privateRanges: ['0.0.0.0/0'], inside: CLIENT, outside: CLIENT, ping: true },
    { privateRanges: ['255.255.255.255/32'], inside: PRIVATE_IP, outside: PUBLIC_IP, ping: false },
  ])
    it(`private ranges ${privateRanges.join(', ')}: source addresses, and what has no port`, async () => {
      await bench.apply({ network: [open], privateRanges });
      assert.deepEqual([await sourceOf(INSIDE), await sourceOf(OUTSIDE)], [inside, outside]);
      assert.equal(await pings(INSIDE), true, 'private space needs no public address');
      const before = await echoesAtServer();
      const seen = (await bench.records()).length;
      assert.equal(await pings(OUTSIDE), ping);
      assert.equal((await echoesAtServer()) - before, ping ? 1 : 0);
      const [record, ...more] = (await bench.records()).slice(seen);
      assert.ok(record?.Type === 'AZFWNetworkRule');
      assert.deepEqual(
        [record.Protocol, record.DestinationIp, record.Action, record.Rule, record.ActionReason],
        ping
          ? ['ICMP Type=8', OUTSIDE, 'Allow', 'all', '']
          : ['ICMP Type=8', OUTSIDE, 'Deny', 'all', 'Only TCP and UDP can leave with a public address'],
      );
      assert.deepEqual(more, []);
    });

  it('a name that is bound leads TLS ports to the engine, and cuts what was forwarded before', async () => {
    const clause = {
      rule: 'name',
      protocols: ['Any'] as const,
      to: ['10.99.0.0/24'],
      fqdns: ['a.example.org'],
    };
    await bench.apply({ network: [clause], applicationPorts: [80, 443] });
    await bench.add('a.example.org', [OUTSIDE, INSIDE]);
    assert.match((await bench.connect(OUTSIDE, 443, { name: 'live' })).greeting, /198\.51\.100\.1:/);
    const { cut } = await bench.apply({
      network: [{ ...clause, boundPorts: [443, 8443] }],
      applicationPorts: [80, 443],
    });
    assert.equal(cut, 1);
    assert.equal(await bench.client.call('say', { name: 'live' }), false);
    // A port that the engine would not have answered on is its own now, too.
    for (const port of [443, 8443])
      assert.equal((await bench.connect(OUTSIDE, port)).greeting, `engine ${OUTSIDE}:${port}`);
    assert.match(
      (await bench.connect(INSIDE, 443)).greeting,
      /10\.42\.1\.4:/,
      'an address of the rule itself',
    );
    assert.match((await bench.connect(OUTSIDE, 9000)).greeting, /198\.51\.100\.1:/, 'another port');
    assert.match(
      (await bench.client.call<string>('udp', { address: OUTSIDE, port: 443 })) ?? '',
      /198\.51\.100\.1:/,
      'not TCP',
    );
  });

  it('NAT rules of the private address serve both sides, and come before its DNS', async () => {
    const to = { to: PRIVATE_IP, target: INSIDE };
    await bench.apply({
      network: [{ ...open, action: 'Deny' }],
      dns: true,
      nat: [
        { ...to, rule: 'web', port: '8080', targetPort: 9000 },
        { ...to, rule: 'dns', port: '53', protocol: 'UDP', targetPort: 53 },
      ],
    });
    // The backend sees the firewall's private address, and the answer finds its way.
    assert.equal(await sourceSeen(bench.connect(PRIVATE_IP, 8080)), PRIVATE_IP);
    const dns = await bench.client.call<string>('udp', { address: PRIVATE_IP, port: 53 });
    assert.equal(dns?.split(':')[0], PRIVATE_IP);
    assert.equal(
      await sourceSeen(bench.server.call('connect', { address: PRIVATE_IP, port: 8080 })),
      PRIVATE_IP,
    );
    // TCP has no NAT rule: the DNS proxy is asked, and there is none here.
    assert.equal((await bench.connect(PRIVATE_IP, 53)).error, 'ECONNREFUSED');
    assert.equal((await bench.connect(PRIVATE_IP, 9000, { timeoutMs: 300 })).error, 'timeout');
    const { TranslatedIp, TranslatedPort, DestinationIp } = (await bench.records()).find(
      record => record.Type === 'AZFWNatRule' && record.Rule === 'dns',
    ) as { TranslatedIp: string; TranslatedPort: number; DestinationIp: string };
    assert.deepEqual([DestinationIp, TranslatedIp, TranslatedPort], [PRIVATE_IP, INSIDE, 53]);
  });

  it('no trouble was reported meanwhile', async () => {
    assert.deepEqual(await bench.problems(), []);
  });
});

async function sourceSeen(connected: Promise<Connected>): Promise<string | undefined> {
  return (await connected).greeting.replace(/^::ffff:/, '').split(':')[0];
}
