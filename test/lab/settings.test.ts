// What a firewall's settings do to packets, one after the other in one lab: before it has an IP configuration, without
// DNS proxy, with DNS servers of one's own, private ranges, the allow list of threat intelligence, several public IPs.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab } from '../support/lab.ts';
import { FIREWALL_PRIVATE, Network, SERVER_ADDRESS } from '../support/network.ts';
import { noNamespaces } from '../support/privileges.ts';

const SITE = '77.70.1.9:7007';
const DEAD = '86.40.0.53';
const FAILING = '86.40.1.53';
const LIVE = '86.40.2.53';
const BAD_NAME = 'testmaliciousdomain.eastus.cloudapp.azure.com';

describe('settings of a firewall in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let net: Network;
  let folder: string;

  const feed = () => join(folder, 'feed.txt');
  const dig = async (...args: string[]) =>
    (
      await lab.exec('app', ['dig', '+short', '+time=5', '+tries=1', `@${FIREWALL_PRIVATE}`, ...args])
    ).stdout.trim();
  const answers = async (...args: string[]) =>
    (await lab.exec('app', ['dig', '+time=1', '+tries=1', `@${FIREWALL_PRIVATE}`, 'example.org', ...args]))
      .status === 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-settings-'));
    const internet = join(folder, 'internet.json');
    writeFileSync(internet, JSON.stringify({ resolvers: { [DEAD]: 'silent', [FAILING]: 'SERVFAIL' } }));
    writeFileSync(feed(), '# nothing yet\n');
    lab = await Lab.up({ name: `settings-${process.pid}`, internet, threatFeeds: [feed()] });
    net = new Network(lab);
    await net.build();
    await net.addHosts();
    await net.rule(
      'network',
      'ports',
      100,
      '--protocols TCP UDP --source-addresses * --destination-addresses * --destination-ports 7007',
    );
    await net.rule('application', 'web', 100, '--protocols http=80 --source-addresses * --target-fqdns *');
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  test('without an IP configuration there is no data path, whatever the rules allow', async () => {
    assert.equal(await net.echoes(SITE), false);
    assert.equal(await net.echoes(`${SERVER_ADDRESS}:7007`), false);
  });

  test('the first IP configuration needs the network and gets the first usable address', async () => {
    assert.match(
      await net.refused('firewall ip-config create -f fw -n config --public-ip-address ip1'),
      /--vnet-name/,
    );
    await net.open();
    const address = 'firewall show -n fw --query ipConfigurations[0].privateIPAddress -o tsv';
    assert.equal(await net.az(address), FIREWALL_PRIVATE);
    assert.equal(await net.az(address.replace('privateIPAddress', 'privateIpAddress')), FIREWALL_PRIVATE);
    assert.equal(await net.echoes(SITE), true);
  });

  test('without DNS proxy port 53 of the firewall is silent; with it, UDP and TCP are answered', async () => {
    assert.equal(await answers(), false);
    assert.equal(await answers('+tcp'), false);
    await net.az('firewall update -n fw --enable-dns-proxy');
    assert.equal(await answers(), true);
    assert.equal(await answers('+tcp'), true);
  });

  test('DNS servers of its own are asked; one that is silent and one that fails are passed over', async () => {
    await net.az(`firewall update -n fw --dns-servers ${DEAD} ${FAILING} ${LIVE}`);
    const names = Array.from({ length: 12 }, (_, index) => `host-${index}.failover.example.org`);
    const found = await Promise.all(names.map(name => dig(name)));
    for (const [index, address] of found.entries())
      assert.match(address, /^\d+\.\d+\.\d+\.\d+$/, `${names[index]} got no address`);
  });

  test('no DNS server that works means no answer: nothing falls back to Azure DNS', async () => {
    await net.az(`firewall update -n fw --dns-servers ${FAILING}`);
    assert.equal(await dig('nobody-asked-before.example.org'), '');
    await net.az('firewall update -n fw --dns-servers ""');
    assert.match(await dig('nobody-asked-after.example.org'), /^\d+\.\d+\.\d+\.\d+$/);
  });

  test("a VNet's hosts use its DNS servers, and Azure DNS again when there are none", async () => {
    const resolver = async () =>
      (await lab.exec('app', ['grep', 'nameserver', '/etc/resolv.conf'])).stdout.trim();
    await net.az(`vnet update -n vnet --dns-servers ${FIREWALL_PRIVATE}`);
    assert.equal(await resolver(), `nameserver ${FIREWALL_PRIVATE}`);
    await net.az('vnet update -n vnet --dns-servers ""');
    assert.equal(await resolver(), 'nameserver 168.63.129.16');
    await net.az(`vnet update -n vnet --dns-servers ${FIREWALL_PRIVATE}`);
  });

  test('private ranges: the default keeps the source of private destinations only', async () => {
    const server = await lab.background('db', 'echo-server', ['7007']);
    const seen = async (ranges: string) => {
      await net.az(`firewall update -n fw --private-ranges ${ranges}`);
      assert.equal(await net.echoes(`${SERVER_ADDRESS}:7007`), true, ranges);
    };
    await seen('IANAPrivateRanges');
    await seen('255.255.255.255/32');
    // Hosts in the order of addresses: the workload itself, then the firewall.
    assert.deepEqual((await server.stop<{ clients: string[] }>()).clients, [
      'tcp 10.42.1.4',
      `tcp ${FIREWALL_PRIVATE}`,
    ]);
  });

  test('private ranges: 0.0.0.0/0 never translates, so nothing comes back from the Internet', async () => {
    await net.az('firewall update -n fw --private-ranges 0.0.0.0/0');
    assert.equal(await net.echoes(SITE), false);
    const server = await lab.background('db', 'echo-server', ['7007']);
    assert.equal(await net.echoes(`${SERVER_ADDRESS}:7007`), true);
    assert.deepEqual((await server.stop<{ clients: string[] }>()).clients, ['tcp 10.42.1.4']);
    // Application rules always translate.
    assert.ok(await net.whoami('http://example.org'));
    await net.az('firewall update -n fw --private-ranges ""');
    assert.equal(await net.echoes(SITE), true);
  });

  test('the allow list of threat intelligence takes a name out of it', async () => {
    await net.az('firewall update -n fw --threat-intel-mode Deny');
    const served = async () =>
      (
        await lab.exec('app', [
          'curl',
          '-sS',
          '-f',
          '-o',
          '/dev/null',
          '--max-time',
          '4',
          `http://${BAD_NAME}/`,
        ])
      ).status === 0;
    assert.equal(await served(), false);
    await net.az(`firewall threat-intel-allowlist create -n fw --fqdns ${BAD_NAME}`);
    assert.equal(await served(), true);
    await net.az('firewall threat-intel-allowlist delete -n fw');
    assert.equal(await served(), false);
    await net.az('firewall update -n fw --threat-intel-mode Off');
    assert.equal(await served(), true);
  });

  test('a threat-intelligence feed is read again when it changes: names and networks, in and out', async () => {
    await net.az('firewall update -n fw --threat-intel-mode Deny');
    const name = 'wicked.example.org';
    const passes = async () => [
      (await net.whoami(`http://${name}`)) !== undefined,
      await net.echoes(SITE, { timeoutMs: 500 }),
    ];
    assert.deepEqual(await passes(), [true, true]);
    const after = async (text: string, wanted: boolean) => {
      writeFileSync(feed(), text);
      for (let tries = 0; tries < 20; tries++) {
        const seen = await passes();
        if (seen.every(passed => passed === wanted)) return seen;
        await sleep(300);
      }
      return passes();
    };
    assert.deepEqual(await after(`${name}\tknown for it\n77.70.1.0/24\n`, false), [false, false]);
    const record = await lab.logged(({ Type, Fqdn }) => Type === 'AZFWThreatIntel' && Fqdn === name);
    assert.deepEqual([record?.Action, record?.ThreatDescription], ['Deny', 'known for it']);
    assert.deepEqual(await after('', true), [true, true]);
    await net.az('firewall update -n fw --threat-intel-mode Off');
  });

  test('several IP configurations: each adds its public IP, the first goes last', async () => {
    await net.az('firewall ip-config create -f fw -n second --public-ip-address ip2');
    assert.match(await net.refused('public-ip delete -n ip2'), /^\(PublicIPAddressCannotBeDeleted\)/);
    assert.match(
      await net.refused('firewall ip-config create -f fw -n third --public-ip-address ip2'),
      /^\(PublicIPAddressInUse\)/,
    );
    assert.match(await net.refused('firewall ip-config delete -f fw -n config'), /config|second/);
    const own = new Set([await net.publicIp('ip1'), await net.publicIp('ip2')]);
    const clients = await Promise.all(
      Array.from({ length: 16 }, () => net.whoami('http://example.org').then(page => page?.client ?? 'none')),
    );
    assert.deepEqual(new Set(clients), own);
    await net.az('firewall ip-config delete -f fw -n second');
    await net.az('public-ip delete -n ip2');
    const after = await Promise.all(
      Array.from({ length: 8 }, () => net.whoami('http://example.org').then(page => page?.client)),
    );
    assert.deepEqual([...new Set(after)], [await net.publicIp('ip1')]);
  });

  test('what is in use stays: public IP, subnets, VNet, route table', async () => {
    const inUse: readonly (readonly [string, string])[] = [
      ['public-ip delete -n ip1', 'PublicIPAddressCannotBeDeleted'],
      ['vnet subnet delete --vnet-name vnet -n AzureFirewallSubnet', 'InUseSubnetCannotBeDeleted'],
      ['vnet subnet delete --vnet-name vnet -n apps', 'InUseSubnetCannotBeDeleted'],
      ['vnet delete -n vnet', 'InUseSubnetCannotBeDeleted'],
      ['route-table delete -n rt', 'InUseRouteTableCannotBeDeleted'],
    ];
    for (const [line, code] of inUse)
      assert.match(await net.refused(line), new RegExp(`^\\(${code}\\)`), line);
  });

  test('a route table leaves its subnet with "" or null, and traffic goes out directly', async () => {
    const associate = (value: string) =>
      net.az(`vnet subnet update --vnet-name vnet -n apps --route-table ${value}`);
    for (const value of ['""', 'null']) {
      await associate(value);
      const page = await net.whoami('https://github.com');
      assert.ok(page && page.client !== (await net.publicIp('ip1')), `--route-table ${value}`);
      await associate('rt');
      assert.equal(await net.whoami('https://github.com'), undefined);
    }
  });

  test('without its last IP configuration, and deleted, the firewall passes nothing', async () => {
    assert.equal(await net.echoes(SITE), true);
    await net.az('firewall ip-config delete -f fw -n config');
    assert.equal(await net.echoes(SITE), false);
    await net.open();
    assert.equal(await net.echoes(SITE), true);
    await net.az('firewall delete -n fw');
    assert.equal(await net.echoes(SITE), false);
    await net.az('public-ip delete -n ip1');
  });
});
