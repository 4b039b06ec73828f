// Attacks with packets made by hand: a compromised host in aks-subnet, and one on the Internet, try to pass the firewall of
// examples/egress.sh or to disturb others. What a server must not see is looked for on the wire beside it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Background, Lab, ROOT } from '../support/lab.ts';
import {
  ESP,
  FLAGS,
  GRE,
  icmp,
  ipv4,
  SCTP,
  type Seen,
  seen,
  tcp,
  UDP,
  udp,
  udpSegment,
} from '../support/packets.ts';
import { noNamespaces } from '../support/privileges.ts';
import {
  EASTUS_ADDRESS,
  FIREWALL,
  GROUP,
  prepareHosts,
  publicIp,
  WEB_ADDRESS,
} from '../support/showcase/kit.ts';

const NODE = '10.42.1.4';
const FIREWALL_PRIVATE = '10.42.2.4';
const ALLOWED = 7777;
const DENIED = 7778;
/** What the owner of an allowed name may make it resolve to. */
const NEVER = {
  loopback: ['127.0.0.1'],
  unspecified: ['0.0.0.0'],
  metadata: ['169.254.169.254'],
  platform: ['168.63.129.16'],
  multicast: ['224.0.0.1'],
  broadcast: ['255.255.255.255'],
  firewall: [FIREWALL_PRIVATE],
  several: ['127.0.0.1', FIREWALL_PRIVATE, '169.254.169.254'],
};
/** Packets of one command line. */
const BATCH = 1500;

describe('ways around the firewall', { skip: noNamespaces() }, () => {
  let lab: Lab;
  let visitor: string;
  let own: string;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-bypass-'));
    const internet = join(folder, 'internet.json');
    const records: Record<string, object> = { 'alias.example.net': { cname: 'loopback.example.net' } };
    for (const [name, addresses] of Object.entries(NEVER)) records[`${name}.example.net`] = { addresses };
    writeFileSync(internet, JSON.stringify({ records }));
    lab = await Lab.up({ name: `bypass-${process.pid}`, internet });
    const script = await lab.shell(`. ${join(ROOT, 'examples/egress.sh')}`);
    assert.equal(script.status, 0, script.stderr);
    await prepareHosts(lab);
    own = await publicIp(lab);
    const { stdout } = await lab.exec('visitor', ['ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0']);
    visitor = /inet ([0-9.]+)/.exec(stdout)?.[1] ?? '';
    await networkRule('visitor', '500', 'Allow', visitor, String(ALLOWED), 'TCP', 'UDP');
  });
  after(async () => {
    await lab?.down();
    rmSync(folder, { recursive: true, force: true });
  });

  const networkRule = (
    name: string,
    priority: string,
    action: string,
    to: string,
    port: string,
    ...protocols: string[]
  ) =>
    lab.azOk(
      ...['network', 'firewall', 'network-rule', 'create', '-g', GROUP, '-f', FIREWALL, '--name', 'r'],
      ...['--collection-name', name, '--priority', priority, '--action', action, '--source-addresses', '*'],
      ...['--destination-addresses', to, '--destination-ports', port, '--protocols', ...protocols],
    );

  async function send(host: string, packets: readonly Buffer[]): Promise<void> {
    for (let start = 0; start < packets.length; start += BATCH) {
      const batch = packets.slice(start, start + BATCH).map(packet => packet.toString('hex'));
      const { sent } = await lab.client<{ sent: number }>(host, 'raw', batch);
      assert.equal(sent, batch.length, 'not every packet could be sent');
    }
  }

  async function arrivals(watch: Background): Promise<Seen[]> {
    await sleep(700);
    return (await watch.stop<{ packets: string[] }>()).packets.map(seen);
  }

  const inTransit = (source: string, port: number) => ({
    source,
    sourcePort: 40_000,
    destination: visitor,
    destinationPort: port,
  });
  const textOf = ({ bytes }: Seen) => bytes.toString('latin1', 28);

  test('odd packets from inside: only what a rule allows arrives, from the public address', async () => {
    const denied = udpSegment(inTransit(NODE, DENIED), 'tiny first fragment');
    const head = { source: NODE, destination: visitor, protocol: UDP, id: 77 };
    const quoted = Buffer.concat([Buffer.alloc(4), udp(inTransit(NODE, DENIED), 'quoted')]);
    const flags = [
      FLAGS.ack,
      FLAGS.rst,
      FLAGS.fin | FLAGS.ack,
      FLAGS.syn | FLAGS.ack,
      FLAGS.syn | FLAGS.fin,
      0,
    ];
    const looseSourceRoute = Buffer.from([1, 131, 7, 4, 20, 51, 99, 7]);
    const watch = await lab.background('visitor', 'watch', []);
    await send('node-1', [
      udp(inTransit(NODE, DENIED), 'denied'),
      ipv4({ ...head, payload: denied.subarray(0, 8), moreFragments: true }),
      ipv4({ ...head, payload: denied.subarray(8), fragmentOffset: 1 }),
      udp(inTransit(NODE, ALLOWED), 'source route', { options: looseSourceRoute }),
      ...[0, 8, 13].map(type => icmp(NODE, visitor, type, 0, Buffer.from('0123456789ab'))),
      icmp(NODE, visitor, 3, 4, quoted),
      icmp(NODE, visitor, 5, 1, quoted),
      ...[4, 41, GRE, ESP, SCTP, 136, 255].map(protocol =>
        ipv4({ source: NODE, destination: visitor, protocol, payload: Buffer.alloc(40, protocol) }),
      ),
      ...flags.map(flag => tcp(inTransit(NODE, ALLOWED), { flags: flag })),
      tcp(inTransit(NODE, DENIED), { flags: FLAGS.syn, text: 'data in a SYN' }),
      udp(inTransit(NODE, ALLOWED), 'the one that is allowed'),
    ]);
    const packets = await arrivals(watch);
    assert.deepEqual(packets.map(textOf), ['the one that is allowed']);
    assert.equal(packets[0]?.source, own);
  });

  test('sources that no host inside can have do not pass', async () => {
    const watch = await lab.background('visitor', 'watch', []);
    const sources = [FIREWALL_PRIVATE, own, visitor, '8.8.8.8', '0.0.0.0', '224.0.0.1', '255.255.255.255'];
    const nobody = ['169.254.1.1', '168.63.129.16', '240.0.0.1', '10.42.2.255'];
    await send(
      'node-1',
      [...sources, ...nobody].map(source => udp(inTransit(source, ALLOWED), `from ${source}`)),
    );
    assert.deepEqual((await arrivals(watch)).map(textOf), []);
  });

  test('from the Internet: silence but for the NAT rule, also for sources of the inside, and live flows are safe', async () => {
    const stream = await lab.background('node-1', 'stream', [EASTUS_ADDRESS, '9000', '20']);
    const [onNode, onWeb, onVisitor] = await Promise.all(
      ['node-1', 'web', 'visitor'].map(host => lab.background(host, 'watch', [])),
    );
    assert.ok(onNode && onWeb && onVisitor);
    const to = (destination: string, destinationPort: number, source = visitor) => ({
      source,
      sourcePort: 9000,
      destination,
      destinationPort,
    });
    const low = Array.from({ length: 1023 }, (_, index) => index + 1).filter(port => port !== 80);
    const snat = Array.from({ length: 1290 }, (_, index) => 1024 + index * 50);
    await send('visitor', [
      ...low.map(port => tcp(to(own, port), { flags: FLAGS.syn })),
      ...[53, 67, 123, 161, 500].map(port => udp(to(own, port), 'anybody there')),
      ...snat.map(port => tcp(to(own, port), { flags: FLAGS.rst })),
      ...snat.map(port => tcp(to(own, port), { flags: FLAGS.ack, text: 'injected' })),
      icmp(visitor, own, 8, 0, Buffer.from('0123')),
      ...[NODE, FIREWALL_PRIVATE, own, '127.0.0.1', '192.168.7.7', '224.0.0.5'].map(source =>
        tcp(to(own, 80, source), { flags: FLAGS.syn }),
      ),
      ipv4({ source: visitor, destination: own, protocol: SCTP, payload: udpSegment(to(own, 80), 'other') }),
      tcp(to(WEB_ADDRESS, 80), { flags: FLAGS.syn }),
      udp(to(FIREWALL_PRIVATE, 53), 'inside DNS'),
    ]);
    // Errors of the Internet's own router, for destinations that are not on it, are no answer of the firewall.
    const fromFirewall = (await arrivals(onVisitor)).filter(({ source }) => source === own);
    assert.deepEqual(fromFirewall, []);
    assert.deepEqual(await arrivals(onWeb), []);
    const strange = (await arrivals(onNode)).filter(({ source }) => source !== EASTUS_ADDRESS);
    assert.deepEqual(strange, []);
    const { open, lost } = await stream.stop<{ open: number; lost: number }>();
    assert.deepEqual({ open, lost }, { open: 20, lost: 0 });
  });

  test('2,000 connections that are never completed do not keep an honest client from being served', async () => {
    const { stdout } = await lab.exec('node-1', ['dig', '+short', 'mcr.microsoft.com']);
    const destination = stdout.trim().split('\n').at(-1) ?? '';
    const half = Array.from({ length: 2000 }, (_, index) =>
      tcp(
        { source: '10.42.1.200', sourcePort: 20_000 + index, destination, destinationPort: 443 },
        { flags: FLAGS.syn },
      ),
    );
    await send('node-1', half);
    const page = await lab.exec('web', [
      'curl',
      '-sS',
      '--max-time',
      '5',
      'https://mcr.microsoft.com/whoami',
    ]);
    assert.equal(page.status, 0, page.stderr);
  });

  test('a flood of questions is dropped beyond its share, and another host gets its answers', async () => {
    const question = Buffer.from(
      '000101000001000000000000046e616d65076578616d706c65036f72670000010001',
      'hex',
    );
    const flood = udp(
      { source: NODE, sourcePort: 5353, destination: FIREWALL_PRIVATE, destinationPort: 53 },
      question.toString('latin1'),
    ).toString('hex');
    const flooding = lab.client('node-1', 'raw', [`${flood}*200000`]);
    await sleep(300);
    const dig = ['dig', '+tries=2', '+time=2', '+short', `@${FIREWALL_PRIVATE}`];
    for (const name of ['one', 'two', 'three']) {
      const { stdout } = await lab.exec('web', [...dig, `${name}.example.org`]);
      assert.match(stdout, /^\d+\.\d+\.\d+\.\d+$/m, `${name} was not resolved: ${stdout}`);
    }
    await flooding;
  });

  test("an allowed name never leads to addresses that are nobody's server", async () => {
    await lab.azOk(
      ...['network', 'firewall', 'application-rule', 'create', '-g', GROUP, '-f', FIREWALL, '--name', 'r'],
      ...['--collection-name', 'names', '--priority', '300', '--action', 'Allow', '--source-addresses', '*'],
      ...['--protocols', 'http=80', 'https=443', '--target-fqdns', '*.example.net'],
    );
    for (const label of [...Object.keys(NEVER), 'alias']) {
      const name = `${label}.example.net`;
      const curl = [
        'curl',
        '-sSk',
        '--max-time',
        '5',
        '--connect-to',
        `::${EASTUS_ADDRESS}:`,
        '-w',
        '%{http_code}',
      ];
      const [http, https] = await Promise.all([
        lab.exec('node-1', [...curl, '-o', '/dev/null', `http://${name}/`]),
        lab.exec('node-1', [...curl, '-o', '/dev/null', `https://${name}/`]),
      ]);
      assert.equal(http.stdout, '470', name);
      assert.notEqual(https.status, 0, name);
      const record = await lab.logged(({ Fqdn, Protocol }) => Fqdn === name && Protocol === 'HTTPS');
      assert.match(String(record?.ActionReason), /never connected to/);
    }
  });

  test('a network rule that denies cuts the connections that the proxy holds', async () => {
    const url = 'http://mcr.microsoft.com/slow?seconds=6';
    const download = lab.exec('node-1', ['curl', '-sS', '--max-time', '15', url]);
    await sleep(1500);
    await networkRule('no-http', '400', 'Deny', '*', '80', 'TCP');
    const page = await download;
    assert.match(page.stdout, /second 1 of 6/, page.stderr);
    assert.doesNotMatch(page.stdout, /second 6 of 6/);
    assert.notEqual(page.status, 0);
    const { stdout } = await lab.exec('node-1', [
      'curl',
      '-sS',
      '--max-time',
      '5',
      '-k',
      'https://mcr.microsoft.com/',
    ]);
    assert.notEqual(stdout, '', 'another port is not touched');
  });

  test('fifty changes of rules in a row lose no connection and open nothing', async () => {
    const stream = await lab.background('node-1', 'stream', [EASTUS_ADDRESS, '9000', '200']);
    const watch = await lab.background('visitor', 'watch', []);
    const probe = udp(inTransit(NODE, DENIED), 'never').toString('hex');
    const script = `for i in $(seq 50); do
      az network firewall network-rule create -g ${GROUP} -f ${FIREWALL} --collection-name storm --name "r$i" \
        --protocols TCP --source-addresses '*' --destination-addresses 192.0.2.1 --destination-ports "$i" \
        $([ "$i" = 1 ] && echo --priority 600 --action Allow) > /dev/null || exit 1
    done`;
    const changes = lab.shell(script, { timeoutMs: 90_000 });
    for (let round = 0; round < 5; round += 1) {
      await lab.client('node-1', 'raw', [`${probe}*200`]);
      await sleep(500);
    }
    const { status, stderr } = await changes;
    assert.equal(status, 0, stderr);
    assert.deepEqual((await arrivals(watch)).map(textOf), []);
    const { open, lost } = await stream.stop<{ open: number; lost: number }>();
    assert.deepEqual({ open, lost }, { open: 200, lost: 0 });
  });
});
