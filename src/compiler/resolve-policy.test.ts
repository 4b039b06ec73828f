// From documents to one policy: order and inheritance, what a firewall and its policy must agree on, and references that are
// not there. Facts by the name of Azure's page.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, formatRange } from '#net/ipv4.ts';
import { EMPTY, ip, type Json, OFFICE, PIP, ranges, SCOPE } from './fixture.ts';
import {
  attached,
  CHILD,
  FIREWALL,
  faultsOf,
  firewall,
  group,
  inherits,
  ipGroup,
  PARENT,
  policy,
  publicIp,
  resolved,
  warningsOf,
} from './policy-world.ts';

const child = policy(CHILD, inherits);
const parent = policy(PARENT);
const proxy = { dnsSettings: { enableProxy: true } };
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
});

describe('a policy and its firewall', () => {
  it('a firewall without policy has classic rules, which name no policy', () => {
    const classic = firewall({
      networkRuleCollections: [
        {
          name: 'c',
          properties: {
            priority: 100,
            action: { type: 'Allow' },
            rules: [{ ...networkRule({ ruleType: undefined, ipProtocols: undefined }), protocols: ['TCP'] }],
          },
        },
      ],
    });
    const found = resolved([classic]);
    assert.deepEqual(orderOf(found), ['c/r']);
    assert.deepEqual([found.firewallId, formatIpv4(found.privateAddress)], [FIREWALL, '10.42.2.4']);
    assert.deepEqual(found.publicIps, [{ name: 'pip', address: ip('20.1.1.1') }]);
  });

  it('the settings are those of the policy, the addresses those of the firewall', () => {
    const documents = [
      firewall({
        firewallPolicy: { id: CHILD },
        threatIntelMode: 'Off',
        additionalProperties: { 'Network.SNAT.PrivateRanges': '0.0.0.0/0' },
      }),
      policy(CHILD, { ...proxy, threatIntelMode: 'Deny' }),
    ];
    const found = resolved(documents);
    assert.deepEqual(
      [found.threatIntel.mode, found.dns.enableProxy, found.privateRanges.length],
      ['Deny', true, 4],
    );
    assert.deepEqual([found.firewallId, formatIpv4(found.privateAddress)], [FIREWALL, '10.42.2.4']);
  });

  it('a policy alone has no addresses', () => {
    const found = resolved([
      policy(CHILD),
      group(CHILD, 'g', 100, [nat('n', 100, { destinationAddresses: ['20.9.9.9'] })]),
    ]);
    assert.deepEqual([found.firewallId, found.privateAddress, found.publicIps], [CHILD, 0, []]);
    assert.deepEqual(orderOf(found), ['child/g/n/r']);
  });

  it('go together by tier', () => {
    const fits = (policyTier: string, firewallTier: string) =>
      faultsOf([
        firewall({ firewallPolicy: { id: CHILD }, sku: { name: 'AZFW_VNet', tier: firewallTier } }),
        policy(CHILD, { sku: { tier: policyTier } }),
      ]).length === 0;
    const tiers = ['Basic', 'Standard', 'Premium'];
    assert.deepEqual(
      tiers.map(below => tiers.filter(above => fits(below, above))),
      [['Basic'], ['Standard', 'Premium'], ['Premium']],
    );
  });

  const natAt = (destination: string, tier = 'Standard') => [
    firewall({ firewallPolicy: { id: CHILD }, sku: { name: 'AZFW_VNet', tier } }),
    policy(CHILD, { sku: { tier } }),
    group(CHILD, 'g', 100, [nat('n', 100, { destinationAddresses: [destination] })]),
  ];
  // https://learn.microsoft.com/azure/firewall/destination-nat-rules
  it('NAT rules stand at an address of the firewall, the private one not in tier Basic', () => {
    for (const tier of ['Basic', 'Standard', 'Premium']) resolved(natAt('20.1.1.1', tier));
    for (const tier of ['Standard', 'Premium']) resolved(natAt('10.42.2.4', tier));
    for (const [address, tier] of [['10.42.2.4', 'Basic'] as const, ['20.9.9.9', 'Standard'] as const]) {
      const [fault, ...others] = faultsOf(natAt(address, tier));
      assert.equal(fault?.code, 'AzureFirewallRuleInvalidDnatDestinationAddress');
      assert.equal(fault?.resource, `${CHILD}/ruleCollectionGroups/g`);
      assert.deepEqual(others, []);
    }
  });

  it("a parent's NAT rules for other firewalls are left out", () => {
    const rule = natRule({ destinationAddresses: ['20.1.1.1', '20.9.9.9'] });
    const other = natRule({ name: 'other', destinationAddresses: ['20.9.9.9'] });
    const [only, ...others] = resolved([
      attached,
      child,
      parent,
      group(PARENT, 'g', 100, [nats([rule, other])]),
    ]).natRules;
    assert.deepEqual([only?.ref.rule, only?.destinations, others], ['r', ranges('20.1.1.1'), []]);
  });

  it('NAT rules are not held against addresses that are not there yet', () => {
    const documents = [...natAt('20.9.9.9'), publicIp(PIP)];
    assert.deepEqual(
      warningsOf(documents).map(({ code }) => code),
      ['PublicIpWithoutAddress'],
    );
    assert.deepEqual(resolved(documents).publicIps, []);
  });

  const named = group(CHILD, 'g', 100, [
    net('c', 100, [networkRule({ destinationFqdns: ['a.example.org'] })]),
  ]);
  // https://learn.microsoft.com/azure/firewall/fqdn-filtering-network-rules
  it('names in network rules need the DNS proxy of the policy itself', () => {
    resolved([policy(CHILD, proxy), named]);
    resolved([policy(CHILD, { dnsSettings: { requireProxyForNetworkRules: false } }), named]);
    const [alone] = faultsOf([policy(CHILD), named]);
    assert.deepEqual(
      [alone?.code, alone?.target, alone?.resource],
      ['AzureFirewallDNSProxyMustBeEnabled', 'child/g/c/r', named.id],
    );
    assert.doesNotMatch(alone?.message ?? '', /inherit/);
    assert.match(faultsOf([child, policy(PARENT, proxy), named])[0]?.message ?? '', /does not inherit/);
  });

  it('names in network rules are not for tier Basic', () => {
    const [fault] = faultsOf([policy(CHILD, { sku: { tier: 'Basic' } }), named]);
    assert.deepEqual([fault?.code, fault?.target], ['AzureFirewallInvalidRequest', 'child/g/c/r']);
  });
});

describe('references', () => {
  const office = networkRule({ sourceAddresses: [], sourceIpGroups: [`${OFFICE}2`] });
  const table: readonly (readonly [string, Parameters<typeof faultsOf>[0], string, string, RegExp])[] = [
    ['a policy', [attached], FIREWALL, 'properties.firewallPolicy.id', /no firewall policy '.*\/child'/],
    ['a parent', [child], CHILD, 'properties.basePolicy.id', /no firewall policy '.*\/parent'/],
    [
      'a parent that is something else',
      [
        policy(CHILD, { basePolicy: { id: `${PARENT}s` } }),
        { ...parent, id: `${PARENT}s`, type: 'Microsoft.Network/other' },
      ],
      CHILD,
      'properties.basePolicy.id',
      /no firewall policy '.*\/parents'/,
    ],
    [
      'a group that Azure lists',
      [policy(CHILD, { ruleCollectionGroups: [{ id: `${CHILD}/ruleCollectionGroups/g` }] })],
      CHILD,
      'properties.ruleCollectionGroups',
      /no rule collection group '.*\/g'/,
    ],
    [
      'an IP group, by the rule that names it',
      [policy(CHILD), group(CHILD, 'g', 100, [net('c', 100, [office])])],
      `${CHILD}/ruleCollectionGroups/g`,
      'properties.ruleCollections[0].rules[0].sourceIpGroups[0]',
      /'c\/r': there is no IP group '.*office2'/,
    ],
    [
      'a public IP',
      [
        firewall({
          ipConfigurations: [
            {
              name: 'config',
              properties: {
                subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/s` },
                publicIPAddress: { id: `${PIP}2` },
              },
            },
          ],
        }),
      ],
      FIREWALL,
      'properties.ipConfigurations[0].properties.publicIPAddress',
      /no public IP address '.*pip2'/,
    ],
  ];
  for (const [title, documents, resource, target, message] of table) {
    it(`${title} that is not there is named by its id`, () => {
      const [fault, ...others] = faultsOf(documents);
      assert.deepEqual(
        [fault?.code, fault?.resource, fault?.target],
        ['InvalidResourceReference', resource, target],
      );
      assert.match(fault?.message ?? '', message);
      assert.deepEqual(others, []);
    });
  }

  it('in a circle are a fault', () => {
    const circle = [policy(CHILD, inherits), policy(PARENT, { basePolicy: { id: CHILD } })];
    const [fault, ...others] = faultsOf(circle);
    assert.deepEqual(
      [fault?.code, fault?.target],
      ['FirewallPolicyInvalidBasePolicy', 'properties.basePolicy.id'],
    );
    assert.deepEqual(others, []);
  });

  it('of all documents are reported together', () => {
    const broken = group(PARENT, 'g', 1, []);
    const inChild = faultsOf([attached, policy(CHILD, { ...inherits, sql: { allowSqlRedirect: true } })]);
    assert.deepEqual(
      inChild.map(({ target }) => target),
      ['properties.sql.allowSqlRedirect', 'properties.basePolicy.id'],
    );
    assert.deepEqual(
      faultsOf([attached, child, policy(PARENT, { rules: [1] }), broken]).map(({ resource, target }) => [
        resource,
        target,
      ]),
      [
        [PARENT, 'properties.rules'],
        [broken.id, 'properties.priority'],
      ],
    );
  });

  it('to an IP group with an entry that is no address are a fault, not a rule with fewer addresses', () => {
    const used = group(CHILD, 'g', 100, [net('c', 100, [networkRule({ sourceIpGroups: [OFFICE] })])]);
    const [fault] = faultsOf([policy(CHILD), used, ipGroup(OFFICE, '10.0.0.1', '10.0.0.300')]);
    assert.deepEqual(
      [fault?.code, fault?.resource, fault?.target],
      ['InvalidIPAddress', OFFICE, 'properties.ipAddresses[1]'],
    );
  });
});

// https://learn.microsoft.com/azure/firewall/create-ip-group
describe('an emptied IP group', () => {
  const groups = { sourceAddresses: [], sourceIpGroups: [EMPTY] };
  const documents = [
    policy(CHILD),
    ipGroup(EMPTY),
    group(CHILD, 'g', 100, [
      nats([natRule({ name: 'nat', ...groups })]),
      net('c', 100, [
        networkRule({ name: 'source', ...groups }),
        networkRule({ name: 'destination', destinationAddresses: [], destinationIpGroups: [EMPTY] }),
        networkRule({ name: 'beside', destinationIpGroups: [EMPTY] }),
        networkRule({ name: 'both', sourceAddresses: [], sourceIpGroups: [EMPTY, OFFICE] }),
      ]),
      filters([applicationRule({ name: 'app', ...groups })], { name: 'a' }),
    ]),
  ];

  it('skips its rule, and only that', () => {
    const found = resolved(documents);
    assert.deepEqual(orderOf(found), ['child/g/c/beside', 'child/g/c/both']);
    assert.deepEqual(found.networkRules[0]?.destinations, [ranges('1.2.3.4')]);
    assert.deepEqual(found.networkRules[1]?.sources, ranges('10.42.8.0/23'));
  });
});

describe('options', () => {
  it('infrastructure names become rules for every source', () => {
    const { infrastructureRules } = resolved([policy(CHILD)], {
      infrastructureFqdns: ['*.blob.example.net', 'mds.example.net'],
    });
    assert.deepEqual(
      infrastructureRules.map(rule => [
        formatRuleRef(rule.ref),
        rule.action,
        rule.sources.map(formatRange),
        rule.protocols.map(({ protocol, port }) => `${protocol}:${port}`),
        rule.targets.map(({ pattern }) => formatFqdnPattern(pattern)),
      ]),
      ['*.blob.example.net', 'mds.example.net'].map(name => [
        `InfrastructureRuleCollection/${name}`,
        'Allow',
        ['0.0.0.0/0'],
        ['Http:80', 'Https:443'],
        [name],
      ]),
    );
    assert.deepEqual(
      resolved([firewall()], { infrastructureFqdns: ['a.example.net'] }).infrastructureRules.length,
      1,
    );
  });

  it('bound network FQDNs are passed on', () => {
    assert.equal(resolved([policy(CHILD)]).bindNetworkFqdns, DEFAULT_POLICY_OPTIONS.bindNetworkFqdns);
    assert.equal(resolved([policy(CHILD)], { bindNetworkFqdns: true }).bindNetworkFqdns, true);
    assert.equal(resolved([firewall()], { bindNetworkFqdns: true }).bindNetworkFqdns, true);
  });

  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => group(CHILD, `g${index}`, 100 + index, []));
  it("Azure's limits hold until they are switched off", () => {
    resolved([policy(CHILD), ...many(90)]);
    const [fault, ...others] = faultsOf([policy(CHILD), ...many(91)]);
    assert.deepEqual(
      [fault?.code, fault?.target],
      ['AzureFirewallLimitExceeded', 'properties.ruleCollectionGroups'],
    );
    assert.deepEqual(others, []);
    resolved([policy(CHILD), ...many(91)], { azureLimits: false });
    const beyond = group(CHILD, 'g', 99, [
      filters([applicationRule({ protocols: [{ protocolType: 'Http', port: 65535 }] })]),
    ]);
    assert.equal(faultsOf([policy(CHILD), beyond]).length, 2);
    resolved([policy(CHILD), beyond], { azureLimits: false });
  });

  it('limits count what all policies of the chain come to', () => {
    const collections = (count: number) =>
      Array.from({ length: count }, (_, index) => net(`c${index}`, 100 + index, []));
    const chain = (above: number, below: number) => [
      child,
      parent,
      group(PARENT, 'g', 100, collections(above)),
      group(CHILD, 'g', 100, collections(below)),
    ];
    resolved(chain(1000, 1000));
    const [fault] = faultsOf(chain(1000, 1001));
    assert.deepEqual([fault?.code, fault?.resource], ['AzureFirewallLimitExceeded', CHILD]);
    assert.match(fault?.message ?? '', /'child' with its parents: 2001 rule collections/);
  });
});
