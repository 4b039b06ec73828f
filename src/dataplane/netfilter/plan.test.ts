import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printRule } from '#nft/print.ts';
import { type ProgramLines, program, range } from '../../../test/netfilter/programs.ts';
import { addressSetName, fqdnSetName, portSetName } from './names.ts';
import { type PlanOptions, planRuleset } from './plan.ts';
import type { PolicyChain } from './skeleton.ts';

const options: PlanOptions = {
  generation: 7,
  threatRanges: [],
  natAddressOf: () => undefined,
  snatPorts: { first: 1024, last: 65535 },
  servedInterfaces: ['eth0', 'eth1'],
};

function rules(chain: PolicyChain, lines: ProgramLines, changed: Partial<PlanOptions> = {}): string[] {
  return planRuleset(program(lines), { ...options, ...changed }).chains[chain].map(printRule);
}

/** The rules of the network clauses: between the firewall's own addresses and the default. */
function networkRules(lines: ProgramLines): string[] {
  return rules('classify_inside', lines).slice(5, -1);
}

const NEVER = '{ 0.0.0.0/8, 127.0.0.0/8, 168.63.129.16, 169.254.0.0/16, 224.0.0.0/3 }';
const FROM_NOBODY = `ip saddr ${NEVER} meta mark set 0x47000000 goto denied`;
const TO_NOBODY = `ip daddr ${NEVER} meta mark set 0x47000000 goto denied`;
const FROM_OWN = 'ip saddr { 10.42.1.1, 198.51.100.1 } goto refuse';
const OWN = 'ip daddr { 10.42.1.1, 198.51.100.1 } goto refuse';
const NOT_UNICAST = 'fib daddr type != unicast goto refuse';
const DEFAULT = 'meta mark set 0x47000000 goto denied';

describe('the order of judgement', () => {
  it('threat intelligence, NAT, DNS, own addresses, network rules, application ports, default', () => {
    const lines: ProgramLines = {
      threat: 'Deny',
      dns: true,
      nat: [{ rule: 'web', to: '198.51.100.1', port: '80', target: '10.42.1.4', targetPort: 8080 }],
      network: [
        { rule: 'no', action: 'Deny', to: ['192.0.2.66'] },
        { rule: 'yes', to: ['192.0.2.0/24'], ports: ['443', '1000-1002'] },
      ],
      applicationPorts: [443, 80, 81],
    };
    const threatRanges = [range('203.0.113.5')];
    const nat = [
      'ip daddr 198.51.100.1 meta l4proto tcp th dport 80 ct status dnat ct reply ip saddr != 10.42.1.4 goto refuse',
      'ip daddr 198.51.100.1 meta l4proto tcp th dport 80 ct status dnat ct reply proto-src != 8080 goto refuse',
      'ip daddr 198.51.100.1 meta l4proto tcp th dport 80 meta mark set 0x17000003 goto allow',
    ];
    assert.deepEqual(rules('classify_inside', lines, { threatRanges }), [
      FROM_NOBODY,
      FROM_OWN,
      'ip daddr 203.0.113.5 meta mark set 0x47000000 goto threat_denied',
      ...nat,
      'ip daddr 10.42.1.1 meta l4proto { tcp, udp } th dport 53 ct status dnat goto refuse',
      'ip daddr 10.42.1.1 meta l4proto { tcp, udp } th dport 53 meta mark set 0x77000000 goto admit',
      OWN,
      NOT_UNICAST,
      TO_NOBODY,
      'ip daddr 192.0.2.66 meta l4proto tcp meta mark set 0x47000001 goto denied',
      `ip daddr 192.0.2.0/24 meta l4proto tcp th dport @${portSetName([
        { first: 443, last: 443 },
        { first: 1000, last: 1002 },
      ])} meta mark set 0x17000002 goto allow`,
      `meta l4proto tcp th dport @${portSetName([
        { first: 80, last: 81 },
        { first: 443, last: 443 },
      ])} goto app_port`,
      DEFAULT,
    ]);
    assert.deepEqual(rules('classify_outside', lines, { threatRanges }), [
      FROM_OWN,
      'ip saddr 203.0.113.5 meta mark set 0x47000000 goto threat_denied',
      ...nat,
      'goto refuse',
    ]);
    assert.deepEqual(rules('dnat_rules', lines), [
      'ct mark 0x17000003 meta l4proto { tcp, udp } dnat ip to 10.42.1.4:8080',
    ]);
    assert.deepEqual(rules('stale', lines), ['ct mark & 0x0f000000 == 0x07000000 accept', 'goto classify']);
  });

  it('Alert logs new flows and goes on; Off says nothing', () => {
    const threatRanges = [range('203.0.113.5')];
    assert.match(
      rules('classify_inside', { threat: 'Alert' }, { threatRanges })[2] ?? '',
      /^ip daddr 203\.0\.113\.5 ct mark & 0xf0000000 == 0x00000000 limit .* log prefix "threat-alert"/,
    );
    assert.deepEqual(rules('classify_inside', { threat: 'Off' }, { threatRanges }), [
      FROM_NOBODY,
      FROM_OWN,
      OWN,
      NOT_UNICAST,
      TO_NOBODY,
      DEFAULT,
    ]);
  });
});

describe('spoofed sources', () => {
  it('with an interface of its own the Internet is nowhere inside', () => {
    assert.equal(
      rules('classify_inside', {}, { outsideOnly: 'eth1' })[1],
      'ip saddr != { 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 } fib saddr oifname "eth1" ' +
        'meta mark set 0x47000000 goto denied',
    );
  });
});

describe('network clauses', () => {
  const mark = 'meta mark set 0x17000001 goto allow';
  const anyMark = 'meta mark set 0x17000001 goto allow_any_protocol';
  const name = `ip daddr @${fqdnSetName('a.example.org')}`;
  const cases: readonly [
    string,
    Omit<NonNullable<ProgramLines['network']>[number], 'rule'>,
    readonly string[],
  ][] = [
    ['Any without ports is every protocol', { protocols: ['Any'] }, [anyMark]],
    ['Any with every port is every protocol too', { protocols: ['Any'], ports: ['*'] }, [anyMark]],
    [
      'Any with ports is TCP and UDP',
      { protocols: ['Any'], ports: ['53'] },
      [`meta l4proto { tcp, udp } th dport 53 ${mark}`],
    ],
    [
      'Any with ports beside ICMP',
      { protocols: ['Any', 'ICMP'], ports: ['53'] },
      [`meta l4proto { tcp, udp } th dport 53 ${mark}`, `meta l4proto icmp ${anyMark}`],
    ],
    ['ICMP ignores ports', { protocols: ['ICMP'], ports: ['53'] }, [`meta l4proto icmp ${anyMark}`]],
    [
      'touching ports become one range',
      { ports: ['1-5', '6', '4-9'] },
      [`meta l4proto tcp th dport 1-9 ${mark}`],
    ],
    [
      'every address is no match',
      { from: ['0.0.0.0/0'], to: ['0.0.0.0-255.255.255.255'] },
      [`meta l4proto tcp ${mark}`],
    ],
    ['an empty source set matches nothing', { from: [] }, []],
    ['an empty destination set matches nothing', { to: [] }, []],
    [
      'a denied protocol needs no look at its translation',
      { action: 'Deny', protocols: ['ICMP'] },
      ['meta l4proto icmp meta mark set 0x47000001 goto denied'],
    ],
    [
      'on bound ports names lead to the L7 engine, addresses of the same rule do not',
      { to: ['192.0.2.1'], fqdns: ['a.example.org'], ports: ['80-500'], boundPorts: [443, 8443] },
      [
        `ip daddr 192.0.2.1 meta l4proto tcp th dport 80-500 ${mark}`,
        `${name} meta l4proto tcp th dport 443 goto app_port`,
        `${name} meta l4proto tcp th dport 80-500 ${mark}`,
      ],
    ],
    [
      'Any is bound for TCP alone',
      { protocols: ['Any'], fqdns: ['a.example.org'], boundPorts: [443, 8443] },
      [
        `${name} meta l4proto tcp th dport @${portSetName([
          { first: 443, last: 443 },
          { first: 8443, last: 8443 },
        ])} goto app_port`,
        `${name} ${anyMark}`,
      ],
    ],
    [
      'nothing is bound without TCP, and on no port that the rule lacks',
      { protocols: ['UDP'], fqdns: ['a.example.org'], ports: ['1-442'], boundPorts: [443] },
      [`${name} meta l4proto udp th dport 1-442 ${mark}`],
    ],
    [
      'several destinations are a rule each',
      { to: ['192.0.2.1'], fqdns: ['a.example.org'] },
      [
        `ip daddr 192.0.2.1 meta l4proto tcp ${mark}`,
        `ip daddr @${fqdnSetName('a.example.org')} meta l4proto tcp ${mark}`,
      ],
    ],
    [
      'overlapping prefixes are merged before they make a set',
      { from: ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.1'] },
      [`ip saddr @${addressSetName([range('10.0.0.0/8'), range('192.0.2.1')])} meta l4proto tcp ${mark}`],
    ],
  ];
  for (const [title, clause, expected] of cases)
    it(title, () => assert.deepEqual(networkRules({ network: [{ rule: 'r', ...clause }] }), expected));

  it('equal address lists share one set', () => {
    const to = ['192.0.2.1', '192.0.2.9'];
    const plan = planRuleset(
      program({
        network: [
          { rule: 'a', to },
          { rule: 'b', to: [...to].reverse() },
        ],
      }),
      options,
    );
    assert.equal(plan.sets.filter(set => set.kind === 'intervals' && set.ranges.length === 2).length, 1);
  });

  it('a set that the program lacks is our bug and named', () => {
    const broken = program({ network: [{ rule: 'a', to: ['192.0.2.1'] }] });
    assert.throws(
      () => planRuleset({ ...broken, netfilter: { ...broken.netfilter, addressSets: {} } }, options),
      /no address set 192\.0\.2\.1/,
    );
  });
});

describe('NAT', () => {
  const nat = [{ rule: 'web', to: '198.51.100.1', port: '80', target: 'web.example.org', targetPort: 8080 }];

  it('a target that is a name has no rule until it has an address', () => {
    assert.deepEqual(rules('classify_outside', { nat }), [FROM_OWN, 'goto refuse']);
    assert.deepEqual(rules('dnat_rules', { nat }), []);
    assert.deepEqual(rules('dnat_rules', { nat }, { natAddressOf: () => 0x0a000001 }), [
      'ct mark 0x17000001 meta l4proto { tcp, udp } dnat ip to 10.0.0.1:8080',
    ]);
  });

  it('of the private address: before DNS, and never in the middle of what the firewall answers itself', () => {
    const own = [
      {
        rule: 'dns',
        to: '10.42.1.1',
        port: '53',
        protocol: 'UDP' as const,
        target: '10.42.9.4',
        targetPort: 53,
      },
    ];
    const matches = 'ip daddr 10.42.1.1 meta l4proto udp th dport 53';
    assert.deepEqual(rules('classify_inside', { nat: own, dns: true }).slice(2, 9), [
      `${matches} ct status dnat ct reply ip saddr != 10.42.9.4 goto refuse`,
      `${matches} ct status dnat ct reply proto-src != 53 goto refuse`,
      `${matches} ct status dnat meta mark set 0x17000001 goto allow`,
      `${matches} ct mark & 0xf0000000 != 0x00000000 goto refuse`,
      `${matches} meta mark set 0x17000001 goto allow`,
      'ip daddr 10.42.1.1 meta l4proto { tcp, udp } th dport 53 ct status dnat goto refuse',
      'ip daddr 10.42.1.1 meta l4proto { tcp, udp } th dport 53 meta mark set 0x77000000 goto admit',
    ]);
  });

  const served = 'oifname != { "eth0", "eth1" } accept';
  const dhcp = 'ct mark & 0xf0000000 == 0x00000000 meta l4proto udp th sport 68 accept';
  const rest = 'ct mark & 0xf0000000 != 0x00000000 drop';

  it('private ranges are left alone, DNATed flows to them get the private address', () => {
    const set = `@${addressSetName(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'].map(range))}`;
    assert.deepEqual(rules('snat_rules', {}), [
      served,
      `ct status dnat ip daddr ${set} snat ip to 10.42.1.1`,
      `ip daddr ${set} accept`,
      `ip daddr ${set} ct mark & 0xf0000000 != 0x00000000 snat ip to 10.42.1.1`,
      `ip daddr ${set} accept`,
      dhcp,
      'meta l4proto { tcp, udp } snat ip to 198.51.100.1:1024-65535',
      rest,
    ]);
  });

  const others = (privateRanges?: string[]) =>
    rules('allow_any_protocol', privateRanges === undefined ? {} : { privateRanges });
  const tcpAndUdp = 'meta l4proto { tcp, udp } goto allow';

  it('what is neither TCP nor UDP is allowed where it needs no public address', () => {
    const iana = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'].map(range);
    const set = (...more: string[]) =>
      `ip daddr @${addressSetName([...iana, ...more.map(range)])} goto allow`;
    assert.deepEqual(others(), [tcpAndUdp, set(), 'goto not_translated']);
    assert.deepEqual(others(['203.0.113.0/24']), [tcpAndUdp, set('203.0.113.0/24'), 'goto not_translated']);
    assert.deepEqual(others(['255.255.255.255/32']), [
      tcpAndUdp,
      set('255.255.255.255/32'),
      'goto not_translated',
    ]);
    assert.deepEqual(others(['0.0.0.0/0']), [tcpAndUdp, 'goto allow', 'goto not_translated']);
  });

  it('0.0.0.0/0 as private range never translates, several addresses are drawn at random', () => {
    assert.equal(rules('snat_rules', { privateRanges: ['0.0.0.0/0'] })[2], 'accept');
    assert.equal(
      rules('snat_rules', { snat: ['203.0.113.1', '203.0.113.9'] }).at(-2),
      'meta l4proto { tcp, udp } snat ip to numgen random mod 2 map { 0 : 203.0.113.1, 1 : 203.0.113.9 } : 1024-65535',
    );
  });

  it('without a public address the private one is used', () => {
    assert.equal(
      rules('snat_rules', { snat: [] }).at(-2),
      'meta l4proto { tcp, udp } snat ip to 10.42.1.1:1024-65535',
    );
  });
});
