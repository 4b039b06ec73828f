// What application rules match: names and their wildcards, protocols and ports, and clients that name no host.

import { type Fact, prove } from './facts-fixture.ts';
import { application, claim, flow, ips, network, policy, ports } from './fixture.ts';

const app = (fqdns: string[], rest: Parameters<typeof application>[2] = {}) =>
  policy({ applicationRules: [application('a', fqdns, rest)] });
const https = (name?: string, to = '1.2.3.4:443') => flow(`tcp 10.42.1.5 > ${to}`, claim('Https', name));
const http = (name?: string, to = '1.2.3.4:80') => flow(`tcp 10.42.1.5 > ${to}`, claim('Http', name));
const mssql = (name?: string, to = '1.2.3.4:1433') => flow(`tcp 10.42.1.5 > ${to}`, claim('Mssql', name));
const YES = 'Allow proxy a (RuleMatched)';
const NO = 'Deny - (DefaultAction)';

const wildcards: readonly Fact[] = [
  {
    page: 'firewall-faq',
    says: 'www.contoso.com is that name alone',
    rules: app(['www.contoso.com']),
    cases: [
      [https('www.contoso.com'), YES],
      [https('contoso.com'), NO],
      [https('a.www.contoso.com'), NO],
      [https('www.contoso.com.evil.example'), NO],
      [https('wwwxcontoso.com'), NO],
    ],
  },
  {
    page: 'firewall-faq',
    says: '*.contoso.com is every name below it, and not contoso.com',
    rules: app(['*.contoso.com']),
    cases: [
      [https('any.contoso.com'), YES],
      [https('a.b.contoso.com'), YES],
      [https('contoso.com'), NO],
      [https('evilcontoso.com'), NO],
      [https('a.contoso.com.evil.example'), NO],
    ],
  },
  {
    page: 'firewall-faq',
    says: '*contoso.com is every name that ends so: contoso.com, and evilcontoso.com too',
    rules: app(['*contoso.com']),
    cases: [
      [https('contoso.com'), YES],
      [https('a.b.contoso.com'), YES],
      [https('evilcontoso.com'), YES],
      [https('contoso.co'), NO],
    ],
  },
  {
    page: 'firewall-faq',
    says: '* is every name',
    rules: app(['*']),
    cases: [
      [https('contoso.com'), YES],
      [http('localhost'), YES],
    ],
  },
  {
    page: 'firewall-faq',
    says: 'one of several targets is enough',
    rules: app(['a.example.org', '*.b.example.org']),
    cases: [
      [https('a.example.org'), YES],
      [https('x.b.example.org'), YES],
      [https('b.example.org'), NO],
    ],
  },
];

const flows: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'protocol and port belong together',
    rules: app(['*'], {
      protocols: [
        { protocol: 'Https', port: 8443 },
        { protocol: 'Http', port: 80 },
      ],
    }),
    cases: [
      [https('a.example.org', '1.2.3.4:8443'), YES],
      [http('a.example.org', '1.2.3.4:8443'), NO],
      [http('a.example.org'), YES],
      [https('a.example.org', '1.2.3.4:80'), NO],
      [https('a.example.org'), NO],
    ],
  },
  {
    page: 'sql-fqdn-filtering',
    says: 'mssql is a protocol of its own, by SNI, on 1433 or the port that the rule gives',
    rules: app(['db.database.windows.net'], {
      protocols: [
        { protocol: 'Mssql', port: 1433 },
        { protocol: 'Mssql', port: 11433 },
      ],
    }),
    cases: [
      [mssql('db.database.windows.net'), YES],
      [mssql('db.database.windows.net', '1.2.3.4:11433'), YES],
      [mssql('other.database.windows.net'), NO],
      [https('db.database.windows.net', '1.2.3.4:1433'), NO],
      [mssql(), 'Deny - (SniMissing)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'the address that the client chose does not count: the firewall resolves the name itself',
    rules: app(['a.example.org']),
    cases: [
      [https('a.example.org', '1.2.3.4:443'), YES],
      [https('a.example.org', '203.0.113.77:443'), YES],
      [http('a.example.org', '10.50.0.1:80'), YES],
    ],
  },
  {
    page: 'firewall-policy rule collection groups in the REST reference',
    says: 'unless a rule of a policy names destinations',
    rules: app(['a.example.org'], { destinations: ips('203.0.113.0/24') }),
    cases: [
      [https('a.example.org', '203.0.113.77:443'), YES],
      [https('a.example.org', '1.2.3.4:443'), NO],
    ],
  },
  {
    page: 'rule-processing',
    says: 'sources count, and an emptied group of them skips the rule',
    rules: policy({
      applicationRules: [
        application('emptied', ['*'], { action: 'Deny', sources: [] }),
        application('a', ['*'], { sources: ips('10.42.1.0/24') }),
      ],
    }),
    cases: [
      [https('a.example.org'), YES],
      [flow('tcp 10.42.2.5 > 1.2.3.4:443', claim('Https', 'a.example.org')), NO],
    ],
  },
  {
    page: 'rule-processing',
    says: 'a Host whose port is not the TCP port is dropped, whatever the rules',
    rules: app(['*'], {
      protocols: [
        { protocol: 'Http', port: 80 },
        { protocol: 'Http', port: 8080 },
      ],
    }),
    cases: [
      [
        flow('tcp 10.42.1.5 > 1.2.3.4:80', { claim: { protocol: 'Http', fqdn: 'a.example.org', port: 80 } }),
        YES,
      ],
      [
        flow('tcp 10.42.1.5 > 1.2.3.4:80', {
          claim: { protocol: 'Http', fqdn: 'a.example.org', port: 8080 },
        }),
        'Deny - (HostPortMismatch)',
      ],
      [
        flow('tcp 10.42.1.5 > 1.2.3.4:8080', {
          claim: { protocol: 'Http', fqdn: 'a.example.org', port: 8080 },
        }),
        YES,
      ],
      [http('a.example.org', '1.2.3.4:8080'), YES],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'without an SNI, or a Host, even a rule for every name denies',
    rules: app(['*'], {
      protocols: [
        { protocol: 'Http', port: 80 },
        { protocol: 'Https', port: 443 },
      ],
    }),
    cases: [
      [https(), 'Deny - (SniMissing)'],
      [http(), 'Deny - (HostMissing)'],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'a network rule is the way for clients without SNI',
    rules: policy({
      networkRules: [network('r', { destinations: [ips('1.2.3.4')], destinationPorts: ports('443') })],
      applicationRules: [application('a', ['*'])],
    }),
    cases: [
      [https(), 'Allow forward snat r (RuleMatched)'],
      [https(undefined, '1.2.3.5:443'), 'Deny - (SniMissing)'],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'QUIC is not filtered by name: UDP 443 needs a network rule',
    rules: policy({
      networkRules: [
        network('quic', {
          protocols: ['UDP'],
          destinations: [ips('1.2.3.4')],
          destinationPorts: ports('443'),
        }),
      ],
      applicationRules: [application('a', ['*'])],
    }),
    cases: [
      [flow('udp 10.42.1.5 > 1.2.3.5:443'), NO],
      [flow('udp 10.42.1.5 > 1.2.3.5:80'), NO],
      [flow('udp 10.42.1.5 > 1.2.3.4:443'), 'Allow forward snat quic (RuleMatched)'],
    ],
  },
];

prove('wildcards of application rules', wildcards);
prove('fields of application rules', flows);
