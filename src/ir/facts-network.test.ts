// What the fields of network rules match, and which source address their flows leave with.

import { ALL_IPV4 } from '#net/ipv4.ts';
import { called, type Fact, prove } from './facts-fixture.ts';
import { application, claim, flow, ips, network, policy, ports } from './fixture.ts';

const one = (rest: Parameters<typeof network>[1]) => policy({ networkRules: [network('r', rest)] });
const YES = 'Allow forward snat r (RuleMatched)';
const LOCAL = 'Allow forward plain r (RuleMatched)';
const NO = 'Deny - (DefaultAction)';

const fields: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'Any without a port is every IP protocol',
    rules: one({ protocols: ['Any'] }),
    cases: [
      [flow('tcp 10.42.1.5 > 10.50.0.1:1'), LOCAL],
      [flow('udp 10.42.1.5 > 10.50.0.1:65535'), LOCAL],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), LOCAL],
      [flow('2 10.42.1.5 > 10.50.0.1'), LOCAL],
      [flow('47 10.42.1.5 > 10.50.0.1'), LOCAL],
      [flow('50 10.42.1.5 > 10.50.0.1'), LOCAL],
      [flow('132 10.42.1.5 > 10.50.0.1'), LOCAL],
    ],
  },
  {
    page: 'rule-processing',
    says: 'Any with a port is TCP and UDP',
    rules: one({ protocols: ['Any'], destinationPorts: ports('53') }),
    cases: [
      [flow('tcp 10.42.1.5 > 10.50.0.1:53'), LOCAL],
      [flow('udp 10.42.1.5 > 10.50.0.1:53'), LOCAL],
      [flow('6 10.42.1.5 > 10.50.0.1:53'), LOCAL],
      [flow('17 10.42.1.5 > 10.50.0.1:53'), LOCAL],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), NO],
      [flow('47 10.42.1.5 > 10.50.0.1'), NO],
      [flow('132 10.42.1.5 > 10.50.0.1:53'), NO],
    ],
  },
  {
    page: 'rule-processing',
    says: 'all ports written out are ports that are given',
    rules: one({ protocols: ['Any'], destinationPorts: ports('1-65535') }),
    cases: [
      [flow('tcp 10.42.1.5 > 10.50.0.1:1'), LOCAL],
      [flow('udp 10.42.1.5 > 10.50.0.1:65535'), LOCAL],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), NO],
      [flow('47 10.42.1.5 > 10.50.0.1'), NO],
    ],
  },
  {
    page: 'rule-processing',
    says: 'a protocol by its name is that protocol alone; ICMP has no ports to compare',
    rules: policy({
      networkRules: [
        network('t', { protocols: ['TCP'], destinationPorts: ports('22') }),
        network('u', { protocols: ['UDP'], destinationPorts: ports('123') }),
        network('i', { protocols: ['ICMP'], destinationPorts: ports('9') }),
      ],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 10.50.0.1:22'), 'Allow forward plain t (RuleMatched)'],
      [flow('udp 10.42.1.5 > 10.50.0.1:22'), NO],
      [flow('udp 10.42.1.5 > 10.50.0.1:123'), 'Allow forward plain u (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), 'Allow forward plain i (RuleMatched)'],
      [flow('1 10.42.1.5 > 10.50.0.1'), 'Allow forward plain i (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 10.50.0.1:9'), NO],
      [flow('58 10.42.1.5 > 10.50.0.1'), NO],
    ],
  },
  {
    page: 'rule-processing',
    says: 'ports are single ones, ranges with both ends, or a list of these',
    rules: one({ destinationPorts: ports('22', '8000-8002', '8002-8003', '65535') }),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:21'), NO],
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), YES],
      [flow('tcp 10.42.1.5 > 1.2.3.4:23'), NO],
      [flow('tcp 10.42.1.5 > 1.2.3.4:7999'), NO],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8000'), YES],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8003'), YES],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8004'), NO],
      [flow('tcp 10.42.1.5 > 1.2.3.4:65535'), YES],
    ],
  },
  {
    page: 'policy-rule-sets',
    says: 'sources and destinations are addresses, prefixes, ranges with both ends, or everything',
    rules: one({
      sources: ips('10.42.1.5', '10.42.2.0/24', '10.42.3.10-10.42.3.12'),
      destinations: [ips('1.2.3.4', '1.2.4.0/24'), ips('5.6.7.8-5.6.7.9')],
      destinationPorts: ports('22'),
    }),
    cases: [
      [flow('tcp 10.42.1.4 > 1.2.3.4:22'), NO],
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), YES],
      [flow('tcp 10.42.2.0 > 1.2.4.0:22'), YES],
      [flow('tcp 10.42.2.255 > 1.2.4.255:22'), YES],
      [flow('tcp 10.42.3.9 > 1.2.3.4:22'), NO],
      [flow('tcp 10.42.3.10 > 5.6.7.8:22'), YES],
      [flow('tcp 10.42.3.12 > 5.6.7.9:22'), YES],
      [flow('tcp 10.42.3.13 > 1.2.3.4:22'), NO],
      [flow('tcp 10.42.1.5 > 5.6.7.10:22'), NO],
      [flow('tcp 10.42.1.5 > 1.2.5.0:22'), NO],
    ],
  },
  {
    page: 'create-ip-group',
    says: 'an emptied IP group matches nothing, and the rules after it are asked',
    rules: policy({
      networkRules: [
        network('no-source', { action: 'Deny', sources: [] }),
        network('no-destination', { action: 'Deny', destinations: [] }),
        network('empty-destination', { action: 'Deny', destinations: [[]] }),
        network('r', { destinations: [[], ips('1.2.3.4')] }),
      ],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), YES],
      [flow('tcp 10.42.1.5 > 1.2.3.5:22'), NO],
    ],
  },
];

const fqdns: readonly Fact[] = [
  {
    page: 'fqdn-filtering-network-rules',
    says: 'an FQDN stands for its addresses: every name on them passes',
    rules: one({
      destinations: [],
      destinationFqdns: ['sql.example.org'],
      destinationPorts: ports('443', '5432'),
    }),
    context: called({
      '192.0.2.1': ['sql.example.org', 'other.example.org'],
      '192.0.2.2': ['other.example.org'],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 192.0.2.1:5432'), YES],
      [flow('tcp 10.42.1.5 > 192.0.2.1:443', claim('Https', 'other.example.org')), YES],
      [flow('tcp 10.42.1.5 > 192.0.2.2:5432'), NO],
      [flow('tcp 10.42.1.5 > 192.0.2.1:5433'), NO],
      [flow('udp 10.42.1.5 > 192.0.2.1:5432'), NO],
    ],
  },
  {
    page: 'dns-details',
    says: 'an address that the firewall has not seen for the name matches nothing',
    rules: one({ destinations: [], destinationFqdns: ['sql.example.org'], destinationPorts: ports('5432') }),
    context: called({ '192.0.2.1': ['sql.example.org'] }),
    cases: [
      [flow('tcp 10.42.1.5 > 192.0.2.1:5432'), YES],
      [flow('tcp 10.42.1.5 > 192.0.2.99:5432'), NO],
    ],
  },
  {
    page: 'fqdn-filtering-network-rules',
    says: 'all addresses of a name count, and any name of a list',
    rules: one({
      destinations: [],
      destinationFqdns: ['a.example.org', 'b.example.org'],
      destinationPorts: ports('123'),
      protocols: ['UDP'],
    }),
    context: called({
      '192.0.2.1': ['a.example.org'],
      '192.0.2.2': ['a.example.org'],
      '192.0.2.3': ['b.example.org'],
    }),
    cases: [
      [flow('udp 10.42.1.5 > 192.0.2.1:123'), YES],
      [flow('udp 10.42.1.5 > 192.0.2.2:123'), YES],
      [flow('udp 10.42.1.5 > 192.0.2.3:123'), YES],
    ],
  },
  {
    page: 'fqdn-filtering-network-rules',
    says: 'two rules whose names share an address: the first one decides',
    rules: policy({
      networkRules: [
        network('deny-a', { action: 'Deny', destinations: [], destinationFqdns: ['a.example.org'] }),
        network('allow-b', { destinations: [], destinationFqdns: ['b.example.org'] }),
      ],
    }),
    context: called({ '192.0.2.1': ['a.example.org', 'b.example.org'], '192.0.2.2': ['b.example.org'] }),
    cases: [
      [flow('tcp 10.42.1.5 > 192.0.2.1:22'), 'Deny deny-a (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 192.0.2.2:22'), 'Allow forward snat allow-b (RuleMatched)'],
    ],
  },
];

const snat = (privateRanges: readonly string[], action = network('r', { protocols: ['Any'] })) =>
  policy({
    networkRules: [action],
    privateRanges: privateRanges[0] === '0.0.0.0/0' ? [ALL_IPV4] : ips(...privateRanges),
  });
const FROM_PRIVATE = 'Allow forward private r (RuleMatched)';
const NOT_TRANSLATED = 'Deny r (ProtocolNotTranslated)';

const sources: readonly Fact[] = [
  {
    page: 'snat-private-range',
    says: 'public destinations see a public address, RFC 1918 and RFC 6598 the client',
    rules: snat(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16']),
    cases: [
      [flow('tcp 10.42.1.5 > 9.255.255.255:22'), YES],
      [flow('tcp 10.42.1.5 > 10.255.255.255:22'), LOCAL],
      [flow('tcp 10.42.1.5 > 11.0.0.0:22'), YES],
      [flow('tcp 10.42.1.5 > 100.63.255.255:22'), YES],
      [flow('tcp 10.42.1.5 > 100.64.0.0:22'), LOCAL],
      [flow('tcp 10.42.1.5 > 100.127.255.255:22'), LOCAL],
      [flow('udp 10.42.1.5 > 100.128.0.0:22'), YES],
      [flow('tcp 10.42.1.5 > 172.15.255.255:22'), YES],
      [flow('tcp 10.42.1.5 > 172.31.255.255:22'), LOCAL],
      [flow('tcp 10.42.1.5 > 172.32.0.0:22'), YES],
      [flow('tcp 10.42.1.5 > 192.168.0.0:22'), LOCAL],
      [flow('tcp 10.42.1.5 > 192.169.0.0:22'), YES],
    ],
  },
  {
    page: 'snat-private-range',
    says: 'a list of its own replaces the default one; private space outside of it sees the private address',
    rules: snat(['192.0.2.0/24']),
    cases: [
      [flow('tcp 10.42.1.5 > 192.0.2.1:22'), LOCAL],
      [flow('tcp 10.42.1.5 > 10.50.0.1:22'), FROM_PRIVATE],
      [flow('tcp 10.42.1.5 > 100.64.0.1:22'), FROM_PRIVATE],
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), YES],
    ],
  },
  {
    page: 'snat-private-range',
    says: '0.0.0.0/0 never translates',
    rules: snat(['0.0.0.0/0']),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), LOCAL],
      [flow('udp 10.42.1.5 > 10.50.0.1:22'), LOCAL],
      [flow('icmp 10.42.1.5 > 1.2.3.4'), LOCAL],
    ],
  },
  {
    page: 'snat-private-range',
    says: '255.255.255.255/32 always translates',
    rules: snat(['255.255.255.255']),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), YES],
      [flow('tcp 10.42.1.5 > 10.50.0.1:22'), FROM_PRIVATE],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), FROM_PRIVATE],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'only TCP and UDP get a public address: a rule that allows another protocol to the Internet does not let it out',
    rules: snat(['10.0.0.0/8']),
    cases: [
      [flow('icmp 10.42.1.5 > 1.2.3.4'), NOT_TRANSLATED],
      [flow('50 10.42.1.5 > 1.2.3.4'), NOT_TRANSLATED],
      [flow('icmp 10.42.1.5 > 10.50.0.1'), LOCAL],
      [flow('50 10.42.1.5 > 10.50.0.1'), LOCAL],
    ],
  },
  {
    page: 'snat-private-range',
    says: 'application rules translate always, private destinations included',
    rules: policy({ applicationRules: [application('app', ['*'])] }),
    cases: [
      [
        flow('tcp 10.42.1.5 > 10.50.0.1:443', claim('Https', 'a.example.org')),
        'Allow proxy app (RuleMatched)',
      ],
      [flow('tcp 10.42.1.5 > 1.2.3.4:443', claim('Https', 'a.example.org')), 'Allow proxy app (RuleMatched)'],
    ],
  },
];

prove('fields of network rules', fields);
prove('FQDNs in network rules', fqdns);
prove('source addresses', sources);
