// The meaning of rules as tables: application rules and threat intelligence, where names decide.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { applicationPortsOf, decide, decideApplication, findThreat } from './decide.ts';
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
  say,
  unnamed,
} from './fixture.ts';
import type { AddressSet } from './policy.ts';

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
    assert.deepEqual(applicationPortsOf(rules), [80, 443, 1433, 8443]);
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

  it('are judged from the top, whatever their action; an emptied source group skips the rule', () => {
    const ordered = policy({
      applicationRules: [
        application('emptied', ['*'], { sources: [] }),
        application('allow-one', ['one.example.org']),
        application('deny-all', ['*'], { action: 'Deny' }),
        application('too-late', ['two.example.org']),
      ],
    });
    expect(ordered, [
      [https('one.example.org'), 'Allow proxy allow-one (RuleMatched)'],
      [https('two.example.org'), 'Deny deny-all (RuleMatched)'],
    ]);
  });

  it('many targets, as of an FQDN tag, mean the same as few', () => {
    const names = Array.from({ length: 40 }, (_, index) => `host-${index}.example.net`);
    const tag = policy({
      applicationRules: [application('tag', [...names, '*.data.example.net', '*suffix.example'])],
    });
    expect(tag, [
      [https('host-39.example.net'), 'Allow proxy tag (RuleMatched)'],
      [https('host-40.example.net'), 'Deny - (DefaultAction)'],
      [https('a.host-39.example.net'), 'Deny - (DefaultAction)'],
      [https('eastus.data.example.net'), 'Allow proxy tag (RuleMatched)'],
      [https('data.example.net'), 'Deny - (DefaultAction)'],
      [https('my-suffix.example'), 'Allow proxy tag (RuleMatched)'],
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
    const rules = policy({
      applicationRules: [application('there', ['*'], { destinations: ips('9.9.9.0/24') })],
    });
    const query = { source: 1, port: 443, claim: { protocol: 'Https', fqdn: 'a.example.org' } } as const;
    assert.equal(
      say(decideApplication(rules, { ...query, destination: ip('9.9.9.1') })),
      'Allow proxy there (RuleMatched)',
    );
    assert.equal(
      say(decideApplication(rules, { ...query, destination: ip('9.9.8.1') })),
      'Deny - (DefaultAction)',
    );
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
