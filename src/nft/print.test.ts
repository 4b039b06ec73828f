import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printCommands, printRule } from './print.ts';
import { FakeNftRunner, NftError, SystemNftRunner } from './runner.ts';
import { accept, drop, goto, match, type NftRule, type NftTable, setMark } from './tree.ts';

const table: NftTable = { family: 'inet', name: 'postern' };
const host = (address: number) => ({ first: address, last: address });

describe('rules', () => {
  const cases: readonly [NftRule, string][] = [
    [[match.addresses('ip daddr', [host(0xc0000201)]), drop], 'ip daddr 192.0.2.1 drop'],
    [
      [match.addresses('ip saddr', [{ first: 0x0a000000, last: 0x0affffff }, host(1)], true), accept],
      'ip saddr != { 10.0.0.0/8, 0.0.0.1 } accept',
    ],
    [[match.addresses('ip daddr', [{ first: 1, last: 2 }]), drop], 'ip daddr 0.0.0.1-0.0.0.2 drop'],
    [[match.set('ip saddr', 'a_1', true), goto('denied')], 'ip saddr != @a_1 goto denied'],
    [
      [
        match.words('meta l4proto', ['tcp', 'udp']),
        match.ports('th dport', [{ first: 80, last: 80 }]),
        accept,
      ],
      'meta l4proto { tcp, udp } th dport 80 accept',
    ],
    [
      [
        match.ports('th dport', [
          { first: 1, last: 9 },
          { first: 80, last: 80 },
        ]),
        drop,
      ],
      'th dport { 1-9, 80 } drop',
    ],
    [
      [match.interfaces('iifname', ['eth0.100', 'br-lan'], true), accept],
      'iifname != { "eth0.100", "br-lan" } accept',
    ],
    [[match.mark('ct mark', 0x10000000, 0xf0000000), accept], 'ct mark & 0xf0000000 == 0x10000000 accept'],
    [[match.mark('ct mark', 0, 0xf0000000, true), accept], 'ct mark & 0xf0000000 != 0x00000000 accept'],
    [
      [setMark('meta mark', 0xf0000001), setMark('ct mark', 'meta mark')],
      'meta mark set 0xf0000001 ct mark set meta mark',
    ],
    [
      [
        {
          kind: 'vmap',
          key: 'ct mark',
          mask: 0xf0000000,
          verdicts: [
            { mark: 0x10000000, verdict: 'accept' },
            { mark: 0x40000000, verdict: { goto: 'cut' } },
          ],
        },
      ],
      'ct mark & 0xf0000000 vmap { 0x10000000 : accept, 0x40000000 : goto cut }',
    ],
    [
      [
        { kind: 'limit', perSecond: 5, burst: 10 },
        { kind: 'log', prefix: 'deny', group: 7, snapLength: 64 },
      ],
      'limit rate 5/second burst 10 packets log prefix "deny" group 7 snaplen 64',
    ],
    [[{ kind: 'tproxy', port: 15001 }, accept], 'tproxy ip to :15001 accept'],
    [[{ kind: 'reject tcp reset' }], 'reject with tcp reset'],
    [[{ kind: 'dnat', address: 0x0a000001, port: 8080 }], 'dnat ip to 10.0.0.1:8080'],
    [[{ kind: 'snat', addresses: [1] }], 'snat ip to 0.0.0.1'],
    [
      [{ kind: 'snat', addresses: [1], ports: { first: 1024, last: 65535 } }],
      'snat ip to 0.0.0.1:1024-65535',
    ],
    [
      [{ kind: 'snat', addresses: [1, 9], ports: { first: 1024, last: 65535 } }],
      'snat ip to numgen random mod 2 map { 0 : 0.0.0.1, 1 : 0.0.0.9 } : 1024-65535',
    ],
  ];
  for (const [rule, expected] of cases) it(expected, () => assert.equal(printRule(rule), expected));
});

describe('commands', () => {
  it('a table with a chain and sets', () => {
    const chain = {
      name: 'pre',
      base: { type: 'filter', hook: 'prerouting', priority: 'mangle', policy: 'accept' } as const,
      rules: [[accept], [drop]],
    };
    assert.equal(
      printCommands([
        { kind: 'add table', table },
        { kind: 'add chain', table, chain },
        { kind: 'add rules', table, chain },
        { kind: 'add set', table, set: { kind: 'intervals', name: 'a_1', ranges: [host(1)] } },
        { kind: 'add set', table, set: { kind: 'intervals', name: 'a_2', ranges: [] } },
        {
          kind: 'add set',
          table,
          set: { kind: 'ports', name: 'p_1', ranges: [host(7), { first: 80, last: 90 }] },
        },
        { kind: 'add elements', table, name: 'a_2', ranges: [host(1), host(9)] },
        { kind: 'delete chain', table, name: 'body_1' },
        {
          kind: 'add set',
          table,
          set: { kind: 'timeouts', name: 'f_1', size: 9, elements: [{ address: 1, timeoutMs: 1500 }] },
        },
        { kind: 'flush chain', table, name: 'pre' },
        { kind: 'delete set', table, name: 'a_1' },
        { kind: 'delete table', table },
      ]),
      `add table inet postern
add chain inet postern pre { type filter hook prerouting priority mangle; policy accept; }
add rule inet postern pre accept
add rule inet postern pre drop
add set inet postern a_1 { type ipv4_addr; flags interval; elements = { 0.0.0.1 }; }
add set inet postern a_2 { type ipv4_addr; flags interval; }
add set inet postern p_1 { type inet_service; flags interval; elements = { 7, 80-90 }; }
add element inet postern a_2 { 0.0.0.1, 0.0.0.9 }
delete chain inet postern body_1
add set inet postern f_1 { type ipv4_addr; flags timeout; size 9; elements = { 0.0.0.1 timeout 2s }; }
flush chain inet postern pre
delete set inet postern a_1
delete table inet postern
`,
    );
  });

  it('keywords, odd names, and wildcards of interface names are refused', () => {
    for (const name of ['queue', 'snat', 'Upper', '9a', 'a-b', '', 'a; drop'])
      assert.throws(
        () => printCommands([{ kind: 'flush chain', table, name }]),
        /not a usable nftables name/,
      );
    for (const name of ['eth*', 'a b', '"', '', 'sixteen-letters-x'])
      assert.throws(() => printRule([match.interfaces('iifname', [name])]), /not an interface name/);
    assert.throws(() => printRule([match.words('meta l4proto', [])]), /needs a value/);
  });
});

describe('runners', () => {
  it("the tool's complaint is kept", async () => {
    // `false` stands for an nft that fails without a word, a missing program for none at all.
    await assert.rejects(new SystemNftRunner({ command: 'false' }).run('x'), /nft failed \(1\)/);
    await assert.rejects(
      new SystemNftRunner({ command: '/nowhere/nft' }).run('x'),
      /cannot run \/nowhere\/nft/,
    );
    assert.match(
      new NftError('nft failed (1)', 'Error: first\nsecond').message,
      /nft failed \(1\): Error: first$/,
    );
  });

  it('the fake remembers scripts, and fails on demand', async () => {
    const runner = new FakeNftRunner();
    await runner.run('a');
    runner.failWhen = script => script === 'b';
    await assert.rejects(runner.run('b'), NftError);
    assert.deepEqual(runner.scripts, ['a']);
  });
});
