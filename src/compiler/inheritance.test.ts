// In which order the rules of a policy and its parents are judged, and what else a child has from its parent. Facts by the name of
// Azure's page.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatRange } from '#net/ipv4.ts';
import { ip, type Json, SCOPE } from './fixture.ts';
import { attached, CHILD, group, inherits, PARENT, policy, resolved, warningsOf } from './policy-world.ts';

const child = policy(CHILD, inherits);
const parent = policy(PARENT);
const orderOf = (found: ReturnType<typeof resolved>) =>
  [...found.natRules, ...found.networkRules, ...found.applicationRules].map(({ ref }) => formatRuleRef(ref));
const net = (name: string, priority = 100, rules: readonly Json[] = [networkRule()]) =>
  filters(rules, { name, priority });
const app = (name: string, priority = 100) => filters([applicationRule()], { name, priority });
const nat = (name: string, priority = 100, rest: Json = {}) => nats([natRule(rest)], { name, priority });

// https://learn.microsoft.com/azure/firewall/rule-processing
describe('the order of rules', () => {
  it('is type, then parent before child, then group, collection and position', () => {
    const documents = [
      attached,
      child,
      parent,
      group(PARENT, 'P1', 400, [app('PA', 500)]),
      group(PARENT, 'P2', 60000, [net('PN', 60000)]),
      group(CHILD, 'C1', 100, [app('CA'), net('CN'), nat('CD')]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), [
      'child/C1/CD/r',
      'parent/P2/PN/r',
      'child/C1/CN/r',
      'parent/P1/PA/r',
      'child/C1/CA/r',
    ]);
  });

  it('takes a group before a collection, and a collection before a position', () => {
    const documents = [
      policy(CHILD),
      group(CHILD, 'late', 200, [net('first', 100)]),
      group(CHILD, 'early', 100, [
        net('last', 65000),
        net('middle', 200, [networkRule({ name: 'b' }), networkRule({ name: 'a' })]),
      ]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), [
      'child/early/middle/b',
      'child/early/middle/a',
      'child/early/last/r',
      'child/late/first/r',
    ]);
  });

  // Microsoft's own example has two groups of one priority and does not say which runs first.
  it('of equal priorities is that of the groups by name and of the collections as written, with a warning', () => {
    const documents = [
      policy(CHILD),
      group(CHILD, 'b', 100, [net('x'), net('w'), app('v')]),
      group(CHILD, 'A', 100, [net('y')]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), [
      'child/A/y/r',
      'child/b/x/r',
      'child/b/w/r',
      'child/b/v/r',
    ]);
    assert.deepEqual(
      warningsOf(documents).map(({ code, target }) => [code, target]),
      [
        ['EqualPriorities', 'properties.priority'],
        ['EqualPriorities', 'child/b/w'],
      ],
    );
  });

  it('of a chain of parents begins at the top; equal priorities of different policies need no warning', () => {
    const top = `${SCOPE}/firewallPolicies/top`;
    const documents = [
      policy(CHILD, inherits),
      group(CHILD, 'g', 100, [net('c')]),
      policy(PARENT, { basePolicy: { id: top.toLowerCase().replace('resourcegroups', 'RESOURCEGROUPS') } }),
      group(PARENT, 'g', 100, [net('p')]),
      policy(top),
      group(top, 'g', 100, [net('t')]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), ['top/g/t/r', 'parent/g/p/r', 'child/g/c/r']);
    assert.deepEqual(warningsOf(documents), []);
  });

  // https://learn.microsoft.com/azure/firewall/rule-processing and /azure/firewall-manager/policy-overview disagree.
  it("has the parent's NAT rules first, unless they are not inherited", () => {
    const documents = [
      attached,
      child,
      parent,
      group(PARENT, 'g', 100, [nat('p')]),
      group(CHILD, 'g', 100, [nat('c')]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), ['parent/g/p/r', 'child/g/c/r']);
    assert.deepEqual(orderOf(resolved(documents, { inheritNatRules: false })), ['child/g/c/r']);
  });

  it('leaves out groups of other policies, whatever they are called', () => {
    const documents = [
      policy(CHILD),
      policy(`${CHILD}2`),
      group(`${CHILD}2`, 'g', 100, [net('other')]),
      group(CHILD, 'g', 100, [net('own')]),
    ];
    assert.deepEqual(orderOf(resolved(documents)), ['child/g/own/r']);
  });
});

// https://learn.microsoft.com/azure/firewall-manager/policy-overview
describe('what a child inherits', () => {
  it('threat intelligence, of which the stricter mode counts', () => {
    const effective = (above: string, below: string) =>
      resolved([
        policy(CHILD, { ...inherits, threatIntelMode: below }),
        policy(PARENT, { threatIntelMode: above }),
      ]).threatIntel.mode;
    const modes = ['Off', 'Alert', 'Deny'];
    assert.deepEqual(
      modes.map(above => modes.map(below => effective(above, below))),
      [
        ['Off', 'Alert', 'Deny'],
        ['Alert', 'Alert', 'Deny'],
        ['Deny', 'Deny', 'Deny'],
      ],
    );
    const [warning] = warningsOf([
      policy(CHILD, { ...inherits, threatIntelMode: 'Off' }),
      policy(PARENT, { threatIntelMode: 'Alert' }),
    ]);
    assert.equal(warning?.code, 'ThreatIntelModeOfParent');
  });

  it('the allow list, to which it can add', () => {
    const list = (address: string, fqdn: string) => ({
      threatIntelWhitelist: { ipAddresses: [address], fqdns: [fqdn] },
    });
    const { threatIntel } = resolved([
      policy(CHILD, { ...inherits, ...list('20.0.0.1', 'a.example.org') }),
      policy(PARENT, list('20.0.0.0', '*.example.net')),
    ]);
    assert.deepEqual(threatIntel.allowedAddresses.map(formatRange), ['20.0.0.0/31']);
    assert.deepEqual(threatIntel.allowedFqdns.map(formatFqdnPattern), ['*.example.net', 'a.example.org']);
  });

  // https://learn.microsoft.com/azure/firewall/firewall-known-issues
  it('no DNS settings, with a warning', () => {
    const found = [child, policy(PARENT, { dnsSettings: { enableProxy: true, servers: ['10.0.0.4'] } })];
    assert.deepEqual(resolved(found).dns, { enableProxy: false, servers: [] });
    assert.deepEqual(
      warningsOf(found).map(({ code, resource, target }) => [code, resource, target]),
      [['DnsSettingsNotInherited', CHILD, 'properties.dnsSettings']],
    );
    const own = [
      policy(CHILD, { ...inherits, dnsSettings: { enableProxy: true, servers: ['10.0.0.5'] } }),
      parent,
    ];
    assert.deepEqual(resolved(own).dns, { enableProxy: true, servers: [ip('10.0.0.5')] });
    assert.deepEqual(warningsOf(own), []);
  });

  it('no private ranges, with a warning', () => {
    const found = [child, policy(PARENT, { snat: { privateRanges: ['0.0.0.0/0'] } })];
    assert.equal(resolved(found).privateRanges.length, 4);
    assert.deepEqual(
      warningsOf(found).map(({ code }) => code),
      ['SnatNotInherited'],
    );
    const own = policy(CHILD, { ...inherits, snat: { privateRanges: ['255.255.255.255/32'] } });
    assert.deepEqual(resolved([own, parent]).privateRanges.map(formatRange), ['255.255.255.255']);
  });

  it('no warning where what is not inherited means what holds without it', () => {
    const IANA = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
    for (const parentSettings of [
      { snat: { privateRanges: ['IANAPrivateRanges'] } },
      { snat: { privateRanges: IANA } },
      { dnsSettings: { enableProxy: false, servers: [] } },
      { dnsSettings: { enableProxy: false, servers: ['168.63.129.16'] } },
    ])
      assert.deepEqual(warningsOf([child, policy(PARENT, parentSettings)]), []);
  });
});
