// From documents to one policy: what a firewall and its policy must agree on, references that are not there, and options. Facts by the name of Azure's page.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toDocuments } from '#arm/arm-document.ts';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, formatRange } from '#net/ipv4.ts';
import { EMPTY, eastus, ip, type Json, OFFICE, PIP, ranges, SCOPE } from './fixture.ts';
import {
  attached,
  CHILD,
  FIREWALL,
  facts,
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
import { resolvePolicy } from './resolve-policy.ts';

const child = policy(CHILD, inherits);
const parent = policy(PARENT);
const proxy = { dnsSettings: { enableProxy: true } };
const orderOf = (found: ReturnType<typeof resolved>) =>
  [...found.natRules, ...found.networkRules, ...found.applicationRules].map(({ ref }) => formatRuleRef(ref));
const net = (name: string, priority = 100, rules: readonly Json[] = [networkRule()]) =>
  filters(rules, { name, priority });
const nat = (name: string, priority = 100, rest: Json = {}) => nats([natRule(rest)], { name, priority });

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
    assert.deepEqual(
      warningsOf(documents).map(({ code }) => code),
      ['SettingsOfPolicyCount'],
    );
    const denies = firewall({ firewallPolicy: { id: CHILD }, threatIntelMode: 'Deny' });
    const [warning, ...others] = warningsOf([denies, policy(CHILD)]);
    assert.match(
      warning?.message ?? '',
      /has a policy, whose settings count; not used: threatIntelMode Deny/,
    );
    assert.deepEqual(others, []);
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

  it('parents fit by tier and region', () => {
    const fits = (above: string, below: string) =>
      faultsOf([
        policy(CHILD, { ...inherits, sku: { tier: below } }),
        policy(PARENT, { sku: { tier: above } }),
      ]).map(({ code, resource }) => `${code} ${resource}`);
    const tiers = ['Basic', 'Standard', 'Premium'];
    assert.deepEqual(
      tiers.map(above => tiers.filter(below => fits(above, below).length === 0)),
      [['Basic'], ['Standard', 'Premium'], ['Premium']],
    );
    assert.deepEqual(fits('Premium', 'Standard'), [`AzureFirewallPolicyInvalidSku ${CHILD}`]);
    const at = (location: string | undefined) => {
      const { location: _, ...rest } = parent;
      return location === undefined ? rest : { ...rest, location };
    };
    for (const location of [undefined, 'East US', 'eastus']) resolved([child, at(location)]);
    const [fault, ...others] = faultsOf([child, at('westeurope')]);
    assert.deepEqual([fault?.code, fault?.resource, others], ['FirewallPolicyInvalidBasePolicy', CHILD, []]);
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

  it('firewalls that share a policy have their own NAT rules in it, and only these run', () => {
    const second = `${SCOPE}/azureFirewalls/second`;
    const secondIp = `${SCOPE}/publicIPAddresses/second`;
    const rules = group(CHILD, 'g', 100, [
      nats([
        natRule({ name: 'here', destinationAddresses: ['20.1.1.1'] }),
        natRule({ name: 'there', destinationAddresses: ['20.2.2.2'] }),
        natRule({ name: 'inside', destinationAddresses: ['10.43.2.4'] }),
      ]),
    ]);
    const properties = (policyId: string | undefined) => ({
      ...(policyId !== undefined && { firewallPolicy: { id: policyId } }),
      ipConfigurations: [
        {
          name: 'config',
          properties: { publicIPAddress: { id: secondIp }, privateIPAddress: '10.43.2.4' },
        },
      ],
    });
    const other = (policyId?: string) => ({ ...firewall(), id: second, properties: properties(policyId) });
    const documents = (policyId?: string) => [
      ...[attached, policy(CHILD), rules, other(policyId), publicIp(secondIp, '20.2.2.2')],
    ];
    const team = `${SCOPE}/firewallPolicies/team`;
    const heir = policy(team, { basePolicy: { id: CHILD } });
    for (const world of [documents(CHILD.toUpperCase()), [...documents(team), heir]])
      assert.deepEqual(
        resolved(world).natRules.map(({ ref }) => ref.rule),
        ['here'],
      );
    // One that runs another policy, or none, has nothing to do with these rules.
    assert.deepEqual(
      faultsOf(documents()).map(({ target }) => target),
      [1, 2].map(index => `properties.ruleCollections[0].rules[${index}].destinationAddresses[0]`),
    );
    // Another firewall of the policy is not among the documents, or not there yet.
    const listed = policy(CHILD, { firewalls: [{ id: FIREWALL }, { id: second }] });
    assert.equal(resolved([attached, listed, rules]).natRules.length, 1);
    const early = group(CHILD, 'g', 100, [nat('n', 100, { destinationAddresses: ['20.2.2.2'] })]);
    assert.deepEqual(resolved([attached, policy(CHILD), early, publicIp(secondIp, '20.2.2.2')]).natRules, []);
    // A public address that is not this firewall's can be translated to.
    const onwards = group(CHILD, 'g', 100, [nat('n', 100, { translatedAddress: '20.2.2.2' })]);
    resolved([attached, policy(CHILD), onwards, publicIp(secondIp, '20.2.2.2')]);
    assert.equal(
      faultsOf([
        attached,
        policy(CHILD),
        group(CHILD, 'g', 100, [nat('n', 100, { translatedAddress: '20.1.1.1' })]),
      ]).length,
      1,
    );
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

  it('NAT destinations count where they stand: 250 with the public IP, those of other firewalls apart', () => {
    const rulesAt = (address: string, count: number) =>
      nats(
        Array.from({ length: count }, (_, index) =>
          natRule({
            name: `r${index}`,
            destinationAddresses: [address],
            destinationPorts: [`${1000 + index}`],
          }),
        ),
        { name: address },
      );
    const inParent = (...collections: readonly Json[]) => [
      attached,
      child,
      parent,
      group(PARENT, 'g', 100, collections),
    ];
    resolved(inParent(rulesAt('20.1.1.1', 249), rulesAt('20.9.9.9', 249)));
    const [fault] = faultsOf(inParent(rulesAt('20.1.1.1', 250)));
    assert.deepEqual([fault?.code, fault?.resource], ['AzureFirewallLimitExceeded', CHILD]);
    assert.match(fault?.message ?? '', /: 251 public IPs and unique NAT destinations together, at most 250/);
  });

  it('NAT rules are not held against addresses that are not there yet', () => {
    const documents = [...natAt('20.9.9.9'), publicIp(PIP)];
    assert.deepEqual(
      warningsOf(documents).map(({ code }) => code),
      ['PublicIpWithoutAddress'],
    );
    assert.deepEqual(resolved(documents).publicIps, []);
  });

  it('a public IP that no document describes is a warning where only rules are asked about', () => {
    const documents = toDocuments([attached, child, parent, group(CHILD, 'g', 100, [net('c')])]);
    const context = { facts, options: DEFAULT_POLICY_OPTIONS };
    assert.deepEqual(
      resolvePolicy(attached, documents, context).faults?.map(({ code }) => code),
      ['InvalidResourceReference'],
    );
    const { policy: found, ...rest } = resolvePolicy(attached, documents, {
      ...context,
      publicIpsMayBeMissing: true,
    });
    assert.deepEqual([found?.publicIps, found?.networkRules.length], [[], 1]);
    const codes = 'warnings' in rest ? rest.warnings.map(({ code }) => code) : [];
    assert.deepEqual(codes, ['PublicIpNotDescribed']);
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
      'properties.ruleCollectionGroups[0]',
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

describe('rules that are skipped', () => {
  const skip = { sourceAddresses: [], sourceIpGroups: [EMPTY] };
  const elsewhere = { destinationAddresses: ['20.9.9.9'] };
  const own = { destinationAddresses: ['20.1.1.1'] };
  const found = resolved([
    attached,
    ipGroup(EMPTY),
    policy(CHILD, inherits),
    policy(PARENT),
    group(PARENT, 'p', 100, [
      nats([
        natRule({ name: 'elsewhere', ...elsewhere }),
        natRule({ name: 'skipped elsewhere', ...elsewhere, ...skip }),
      ]),
    ]),
    group(CHILD, 'g', 100, [
      nats([
        natRule({ name: 'own', ...own, destinationPorts: ['81'] }),
        natRule({ name: 'skipped', ...own, ...skip }),
      ]),
      net('c', 100, [networkRule({ name: 'also skipped', ...skip })]),
    ]),
  ]);

  it('have a place among those that are judged here', () => {
    assert.deepEqual(
      found.natRules.map(({ ref }) => ref.rule),
      ['own'],
    );
    assert.deepEqual(
      found.skippedRules?.map(({ pass, rule, position }) => [pass, rule.ref.rule, position]),
      [
        ['nat', 'skipped', 1],
        ['network', 'also skipped', 0],
      ],
    );
  });
});

describe('destinations of an application rule', () => {
  const destinationsOf = (rest: Json) =>
    resolved([
      policy(CHILD),
      group(CHILD, 'g', 100, [filters([applicationRule(rest)])]),
    ]).applicationRules.map(rule => rule.destinations);

  it('are addresses and service tags; without any, every destination will do', () => {
    assert.deepEqual(destinationsOf({}), [undefined]);
    assert.deepEqual(destinationsOf({ destinationAddresses: ['azurecloud.EASTUS'] }), [eastus]);
    assert.deepEqual(destinationsOf({ destinationAddresses: ['AzureCloud.eastus', '20.43.0.0/16'] }), [
      ranges('20.42.0.0-20.44.127.255'),
    ]);
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
