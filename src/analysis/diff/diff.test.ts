// What a diff says, rule by rule, in the words that people read; and over a world small enough to ask about every flow.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import { application, ip, ips, nat, network, policy, ports } from '#ir/fixture.ts';
import type { ApplicationRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { intersectRanges, mergeRanges, NEVER_A_TARGET } from '#net/ipv4.ts';
import { type DiffOptions, diffPolicies } from './diff.ts';
import { describeDiff } from './diff-text.ts';
import { isInEntry, textOfDecision } from './testing.ts';
import { inOrderOfRisk } from './weigh.ts';

const unusable = intersectRanges(
  [{ first: 0, last: 0xffffffff }],
  mergeRanges([...NEVER_A_TARGET, ...ips('10.42.2.4'), ...ips('20.1.1.1')]),
);

/** Entries as blocks of `from | to | by | was | now`, without the summary. */
function told(a: ResolvedPolicy, b: ResolvedPolicy, options: DiffOptions = {}): string[] {
  const diff = diffPolicies(a, b, options);
  assert.deepEqual(diff.unfinished, []);
  const lines = [...describeDiff(diff, inOrderOfRisk(diff.entries), { unusable, all: true })];
  return lines
    .join('\n')
    .split('\n\n')
    .filter(block => block.startsWith('  from'))
    .map(block => block.replace(/^ +\w+ +/gm, '').replaceAll('\n', ' | '));
}

const rules = (
  networkRules: readonly NetworkRule[],
  applicationRules: readonly ApplicationRule[] = [],
  rest: Partial<ResolvedPolicy> = {},
) => policy({ networkRules, applicationRules, ...rest });

const tcp = (name: string, destination: string, port: string, rest: Partial<NetworkRule> = {}) =>
  network(name, {
    sources: ips('10.42.1.0/24'),
    destinations: [ips(destination)],
    destinationPorts: ports(port),
    ...rest,
  });

const EXAMPLES: readonly (readonly [string, ResolvedPolicy, ResolvedPolicy, readonly string[]])[] = [
  [
    'equal policies do not differ',
    rules([tcp('a', '10.1.0.0/16', '22')], [application('web', ['*'])]),
    rules([tcp('a', '10.1.0.0/16', '22')], [application('web', ['*'])]),
    [],
  ],
  [
    'a rule written as two that touch is the same',
    rules([tcp('a', '10.1.0.0/16', '22-23')]),
    rules([
      tcp('a', '10.1.0.0/17', '22-23'),
      tcp('a', '10.1.128.0/17', '22'),
      tcp('a', '10.1.128.0/17', '23'),
    ]),
    [],
  ],
  [
    'a rule behind one that covers it is nothing',
    rules([tcp('a', '10.0.0.0/8', '1-1000')]),
    rules([tcp('a', '10.0.0.0/8', '1-1000'), tcp('b', '10.1.2.3', '22', { action: 'Deny' })]),
    [],
  ],
  [
    'a wider port range is newly allowed for the new ports alone',
    rules([tcp('a', '10.1.0.0/16', '22')]),
    rules([tcp('a', '10.1.0.0/16', '20-25')]),
    ['10.42.1.0/24 | 10.1.0.0/16 | tcp:20-21, tcp:23-25 | denied, no rule | allowed by c/a, forwarded'],
  ],
  [
    'a deny that comes first takes its part out of what is allowed',
    rules([tcp('a', '10.0.0.0/8', '22')]),
    rules([tcp('d', '10.1.0.0/16', '1-100', { action: 'Deny' }), tcp('a', '10.0.0.0/8', '22')]),
    [
      '10.42.1.0/24 | 10.1.0.0/16 | tcp:22 | allowed by c/a, forwarded | denied by c/d',
      '10.42.1.0/24 | 10.1.0.0/16 | tcp:1-21, tcp:23-100 | denied, no rule | denied by c/d',
    ],
  ],
  [
    'two rules that change places change what both cover',
    rules([tcp('a', '10.0.0.0/8', '22'), tcp('b', '10.1.0.0/16', '22', { action: 'Deny' })]),
    rules([tcp('b', '10.1.0.0/16', '22', { action: 'Deny' }), tcp('a', '10.0.0.0/8', '22')]),
    ['10.42.1.0/24 | 10.1.0.0/16 | tcp:22 | allowed by c/a, forwarded | denied by c/b'],
  ],
  [
    'a network rule in place of an application rule changes the way, and lets pass what says no name',
    rules([], [application('web', ['*'], { protocols: [{ protocol: 'Https', port: 443 }] })]),
    rules([network('net', { destinationPorts: ports('443') })]),
    [
      '* | * | http:443, mssql:443, tcp:443 without a name | denied, no rule | allowed by c/net, forwarded',
      '* | * | https:443 | allowed by c/web, proxied | allowed by c/net, forwarded',
    ],
  ],
  [
    'a wildcard in place of a name is newly allowed for all its names but this',
    rules([], [application('web', ['a.example.org'], { protocols: [{ protocol: 'Https', port: 443 }] })]),
    rules([], [application('web', ['*.example.org'], { protocols: [{ protocol: 'Https', port: 443 }] })]),
    ['* | *.example.org (except a.example.org) | https:443 | denied, no rule | allowed by c/web, proxied'],
  ],
  [
    '*example.org holds more than *.example.org',
    rules([], [application('web', ['*.example.org'], { protocols: [{ protocol: 'Http', port: 80 }] })]),
    rules([], [application('web', ['*example.org'], { protocols: [{ protocol: 'Http', port: 80 }] })]),
    ['* | *example.org (except *.example.org) | http:80 | denied, no rule | allowed by c/web, proxied'],
  ],
  [
    'a name of a network rule stands for its addresses, except where an address rule comes first',
    rules([tcp('deny', '10.0.0.0/8', '22', { action: 'Deny' })]),
    rules([
      tcp('deny', '10.0.0.0/8', '22', { action: 'Deny' }),
      tcp('git', '192.0.2.1', '22', { destinations: [], destinationFqdns: ['git.example.org'] }),
    ]),
    [
      '10.42.1.0/24 | the addresses of git.example.org, within * except 10.0.0.0/8 | tcp:22 | denied, no rule | allowed by c/git, forwarded',
    ],
  ],
  [
    'two names whose rules change places change what becomes of addresses that have both',
    rules([
      tcp('a', '192.0.2.1', '22', { destinations: [], destinationFqdns: ['a.example.org'] }),
      tcp('b', '192.0.2.1', '22', { destinations: [], destinationFqdns: ['b.example.org'], action: 'Deny' }),
    ]),
    rules([
      tcp('b', '192.0.2.1', '22', { destinations: [], destinationFqdns: ['b.example.org'], action: 'Deny' }),
      tcp('a', '192.0.2.1', '22', { destinations: [], destinationFqdns: ['a.example.org'] }),
    ]),
    [
      '10.42.1.0/24 | addresses that a.example.org shares with b.example.org | tcp:22 | allowed by c/a, forwarded | denied by c/b',
    ],
  ],
  [
    'a bound name must be said on TLS ports',
    rules([
      tcp('git', '192.0.2.1', '22', {
        destinations: [],
        destinationFqdns: ['git.example.org'],
        destinationPorts: ports('443'),
      }),
    ]),
    rules(
      [
        tcp('git', '192.0.2.1', '22', {
          destinations: [],
          destinationFqdns: ['git.example.org'],
          destinationPorts: ports('443'),
        }),
      ],
      [],
      { bindNetworkFqdns: true },
    ),
    [
      '10.42.1.0/24 | * (except git.example.org) | the addresses of git.example.org | https:443 | allowed by c/git, forwarded | denied by c/git',
      '10.42.1.0/24 | the addresses of git.example.org | http:443, mssql:443, tcp:443 without a name | allowed by c/git, forwarded | denied by c/git',
      '10.42.1.0/24 | git.example.org | the addresses of git.example.org | https:443 | allowed by c/git, forwarded | allowed by c/git, proxied',
    ],
  ],
  [
    'a DNAT rule lets the Internet in; another target is another way',
    policy({ natRules: [nat('in', { sources: ips('198.51.100.0/24') })] }),
    policy({ natRules: [nat('in', { sources: ips('198.51.100.0/23'), translatedPort: 8081 })] }),
    [
      '198.51.101.0/24, inside and on the Internet | 20.1.1.1 | tcp:80 | denied, no rule | allowed by c/in, translated to 10.42.1.50:8081',
      '198.51.100.0/24, inside and on the Internet | 20.1.1.1 | tcp:80 | allowed by c/in, translated to 10.42.1.50:8080 | allowed by c/in, translated to 10.42.1.50:8081',
    ],
  ],
  [
    'protocol Any with a port is TCP and UDP alone; without, ICMP reaches private destinations only',
    rules([
      network('any', {
        sources: ips('10.42.1.0/24'),
        protocols: ['Any'],
        destinationPorts: ports('1-65535'),
      }),
    ]),
    rules([network('any', { sources: ips('10.42.1.0/24'), protocols: ['Any'] })]),
    [
      '10.42.1.0/24 | 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 | icmp, other protocols | denied, no rule | allowed by c/any, forwarded',
      '10.42.1.0/24 | * | tcp:0, udp:0 | denied, no rule | allowed by c/any, forwarded',
      '10.42.1.0/24 | * except 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 | icmp, other protocols | denied, no rule | denied by c/any',
    ],
  ],
  [
    'private ranges decide whose address a server sees',
    rules([tcp('a', '192.0.2.0/24', '22')]),
    rules([tcp('a', '192.0.2.0/24', '22')], [], { privateRanges: ips('192.0.2.128/25') }),
    [
      "10.42.1.0/24 | 192.0.2.128/25 | tcp:22 | allowed by c/a, forwarded (a public address) | allowed by c/a, forwarded (the client's own address)",
    ],
  ],
];

describe('a diff tells', () => {
  for (const [title, a, b, expected] of EXAMPLES)
    it(title, () => assert.deepEqual(told(a, b).sort(), [...expected].sort()));

  it('of a renamed rule its two names, once', () => {
    const a = rules([tcp('old', '10.0.0.0/8', '22')], [application('web', ['*'])]);
    const b = rules([tcp('new', '10.0.0.0/8', '22')], [application('web', ['*'])]);
    const { entries, renamed } = diffPolicies(a, b);
    assert.deepEqual(entries, []);
    assert.deepEqual(
      renamed.map(({ before, after }) => [before.rule, after.rule]),
      [['old', 'new']],
    );
    assert.deepEqual(diffPolicies(a, b, { rules: false }).renamed, []);
  });

  it('two rules that swap names as other rules for their flows', () => {
    const a = rules([tcp('x', '10.1.0.0/16', '22'), tcp('y', '10.2.0.0/16', '22')]);
    const b = rules([tcp('y', '10.1.0.0/16', '22'), tcp('x', '10.2.0.0/16', '22')]);
    assert.equal(diffPolicies(a, b).entries.length, 2);
    assert.equal(diffPolicies(a, b, { rules: false }).entries.length, 0);
  });

  it('changes of settings, with threat intelligence among them', () => {
    const a = policy();
    const b = policy({
      threatIntel: { mode: 'Deny', allowedAddresses: ips('192.0.2.1'), allowedFqdns: [] },
      dns: { enableProxy: true, servers: [ip('192.0.2.53')] },
    });
    assert.deepEqual(diffPolicies(a, b).settings, [
      { setting: 'threat intelligence mode', before: 'Alert', after: 'Deny' },
      { setting: 'threat intelligence allowed addresses', before: 'none', after: '192.0.2.1' },
      { setting: 'DNS servers', before: 'none', after: '192.0.2.53' },
    ]);
  });
});

describe('a diff that reaches its bound', () => {
  const many = (port: number) =>
    rules(Array.from({ length: 50 }, (_, i) => tcp(`r${i}`, `10.${i}.0.0/16`, `${port + 2 * i}`)));

  it('says what it found and which services it did not compare', () => {
    const { entries, unfinished } = diffPolicies(many(1000), many(3000), { maxEntries: 10 });
    assert.equal(entries.length, 10);
    assert.ok(unfinished.length > 0);
    const { entries: few, unfinished: most } = diffPolicies(many(1000), many(3000), { maxWork: 500 });
    assert.ok(few.length < 100 && most.length > 50, `${few.length} found, ${most.length} not finished`);
    assert.equal(diffPolicies(many(1000), many(3000)).unfinished.length, 0);
  });

  it('says so of addresses with two names', () => {
    const named = (...names: string[]) =>
      rules(names.map(name => tcp(name, '192.0.2.1', '22', { destinations: [], destinationFqdns: [name] })));
    const [a, b] = [named('a.test', 'b.test', 'c.test'), named('c.test', 'b.test', 'a.test')];
    assert.deepEqual(diffPolicies(a, b, { maxNamePairs: 1 }).unfinished, [{ what: 'AddressesWithTwoNames' }]);
  });
});

describe('in a small world, every flow that is decided differently is in one entry, and no other is in any', () => {
  const sources = ['10.42.1.1', '10.42.1.2', '20.1.1.1', '127.0.0.1'].map(ip);
  const destinations = ['10.42.2.4', '20.1.1.1', '10.1.0.1', '192.0.2.1', '224.0.0.1'].map(ip);
  const claims: readonly Flow['claim'][] = [
    undefined,
    { protocol: 'Https', fqdn: undefined },
    ...['a.example.org', 'b.example.org', 'example.org', 'xexample.org', 'other.test'].flatMap(fqdn => [
      { protocol: 'Http' as const, fqdn },
      { protocol: 'Https' as const, fqdn },
    ]),
  ];
  const network1 = [
    tcp('ssh', '10.0.0.0/8', '22'),
    tcp('named', '192.0.2.1', '443', { destinations: [], destinationFqdns: ['a.example.org'] }),
  ];
  const web = [
    application('web', ['*.example.org', 'example.org']),
    application('any', ['*'], { action: 'Deny' }),
  ];
  const policies: readonly ResolvedPolicy[] = [
    policy({ natRules: [nat('in')], networkRules: network1, applicationRules: web }),
    policy({ networkRules: network1, applicationRules: web, bindNetworkFqdns: true }),
    policy({ networkRules: [...network1].reverse(), applicationRules: [...web].reverse() }),
    policy({
      networkRules: [network('all', { protocols: ['Any'] })],
      privateRanges: ips('192.0.2.0/24'),
      dns: { enableProxy: false, servers: [] },
    }),
    policy({
      applicationRules: [application('wide', ['*example.org'], { destinations: ips('192.0.2.0/24') })],
    }),
  ];
  const flows: Flow[] = sources.flatMap(source =>
    destinations.flatMap(destination =>
      (['inside', 'outside'] as const).flatMap(from => [
        ...(['UDP', 'ICMP', 47] as const).map(protocol => ({
          protocol,
          source,
          destination,
          destinationPort: protocol === 'UDP' ? 53 : 0,
          from,
        })),
        ...[22, 53, 80, 443].flatMap(destinationPort =>
          claims.map(claim => ({
            protocol: 'TCP' as const,
            source,
            destination,
            destinationPort,
            from,
            ...(claim && { claim }),
          })),
        ),
      ]),
    ),
  );
  policies.forEach((a, first) => {
    policies.forEach((b, second) => {
      it(`policy ${first} to policy ${second}`, () => {
        const { entries, unfinished } = diffPolicies(a, b);
        assert.deepEqual(unfinished, []);
        const withSnat = JSON.stringify(a.privateRanges) !== JSON.stringify(b.privateRanges);
        for (const flow of flows) {
          for (const names of [[], ['a.example.org']]) {
            const context = { namesOfAddress: () => new Set(names) };
            const say = (of: ResolvedPolicy) => {
              const decided = decide(of, flow, context);
              return textOfDecision(
                decided.action === 'Pending'
                  ? decide(of, { ...flow, claim: { protocol: 'Https', fqdn: undefined } }, context)
                  : decided,
                withSnat,
              );
            };
            const holding = entries.filter(entry => isInEntry(entry, flow, names));
            assert.equal(holding.length, say(a) === say(b) ? 0 : 1, JSON.stringify({ flow, names }));
          }
        }
      });
    });
  });
});
