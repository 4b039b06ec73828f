// DNAT rules, and the DNS proxy on the firewall's private address.

import { called, type Fact, prove } from './facts-fixture.ts';
import { application, flow, ips, nat, network, policy, ports } from './fixture.ts';

const outside = { from: 'outside' } as const;
const NO = 'Deny - (NoNatRule)';

const rules: readonly Fact[] = [
  {
    page: 'destination-nat-rules',
    says: 'source, protocol, address and port of the firewall have to match together',
    rules: policy({
      natRules: [
        nat('web', { sources: ips('198.51.100.0/24'), destinationPorts: ports('80', '8000-8002') }),
        nat('both', { protocols: ['TCP', 'UDP'], destinationPorts: ports('53') }),
      ],
    }),
    cases: [
      [flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), 'Allow nat web (RuleMatched)'],
      [flow('tcp 198.51.100.7 > 20.1.1.1:8002', outside), 'Allow nat web (RuleMatched)'],
      [flow('tcp 198.51.100.7 > 20.1.1.1:8003', outside), NO],
      [flow('udp 198.51.100.7 > 20.1.1.1:80', outside), NO],
      [flow('tcp 198.51.101.7 > 20.1.1.1:80', outside), NO],
      [flow('tcp 198.51.100.7 > 20.1.1.2:80', outside), NO],
      [flow('tcp 203.0.113.1 > 20.1.1.1:53', outside), 'Allow nat both (RuleMatched)'],
      [flow('udp 203.0.113.1 > 20.1.1.1:53', outside), 'Allow nat both (RuleMatched)'],
    ],
  },
  {
    page: 'destination-nat-rules',
    says: 'the first of several rules for one address and port decides',
    rules: policy({
      natRules: [nat('some', { sources: ips('198.51.100.0/24') }), nat('others'), nat('never')],
    }),
    cases: [
      [flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), 'Allow nat some (RuleMatched)'],
      [flow('tcp 203.0.113.7 > 20.1.1.1:80', outside), 'Allow nat others (RuleMatched)'],
    ],
  },
  {
    page: 'destination-nat-rules',
    says: 'a rule whose translated name does not resolve does not match; the next one is asked',
    rules: policy({
      natRules: [{ ...nat('named'), translatedFqdn: 'web.example.org' }, nat('other')],
    }),
    context: { ...called({}), resolves: name => name !== 'web.example.org' },
    cases: [[flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), 'Allow nat other (RuleMatched)']],
  },
  {
    page: 'destination-nat-rules',
    says: 'the private address can be a destination too',
    rules: policy({
      natRules: [nat('inner', { destinations: ips('10.42.2.4'), destinationPorts: ports('8080') })],
    }),
    cases: [
      [flow('tcp 10.50.0.1 > 10.42.2.4:8080'), 'Allow nat inner (RuleMatched)'],
      [flow('tcp 10.50.0.1 > 10.42.2.4:8081'), 'Deny - (ForbiddenAddress)'],
    ],
  },
  {
    page: 'firewall-known-issues',
    says: 'source * takes in what comes from the virtual networks',
    rules: policy({ natRules: [nat('web')] }),
    cases: [
      [flow('tcp 10.42.1.5 > 20.1.1.1:80'), 'Allow nat web (RuleMatched)'],
      [flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), 'Allow nat web (RuleMatched)'],
    ],
  },
  {
    page: 'create-ip-group',
    says: 'an emptied source group skips the rule',
    rules: policy({ natRules: [nat('emptied', { sources: [] })] }),
    cases: [[flow('tcp 198.51.100.7 > 20.1.1.1:80', outside), NO]],
  },
];

const everythingDenied = { networkRules: [network('none', { action: 'Deny', protocols: ['Any'] })] };

const dns: readonly Fact[] = [
  {
    page: 'dns-settings',
    says: 'the proxy answers on port 53 of the private address, over UDP and TCP, without a rule',
    rules: policy(everythingDenied),
    cases: [
      [flow('udp 10.42.1.5 > 10.42.2.4:53'), 'Allow local - (DnsProxy)'],
      [flow('tcp 10.42.1.5 > 10.42.2.4:53'), 'Allow local - (DnsProxy)'],
      [flow('udp 10.42.1.5 > 10.42.2.4:5353'), 'Deny - (ForbiddenAddress)'],
      [flow('udp 10.42.1.5 > 20.1.1.1:53'), 'Deny - (ForbiddenAddress)'],
      [flow('udp 198.51.100.7 > 10.42.2.4:53', outside), NO],
    ],
  },
  {
    page: 'dns-settings',
    says: 'off, nobody listens there',
    rules: policy({ ...everythingDenied, dns: { enableProxy: false, servers: [] } }),
    cases: [[flow('udp 10.42.1.5 > 10.42.2.4:53'), 'Deny - (ForbiddenAddress)']],
  },
  {
    page: 'dns-settings',
    says: 'a policy that is read without a firewall has no address to listen on',
    rules: policy({ privateAddress: 0, publicIps: [] }),
    cases: [[flow('udp 10.42.1.5 > 0.0.0.0:53'), 'Deny - (ForbiddenAddress)']],
  },
  {
    page: 'dns-settings',
    says: 'other servers are destinations like any other',
    rules: policy({
      networkRules: [
        network('dns', { protocols: ['UDP'], destinations: [ips('9.9.9.9')], destinationPorts: ports('53') }),
      ],
      applicationRules: [application('app', ['*'])],
    }),
    cases: [
      [flow('udp 10.42.1.5 > 9.9.9.9:53'), 'Allow forward snat dns (RuleMatched)'],
      [flow('udp 10.42.1.5 > 9.9.9.10:53'), 'Deny - (DefaultAction)'],
    ],
  },
];

prove('DNAT rules', rules);
prove('the DNS proxy', dns);
