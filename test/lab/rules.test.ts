// What rules mean in the lab, beyond the demo: names that share an address, wildcards, threat
// intelligence, and who can reach the API. One lab; each test makes the rules it needs.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Lab } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const GROUP = 'rules-rg';
const INTERNET = {
  shared: [['cdn-one.example.net', 'cdn-two.example.net']],
};

describe('rules in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let folder: string;

  const net = (...args: string[]) => lab.azOk('network', ...args, '-g', GROUP);
  const rule = (kind: string, ...args: string[]) =>
    net('firewall', `${kind}-rule`, 'create', '-f', 'fw', ...args);
  const subnet = (name: string) =>
    net('vnet', 'subnet', 'show', '--vnet-name', 'vnet', '-n', name, '--query', 'id', '-o', 'tsv');
  const curl = (host: string, ...args: string[]) =>
    lab.exec(host, ['curl', '-sS', '--max-time', '5', ...args]);
  const addHost = async (name: string, ...args: string[]) => {
    const added = await lab.command(['add-host', name, ...args]);
    assert.equal(added.status, 0, added.stderr);
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-rules-'));
    writeFileSync(join(folder, 'internet.json'), JSON.stringify(INTERNET));
    lab = await Lab.up({ name: `rules-${process.pid}`, internet: join(folder, 'internet.json') });
    await lab.azOk('group', 'create', '-n', GROUP, '-l', 'eastus');
    await net(
      'vnet',
      'create',
      '-n',
      'vnet',
      '--address-prefixes',
      '10.42.0.0/16',
      '--subnet-name',
      'apps',
      '--subnet-prefix',
      '10.42.1.0/24',
    );
    await net(
      'vnet',
      'subnet',
      'create',
      '--vnet-name',
      'vnet',
      '-n',
      'AzureFirewallSubnet',
      '--address-prefix',
      '10.42.2.0/26',
    );
    await net('public-ip', 'create', '-n', 'ip', '--sku', 'Standard');
    await net('firewall', 'create', '-n', 'fw', '--enable-dns-proxy', 'true');
    await net(
      'firewall',
      'ip-config',
      'create',
      '-f',
      'fw',
      '-n',
      'config',
      '--public-ip-address',
      'ip',
      '--vnet-name',
      'vnet',
    );
    await net('route-table', 'create', '-n', 'rt');
    await net(
      ...[
        'route-table',
        'route',
        'create',
        '--route-table-name',
        'rt',
        '-n',
        'default',
        '--address-prefix',
        '0.0.0.0/0',
      ],
      ...['--next-hop-type', 'VirtualAppliance', '--next-hop-ip-address', '10.42.2.4'],
    );
    await net('vnet', 'subnet', 'update', '--vnet-name', 'vnet', '-n', 'apps', '--route-table', 'rt');
    await addHost('app', '--vnet-subnet-id', await subnet('apps'));
    await addHost('visitor', '--internet');
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  test('an application rule for one name does not open another name on the same address', async () => {
    await rule(
      'application',
      '--collection-name',
      'cdn',
      '--priority',
      '110',
      '--action',
      'Allow',
      '--name',
      'r',
      '--protocols',
      'https=443',
      '--source-addresses',
      '*',
      '--target-fqdns',
      'cdn-one.example.net',
    );
    assert.equal((await curl('app', 'https://cdn-one.example.net/')).status, 0);
    assert.notEqual((await curl('app', 'https://cdn-two.example.net/')).status, 0);
  });

  test('a network FQDN rule opens the address, and so every name on it', async () => {
    await rule(
      'network',
      '--collection-name',
      'cdn-address',
      '--priority',
      '120',
      '--action',
      'Allow',
      '--name',
      'r',
      '--protocols',
      'TCP',
      '--source-addresses',
      '*',
      '--destination-fqdns',
      'cdn-one.example.net',
      '--destination-ports',
      '443',
    );
    assert.equal((await curl('app', 'https://cdn-two.example.net/')).status, 0);
    await net(
      'firewall',
      'network-rule',
      'collection',
      'delete',
      '-f',
      'fw',
      '--collection-name',
      'cdn-address',
    );
    assert.notEqual((await curl('app', 'https://cdn-two.example.net/')).status, 0);
  });

  test('a wildcard covers deeper names and not the name itself; a Deny before it wins', async () => {
    await rule(
      'application',
      '--collection-name',
      'wild',
      '--priority',
      '130',
      '--action',
      'Allow',
      '--name',
      'r',
      '--protocols',
      'https=443',
      '--source-addresses',
      '*',
      '--target-fqdns',
      '*.example.com',
    );
    await rule(
      'application',
      '--collection-name',
      'no',
      '--priority',
      '125',
      '--action',
      'Deny',
      '--name',
      'never',
      '--protocols',
      'http=80',
      'https=443',
      '--source-addresses',
      '*',
      '--target-fqdns',
      'bad.example.com',
    );
    assert.equal((await curl('app', 'https://a.b.example.com/')).status, 0);
    assert.notEqual((await curl('app', 'https://example.com/')).status, 0);
    assert.notEqual((await curl('app', 'https://bad.example.com/')).status, 0);
    const record = await lab.logged(({ Fqdn, Action }) => Fqdn === 'bad.example.com' && Action === 'Deny');
    assert.equal(record?.Rule, 'never');
    assert.equal(record?.RuleCollection, 'no');
  });

  test("threat intelligence refuses Azure's test name before any rule, once its mode is Deny", async () => {
    const name = 'testmaliciousdomain.eastus.cloudapp.azure.com';
    await rule(
      'application',
      '--collection-name',
      'all',
      '--priority',
      '200',
      '--action',
      'Allow',
      '--name',
      'r',
      '--protocols',
      'http=80',
      '--source-addresses',
      '*',
      '--target-fqdns',
      '*',
    );
    assert.equal((await curl('app', '-f', `http://${name}/`)).status, 0, 'in mode Alert it is served');
    assert.equal(
      (await lab.logged(({ Type, Fqdn }) => Type === 'AZFWThreatIntel' && Fqdn === name))?.Action,
      'Alert',
    );
    await net('firewall', 'update', '-n', 'fw', '--threat-intel-mode', 'Deny');
    assert.notEqual((await curl('app', '-f', `http://${name}/`)).status, 0);
    assert.equal(
      (
        await lab.logged(
          ({ Type, Fqdn, Action }) => Type === 'AZFWThreatIntel' && Fqdn === name && Action === 'Deny',
        )
      )?.Action,
      'Deny',
    );
  });

  test('the API answers neither a host in a subnet nor one on the Internet', async () => {
    const { url } = JSON.parse(readFileSync(join(lab.folder, 'api.json'), 'utf8')) as { url: string };
    const port = new URL(url).port;
    const publicIp = await net('public-ip', 'show', '-n', 'ip', '--query', 'ipAddress', '-o', 'tsv');
    for (const host of ['app', 'visitor']) {
      for (const address of ['127.0.0.1', '20.51.99.7', '10.42.2.4', publicIp]) {
        const answer = await lab.exec(host, [
          'curl',
          '-sk',
          '--max-time',
          '2',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          `https://${address}:${port}/subscriptions?api-version=2022-12-01`,
        ]);
        assert.equal(answer.stdout, '000', `${host} got an answer from ${address}:${port}`);
      }
    }
  });

  test('nobody else can read the state', () => {
    assert.equal(statSync(lab.folder).mode & 0o777, 0o700);
    for (const name of ['store.db', 'token', 'client-secret', 'ca-key.pem', 'api.sock', 'gateway.sock']) {
      assert.equal(statSync(join(lab.folder, name)).mode & 0o077, 0, `${name} is open to others`);
    }
  });
});
