// What Postern adds to Azure's meaning of rules, and what decisions carry. What Microsoft's pages say stands in facts-*.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applicationPortsOf, decide, decideApplication, findThreat, tlsPortsOf } from './decide.ts';
import { called } from './facts-fixture.ts';
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
  unnamed,
} from './fixture.ts';

describe('addresses that nobody may have', () => {
  const rules = policy({
    networkRules: [network('all', { protocols: ['Any'] })],
    applicationRules: [application('all', ['*'])],
  });

  it('the firewall itself is neither destination nor source, even for a rule that allows everything', () => {
    expect(rules, [
      [flow('tcp 10.42.1.5 > 10.42.2.4:443'), 'Deny - (ForbiddenAddress)'],
      [flow('tcp 10.42.1.5 > 20.1.1.1:8443'), 'Deny - (ForbiddenAddress)'],
      [flow('tcp 10.42.2.4 > 1.2.3.4:22'), 'Deny - (ForbiddenAddress)'],
      [flow('tcp 20.1.1.1 > 1.2.3.4:22'), 'Deny - (ForbiddenAddress)'],
    ]);
  });

  it('loopback, link-local, multicast, reserved and Azure-internal addresses are denied both ways', () => {
    for (const never of [
      '0.0.0.1',
      '127.0.0.1',
      '168.63.129.16',
      '169.254.169.254',
      '224.0.0.1',
      '255.255.255.255',
    ])
      expect(rules, [
        [flow(`tcp 10.42.1.5 > ${never}:443`), 'Deny - (ForbiddenAddress)'],
        [flow(`udp ${never} > 1.2.3.4:53`), 'Deny - (ForbiddenAddress)'],
      ]);
  });
});

describe('what the firewall sees first', () => {
  it('is a source that nobody can have: no DNAT rule, no DNS proxy and no feed is asked about it', () => {
    const rules = policy({ natRules: [nat('web')] });
    expect(rules, [
      [flow('tcp 127.0.0.1 > 20.1.1.1:80'), 'Deny - (ForbiddenAddress)'],
      [flow('tcp 20.1.1.1 > 20.1.1.1:80', { from: 'outside' }), 'Deny - (ForbiddenAddress)'],
      [flow('udp 10.42.2.4 > 10.42.2.4:53'), 'Deny - (ForbiddenAddress)'],
    ]);
  });

  it('is an address: a listed name counts where the firewall reads names, not where it forwards', () => {
    const threats = {
      ofAddress: () => undefined,
      ofName: (fqdn: string) => (fqdn === 'bad.example.org' ? 'malware' : undefined),
    };
    const rules = policy({
      threatIntel: { mode: 'Deny', allowedAddresses: [], allowedFqdns: [] },
      networkRules: [network('net', { destinations: [ips('1.2.3.4')] })],
      applicationRules: [application('app', ['*'])],
    });
    const bad = claim('Https', 'bad.example.org');
    expect(
      rules,
      [
        [flow('tcp 10.42.1.5 > 1.2.3.4:443', bad), 'Allow forward snat net (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 1.2.3.5:443', bad), 'Deny - (ThreatIntel)'],
        [flow('tcp 10.42.1.5 > 1.2.3.5:8443', bad), 'Deny - (DefaultAction)'],
      ],
      { ...unnamed, threats },
    );
  });
});

describe('what a DNAT decision carries', () => {
  const decided = (rest: Parameters<typeof nat>[1], privateRanges = policy().privateRanges) =>
    decide(
      policy({ natRules: [nat('web', rest)], privateRanges }),
      flow('tcp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }),
      unnamed,
    );
  const common = { action: 'Allow', rule: ref('web'), reason: 'RuleMatched', path: 'nat' };

  it('is the translation, and whose address the target sees: never the client’s', () => {
    const inside = ip('10.42.1.50');
    const answer = { ...common, translatedAddress: inside, translatedPort: 8080, snat: 'PrivateIp' };
    assert.deepEqual(decided({}), answer);
    assert.deepEqual(decided({}, ips('255.255.255.255')), answer);
    const outside = ip('1.2.3.4');
    assert.deepEqual(decided({ translatedAddress: outside, translatedPort: 81 }), {
      ...common,
      translatedAddress: outside,
      translatedPort: 81,
      snat: 'PublicIp',
    });
    assert.deepEqual(decided({ translatedAddress: outside }, ips('1.0.0.0/8')), {
      ...answer,
      translatedAddress: outside,
    });
  });

  it('is the name where it translates to one, whose address the gateway alone knows', () => {
    const { translatedAddress: _, ...rule } = nat('web');
    const named = policy({ natRules: [{ ...rule, translatedFqdn: 'web.example.org' }] });
    assert.deepEqual(decide(named, flow('tcp 8.8.8.8 > 20.1.1.1:80', { from: 'outside' }), unnamed), {
      ...common,
      translatedFqdn: 'web.example.org',
      translatedPort: 8080,
    });
  });
});

describe('bindNetworkFqdns: a client must name a host of the network rule whose address it uses', () => {
  const context = called({ '192.0.2.1': ['a.example.org', 'b.example.org'], '192.0.2.2': ['b.example.org'] });
  const rules = {
    networkRules: [
      network('deny-b', {
        action: 'Deny',
        destinations: [],
        destinationFqdns: ['b.example.org'],
        destinationPorts: ports('22'),
      }),
      network('a', {
        protocols: ['Any'],
        destinations: [ips('203.0.113.1')],
        destinationFqdns: ['a.example.org', 'c.example.org'],
      }),
    ],
    applicationRules: [
      application('app', ['*'], {
        protocols: [
          { protocol: 'Https', port: 8443 },
          { protocol: 'Http', port: 8080 },
        ],
      }),
    ],
  };
  const to = (target: string, name?: string) => flow(`tcp 10.42.1.5 > ${target}`, claim('Https', name));

  it('on 443 and every port that application rules name for Https', () => {
    assert.deepEqual(tlsPortsOf(policy(rules)), new Set([443, 8443]));
    assert.deepEqual(applicationPortsOf(policy(rules)), [80, 443, 1433, 8080, 8443]);
    expect(
      policy({ ...rules, bindNetworkFqdns: true }),
      [
        [flow('tcp 10.42.1.5 > 192.0.2.1:443'), 'Pending (AwaitingName)'],
        [to('192.0.2.1:443', 'a.example.org'), 'Allow proxy a (RuleMatched)'],
        [to('192.0.2.1:8443', 'c.example.org'), 'Allow proxy a (RuleMatched)'],
        [to('192.0.2.1:443', 'b.example.org'), 'Deny a (SniMismatch)'],
        [to('192.0.2.1:8443', 'x.a.example.org'), 'Deny a (SniMismatch)'],
        [to('192.0.2.1:443'), 'Deny a (SniMissing)'],
        [flow('tcp 10.42.1.5 > 192.0.2.1:443', claim('Http', 'a.example.org')), 'Deny a (SniMismatch)'],
        // Other ports, protocols and destinations that the rule names by address are what they were.
        [flow('tcp 10.42.1.5 > 192.0.2.1:8080'), 'Allow forward snat a (RuleMatched)'],
        [flow('udp 10.42.1.5 > 192.0.2.1:443'), 'Allow forward snat a (RuleMatched)'],
        [to('203.0.113.1:443', 'b.example.org'), 'Allow forward snat a (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 192.0.2.1:22'), 'Deny deny-b (RuleMatched)'],
        [to('192.0.2.2:443'), 'Deny - (SniMissing)'],
      ],
      context,
    );
  });

  it('off, every name on the address passes', () => {
    expect(
      policy(rules),
      [
        [to('192.0.2.1:443', 'b.example.org'), 'Allow forward snat a (RuleMatched)'],
        [flow('tcp 10.42.1.5 > 192.0.2.1:443'), 'Allow forward snat a (RuleMatched)'],
      ],
      context,
    );
  });
});

describe('names of application rules', () => {
  it('many targets, as of an FQDN tag, mean the same as few, a * inside included', () => {
    const names = Array.from({ length: 40 }, (_, index) => `host-${index}.example.net`);
    const rule = application('tag', [...names, '*.data.example.net', '*suffix.example']);
    const inner = { kind: 'inner', prefix: 'gr-', suffix: '.cloud.example' } as const;
    const rules = policy({
      applicationRules: [{ ...rule, targets: [...rule.targets, { pattern: inner, tag: 't' }] }],
    });
    const https = (name: string) => flow('tcp 10.42.1.5 > 9.9.9.9:443', claim('Https', name));
    const YES = 'Allow proxy tag (RuleMatched)';
    const NO = 'Deny - (DefaultAction)';
    expect(rules, [
      [https('host-39.example.net'), YES],
      [https('host-40.example.net'), NO],
      [https('a.host-39.example.net'), NO],
      [https('eastus.data.example.net'), YES],
      [https('data.example.net'), NO],
      [https('my-suffix.example'), YES],
      [https('gr-1.cloud.example'), YES],
      [https('gr.cloud.example'), NO],
    ]);
  });

  it('the L7 engine asks for the application pass alone, and gets what decide says', () => {
    const rules = policy({
      applicationRules: [application('no', ['a.example.org'], { action: 'Deny' })],
      infrastructureRules: [application('infra', ['*.example.org'])],
    });
    for (const name of ['a.example.org', 'b.example.org', 'example.org', undefined]) {
      const asked = flow('tcp 10.42.1.5 > 9.9.9.9:443', claim('Https', name));
      const { source, destination, destinationPort: port } = asked;
      const query = { source, destination, port, ...claim('Https', name) };
      assert.deepEqual(decideApplication(rules, query), decide(rules, asked, unnamed), name);
    }
  });
});

describe('threat intelligence', () => {
  it('an alert carries what the feed says, the name before the address', () => {
    const threats = {
      ofAddress: (address: number) => (address === ip('6.6.6.6') ? 'bad network' : undefined),
      ofName: (fqdn: string) => (fqdn === 'bad.example.org' ? 'bad name' : undefined),
    };
    const settings = { mode: 'Alert', allowedAddresses: [], allowedFqdns: [] } as const;
    const addresses = [ip('1.2.3.4'), ip('6.6.6.6')];
    assert.deepEqual(findThreat(settings, { addresses }, threats), {
      action: 'Alert',
      description: 'bad network',
    });
    assert.deepEqual(findThreat(settings, { addresses, fqdn: 'bad.example.org' }, threats), {
      action: 'Alert',
      description: 'bad name',
    });
    assert.equal(findThreat({ ...settings, mode: 'Off' }, { addresses }, threats), undefined);
    assert.equal(findThreat(settings, { addresses }, undefined), undefined);
  });
});
