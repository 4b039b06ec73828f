// The meaning of rules as tables. Each group names the fact it proves and the Microsoft page that states it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4, parseIpv4, parseRange } from '#net/ipv4.ts';
import { ALL_PORTS, parsePortRange } from '#net/ports.ts';
import { applicationPortsOf, type DecisionContext, decide, decideApplication, findThreat } from './decide.ts';
import type { Decision, Flow, IpProtocol } from './decision.ts';
import type { AddressSet, ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from './policy.ts';

const ref = (rule: string) => ({ policy: '', group: '', collection: 'c', rule });
const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
const ips = (...texts: string[]): AddressSet =>
  texts.map(text => (text === '*' ? ALL_IPV4 : (parseRange(text) ?? assert.fail(text))));
const ports = (...texts: string[]) => texts.map(text => parsePortRange(text) ?? assert.fail(text));

const network = (rule: string, rest: Partial<NetworkRule> = {}): NetworkRule => ({
  ref: ref(rule),
  action: 'Allow',
  protocols: ['TCP'],
  sources: [ALL_IPV4],
  destinations: [[ALL_IPV4]],
  destinationFqdns: [],
  destinationPorts: [ALL_PORTS],
  ...rest,
});

const application = (
  rule: string,
  fqdns: string[],
  rest: Partial<ApplicationRule> = {},
): ApplicationRule => ({
  ref: ref(rule),
  action: 'Allow',
  sources: [ALL_IPV4],
  protocols: [
    { protocol: 'Http', port: 80 },
    { protocol: 'Https', port: 443 },
  ],
  targets: fqdns.map(text => ({ pattern: parseFqdnPattern(text) ?? assert.fail(text), tag: '' })),
  ...rest,
});

const nat = (rule: string, rest: Partial<NatRule> = {}): NatRule => ({
  ref: ref(rule),
  protocols: ['TCP'],
  sources: [ALL_IPV4],
  destinations: ips('20.1.1.1'),
  destinationPorts: ports('80'),
  translatedAddress: ip('10.42.1.50'),
  translatedPort: 8080,
  ...rest,
});

const policy = (rest: Partial<ResolvedPolicy> = {}): ResolvedPolicy => ({
  firewallId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/azureFirewalls/f',
  threatIntel: { mode: 'Alert', allowedAddresses: [], allowedFqdns: [] },
  natRules: [],
  networkRules: [],
  applicationRules: [],
  dns: { enableProxy: true, servers: [] },
  privateRanges: ips('10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'),
  privateAddress: ip('10.42.2.4'),
  publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
  ...rest,
});

/** `tcp 10.42.1.5 > 1.2.3.4:443` and what the client claims. */
function flow(text: string, rest: Partial<Flow> = {}): Flow {
  const [protocol = '', source = '', , target = ''] = text.split(' ');
  const [destination = '', port = '0'] = target.split(':');
  const number = Number(protocol);
  return {
    protocol: (Number.isNaN(number) ? protocol.toUpperCase() : number) as IpProtocol,
    source: ip(source),
    destination: ip(destination),
    destinationPort: Number(port),
    from: 'inside',
    ...rest,
  };
}

const claim = (protocol: 'Http' | 'Https', fqdn?: string) => ({ claim: { protocol, fqdn } });
const unnamed: DecisionContext = { namesOfAddress: () => new Set<string>() };

/** A decision in one line: `Allow forward snat c/rule (RuleMatched)`. */
function say(decision: Decision): string {
  if (decision.action === 'Pending') return `Pending (${decision.reason})`;
  const words: string[] = [decision.action];
  if (decision.action === 'Allow') words.push(decision.path);
  if (decision.action === 'Allow' && decision.path === 'forward')
    words.push(decision.snat ? 'snat' : 'plain');
  words.push(decision.rule?.rule ?? '-', `(${decision.reason})`);
  return words.join(' ');
}

function expect(rules: ResolvedPolicy, table: readonly (readonly [Flow, string])[], context = unnamed): void {
  for (const [asked, answer] of table) {
    assert.equal(say(decide(rules, asked, context)), answer, JSON.stringify(asked));
  }
}

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
      [flow('icmp 10.42.1.5 > 1.1.1.1'), 'Allow forward plain all (RuleMatched)'],
    ]);
    expect(policy({ networkRules: [all], privateRanges: [ALL_IPV4] }), [
      [flow('tcp 10.42.1.5 > 1.1.1.1:22'), 'Allow forward plain all (RuleMatched)'],
    ]);
    expect(policy({ networkRules: [all], privateRanges: ips('255.255.255.255') }), [
      [flow('tcp 10.42.1.5 > 10.1.1.1:22'), 'Allow forward snat all (RuleMatched)'],
    ]);
  });
});

describe('application rules', () => {
  const rules = policy({
    applicationRules: [
      application('no-evil', ['evil.example.org'], { action: 'Deny' }),
      application('wild', ['*.example.org', '*contoso.com']),
      application('odd', ['odd.example.net'], { protocols: [{ protocol: 'Https', port: 8443 }] }),
      application('subnet', ['mcr.microsoft.com'], { sources: ips('10.42.1.0/24') }),
    ],
  });
  const https = (fqdn?: string) => flow('tcp 10.42.1.5 > 9.9.9.9:443', claim('Https', fqdn));

  it('waits for the name on 80, 443 and every port a rule names, for any destination', () => {
    assert.deepEqual(applicationPortsOf(rules.applicationRules), [80, 443, 8443]);
    expect(rules, [
      [flow('tcp 10.42.1.5 > 9.9.9.9:80'), 'Pending (AwaitingName)'],
      [flow('tcp 10.9.1.5 > 9.9.9.9:443'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 9.9.9.9:8443'), 'Pending (AwaitingName)'],
      [flow('tcp 10.42.1.5 > 9.9.9.9:8444'), 'Deny - (DefaultAction)'],
      [flow('udp 10.42.1.5 > 9.9.9.9:443'), 'Deny - (DefaultAction)'],
    ]);
  });

  it('follows the wildcard table of the FAQ', () => {
    expect(rules, [
      [https('a.example.org'), 'Allow proxy wild (RuleMatched)'],
      [https('a.b.example.org'), 'Allow proxy wild (RuleMatched)'],
      [https('example.org'), 'Deny - (DefaultAction)'],
      [https('contoso.com'), 'Allow proxy wild (RuleMatched)'],
      [https('evilcontoso.com'), 'Allow proxy wild (RuleMatched)'],
      [https('evil.example.org'), 'Deny no-evil (RuleMatched)'],
    ]);
  });

  it('needs protocol, port, source and name together', () => {
    expect(rules, [
      [
        flow('tcp 10.42.1.5 > 9.9.9.9:8443', claim('Https', 'odd.example.net')),
        'Allow proxy odd (RuleMatched)',
      ],
      [flow('tcp 10.42.1.5 > 9.9.9.9:8443', claim('Http', 'odd.example.net')), 'Deny - (DefaultAction)'],
      [https('odd.example.net'), 'Deny - (DefaultAction)'],
      [https('mcr.microsoft.com'), 'Allow proxy subnet (RuleMatched)'],
      [flow('tcp 10.42.2.5 > 9.9.9.9:443', claim('Https', 'mcr.microsoft.com')), 'Deny - (DefaultAction)'],
    ]);
  });

  it('no name is a deny with its own reason, even for a rule that allows every name (known issues)', () => {
    const all = policy({ applicationRules: [application('all', ['*'])] });
    expect(all, [
      [https(), 'Deny - (SniMissing)'],
      [flow('tcp 10.42.1.5 > 9.9.9.9:80', claim('Http')), 'Deny - (HostMissing)'],
      [https('any.example.org'), 'Allow proxy all (RuleMatched)'],
    ]);
  });

  it('destinations of policy rules restrict the address the client asked for', () => {
    const rule = application('there', ['*'], { destinations: ips('9.9.9.0/24') });
    const query = { source: 1, port: 443, claim: { protocol: 'Https', fqdn: 'a.example.org' } } as const;
    assert.equal(
      say(decideApplication([rule], { ...query, destination: ip('9.9.9.1') })),
      'Allow proxy there (RuleMatched)',
    );
    assert.equal(
      say(decideApplication([rule], { ...query, destination: ip('9.9.8.1') })),
      'Deny - (DefaultAction)',
    );
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
    });
  });
});

describe('threat intelligence (learn.microsoft.com/azure/firewall/threat-intel)', () => {
  const threats = {
    ofAddress: (address: number) => (address === ip('6.6.6.6') ? 'bad network' : undefined),
    ofName: (fqdn: string) => (fqdn === 'bad.example.org' ? 'bad name' : undefined),
  };
  const base = {
    natRules: [nat('dnat')],
    networkRules: [network('ssh', { destinationPorts: ports('22') })],
    applicationRules: [application('all', ['*'])],
  };
  const settings = (mode: 'Off' | 'Alert' | 'Deny', allowed: AddressSet = [], names: string[] = []) => ({
    mode,
    allowedAddresses: allowed,
    allowedFqdns: names.map(name => parseFqdnPattern(name) ?? assert.fail(name)),
  });
  const bad = [
    [flow('tcp 10.42.1.5 > 6.6.6.6:22'), 'Allow forward snat ssh (RuleMatched)'],
    [flow('tcp 6.6.6.6 > 20.1.1.1:80', { from: 'outside' }), 'Allow nat dnat (RuleMatched)'],
    [flow('tcp 10.42.1.5 > 9.9.9.9:443', claim('Https', 'bad.example.org')), 'Allow proxy all (RuleMatched)'],
  ] as const;

  it('denies before every rule in mode Deny, in either direction, by address and by name', () => {
    for (const [asked] of bad) {
      const answer = decide(policy({ ...base, threatIntel: settings('Deny') }), asked, {
        ...unnamed,
        threats,
      });
      assert.equal(say(answer), 'Deny - (ThreatIntel)');
    }
  });

  it('leaves the flow to the rules in modes Alert and Off, and for allowed names and addresses', () => {
    for (const threatIntel of [
      settings('Off'),
      settings('Alert'),
      settings('Deny', ips('6.6.6.0/24'), ['*.example.org']),
    ]) {
      for (const [asked, answer] of bad) {
        const given = decide(policy({ ...base, threatIntel }), asked, { ...unnamed, threats });
        assert.equal(say(given), answer);
      }
    }
  });

  it('gives the description with the alert', () => {
    const found = findThreat(settings('Alert'), { addresses: [ip('6.6.6.6')] }, threats);
    assert.deepEqual(found, { action: 'Alert', description: 'bad network' });
    assert.equal(findThreat(settings('Off'), { fqdn: 'bad.example.org' }, threats), undefined);
  });
});
