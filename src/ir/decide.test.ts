// The meaning of rules as tables: order, network rules, NAT rules. Each group names the Microsoft page that states it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_IPV4 } from '#net/ipv4.ts';
import { decide } from './decide.ts';
import {
  application,
  claim,
  expect,
  flow,
  ip,
  ips,
  nat,
  network,
  policy,
  ports,
  ref,
  say,
  unnamed,
} from './fixture.ts';

describe('order of the passes (learn.microsoft.com/azure/firewall/rule-processing)', () => {
  it('type beats everything: NAT, then network, then application', () => {
    const rules = policy({
      natRules: [nat('dnat')],
      networkRules: [network('deny80', { action: 'Deny', destinationPorts: ports('80') })],
      applicationRules: [application('everything', ['*'])],
    });
    expect(rules, [
      [flow('tcp 10.42.1.5 > 20.1.1.1:80'), 'Allow nat dnat (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.4:80', claim('Http', 'example.org')), 'Deny deny80 (RuleMatched)'],
      [
        flow('tcp 10.42.1.5 > 1.2.3.4:443', claim('Https', 'example.org')),
        'Allow proxy everything (RuleMatched)',
      ],
    ]);
  });

  it('the first match of a pass is final, whatever its action', () => {
    const first = network('first', { action: 'Deny', destinations: [ips('1.2.3.4')] });
    expect(policy({ networkRules: [first, network('second')] }), [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny first (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 1.2.3.5:22'), 'Allow forward snat second (RuleMatched)'],
    ]);
    expect(policy({ networkRules: [network('second'), first] }), [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Allow forward snat second (RuleMatched)'],
    ]);
  });

  it('a network rule on an application port is final: it switches name filtering off for its destinations', () => {
    const rules = policy({
      networkRules: [
        network('registry', { destinations: [ips('140.82.1.0/24')], destinationPorts: ports('443') }),
      ],
      applicationRules: [application('no-evil', ['*'], { action: 'Deny' })],
    });
    expect(rules, [
      [
        flow('tcp 10.42.1.5 > 140.82.1.9:443', claim('Https', 'evil.example.org')),
        'Allow forward snat registry (RuleMatched)',
      ],
      [flow('tcp 10.42.1.5 > 140.82.1.9:443'), 'Allow forward snat registry (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 140.82.2.9:443'), 'Pending (AwaitingName)'],
      [
        flow('tcp 10.42.1.5 > 140.82.2.9:443', claim('Https', 'evil.example.org')),
        'Deny no-evil (RuleMatched)',
      ],
    ]);
  });

  it('no match is the default deny, without a rule', () => {
    expect(policy(), [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny - (DefaultAction)'],
      [flow('udp 10.42.1.5 > 1.2.3.4:443'), 'Deny - (DefaultAction)'],
      [flow('icmp 10.42.1.5 > 1.2.3.4'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('the firewall itself is no destination, even for a rule that allows everything', () => {
    expect(policy({ networkRules: [network('all', { protocols: ['Any'] })] }), [
      [flow('tcp 10.42.1.5 > 10.42.2.4:443'), 'Deny - (ForbiddenAddress)'],
      [flow('tcp 10.42.1.5 > 20.1.1.1:8443'), 'Deny - (ForbiddenAddress)'],
    ]);
  });
});

describe('the DNS proxy (learn.microsoft.com/azure/firewall/dns-settings)', () => {
  it('is open to every workload while it is on, on port 53 of the private address', () => {
    const rules = policy({ networkRules: [network('none', { action: 'Deny', protocols: ['Any'] })] });
    expect(rules, [
      [flow('udp 10.42.1.5 > 10.42.2.4:53'), 'Allow local - (DnsProxy)'],
      [flow('tcp 10.42.1.5 > 10.42.2.4:53'), 'Allow local - (DnsProxy)'],
      [flow('udp 10.42.1.5 > 10.42.2.4:54'), 'Deny - (ForbiddenAddress)'],
      [flow('udp 10.42.1.5 > 20.1.1.1:53'), 'Deny - (ForbiddenAddress)'],
      [flow('udp 8.8.8.8 > 10.42.2.4:53', { from: 'outside' }), 'Deny - (NoNatRule)'],
    ]);
    expect(policy({ dns: { enableProxy: false, servers: [] } }), [
      [flow('udp 10.42.1.5 > 10.42.2.4:53'), 'Deny - (ForbiddenAddress)'],
    ]);
  });
});

describe('network rules', () => {
  it('Any means every protocol, but only TCP and UDP once a port is given (rule-processing)', () => {
    const anyPort = policy({ networkRules: [network('any', { protocols: ['Any'] })] });
    const onePort = policy({
      networkRules: [network('any53', { protocols: ['Any'], destinationPorts: ports('53') })],
    });
    expect(anyPort, [
      [flow('tcp 10.42.1.5 > 10.9.9.9:1'), 'Allow forward plain any (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 10.9.9.9'), 'Allow forward plain any (RuleMatched)'],
      [flow('47 10.42.1.5 > 10.9.9.9'), 'Allow forward plain any (RuleMatched)'],
    ]);
    expect(onePort, [
      [flow('tcp 10.42.1.5 > 10.9.9.9:53'), 'Allow forward plain any53 (RuleMatched)'],
      [flow('17 10.42.1.5 > 10.9.9.9:53'), 'Allow forward plain any53 (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 10.9.9.9:54'), 'Deny - (DefaultAction)'],
      [flow('icmp 10.42.1.5 > 10.9.9.9'), 'Deny - (DefaultAction)'],
      [flow('47 10.42.1.5 > 10.9.9.9:53'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('ICMP ignores ports', () => {
    const rules = policy({
      networkRules: [network('i', { protocols: ['ICMP'], destinationPorts: ports('53') })],
    });
    expect(rules, [
      [flow('icmp 10.42.1.5 > 10.9.9.9'), 'Allow forward plain i (RuleMatched)'],
      [flow('1 10.42.1.5 > 10.9.9.9'), 'Allow forward plain i (RuleMatched)'],
      [flow('udp 10.42.1.5 > 10.9.9.9:53'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('every protocol of a list counts, and 1-65535 is a port that is given', () => {
    const rules = policy({
      networkRules: [
        network('list', { protocols: ['UDP', 'ICMP'], destinationPorts: ports('53', '123') }),
        network('given', { protocols: ['Any'], destinationPorts: ports('1-65535') }),
      ],
    });
    expect(rules, [
      [flow('udp 10.42.1.5 > 10.9.9.9:123'), 'Allow forward plain list (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 10.9.9.9'), 'Allow forward plain list (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 10.9.9.9:123'), 'Allow forward plain given (RuleMatched)'],
      [flow('47 10.42.1.5 > 10.9.9.9'), 'Deny - (DefaultAction)'],
    ]);
    expect(
      policy({ networkRules: [network('some', { protocols: ['Any'], destinationPorts: ports('53', '*') })] }),
      [[flow('47 10.42.1.5 > 10.9.9.9'), 'Allow forward plain some (RuleMatched)']],
    );
  });

  it('any of the destinations will do: addresses, tags and groups, or names', () => {
    const rules = policy({
      networkRules: [
        network('d', {
          destinations: [ips('1.2.3.4'), ips('5.6.7.0/24')],
          destinationFqdns: ['a.example.org', 'b.example.org'],
        }),
      ],
    });
    const context = {
      namesOfAddress: (address: number) => new Set(address === ip('9.9.9.9') ? ['b.example.org'] : []),
    };
    expect(
      rules,
      [
        [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Allow forward snat d (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 5.6.7.8:22'), 'Allow forward snat d (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 9.9.9.9:22'), 'Allow forward snat d (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 9.9.9.8:22'), 'Deny - (DefaultAction)'],
      ],
      context,
    );
  });

  it('ranges hold their ends and nothing beyond', () => {
    const rules = policy({
      networkRules: [
        network('r', {
          sources: ips('10.42.1.0/24'),
          destinations: [ips('1.2.3.4-1.2.3.6')],
          destinationPorts: ports('8000-8002'),
        }),
      ],
    });
    expect(rules, [
      [flow('tcp 10.42.1.0 > 1.2.3.4:8000'), 'Allow forward snat r (RuleMatched)'],
      [flow('tcp 10.42.1.255 > 1.2.3.6:8002'), 'Allow forward snat r (RuleMatched)'],
      [flow('tcp 10.42.2.0 > 1.2.3.4:8000'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.9 > 1.2.3.3:8000'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.9 > 1.2.3.7:8000'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.9 > 1.2.3.4:7999'), 'Deny - (DefaultAction)'],
      [flow('tcp 10.42.1.9 > 1.2.3.4:8003'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('an FQDN is an address rule: two names on one address are one (fqdn-filtering-network-rules)', () => {
    const rules = policy({
      networkRules: [
        network('ntp', {
          protocols: ['UDP'],
          destinations: [],
          destinationFqdns: ['ntp.ubuntu.com'],
          destinationPorts: ports('123'),
        }),
      ],
    });
    const context = {
      namesOfAddress: (address: number) =>
        new Set(address === ip('185.125.190.58') ? ['ntp.ubuntu.com', 'other.example.org'] : []),
    };
    expect(
      rules,
      [
        [flow('udp 10.42.1.5 > 185.125.190.58:123'), 'Allow forward snat ntp (RuleMatched)'],
        [flow('udp 10.42.1.5 > 185.125.190.59:123'), 'Deny - (DefaultAction)'],
      ],
      context,
    );
  });

  it('a rule whose IP groups are empty matches nothing (create-ip-group)', () => {
    expect(policy({ networkRules: [network('e', { sources: [] }), network('f', { destinations: [] })] }), [
      [flow('tcp 10.42.1.5 > 1.2.3.4:22'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('private ranges keep the source; only TCP and UDP are translated (snat-private-range, known issues)', () => {
    const all = network('all', { protocols: ['Any'] });
    expect(policy({ networkRules: [all] }), [
      [flow('tcp 10.42.1.5 > 100.64.0.1:22'), 'Allow forward plain all (RuleMatched)'],
      [flow('tcp 10.42.1.5 > 100.128.0.1:22'), 'Allow forward snat all (RuleMatched)'],
      [flow('icmp 10.42.1.5 > 1.1.1.1'), 'Deny all (ProtocolNotTranslated)'],
      [flow('icmp 10.42.1.5 > 10.1.1.1'), 'Allow forward plain all (RuleMatched)'],
    ]);
    expect(policy({ networkRules: [all], privateRanges: [ALL_IPV4] }), [
      [flow('tcp 10.42.1.5 > 1.1.1.1:22'), 'Allow forward plain all (RuleMatched)'],
    ]);
    expect(policy({ networkRules: [all], privateRanges: ips('255.255.255.255') }), [
      [flow('tcp 10.42.1.5 > 10.1.1.1:22'), 'Allow forward private all (RuleMatched)'],
    ]);
  });
});

describe('NAT rules', () => {
  const rules = policy({
    natRules: [
      nat('web', { sources: ips('8.8.8.0/24') }),
      { ...nat('named', { destinationPorts: ports('81') }), translatedFqdn: 'web.example.org' },
    ],
    networkRules: [network('all', { protocols: ['Any'] })],
    applicationRules: [application('all', ['*'])],
  });

  it('are all that a flow from outside can match', () => {
    expect(rules, [
      [flow('tcp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }), 'Allow nat web (RuleMatched)'],
      [flow('tcp 8.8.9.8 > 20.1.1.1:80', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('udp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('tcp 8.8.8.8 > 20.1.1.1:443', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('udp 8.8.8.8 > 10.42.2.4:53', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('tcp 8.8.8.8 > 10.42.1.5:22', { from: 'outside' }), 'Deny - (NoNatRule)'],
    ]);
  });

  it('for several addresses, ports and protocols match each of them, the first rule first', () => {
    const many = policy({
      natRules: [
        nat('both', {
          protocols: ['TCP', 'UDP'],
          destinations: ips('20.1.1.1', '20.1.1.2'),
          destinationPorts: ports('80', '90-92'),
        }),
        nat('shadowed'),
        nat('emptied', { sources: [], destinationPorts: ports('99') }),
      ],
      publicIps: [
        { name: 'one', address: ip('20.1.1.1') },
        { name: 'two', address: ip('20.1.1.2') },
      ],
    });
    expect(many, [
      [flow('tcp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }), 'Allow nat both (RuleMatched)'],
      [flow('udp 8.8.8.8 > 20.1.1.2:92', { from: 'outside' }), 'Allow nat both (RuleMatched)'],
      [flow('udp 8.8.8.8 > 20.1.1.2:93', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('tcp 8.8.8.8 > 20.1.1.1:99', { from: 'outside' }), 'Deny - (NoNatRule)'],
      [flow('icmp 8.8.8.8 > 20.1.1.1', { from: 'outside' }), 'Deny - (NoNatRule)'],
      // A workload that calls the public address is translated as well.
      [flow('tcp 10.42.1.5 > 20.1.1.2:90'), 'Allow nat both (RuleMatched)'],
    ]);
  });

  it('with a name match only while it resolves (tutorial-firewall-dnat-policy)', () => {
    const asked = flow('tcp 8.8.8.8 > 20.1.1.1:81', { from: 'outside' });
    assert.equal(say(decide(rules, asked, unnamed)), 'Allow nat named (RuleMatched)');
    assert.equal(say(decide(rules, asked, { ...unnamed, resolves: () => false })), 'Deny - (NoNatRule)');
  });

  it('carry the translation', () => {
    const answer = decide(rules, flow('tcp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }), unnamed);
    assert.deepEqual(answer, {
      action: 'Allow',
      rule: ref('web'),
      reason: 'RuleMatched',
      path: 'nat',
      translatedAddress: ip('10.42.1.50'),
      translatedPort: 8080,
      snat: 'PrivateIp',
    });
  });
});
