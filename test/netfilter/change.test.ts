// A change of policy with real packets: what it cuts, what it must not disturb, and what is left when the owner
// of the rules dies.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { FLAGS, icmp, tcp } from '../support/packets.ts';
import { Agent } from './agent.ts';
import { Bench, type Connected, startGateway } from './bench.ts';
import { type ProgramLines, program } from './programs.ts';

const unavailable = await namespacesUnavailable();
const NODE = join(import.meta.dirname, '../../scripts/node');
const RAW = join(import.meta.dirname, '../support/clients/raw.ts');
const TIMEOUT = { timeoutMs: 600 };

const all: ProgramLines = {
  network: [
    { rule: 'kept', to: ['192.0.2.1'], ports: ['9000'] },
    { rule: 'removed', to: ['192.0.2.2'], ports: ['9000', '443'] },
    { rule: 'udp', protocols: ['UDP'], to: ['192.0.2.2'], ports: ['1194'] },
    { rule: 'name', fqdns: ['a.example.org'], ports: ['9000'] },
  ],
};
const fewer: ProgramLines = {
  network: [
    { rule: 'other', to: ['192.0.2.9'], ports: ['9000'] },
    { rule: 'name', fqdns: ['a.example.org'], ports: ['9000'] },
    { rule: 'kept', to: ['192.0.2.0/31'], ports: ['9000-9001'] },
  ],
  applicationPorts: [443],
};

async function open(): Promise<Bench> {
  const bench = await Bench.open();
  for (const port of [443, 9000]) await bench.server.call('listenTcp', { port });
  await bench.server.call('listenUdp', { port: 1194, address: '192.0.2.2' });
  return bench;
}

describe('a change of policy', { skip: unavailable ?? false }, () => {
  it('cuts what it forbids at both ends within a second, idle or not, and keeps the rest', async () => {
    await using bench = await open();
    await bench.apply(all);
    await bench.add('a.example.org', ['192.0.2.3']);
    const hold = (name: string, address: string, port = 9000) => bench.connect(address, port, { name });
    await hold('kept', '192.0.2.1');
    await hold('named', '192.0.2.3');
    await hold('idle', '192.0.2.2');
    await hold('talking', '192.0.2.2');
    await hold('proxied now', '192.0.2.2', 443);
    assert.ok(await bench.client.call('udp', { address: '192.0.2.2', port: 1194 }));
    assert.equal(await bench.server.call('accepted'), 5);
    let saying = true;
    const talk = (async () => {
      while (saying && (await bench.client.call('say', { name: 'talking' }))) await sleep(20);
    })();
    await sleep(100);
    const applied = await bench.apply(fewer);
    await sleep(1000);
    saying = false;
    await talk;
    for (const name of ['idle', 'talking', 'proxied now'])
      assert.deepEqual(
        await bench.client.call('state', { name }),
        { open: false, error: 'ECONNRESET' },
        `${name} is still open at the client`,
      );
    assert.equal(await bench.server.call('accepted'), 2, 'the server holds the two allowed connections only');
    for (const name of ['kept', 'named']) assert.equal(await bench.client.call('say', { name }), true, name);
    assert.ok(applied.cut >= 3 && applied.kept >= 2, JSON.stringify(applied));
    // A new connection on the port that the engine answers now.
    assert.equal((await bench.connect('192.0.2.2', 443)).greeting, 'engine 192.0.2.2:443');
    const allowedTwice = (await bench.records()).filter(
      record => record.Type === 'AZFWNetworkRule' && record.Action === 'Allow' && record.Rule === 'kept',
    );
    assert.equal(allowedTwice.length, 1, 'a connection that stays allowed is not logged again');
    assert.deepEqual(await bench.problems(), []);
  });

  it('a deny in front of an allow cuts a connection in full flow', async () => {
    await using bench = await open();
    await bench.apply(all);
    await bench.connect('192.0.2.2', 9000, { name: 'bulk' });
    const ended = bench.client.call<number | null>('stream', { name: 'bulk', timeoutMs: 8000 });
    await sleep(300);
    await bench.apply({
      network: [{ rule: 'no', action: 'Deny', to: ['192.0.2.2'] }, ...(all.network ?? [])],
    });
    const ms = await ended;
    assert.ok(ms !== null && ms < 1500, `ended after ${ms} ms`);
  });

  it('an ICMP error of a connection that is cut does not carry its words out', async () => {
    await using bench = await open();
    await bench.apply(all);
    const { localPort } = await bench.connect('192.0.2.2', 9000, { name: 'old' });
    const ends = { source: '192.0.2.2', destination: '10.42.1.4', sourcePort: 9000 };
    const answer = tcp({ ...ends, destinationPort: localPort }, { flags: FLAGS.ack, text: 'words' });
    const error = icmp('10.42.1.4', '192.0.2.2', 3, 1, Buffer.concat([Buffer.alloc(4), answer]));
    const heard = async () => {
      const { stdout } = await bench.net.ok('server', ['cat', '/proc/net/snmp']);
      const [names = '', values = ''] = stdout.split('\n').filter(line => line.startsWith('Icmp:'));
      return Number(values.split(' ')[names.split(' ').indexOf('InDestUnreachs')]);
    };
    const say = () => bench.net.ok('client', [NODE, RAW, error.toString('hex')]);
    const before = await heard();
    await say();
    assert.equal(await heard(), before + 1, 'an error of a live connection arrives');
    await bench.apply(fewer);
    await say();
    await sleep(100);
    assert.equal(await heard(), before + 1, 'one of a connection that was cut does not');
  });

  it('a NAT rule that is removed or leads elsewhere cuts its connections', async () => {
    await using bench = await open();
    for (const port of [8080, 8081]) await bench.client.call('listenTcp', { port });
    const nat = (port: string, targetPort: number) => ({
      rule: `nat${port}`,
      to: '198.51.100.1',
      port,
      target: '10.42.1.4',
      targetPort,
    });
    await bench.apply({ nat: [nat('81', 8080), nat('82', 8080), nat('83', 8080)] });
    for (const port of [81, 82, 83])
      await bench.server.call('connect', { address: '198.51.100.1', port, name: String(port) });
    await bench.apply({ nat: [nat('81', 8080), nat('83', 8081)] });
    await sleep(700);
    const states = await Promise.all(
      ['81', '82', '83'].map(name => bench.server.call<{ open: boolean }>('state', { name })),
    );
    assert.deepEqual(
      states.map(state => state.open),
      [true, false, false],
    );
    assert.equal(await bench.server.call('say', { name: '81' }), true);
  });

  it('twenty changes under load lose no allowed connection and deny none', { timeout: 60_000 }, async () => {
    await using bench = await open();
    const variant = (index: number): ProgramLines => ({
      network: [
        { rule: 'noise', to: [`198.18.${index}.0/24`, '198.19.0.0/24'], ports: ['1-1000'] },
        { rule: 'load', to: ['192.0.2.1', `192.0.2.${100 + index}`], ports: ['9000'] },
      ],
    });
    await bench.apply(variant(0));
    for (let index = 0; index < 20; index += 1)
      await bench.connect('192.0.2.1', 9000, { name: `held ${index}` });
    let stop = false;
    let made = 0;
    const slow: number[] = [];
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const result = await bench.connect('192.0.2.1', 9000, { timeoutMs: 5000 });
        assert.equal(result.error, null);
        made += 1;
        // A SYN that was dropped comes again after a second.
        if (result.ms > 900) slow.push(result.ms);
      }
    });
    for (let index = 1; index <= 20; index += 1) {
      await bench.apply(variant(index));
      await sleep(50);
    }
    stop = true;
    await Promise.all(load);
    assert.ok(made > 500, `only ${made} connections were made`);
    assert.deepEqual(slow, []);
    for (let index = 0; index < 20; index += 1)
      assert.equal(await bench.client.call('say', { name: `held ${index}` }), true);
    const denied = (await bench.records()).filter(record => 'Action' in record && record.Action === 'Deny');
    assert.deepEqual(denied, []);
    assert.deepEqual(await bench.problems(), []);
    const sets = (await bench.ruleset()).match(/set a_/g) ?? [];
    assert.ok(sets.length <= 3, `sets of old policies are left: ${sets.length}`);
  });

  it('a program that the kernel refuses changes nothing', async () => {
    await using bench = await open();
    await bench.apply(all);
    const before = await bench.ruleset();
    const broken = program(fewer);
    const clauses = [
      ...broken.netfilter.networkClauses,
      {
        decision: 1,
        action: 'Allow' as const,
        protocols: ['TCP' as const],
        ports: [{ first: 70000, last: 70000 }],
      },
    ];
    await assert.rejects(
      bench.apply({ ...broken, netfilter: { ...broken.netfilter, networkClauses: clauses } }),
      /nft failed/,
    );
    assert.equal(await bench.ruleset(), before);
    assert.equal((await bench.connect('192.0.2.2', 9000)).error, null);
  });

  it('1,000 clauses are in force in less than a second', async t => {
    await using bench = await open();
    const network = Array.from({ length: 1000 }, (_, index) => ({
      rule: `rule ${index}`,
      from: ['10.42.1.0/24', `10.43.${index % 250}.0/24`],
      to: [`198.18.${index % 256}.${index >> 8}`, `198.19.${index % 256}.0/26`],
      ports: [String(1000 + index), '443'],
    }));
    await bench.apply({ network: network.slice(0, 999) });
    const { ms } = await bench.apply({
      network: [...network.slice(1), { rule: 'last', to: ['192.0.2.1'], ports: ['9000'] }],
    });
    t.diagnostic(`1,000 clauses replaced in ${Math.round(ms)} ms`);
    assert.ok(ms < 1000, `${ms} ms`);
    assert.equal((await bench.connect('192.0.2.1', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.2', 9000, TIMEOUT)).error, 'timeout');
  });
});

describe('the owner of the rules', { skip: unavailable ?? false }, () => {
  it('killed with -9, leaves the last rules enforced; its successor takes them over', async () => {
    await using bench = await open();
    await bench.apply({ ...all, applicationPorts: [443] });
    await bench.add('a.example.org', ['192.0.2.3']);
    await bench.connect('192.0.2.1', 9000, { name: 'held' });
    await bench.connect('192.0.2.3', 9000, { name: 'named' });
    const before = await bench.ruleset();
    const pid = await bench.gateway.call<number>('pid');
    await bench.net.ok('gateway', ['sh', '-c', `kill -9 ${pid}`]);
    await assert.rejects(bench.gateway.call('ping'));
    const countdown = / expires \S+/g;
    assert.equal((await bench.ruleset()).replace(countdown, ''), before.replace(countdown, ''));
    assert.equal((await bench.connect('192.0.2.1', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.9', 9000, TIMEOUT)).error, 'timeout');
    assert.equal((await bench.connect('192.0.2.9', 443, TIMEOUT)).error, 'ECONNREFUSED');
    assert.equal(await bench.client.call('say', { name: 'held' }), true);
    bench.gateway = await startGateway(bench.net);
    await bench.gateway.call('start');
    assert.equal((await bench.connect('192.0.2.1', 9000)).error, null);
    await bench.apply(fewer);
    assert.equal(await bench.client.call('say', { name: 'held' }), true);
    assert.equal(await bench.client.call('say', { name: 'named' }), true);
    assert.equal((await bench.connect('192.0.2.3', 9000)).error, null);
    assert.equal((await bench.connect('192.0.2.2', 9000, TIMEOUT)).error, 'timeout');
    assert.deepEqual(await bench.problems(), []);
  });

  it('gives back on close what it changed, and with keep leaves the rules', async () => {
    await using bench = await open();
    const snapshot = async () => {
      const commands = [
        'nft list ruleset',
        'ip rule',
        'ip -4 route show table all',
        'sysctl net.ipv4.ip_forward net.netfilter.nf_conntrack_tcp_loose net.ipv4.conf.inside.rp_filter net.ipv4.conf.all.send_redirects',
      ];
      return (await bench.net.ok('gateway', ['sh', '-c', commands.join(';')])).stdout;
    };
    await bench.net.ok('gateway', ['sysctl', '-qw', 'net.ipv4.ip_forward=0']);
    await bench.net.ok('gateway', ['sh', '-c', 'nft add table ip foreign']);
    await bench.net.ok('gateway', [
      'sh',
      '-c',
      'nft list ruleset; sysctl -qw net.ipv4.conf.inside.rp_filter=1',
    ]);
    // Loads connection tracking, so that its sysctls are there before as they are after.
    await bench.net.exec('gateway', ['conntrack', '-C']);
    const before = await snapshot();
    await bench.apply(all);
    assert.match(await snapshot(), /20559:\s+from all fwmark 0x30000000\/0xf0000000 lookup 20559/);
    await bench.gateway.call('close', {});
    assert.equal(await snapshot(), before);
    bench.gateway.child.stdin?.end();
    bench.gateway = await startGateway(bench.net);
    await bench.apply(all);
    await bench.gateway.call('close', { keep: true });
    assert.equal((await bench.connect('192.0.2.1', 9000)).error, null);
  });
});

/** Puts a link of 1,280 bytes and a host `far` behind `near`, whose address range `far` takes over. */
async function narrow(bench: Bench, near: string, range: string, inner: string): Promise<Agent> {
  await bench.net.add('far');
  await bench.net.link(near, 'narrow', '192.168.77.1/24', 'far', 'eth0', '192.168.77.2/24');
  await bench.net.ok(near, ['ip', 'link', 'set', 'narrow', 'mtu', '1280']);
  await bench.net.ok(near, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await bench.net.exec(near, ['ip', 'route', 'del', 'local', range, 'dev', 'lo', 'table', 'local']);
  await bench.net.ok(near, ['ip', 'route', 'add', range, 'via', '192.168.77.2']);
  await bench.net.ok('far', ['ip', 'route', 'add', 'local', range, 'dev', 'lo']);
  // Both ends of the link are narrow, but the far host offers segments of 1,460 bytes, so that only an ICMP error can
  // tell the sender.
  await bench.net.ok('far', ['ip', 'link', 'set', 'eth0', 'mtu', '1280']);
  const route = ['default', 'via', '192.168.77.1', 'src', inner, 'advmss', '1460'];
  await bench.net.ok('far', ['ip', 'route', 'add', ...route]);
  return Agent.start(bench.net, 'far', 'host-process.ts');
}

describe('path MTU', { skip: unavailable ?? false }, () => {
  it('a link of 1,280 bytes behind the firewall lets large writes through', async () => {
    await using bench = await open();
    const far = await narrow(bench, 'server', '192.0.2.0/24', '192.0.2.1');
    await far.call('listenTcp', { port: 9000 });
    await bench.apply(all);
    assert.equal((await bench.connect('192.0.2.1', 9000, { name: 'large' })).error, null);
    assert.equal(await bench.client.call('say', { name: 'large', bytes: 300_000 }), true);
    const cached = (await bench.net.ok('client', ['ip', 'route', 'get', '192.0.2.1'])).stdout;
    assert.match(cached, /mtu 1280/);
  });

  it('one before the firewall lets the large answers of the engine through', async () => {
    await using bench = await open();
    const far = await narrow(bench, 'client', '10.42.9.0/24', '10.42.9.4');
    await bench.net.ok('gateway', ['ip', 'route', 'add', '10.42.9.0/24', 'via', '10.42.1.4']);
    await bench.apply({ applicationPorts: [443] });
    const result = await far.call<Connected>('connect', {
      address: '192.0.2.1',
      port: 443,
      name: 'large',
      localAddress: '10.42.9.4',
    });
    assert.equal(result.greeting, 'engine 192.0.2.1:443');
    assert.equal(await far.call('say', { name: 'large', bytes: 300_000 }), true);
    const cached = (await bench.net.ok('gateway', ['ip', 'route', 'get', '10.42.9.4'])).stdout;
    assert.match(cached, /mtu 1280/, 'the error came to the gateway');
  });
});
