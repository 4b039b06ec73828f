// In which order rules are asked, and what becomes of a flow that none of them matches.

import { type Fact, prove } from './facts-fixture.ts';
import { application, claim, flow, ip, ips, nat, network, policy, ports, unnamed } from './fixture.ts';

const web = (name: string) => flow('tcp 10.42.1.5 > 1.2.3.4:443', claim('Https', name));
const plain = (name: string) => flow('tcp 10.42.1.5 > 1.2.3.4:80', claim('Http', name));
const outside = { from: 'outside' } as const;
const listed = (mode: 'Off' | 'Alert' | 'Deny') => ({ mode, allowedAddresses: [], allowedFqdns: [] });
const feed = {
  ...unnamed,
  threats: {
    ofAddress: (address: number) => (address === ip('6.6.6.6') ? 'botnet' : undefined),
    ofName: (name: string) => (name === 'bad.example.org' ? 'malware' : undefined),
  },
};
const everything = {
  natRules: [nat('dnat')],
  networkRules: [network('net', { protocols: ['Any'], destinationPorts: ports('22') })],
  applicationRules: [application('app', ['*'])],
};

const passes: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'a DNAT rule that matches is final: a network rule that denies the flow is not asked',
    rules: policy({
      natRules: [nat('dnat')],
      networkRules: [network('no', { action: 'Deny', protocols: ['Any'] })],
    }),
    cases: [
      [flow('tcp 8.8.8.8 > 20.1.1.1:80', outside), 'Allow nat dnat (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 20.1.1.1:80'), 'Allow nat dnat (RuleMatched)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'network rules come before application rules, which are not asked after a match of either kind',
    rules: policy({
      networkRules: [
        network('allow', { destinations: [ips('1.2.3.4')], destinationPorts: ports('443') }),
        network('deny', { action: 'Deny', destinations: [ips('1.2.3.4')], destinationPorts: ports('80') }),
      ],
      applicationRules: [
        application('app-deny', ['denied.example.org'], { action: 'Deny' }),
        application('app-allow', ['*']),
      ],
    }),
    cases: [
      [web('denied.example.org'), 'Allow forward snat allow (RuleMatched)'],
      [plain('any.example.org'), 'Deny deny (RuleMatched)'],
      [
        flow('tcp 10.42.1.5 > 1.2.3.5:80', claim('Http', 'any.example.org')),
        'Allow proxy app-allow (RuleMatched)',
      ],
      [
        flow('tcp 10.42.1.5 > 1.2.3.5:80', claim('Http', 'denied.example.org')),
        'Deny app-deny (RuleMatched)',
      ],
    ],
  },
  {
    page: 'rule-processing',
    says: 'the first match of a type is final, allow and deny alike',
    rules: policy({
      networkRules: [
        network('deny-one', {
          action: 'Deny',
          destinations: [ips('1.2.3.4')],
          destinationPorts: ports('22'),
        }),
        network('allow-net', { destinations: [ips('1.2.3.0/24')], destinationPorts: ports('22') }),
        network('deny-all', { action: 'Deny', destinationPorts: ports('22') }),
        network('too-late', { destinationPorts: ports('22') }),
      ],
      applicationRules: [
        application('app-one', ['one.example.org']),
        application('app-deny', ['*.example.org'], { action: 'Deny' }),
        application('app-late', ['two.example.org', 'three.example.net']),
      ],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny deny-one (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.5:22'), 'Allow forward snat allow-net (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.4.5:22'), 'Deny deny-all (RuleMatched)'],
      [web('one.example.org'), 'Allow proxy app-one (RuleMatched)'],
      [web('two.example.org'), 'Deny app-deny (RuleMatched)'],
      [web('three.example.net'), 'Allow proxy app-late (RuleMatched)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'application rules are asked for HTTP, HTTPS and MSSQL alone',
    rules: policy({ applicationRules: [application('app', ['*'])] }),
    cases: [
      [flow('udp 10.42.1.5 > 1.2.3.4:443'), 'Deny - (DefaultAction)'],
      [flow('icmp 10.42.1.5 > 1.2.3.4'), 'Deny - (DefaultAction)'],
      [flow('50 10.42.1.5 > 1.2.3.4'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'application rules do not apply to connections from outside',
    rules: policy({ applicationRules: [application('app', ['*'])], networkRules: [network('net')] }),
    cases: [
      [
        flow('tcp 8.8.8.8 > 20.1.1.1:443', { ...outside, ...claim('Https', 'a.example.org') }),
        'Deny - (NoNatRule)',
      ],
      [flow('tcp 8.8.8.8 > 10.42.1.5:443', outside), 'Deny - (NoNatRule)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'what no rule matches is denied, by no rule',
    rules: policy(),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.5 > 10.50.0.1:22'), 'Deny - (DefaultAction)'],
      [web('a.example.org'), 'Deny - (DefaultAction)'],
      [flow('udp 10.42.1.5 > 1.2.3.4:53'), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'github.com/MicrosoftDocs/azure-docs/issues/68039',
    says: 'nothing reaches a public address on a port without a DNAT rule',
    rules: policy({ natRules: [nat('dnat')], networkRules: [network('all', { protocols: ['Any'] })] }),
    cases: [
      [flow('tcp 8.8.8.8 > 20.1.1.1:81', outside), 'Deny - (NoNatRule)'],
      [flow('udp 8.8.8.8 > 20.1.1.1:80', outside), 'Deny - (NoNatRule)'],
      [flow('icmp 8.8.8.8 > 20.1.1.1', outside), 'Deny - (NoNatRule)'],
    ],
  },
];

const infrastructure: readonly Fact[] = [
  {
    page: 'rule-processing',
    says: 'infrastructure rules are asked after the application rules and before the default deny',
    rules: policy({
      applicationRules: [application('no', ['denied.core.windows.net'], { action: 'Deny' })],
      infrastructureRules: [application('infra', ['*.core.windows.net'])],
    }),
    cases: [
      [web('disk.core.windows.net'), 'Allow proxy infra (RuleMatched)'],
      [plain('disk.core.windows.net'), 'Allow proxy infra (RuleMatched)'],
      [web('denied.core.windows.net'), 'Deny no (RuleMatched)'],
      [web('a.example.org'), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'rule-processing',
    says: 'a last application rule that denies everything overrides them',
    rules: policy({
      applicationRules: [application('deny-all', ['*'], { action: 'Deny' })],
      infrastructureRules: [application('infra', ['*.core.windows.net'])],
    }),
    cases: [[web('disk.core.windows.net'), 'Deny deny-all (RuleMatched)']],
  },
  {
    page: 'rule-processing',
    says: 'a network rule that denies their addresses overrides them too',
    rules: policy({
      networkRules: [network('no', { action: 'Deny', destinationPorts: ports('443') })],
      infrastructureRules: [application('infra', ['*.core.windows.net'])],
    }),
    cases: [
      [web('disk.core.windows.net'), 'Deny no (RuleMatched)'],
      [plain('disk.core.windows.net'), 'Allow proxy infra (RuleMatched)'],
    ],
  },
];

const handshake: readonly Fact[] = [
  {
    page: 'firewall-faq',
    says: 'on 80, 443 and 1433 the firewall answers before it decides, without any rule',
    rules: policy(),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:80'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:443'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:1433'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8443'), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'github.com/MicrosoftDocs/azure-docs/issues/121272',
    says: 'so it does on a port that any application rule names, for every client and destination',
    rules: policy({
      applicationRules: [
        application('odd', ['odd.example.org'], {
          sources: ips('10.42.9.0/24'),
          protocols: [{ protocol: 'Https', port: 8443 }],
        }),
      ],
      infrastructureRules: [
        application('infra', ['i.example.org'], { protocols: [{ protocol: 'Http', port: 8080 }] }),
      ],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:8443'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.9.5 > 10.50.0.1:8443'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8080'), 'Pending (AwaitingName)'],
      [flow('udp 10.42.1.5 > 1.2.3.4:8443'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:8443', claim('Https', 'odd.example.org')), 'Deny - (DefaultAction)'],
    ],
  },
  {
    page: 'firewall-faq',
    says: 'unless a network rule has decided already',
    rules: policy({
      networkRules: [
        network('yes', { destinations: [ips('1.2.3.4')] }),
        network('no', { action: 'Deny', destinations: [ips('1.2.3.5')] }),
      ],
    }),
    cases: [
      [flow('tcp 10.42.1.5 > 1.2.3.4:443'), 'Allow forward snat yes (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.5:443'), 'Deny no (RuleMatched)'],
    ],
  },
];

const threats: readonly Fact[] = [
  {
    page: 'threat-intel',
    says: 'in mode Deny the feed comes before DNAT, network and application rules',
    rules: policy({ ...everything, threatIntel: listed('Deny') }),
    context: feed,
    cases: [
      [flow('tcp 6.6.6.6 > 20.1.1.1:80', outside), 'Deny - (ThreatIntel)'],
      [flow('tcp 10.42.1.5 > 6.6.6.6:22'), 'Deny - (ThreatIntel)'],
      [flow('tcp 10.42.1.5 > 6.6.6.6:443', claim('Https', 'good.example.org')), 'Deny - (ThreatIntel)'],
      [web('bad.example.org'), 'Deny - (ThreatIntel)'],
      [plain('bad.example.org'), 'Deny - (ThreatIntel)'],
      [web('good.example.org'), 'Allow proxy app (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 6.6.6.7:22'), 'Allow forward snat net (RuleMatched)'],
      // Nobody reads the name of what the kernel forwards.
      [
        flow('tcp 10.42.1.5 > 6.6.6.7:22', claim('Https', 'bad.example.org')),
        'Allow forward snat net (RuleMatched)',
      ],
    ],
  },
  ...(['Alert', 'Off'] as const).map(
    (mode): Fact => ({
      page: 'threat-intel',
      says: `in mode ${mode} the rules decide`,
      rules: policy({ ...everything, threatIntel: listed(mode) }),
      context: feed,
      cases: [
        [flow('tcp 6.6.6.6 > 20.1.1.1:80', outside), 'Allow nat dnat (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 6.6.6.6:22'), 'Allow forward snat net (RuleMatched)'],
        [web('bad.example.org'), 'Allow proxy app (RuleMatched)'],
      ],
    }),
  ),
  {
    page: 'threat-intel',
    says: 'what is on the allow list is left to the rules',
    rules: policy({
      ...everything,
      threatIntel: {
        mode: 'Deny',
        allowedAddresses: ips('6.6.6.0/24'),
        allowedFqdns: [{ kind: 'suffix', suffix: '.example.org' }],
      },
    }),
    context: feed,
    cases: [
      [flow('tcp 10.42.1.5 > 6.6.6.6:22'), 'Allow forward snat net (RuleMatched)'],
      [web('bad.example.org'), 'Allow proxy app (RuleMatched)'],
    ],
  },
];

prove('the passes', passes);
prove('infrastructure rules', infrastructure);
prove('who answers the handshake', handshake);
prove('threat intelligence', threats);
