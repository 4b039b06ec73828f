import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConntrackEntry } from '#netlink/conntrack.ts';
import { NetlinkError } from '#netlink/errors.ts';
import { FakeNetlink } from '#netlink/kernel-netlink.ts';
import { FakeNftRunner } from '#nft/runner.ts';
import type { LogRecord } from '#telemetry/records.ts';
import { address, type ProgramLines, program } from '../../../test/netfilter/programs.ts';
import { HostSettings } from './host-settings.ts';
import { fqdnSetName } from './names.ts';
import { NetfilterPlane } from './netfilter-plane.ts';

function setUp() {
  const runner = new FakeNftRunner();
  const netlink = new FakeNetlink();
  const records: LogRecord[] = [];
  const problems: string[] = [];
  const values = new Map<string, string>();
  const commands: string[] = [];
  const clock = { now: 0 };
  const settings = new HostSettings({
    sysctls: { read: key => values.get(key) ?? '9', write: (key, value) => values.set(key, value) },
    run: async (command, args) => void commands.push([command, ...args].join(' ')),
  });
  const plane = new NetfilterPlane({
    interfaces: { inside: ['eth1'], outside: 'eth0', insidePrefixes: [] },
    runner,
    netlink,
    log: { write: record => records.push(record) },
    proxyPort: 15001,
    settings,
    now: () => clock.now,
    onProblem: problem => problems.push(problem),
  });
  return { plane, runner, netlink, records, problems, values, commands, clock };
}

const to = ['192.0.2.1', '192.0.2.9'];
const lines: ProgramLines = {
  network: [
    { rule: 'a', to },
    { rule: 'n', fqdns: ['a.example.org'] },
  ],
};

function flow(mark: number, destination: string, protocol = 6): ConntrackEntry {
  const original = {
    protocol,
    source: address('10.42.1.4'),
    destination: address(destination),
    sourcePort: 40000,
    destinationPort: 443,
  };
  const reply = {
    protocol,
    source: original.destination,
    destination: address('198.51.100.1'),
    sourcePort: 443,
    destinationPort: 40000,
  };
  return { mark, original, reply, dnat: false, key: Buffer.from(destination) };
}

describe('applying a program', () => {
  it('closed rules first; then sets and rules nobody uses, one small switch, and removal of what is unused', async () => {
    const { plane, runner, values, commands } = setUp();
    await plane.apply(program(lines));
    const [closed = '', creation = '', chains = '', ...more] = runner.scripts;
    assert.match(closed, /^add table inet postern\ndelete table inet postern\nadd table inet postern\n/);
    assert.match(closed, /add rule inet postern classify_inside drop\n/);
    assert.doesNotMatch(closed, /add rule inet postern classify_inside .*accept/);
    assert.doesNotMatch(creation, /flush|delete|(classify_inside|classify_outside|dnat_rules|snat_rules) /);
    assert.match(chains, /^(flush chain inet postern (\w+)\nadd rule inet postern \2 goto body_\w+\n){6}$/);
    assert.deepEqual(more, []);
    assert.equal(values.get('net/ipv4/ip_forward'), '1');
    assert.ok(
      commands.some(command => command.includes('rule add fwmark 0x30000000/0xf0000000 lookup 20559')),
    );
    runner.scripts.length = 0;
    await plane.apply(program({ network: [{ rule: 'a', to: [...to, '192.0.2.20'] }] }));
    assert.deepEqual(
      runner.scripts.map(script => script.split(' ', 2).join(' ')),
      ['add set', 'flush chain', 'delete chain'],
    );
    assert.doesNotMatch(runner.scripts[1] ?? '', /snat_rules/, 'unchanged chains are left alone');
    assert.match(runner.scripts[2] ?? '', new RegExp(fqdnSetName('a.example.org')));
  });

  it('the same program twice changes nothing', async () => {
    const { plane, runner } = setUp();
    const once = program(lines);
    await plane.apply(once);
    const { length } = runner.scripts;
    await plane.apply(once);
    assert.equal(runner.scripts.length, length);
  });

  it('a refused switch leaves the old program, and the next one works', async () => {
    const { plane, runner, records, netlink } = setUp();
    await plane.apply(program(lines));
    runner.failWhen = script => script.startsWith('flush chain');
    await assert.rejects(
      plane.apply(program({ network: [{ rule: 'b', to: ['192.0.2.7', '192.0.2.70'] }] })),
      /made to fail/,
    );
    assert.match(
      runner.scripts.at(-1) ?? '',
      /^delete chain .*\n(.*\n)*delete set/,
      'what it brought is removed',
    );
    const header = {
      version: 4,
      protocol: 6,
      source: '10.42.1.4',
      destination: '192.0.2.1',
      sourcePort: 1,
      destinationPort: 2,
      icmpType: 0,
    } as const;
    netlink.emit([{ prefix: 'allow', mark: 0x10000001, header }]);
    assert.ok(records[0]?.Type === 'AZFWNetworkRule' && records[0].Rule === 'a');
    runner.failWhen = () => false;
    await plane.apply(program({ network: [{ rule: 'b' }] }));
  });

  it('generations that connections still carry are not used again', async () => {
    const { plane, runner, netlink } = setUp();
    netlink.entries = [flow(0x10000001, '192.0.2.200'), flow(0x11000001, '192.0.2.200')];
    await plane.apply(program(lines));
    assert.match(runner.scripts.at(-2) ?? '', /meta mark set 0x12000001 goto allow/);
  });
});

describe('connections of an older policy', () => {
  it('get the new mark, are cut and probed, or deleted', async () => {
    const { plane, netlink, problems } = setUp();
    await plane.apply(program(lines));
    netlink.entries = [
      flow(0x10000001, '192.0.2.1'),
      flow(0x10000001, '192.0.2.8'),
      flow(0x10000001, '192.0.2.7', 17),
    ];
    await plane.apply(program(lines));
    assert.deepEqual(
      netlink.marks.map(({ entry, mark }) => [entry.key.toString(), mark]),
      [
        ['192.0.2.1', 0x11000001],
        ['192.0.2.8', 0x40000000],
      ],
    );
    assert.deepEqual(
      netlink.deleted.map(entry => entry.key.toString()),
      ['192.0.2.7'],
    );
    assert.deepEqual(
      netlink.probes.map(probe => [probe.source, probe.destination]),
      [
        [address('192.0.2.8'), address('10.42.1.4')],
        [address('198.51.100.1'), address('192.0.2.8')],
      ],
    );
    assert.deepEqual(plane.lastRevocation, { kept: 1, cut: 2 });
    assert.deepEqual(problems, []);
  });

  it('whose packet came before the list are probed too: only its sender knows that they are cut', async () => {
    const { plane, netlink } = setUp();
    await plane.apply(program(lines));
    netlink.entries = [flow(0x40000000, '192.0.2.8'), flow(0x40000000, '192.0.2.7', 17)];
    await plane.apply(program(lines));
    assert.deepEqual(
      netlink.probes.map(probe => probe.destination),
      [address('10.42.1.4'), address('192.0.2.8')],
    );
    assert.deepEqual(netlink.marks, []);
  });
});

describe('addresses of names', () => {
  const ONE = 0xc0000201;
  const TWO = 0xc0000202;

  it('that are loopback, link-local, multicast or the platform are not taken', async () => {
    const { plane, netlink } = setUp();
    await plane.apply(program(lines));
    plane.add('a.example.org', [0, 0x7f000001, 0xa9fea9fe, 0xa83f8110, 0xe0000001, 0xffffffff], 60);
    assert.deepEqual(netlink.changes, []);
  });

  it('are added, refreshed by removal and addition, never shortened, and ignored when unwatched', async () => {
    const { plane, netlink, clock } = setUp();
    await plane.apply(program(lines));
    plane.add('a.example.org', [ONE, ONE, TWO], 60);
    plane.add('a.example.org', [ONE], 30);
    plane.add('b.example.org', [ONE], 60);
    plane.add('a.example.org', [ONE], 0);
    clock.now = 50_000;
    plane.add('a.example.org', [ONE], 60);
    clock.now = 70_000;
    plane.add('a.example.org', [TWO], 60);
    assert.deepEqual(
      netlink.changes.map(({ remove = [], add = [] }) => [remove, add.map(element => element.address)]),
      [
        [[], [ONE, TWO]],
        [[ONE], [ONE]],
        [[], [TWO]],
      ],
    );
  });

  it('one that expired in the kernel a moment early is added all the same', async () => {
    const { plane, netlink, problems, clock } = setUp();
    await plane.apply(program(lines));
    plane.add('a.example.org', [ONE], 60);
    clock.now = 59_999;
    const change = netlink.changeElements.bind(netlink);
    netlink.changeElements = request => {
      if ((request.remove ?? []).length > 0) throw new NetlinkError('elements', 2);
      change(request);
    };
    plane.add('a.example.org', [ONE], 60);
    assert.equal(netlink.changes.length, 2);
    assert.deepEqual(problems, []);
  });

  it('a refusal is reported and does not stop the answer', async () => {
    const { plane, netlink, problems } = setUp();
    await plane.apply(program(lines));
    netlink.changeElements = () => {
      throw new NetlinkError('elements of set f_1', 23);
    };
    plane.add('a.example.org', [ONE], 60);
    assert.match(problems[0] ?? '', /addresses of a\.example\.org are not in force: .*ENFILE/);
  });

  it("a NAT target's first usable address brings its rules into force", async () => {
    const { plane, runner } = setUp();
    await plane.apply(
      program({
        nat: [{ rule: 'w', to: '198.51.100.1', port: '80', target: 'w.example.org', targetPort: 80 }],
      }),
    );
    plane.add('w.example.org', [0x7f000001, 0xa9fea9fe, 0x0a000001, TWO], 60);
    await plane.setThreatRanges([]);
    assert.ok(runner.scripts.some(script => script.includes('dnat ip to 10.0.0.1:80')));
  });
});

describe('a table that an earlier process left', () => {
  it('stays until the first program, which replaces it in one transaction with what names had learned', async () => {
    const { plane, runner, netlink } = setUp();
    netlink.inherited.set(fqdnSetName('a.example.org'), [{ address: 0xc0000203, expiresMs: 5000 }]);
    await plane.start();
    assert.deepEqual(runner.scripts, []);
    await plane.apply(program(lines));
    assert.equal(runner.scripts.length, 1);
    assert.match(runner.scripts[0] ?? '', /^add table inet postern\ndelete table inet postern\n/);
    assert.match(runner.scripts[0] ?? '', /elements = \{ 192\.0\.2\.3 timeout 5s \}/);
    plane.add('a.example.org', [0xc0000203], 60);
    assert.deepEqual(netlink.changes[0]?.remove, [0xc0000203]);
  });
});

describe('closing', () => {
  it('restores settings and removes the table; with keep it touches nothing', async () => {
    const first = setUp();
    await first.plane.apply(program(lines));
    await first.plane.close();
    assert.equal(first.values.get('net/ipv4/ip_forward'), '9');
    assert.match(first.runner.scripts.at(-1) ?? '', /delete table inet postern\n$/);
    assert.ok(first.netlink.closed);
    await assert.rejects(first.plane.apply(program(lines)), /closed/);
    const second = setUp();
    await second.plane.apply(program(lines));
    const { length } = second.runner.scripts;
    await second.plane.close({ keep: true });
    assert.equal(second.runner.scripts.length, length);
    assert.equal(second.values.get('net/ipv4/ip_forward'), '1');
  });
});

describe('records', () => {
  const header = {
    version: 4,
    protocol: 6,
    source: '10.42.1.4',
    destination: '192.0.2.1',
    sourcePort: 5,
    destinationPort: 443,
    icmpType: 0,
  } as const;

  it('name the rule of the policy that judged the packet, even after the next one', async () => {
    const { plane, netlink, records } = setUp();
    await plane.apply(program({ network: [{ rule: 'old' }] }));
    await plane.apply(
      program({
        network: [{ rule: 'new' }],
        nat: [{ rule: 'web', to: '198.51.100.1', port: '80', target: '10.42.1.4', targetPort: 8080 }],
      }),
    );
    netlink.emit([
      { prefix: 'allow', mark: 0x10000001, header },
      { prefix: 'allow', mark: 0x11000001, header },
      { prefix: 'allow', mark: 0x11000002, header },
      { prefix: 'deny', mark: 0x41000000, header },
      { prefix: 'deny', mark: 0x41000000, header },
      { prefix: 'not-translated', mark: 0x11000001, header: { ...header, protocol: 1, icmpType: 8 } },
      { prefix: 'threat-deny', mark: 0x41000000, header },
      { prefix: 'ipv6', mark: 0, header: { ...header, version: 6, protocol: 58, icmpType: 128 } },
      { prefix: 'allow', mark: 0x15000001, header },
      { prefix: 'foreign', mark: 0, header },
    ]);
    assert.deepEqual(
      records.map(record =>
        record.Type === 'AZFWNetworkRule'
          ? [record.Protocol, record.Action, record.Rule, record.ActionReason]
          : record.Type === 'AZFWNatRule'
            ? [record.Rule, record.TranslatedIp, record.TranslatedPort]
            : [record.Type],
      ),
      [
        ['TCP', 'Allow', 'old', ''],
        ['TCP', 'Allow', 'new', ''],
        ['web', '10.42.1.4', 8080],
        ['TCP', 'Deny', '', 'Default Action'],
        ['ICMP Type=8', 'Deny', 'new', 'Only TCP and UDP can leave with a public address'],
        ['AZFWThreatIntel'],
        ['ICMPv6 Type=128', 'Deny', '', 'IPv6 is not governed by the policy'],
      ],
    );
  });
});
