// Azure's routing with real packets: what the effective routes of a subnet say is what happens to its hosts.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Lab } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const skip = noNamespaces();

describe('the fabric', { skip }, () => {
  let lab: Lab;
  let addresses: Record<string, string> = {};

  const az = (...args: string[]) => lab.azOk(...args, '-o', 'none');
  const subnet = (name: string) =>
    lab.azOk(
      'network',
      'vnet',
      'subnet',
      'show',
      '-g',
      'rg',
      '--vnet-name',
      'hub',
      '-n',
      name,
      '--query',
      'id',
      '-o',
      'tsv',
    );
  const ok = async (host: string, ...command: string[]) => {
    const { status, stdout, stderr } = await lab.exec(host, command, { timeoutMs: 10_000 });
    assert.equal(status, 0, `${host}: ${command.join(' ')}: ${stderr || stdout}`);
    return stdout;
  };
  const ping = async (host: string, address: string) =>
    (await lab.exec(host, ['ping', '-c', '1', '-W', '1', address])).status === 0;
  /** Hops a packet takes: the time to live with which its answer arrives starts at 64. */
  const hops = async (host: string, address: string) =>
    64 - Number(/ttl=(\d+)/.exec(await ok(host, 'ping', '-c', '1', '-W', '1', address))?.[1]);
  const seenFrom = async (host: string) =>
    (
      JSON.parse(await ok(host, 'curl', '-sS', '--max-time', '5', 'http://example.org/whoami')) as {
        client: string;
      }
    ).client;
  const route = (name: string, prefix: string, hop: string, address?: string) =>
    az(
      'network',
      'route-table',
      'route',
      'create',
      '-g',
      'rg',
      '--route-table-name',
      'routes',
      '-n',
      name,
      '--address-prefix',
      prefix,
      '--next-hop-type',
      hop,
      ...(address ? ['--next-hop-ip-address', address] : []),
    );
  const unroute = (name: string) =>
    az('network', 'route-table', 'route', 'delete', '-g', 'rg', '--route-table-name', 'routes', '-n', name);

  before(async () => {
    lab = await Lab.up({ name: `fabric-${process.pid}` });
    await az('group', 'create', '-n', 'rg', '-l', 'eastus');
    await az(
      'network',
      'vnet',
      'create',
      '-g',
      'rg',
      '-n',
      'hub',
      '--address-prefixes',
      '10.42.0.0/16',
      '--subnet-name',
      'apps',
      '--subnet-prefix',
      '10.42.1.0/24',
    );
    await az(
      'network',
      'vnet',
      'subnet',
      'create',
      '-g',
      'rg',
      '--vnet-name',
      'hub',
      '-n',
      'data',
      '--address-prefix',
      '10.42.3.0/24',
    );
    await az(
      'network',
      'vnet',
      'subnet',
      'create',
      '-g',
      'rg',
      '--vnet-name',
      'hub',
      '-n',
      'appliances',
      '--address-prefix',
      '10.42.4.0/24',
    );
    await az('network', 'route-table', 'create', '-g', 'rg', '-n', 'routes');
    await az(
      'network',
      'vnet',
      'subnet',
      'update',
      '-g',
      'rg',
      '--vnet-name',
      'hub',
      '-n',
      'apps',
      '--route-table',
      'routes',
    );
    for (const [name, where] of [
      ['app', 'apps'],
      ['app-2', 'apps'],
      ['db', 'data'],
      ['nva', 'appliances'],
    ] as const) {
      const { status, stdout, stderr } = await lab.command([
        'add-host',
        name,
        '--vnet-subnet-id',
        await subnet(where),
      ]);
      assert.equal(status, 0, stderr);
      addresses = { ...addresses, [name]: stdout.trim().split(' ').at(-1) ?? '' };
    }
    await ok(
      'nva',
      'sysctl',
      '-qw',
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.send_redirects=0',
      'net.ipv4.conf.eth0.send_redirects=0',
    );
  });
  after(async () => {
    await lab?.down();
  });

  test('hosts get the first free addresses behind the reserved ones', () => {
    assert.deepEqual(addresses, {
      app: '10.42.1.4',
      'app-2': '10.42.1.5',
      db: '10.42.3.4',
      nva: '10.42.4.4',
    });
  });

  test('VnetLocal: hosts reach each other, within a subnet too only through the router', async () => {
    assert.equal(await hops('app', '10.42.3.4'), 1);
    assert.equal(await hops('app', '10.42.1.5'), 1);
  });

  test('the first packet within a subnet does not wait', async () => {
    const text = await ok('app-2', 'ping', '-c', '1', '-W', '1', '10.42.1.4');
    assert.ok(Number(/time=([\d.]+)/.exec(text)?.[1]) < 100, text);
  });

  test('without a default route of its own a subnet has outbound access from an address of its VNet', async () => {
    const client = await seenFrom('app');
    assert.match(client, /^20\.62\.2\d\d\./);
    assert.equal(await seenFrom('db'), client);
    // Nobody is let in that way.
    const { status } = await lab.exec('workstation', ['ping', '-c', '1', '-W', '1', client]);
    assert.notEqual(status, 0);
  });

  test('private space beyond the VNet leads nowhere', async () => {
    assert.equal(await ping('app', '10.43.0.4'), false);
    assert.equal(await ping('app', '192.168.1.1'), false);
  });

  test('None: a prefix is cut off, in the subnet of the table only', async () => {
    await route('cut', '10.42.3.0/24', 'None');
    assert.equal(await ping('app', '10.42.3.4'), false);
    assert.equal(await ping('nva', '10.42.3.4'), true);
    await unroute('cut');
    assert.equal(await ping('app', '10.42.3.4'), true);
  });

  test('VirtualAppliance: packets pass the host that has the address', async () => {
    await route('through', '10.42.3.0/24', 'VirtualAppliance', '10.42.4.4');
    // The answer comes back directly: data has no route table.
    await ok('nva', 'ip', 'route', 'add', 'blackhole', '10.42.3.4');
    assert.equal(await ping('app', '10.42.3.4'), false);
    await ok('nva', 'ip', 'route', 'del', 'blackhole', '10.42.3.4');
    assert.equal(await ping('app', '10.42.3.4'), true);
    assert.match(
      await ok('app', 'ping', '-c', '1', '-t', '2', '-W', '1', '10.42.3.4').catch(error => String(error)),
      /10\.42\.4\.4.*exceeded/s,
    );
    await unroute('through');
  });

  test('a default route to an appliance that is not there loses everything but the VNet and Azure DNS', async () => {
    await route('default', '0.0.0.0/0', 'VirtualAppliance', '10.42.4.99');
    assert.equal(await ping('app', '10.42.3.4'), true);
    assert.match(await ok('app', 'dig', '+short', '+time=2', 'example.org'), /^\d/);
    const { status } = await lab.exec('app', ['curl', '-sS', '--max-time', '2', 'http://example.org/']);
    assert.notEqual(status, 0);
  });

  test('Internet: a longer prefix leaves beside the appliance', async () => {
    const address = (await ok('app', 'dig', '+short', 'example.org')).trim();
    await route('beside', `${address}/32`, 'Internet');
    assert.match(await seenFrom('app'), /^20\.62\.2\d\d\./);
    await unroute('beside');
    await unroute('default');
    assert.match(await seenFrom('app'), /^20\.62\.2\d\d\./);
  });

  test("a VNet's DNS servers are its hosts' as soon as they change", async () => {
    assert.match(await ok('app', 'cat', '/etc/resolv.conf'), /^nameserver 168\.63\.129\.16\n/);
    await az('network', 'vnet', 'update', '-g', 'rg', '-n', 'hub', '--dns-servers', '10.42.4.4', '8.8.8.8');
    assert.match(
      await ok('app', 'cat', '/etc/resolv.conf'),
      /^nameserver 10\.42\.4\.4\nnameserver 8\.8\.8\.8\n/,
    );
  });

  test('a subnet with hosts is in use; with its group it goes, and says who went with it', async () => {
    const refused = await lab.az(
      'network',
      'vnet',
      'subnet',
      'delete',
      '-g',
      'rg',
      '--vnet-name',
      'hub',
      '-n',
      'data',
    );
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /InUseSubnetCannotBeDeleted.*host db/s);
    await az('group', 'delete', '-n', 'rg', '--yes');
    const { stdout } = await lab.command(['status', '-o', 'json']);
    const status = JSON.parse(stdout) as { hosts: unknown[]; events: string[] };
    assert.deepEqual(status.hosts, []);
    assert.equal(status.events.filter(event => /^host \S+ was removed/.test(event)).length, 4);
    assert.equal((await lab.exec('workstation', ['ls', '/run/netns'])).stdout, 'internet\nworkstation\n');
  });
});
