// `postern explain` on a running lab, held against packets: whatever it says of a flow, the flow does. Everything runs as a user
// without privileges.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Background, Lab } from '../support/lab.ts';
import { FIREWALL_PRIVATE, Network, SERVER_ADDRESS } from '../support/network.ts';
import { noNamespaces } from '../support/privileges.ts';

const SITE = '77.70.1.9';
const LISTED = '77.70.1.66';
const HALF = '10.42.6.10';
const ECHO = '7000';
const NOBODY = '10.42.3.99';

interface Explained {
  readonly works: boolean;
  readonly symmetric: boolean;
  readonly findings: readonly { readonly code: string; readonly fix: readonly string[] }[];
  readonly steps: readonly {
    readonly step: string;
    readonly text: string;
    readonly sourceSeen?: readonly string[];
    readonly address?: string;
  }[];
}

describe('explain in the lab', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let net: Network;
  let folder: string;
  let publicIp: string;
  const servers: Background[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-explain-'));
    chmodSync(folder, 0o755);
    const [internet, feed] = [join(folder, 'internet.json'), join(folder, 'feed.txt')];
    writeFileSync(
      internet,
      JSON.stringify({
        rotating: ['moving.example.org'],
        records: { 'gone.example.org': { rcode: 'NXDOMAIN' }, 'listed.example.org': { addresses: [LISTED] } },
      }),
    );
    writeFileSync(feed, `${LISTED}\ta botnet\n`);
    lab = await Lab.up({ name: `explain-${process.pid}`, internet, threatFeeds: [feed], unprivileged: true });
    net = new Network(lab);
    await net.build('--enable-dns-proxy true');
    await net.addHosts();
    await net.open();
    publicIp = await net.publicIp('ip1');
    for (const subnet of [
      'free --address-prefix 10.42.4.0/24',
      'wrong --address-prefix 10.42.5.0/24',
      'half --address-prefix 10.42.6.0/24',
    ])
      await net.az(`vnet subnet create --vnet-name vnet -n ${subnet}`);
    await net.az('route-table create -n rt-wrong');
    for (const route of [
      'default --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.40',
      'cut --address-prefix 77.70.1.0/24 --next-hop-type None',
    ])
      await net.az(`route-table route create --route-table-name rt-wrong -n ${route}`);
    await net.az('vnet subnet update --vnet-name vnet -n wrong --route-table rt-wrong');
    for (const route of [
      `to-half --address-prefix 10.42.6.0/24 --next-hop-type VirtualAppliance --next-hop-ip-address ${FIREWALL_PRIVATE}`,
      `own --address-prefix ${publicIp}/32 --next-hop-type Internet`,
    ])
      await net.az(`route-table route create --route-table-name rt -n ${route}`);
    await net.addHost('free', 'free');
    await net.addHost('lost', 'wrong');
    await net.addHost('half', 'half', HALF);
    const added = await lab.command(['add-host', 'visitor', '--internet']);
    assert.equal(added.status, 0, added.stderr);
    const any = '--source-addresses *';
    await net.rule(
      'network',
      'site',
      100,
      `${any} --destination-addresses ${SITE} --destination-ports 7007 --protocols TCP`,
    );
    await net.rule(
      'network',
      'inner',
      110,
      `${any} --destination-addresses 10.42.0.0/16 --destination-ports ${ECHO} --protocols TCP UDP`,
    );
    await net.rule(
      'network',
      'named',
      120,
      `${any} --destination-fqdns moving.example.org --destination-ports 7007 --protocols TCP`,
    );
    await net.rule(
      'network',
      'listed',
      130,
      `${any} --destination-addresses ${LISTED} --destination-ports 7007 --protocols TCP`,
    );
    await net.rule(
      'application',
      'web',
      100,
      `${any} --target-fqdns mcr.microsoft.com --protocols https=443 http=80`,
    );
    await net.rule(
      'nat',
      'in',
      100,
      `${any} --destination-addresses ${publicIp} --destination-ports 8080 --protocols TCP --translated-address ${SERVER_ADDRESS} --translated-port ${ECHO}`,
    );
    await net.az('firewall update -n fw --threat-intel-mode Deny');
    for (const host of ['db', 'half', 'app']) servers.push(await lab.background(host, 'echo-server', [ECHO]));
  });
  after(async () => {
    await Promise.all(servers.map(server => server.stop()));
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  async function explain(...args: readonly string[]): Promise<Explained> {
    const { status, stdout, stderr } = await lab.postern('explain', ...args, '-o', 'json');
    assert.ok(status === 0 || status === 3, `${status}: ${stderr}`);
    const answer = JSON.parse(stdout) as Explained;
    assert.equal(status, answer.works ? 0 : 3);
    return answer;
  }

  const codes = ({ findings }: Explained) => findings.map(({ code }) => code);

  /** Whether a real connection gets there and back. */
  async function happens(from: string, protocol: string, to: string): Promise<boolean> {
    const [target = '', port = ''] = to.split(':');
    if (protocol === 'icmp')
      return (await lab.exec(from, ['ping', '-c', '1', '-W', '1', target])).status === 0;
    if (port === '443' && protocol === 'tcp') {
      const curl = ['curl', '-sSk', '--max-time', '4', '-o', '/dev/null', `https://${target}/`];
      return (await lab.exec(from, curl)).status === 0;
    }
    return net.echoes(to, { from, protocol: protocol === 'udp' ? 'udp' : 'tcp' });
  }

  const FLOWS: readonly (readonly [string, string, string, string, boolean, readonly string[]])[] = [
    ['a network rule', 'app', 'tcp', `${SITE}:7007`, true, []],
    ['no rule', 'app', 'tcp', `${SITE}:7008`, false, ['denied']],
    [
      'an application rule, by a name that Azure DNS resolves',
      'app',
      'tcp',
      'mcr.microsoft.com:443',
      true,
      ['client-dns'],
    ],
    ['a name that no rule has', 'app', 'tcp', 'www.example.net:443', false, ['denied', 'client-dns']],
    ['TLS without SNI', 'app', 'tcp', `${SITE}:443`, false, ['no-sni']],
    ['QUIC', 'app', 'udp', `${SITE}:443`, false, ['quic']],
    ['a name that does not exist', 'app', 'tcp', 'gone.example.org:7007', false, ['name-unresolved']],
    ['DNAT', 'visitor', 'tcp', 'PUBLIC:8080', true, []],
    ['a port without NAT rule', 'visitor', 'tcp', 'PUBLIC:8081', false, ['no-nat-rule']],
    ['the public address from inside, by the route past the firewall', 'app', 'tcp', 'PUBLIC:8080', true, []],
    ['a subnet without route table', 'free', 'tcp', `${SITE}:7008`, true, ['no-route-table']],
    ['a next hop that nobody has', 'lost', 'tcp', '77.70.2.9:7007', false, ['next-hop-unknown']],
    ['next hop None', 'lost', 'tcp', `${SITE}:7007`, false, ['next-hop-none']],
    ['both ways through the firewall', 'app', 'tcp', `${SERVER_ADDRESS}:${ECHO}`, true, []],
    ['one way through the firewall, TCP', 'app', 'tcp', `${HALF}:${ECHO}`, false, ['asymmetric-route']],
    ['one way through the firewall, UDP', 'app', 'udp', `${HALF}:${ECHO}`, true, ['asymmetric-route']],
    ['the reply alone through the firewall, TCP', 'half', 'tcp', `APP:${ECHO}`, false, ['asymmetric-route']],
    ['past no firewall', 'free', 'tcp', `${HALF}:${ECHO}`, true, []],
    ['an address that nobody has', 'app', 'tcp', `${NOBODY}:${ECHO}`, false, ['nothing-there']],
    ['threat intelligence', 'app', 'tcp', `${LISTED}:7007`, false, ['threat-intel']],
    ['ICMP to the Internet', 'app', 'icmp', SITE, false, ['icmp-to-internet']],
    ['another host of the Internet', 'visitor', 'tcp', `${SITE}:7007`, true, []],
  ];

  for (const [title, from, protocol, target, works, findings] of FLOWS)
    test(title, async () => {
      const { stdout } = await lab.exec('app', ['hostname', '-I']);
      const to = target.replace('PUBLIC', publicIp).replace('APP', stdout.trim().split(' ')[0] ?? '');
      const answer = await explain('--from', from, '--to', to, '--proto', protocol);
      const text = answer.steps.map(step => step.text).join('\n');
      assert.deepEqual({ works: answer.works, findings: codes(answer) }, { works, findings }, text);
      assert.equal(await happens(from, protocol, to), works, `it is not as explained: ${text}`);
    });

  test('the address that the server is said to see is the one it sees', async () => {
    for (const [host, step] of [
      ['app', 'firewall'],
      ['free', 'outbound'],
    ] as const) {
      const { steps } = await explain('--from', host, '--to', 'mcr.microsoft.com:80');
      const found = steps.find(candidate => candidate.step === step);
      const seen = found?.sourceSeen ?? [found?.address];
      const page = await net.whoami('http://mcr.microsoft.com', host);
      assert.ok(page && seen.includes(page.client), `${page?.client} is none of ${seen.join(', ')}`);
    }
  });

  test('a rule by name: with Azure DNS the client goes elsewhere, with the DNS of the firewall it does not', async () => {
    const flow = ['--from', 'app', '--to', 'moving.example.org:7007'];
    const before = await explain(...flow);
    assert.equal(before.works, false);
    assert.deepEqual(codes(before), ['denied', 'client-dns', 'name-unknown-to-firewall']);
    const real = async () => {
      const { stdout } = await lab.exec('app', ['getent', 'ahostsv4', 'moving.example.org']);
      return net.echoes(`${stdout.split(' ')[0]}:7007`);
    };
    assert.equal(await real(), false);
    const [fix = ''] = before.findings.find(({ code }) => code === 'client-dns')?.fix ?? [];
    await lab.azOk(...fix.split(' ').slice(1));
    const now = await explain(...flow);
    assert.deepEqual({ works: now.works, findings: codes(now) }, { works: true, findings: [] });
    assert.equal(await real(), true);
    await net.az('vnet update -n vnet --dns-servers ""');
  });

  test('the commands for a subnet without route table bring it behind the firewall', async () => {
    const flow = ['--from', 'free', '--to', `${SITE}:7008`];
    const [finding] = (await explain(...flow)).findings;
    for (const command of finding?.fix ?? []) await lab.azOk(...command.split(' ').slice(1));
    assert.deepEqual(codes(await explain(...flow)), ['denied']);
    assert.equal(await happens('free', 'tcp', `${SITE}:7008`), false);
  });

  test('text says the verdict first; what is not known is refused', async () => {
    const { stdout } = await lab.postern('explain', '--from', 'app', '--to', `${SITE}:7007`);
    assert.match(stdout, /^OK {2}app to 77\.70\.1\.9:7007, TCP: gets there and back\n\nThere\n/);
    const unknown = await lab.postern('explain', '--from', 'nobody', '--to', `${SITE}:7007`);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /'nobody' is no IPv4 address and none of the hosts app, db, /);
    const other = await lab.postern('explain', '--name', 'other', '--from', 'app', '--to', `${SITE}:7007`);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /The lab 'other' is not up\. Start it: .*lab up --name other/);
  });
});
