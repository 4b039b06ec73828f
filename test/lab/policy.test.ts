// Firewall policies, proved by packets: who wins between parent and child and between types of rules, IP groups, one policy
// for two firewalls, what cannot be deleted, and that a change is in force when its command returns.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Lab } from '../support/lab.ts';
import { FIREWALL_PRIVATE, Network, SERVER_ADDRESS } from '../support/network.ts';
import { noNamespaces } from '../support/privileges.ts';

const SITE = '77.70.1.9';
const GROUP = 'firewall policy rule-collection-group';
const COLLECTION = `${GROUP} collection`;

/** A policy as tests write it: collections in groups, a rule each. */
class Policies {
  readonly net: Network;

  constructor(net: Network) {
    this.net = net;
  }

  /** `where` is POLICY/GROUP; the rule has the name of its collection. */
  async filter(where: string, name: string, priority: number, action: string, fields: string): Promise<void> {
    const type = fields.includes('--target-fqdns') ? 'ApplicationRule' : 'NetworkRule';
    const sources = fields.includes('--source-') ? '' : ' --source-addresses *';
    await this.net.az(
      `${COLLECTION} add-filter-collection ${inGroup(where)} -n ${name} --collection-priority ${priority} --action ${action} --rule-name ${name} --rule-type ${type}${sources} ${fields}`,
    );
  }

  async nat(where: string, name: string, priority: number, fields: string): Promise<void> {
    await this.net.az(
      `${COLLECTION} add-nat-collection ${inGroup(where)} -n ${name} --collection-priority ${priority} --action DNAT --rule-name ${name} --ip-protocols TCP --source-addresses * ${fields}`,
    );
  }

  async remove(where: string, name: string): Promise<void> {
    await this.net.az(`${COLLECTION} remove ${inGroup(where)} -n ${name}`);
  }

  async group(where: string, priority: number): Promise<void> {
    const [policy, name] = where.split('/');
    await this.net.az(`${GROUP} create --policy-name ${policy} -n ${name} --priority ${priority}`);
  }
}

function inGroup(where: string): string {
  const [policy, group] = where.split('/');
  return `--policy-name ${policy} --rcg-name ${group}`;
}

const to = (address: string, ports: string | number) =>
  `--ip-protocols TCP --destination-addresses ${address} --destination-ports ${ports}`;

describe('firewall policies in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let net: Network;
  let policies: Policies;
  let folder: string;

  const https = async (name: string, address: string = SITE) =>
    (
      await lab.exec('app', [
        ...['curl', '-sS', '-o', '/dev/null', '--max-time', '4'],
        ...['--resolve', `${name}:443:${address}`, `https://${name}/`],
      ])
    ).status === 0;
  /** What the last decision about a port of the site was, and by which rule. */
  const ruling = async (port: number) => {
    const record = await lab.logged(
      ({ Type, DestinationPort }) => Type === 'AZFWNetworkRule' && DestinationPort === port,
    );
    const { Action, Policy, RuleCollectionGroup, RuleCollection, Rule } = record ?? {};
    return [Action, Policy, RuleCollectionGroup, RuleCollection, Rule].join(' ');
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-policy-'));
    writeFileSync(
      join(folder, 'internet.json'),
      JSON.stringify({ shared: [['cdn-one.example.net', 'cdn-two.example.net']] }),
    );
    lab = await Lab.up({ name: `policy-${process.pid}`, internet: join(folder, 'internet.json') });
    net = new Network(lab);
    policies = new Policies(net);
    await lab.azOk('group', 'create', '-n', net.group, '-l', 'eastus');
    await net.az('firewall policy create -n base');
    await net.az('firewall policy create -n team --base-policy base --enable-dns-proxy true');
    await net.build('--firewall-policy team');
    await net.addHosts();
    const visitor = await lab.command(['add-host', 'visitor', '--internet']);
    assert.equal(visitor.status, 0, visitor.stderr);
    await net.open();
    await policies.group('base/P1', 400);
    await policies.group('base/P2', 60000);
    await policies.group('team/C1', 100);
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  test('without a rule nothing passes', async () => {
    assert.equal(await net.echoes(`${SITE}:7007`), false);
    assert.equal(await https('a.example.org'), false);
  });

  test('inside a type the parent comes first, whatever the priorities', async () => {
    await policies.filter('base/P2', 'PN-deny', 60000, 'Deny', to(SITE, 7001));
    await policies.filter('base/P2', 'PN-allow', 60001, 'Allow', to(SITE, 7002));
    await policies.filter('team/C1', 'CN-allow', 110, 'Allow', to(SITE, '7001-7003'));
    await policies.filter('team/C1', 'CN-deny', 100, 'Deny', to(SITE, 7002));
    assert.equal(await net.echoes(`${SITE}:7001`), false);
    assert.equal(await ruling(7001), 'Deny base P2 PN-deny PN-deny');
    assert.equal(await net.echoes(`${SITE}:7002`), true);
    assert.equal(await ruling(7002), 'Allow base P2 PN-allow PN-allow');
    assert.equal(await net.echoes(`${SITE}:7003`), true);
    assert.equal(await ruling(7003), 'Allow team C1 CN-allow CN-allow');
  });

  test('application rules of the parent come before those of the child', async () => {
    const fields = '--protocols https=443 --target-fqdns';
    await policies.filter('base/P1', 'PA', 500, 'Deny', `${fields} bad.example.org`);
    await policies.filter('team/C1', 'CA', 120, 'Allow', `${fields} *.example.org`);
    assert.equal(await https('good.example.org'), true);
    assert.equal(await https('bad.example.org'), false);
    const record = await lab.logged(({ Fqdn, Action }) => Fqdn === 'bad.example.org' && Action === 'Deny');
    assert.deepEqual([record?.Policy, record?.RuleCollectionGroup, record?.Rule], ['base', 'P1', 'PA']);
  });

  test('a network rule of the child comes before an application rule of the parent', async () => {
    await policies.filter('team/C1', 'CN-web', 130, 'Allow', to(SITE, 443));
    assert.equal(await https('bad.example.org'), true);
    assert.equal(await ruling(443), 'Allow team C1 CN-web CN-web');
    assert.equal(
      await https('bad.example.org', '77.70.1.10'),
      false,
      'another address is for the application rules',
    );
    await policies.remove('team/C1', 'CN-web');
    assert.equal(await https('bad.example.org'), false);
  });

  test('NAT rules of the child come before network rules of the parent, on the public address and the private one', async () => {
    const server = await lab.background('db', 'echo-server', ['7007']);
    const publicIp = await net.publicIp('ip1');
    const target = `--translated-address ${SERVER_ADDRESS} --translated-port 7007`;
    await policies.filter('base/P2', 'PN-db', 60002, 'Deny', to(SERVER_ADDRESS, 7007));
    await policies.nat(
      'team/C1',
      'CD',
      100,
      `--destination-addresses ${publicIp} --destination-ports 81 ${target}`,
    );
    await policies.nat(
      'team/C1',
      'CD-private',
      101,
      `--destination-addresses ${FIREWALL_PRIVATE} --destination-ports 82 ${target}`,
    );
    assert.equal(await net.echoes(`${publicIp}:81`, { from: 'visitor' }), true);
    assert.equal(await net.echoes(`${FIREWALL_PRIVATE}:82`), true);
    assert.equal(await net.echoes(`${FIREWALL_PRIVATE}:81`), false);
    assert.equal(
      await net.echoes(`${SERVER_ADDRESS}:7007`),
      false,
      'straight to it the network rules are asked',
    );
    const { clients } = await server.stop<{ clients: string[] }>();
    assert.deepEqual(clients, [`tcp ${FIREWALL_PRIVATE}`], 'both came from the firewall');
  });

  test('a rule whose IP group is emptied is skipped, and back when the group is', async () => {
    await net.az('ip-group create -n hosts --ip-addresses 10.42.1.0/24');
    await net.az(`ip-group create -n sites --ip-addresses ${SITE}`);
    const ports = '--ip-protocols TCP --destination-ports';
    await policies.filter(
      'team/C1',
      'from',
      140,
      'Deny',
      `--source-ip-groups hosts ${ports} 7021 --destination-addresses *`,
    );
    await policies.filter('team/C1', 'to', 150, 'Allow', `--destination-ip-groups sites ${ports} 7021-7022`);
    assert.equal(await net.echoes(`${SITE}:7021`), false);
    assert.equal(await net.echoes(`${SITE}:7022`), true);
    await net.az('ip-group update -n hosts --ip-addresses ""');
    assert.equal(await net.echoes(`${SITE}:7021`), true, 'nobody is denied any more');
    await net.az('ip-group update -n sites --ip-addresses ""');
    assert.equal(await net.echoes(`${SITE}:7022`), false, 'an empty group is not everything');
    await net.az(`ip-group update -n sites --ip-addresses ${SITE}`);
    assert.equal(await net.echoes(`${SITE}:7022`), true);
  });

  test('a change is in force when its command returns, and cuts what it forbids', async () => {
    for (const port of [7031, 7032, 7033]) {
      await policies.filter('base/P2', 'now', 60010, 'Allow', to(SITE, port));
      assert.equal(await net.echoes(`${SITE}:${port}`), true);
      await policies.remove('base/P2', 'now');
      assert.equal(await net.echoes(`${SITE}:${port}`, { timeoutMs: 400 }), false);
    }
    await policies.group('team/C2', 150);
    await policies.filter('team/C2', 'C2-deny', 100, 'Deny', to(SITE, 7003));
    assert.equal(await net.echoes(`${SITE}:7003`), true, 'C1 comes first');
    const live = await lab.background('app', 'stream', [SITE, '7003', '3']);
    await net.az(`${GROUP} update --policy-name team -n C1 --priority 300`);
    assert.equal(await net.echoes(`${SITE}:7003`), false, 'now C2 does');
    assert.equal((await live.stop<{ lost: number }>()).lost, 3);
    await net.az(`${GROUP} update --policy-name team -n C2 --priority 400`);
    assert.equal(await net.echoes(`${SITE}:7003`), true);
    await net.az(`${GROUP} delete --policy-name team -n C2 --yes`);
  });

  test('the ranges that keep their source address are those of the policy', async () => {
    await policies.filter('team/C1', 'data', 160, 'Allow', to(SERVER_ADDRESS, 7040));
    const server = await lab.background('db', 'echo-server', ['7040']);
    assert.equal(await net.echoes(`${SERVER_ADDRESS}:7040`), true);
    await net.az('firewall policy update -n team --private-ranges 255.255.255.255/32');
    assert.equal(await net.echoes(`${SERVER_ADDRESS}:7040`), true);
    assert.deepEqual((await server.stop<{ clients: string[] }>()).clients, [
      'tcp 10.42.1.4',
      `tcp ${FIREWALL_PRIVATE}`,
    ]);
  });

  test('an allowed ping to the Internet is denied, and the log says by which rule and why', async () => {
    const ping = async (address: string) =>
      (await lab.exec('app', ['ping', '-c1', '-W1', address])).status === 0;
    await policies.filter(
      'team/C1',
      'icmp',
      170,
      'Allow',
      '--ip-protocols ICMP --destination-addresses * --destination-ports *',
    );
    assert.equal(await ping(SERVER_ADDRESS), true);
    assert.equal(await ping(SITE), false);
    const record = await lab.logged(
      ({ Protocol, DestinationIp }) => Protocol === 'ICMP Type=8' && DestinationIp === SITE,
    );
    assert.deepEqual(
      [record?.Action, record?.Rule, record?.ActionReason],
      ['Deny', 'icmp', 'Only TCP and UDP can leave with a public address'],
    );
  });

  test('on the port of SQL Server the name in the hello decides', async () => {
    await policies.filter(
      'team/C1',
      'sql',
      175,
      'Allow',
      '--protocols mssql=1433 --target-fqdns db.example.org',
    );
    for (const [name, action] of [
      ['db.example.org', 'Allow'],
      ['other.example.org', 'Deny'],
    ] as const) {
      const command = [
        'openssl',
        's_client',
        '-connect',
        `${SITE}:1433`,
        '-servername',
        name,
        '-alpn',
        'tds/8.0',
      ];
      await lab.exec('app', ['timeout', '4', ...command]);
      const record = await lab.logged(
        ({ Fqdn, DestinationPort }) => Fqdn === name && DestinationPort === 1433,
      );
      assert.deepEqual([record?.Protocol, record?.Action], ['MSSQL', action], name);
    }
  });

  test('a network FQDN rule is about the address: every name on it passes', async () => {
    await policies.filter(
      'team/C1',
      'cdn',
      180,
      'Allow',
      '--ip-protocols TCP --destination-fqdns cdn-one.example.net --destination-ports 443',
    );
    const page = (name: string) => lab.exec('app', ['curl', '-sS', '--max-time', '4', `https://${name}/`]);
    assert.equal((await page('cdn-one.example.net')).status, 0);
    assert.equal((await page('cdn-two.example.net')).status, 0);
  });

  test('a policy for two firewalls changes both at once', async () => {
    // It names a public address, which only one firewall has.
    await policies.remove('team/C1', 'CD');
    const other = new Network(lab, 'other-rg');
    const id = await net.az('firewall policy show -n team --query id -o tsv');
    await other.build(`--firewall-policy ${id}`);
    await other.addHost('app-2', 'apps');
    await other.open();
    const echoes = () =>
      Promise.all(['app', 'app-2'].map(from => net.echoes(`${SITE}:7050`, { from, timeoutMs: 600 })));
    assert.deepEqual(await echoes(), [false, false]);
    await policies.filter('base/P2', 'both', 60020, 'Allow', to(SITE, 7050));
    assert.deepEqual(await echoes(), [true, true]);
    await policies.remove('base/P2', 'both');
    assert.deepEqual(await echoes(), [false, false]);
    await lab.azOk('group', 'delete', '-n', 'other-rg', '--yes');
  });

  test('what is in use cannot be deleted, and goes on', async () => {
    assert.match(await net.refused('firewall policy delete -n base'), /FirewallPolicyInUseByChildPolicies/);
    assert.match(await net.refused('firewall policy delete -n team'), /FirewallPolicyInUseByFirewalls/);
    assert.match(await net.refused('ip-group delete -n sites --yes'), /IpGroupsHasFirewallPolicyReferences/);
    assert.equal(await net.echoes(`${SITE}:7022`), true);
  });

  test('without its policy the firewall forwards nothing, and with it everything again', async () => {
    await net.az('firewall update -n fw --firewall-policy ""');
    assert.equal(await net.echoes(`${SITE}:7022`), false);
    await net.az('firewall update -n fw --firewall-policy team');
    assert.equal(await net.echoes(`${SITE}:7022`), true);
  });
});

describe('a lab with options of its own', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let net: Network;
  let folder: string;
  const FLAGS = ['--bind-network-fqdns', '--infrastructure-fqdns', '*.platform.example,one.example.com'];
  const page = async (name: string) =>
    (await lab.exec('app', ['curl', '-sS', '--max-time', '4', `https://${name}/`])).status === 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-policy-'));
    writeFileSync(
      join(folder, 'internet.json'),
      JSON.stringify({ shared: [['cdn-one.example.net', 'cdn-two.example.net']] }),
    );
    lab = await Lab.up({
      name: `bound-${process.pid}`,
      internet: join(folder, 'internet.json'),
      flags: FLAGS,
    });
    net = new Network(lab);
    await lab.azOk('group', 'create', '-n', net.group, '-l', 'eastus');
    await net.az('firewall policy create -n team --enable-dns-proxy true');
    await net.build('--firewall-policy team');
    await net.addHost('app', 'apps');
    await net.open();
    await new Policies(net).group('team/C1', 100);
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  test('status says which', async () => {
    const text = await lab.command(['status']);
    assert.match(
      text.stdout,
      /^ {2}Options --bind-network-fqdns --infrastructure-fqdns \S+,one\.example\.com$/m,
    );
    const json = JSON.parse((await lab.command(['status', '-o', 'json'])).stdout);
    assert.deepEqual(json.policyOptions, {
      azureLimits: true,
      bindNetworkFqdns: true,
      inheritNatRules: true,
      infrastructureFqdns: ['*.platform.example', 'one.example.com'],
    });
  });

  test('a network FQDN rule that is bound serves its own name on the address, and no other', async () => {
    await new Policies(net).filter(
      'team/C1',
      'cdn',
      100,
      'Allow',
      '--ip-protocols TCP --destination-fqdns cdn-one.example.net --destination-ports 443 7007',
    );
    assert.equal(await page('cdn-one.example.net'), true);
    assert.equal(await page('cdn-two.example.net'), false);
    const record = await lab.logged(
      ({ Type, Action, DestinationPort }) =>
        Type === 'AZFWNetworkRule' && Action === 'Deny' && DestinationPort === 443,
    );
    assert.deepEqual(
      [record?.Rule, record?.ActionReason],
      ['cdn', 'SNI is not a name of the network rule: cdn-two.example.net'],
    );
    const address = (await lab.exec('app', ['dig', '+short', 'cdn-one.example.net'])).stdout.trim();
    assert.equal(await net.echoes(`${address}:7007`), true, 'other ports are open by address');
  });

  test('names of the infrastructure are open when no rule says otherwise', async () => {
    assert.equal(await page('one.example.com'), true);
    assert.equal(await page('a.platform.example'), true);
    assert.equal(await page('two.example.com'), false);
    await new Policies(net).filter('team/C1', 'no', 200, 'Deny', '--protocols https=443 --target-fqdns *');
    assert.equal(await page('one.example.com'), false);
  });
});
