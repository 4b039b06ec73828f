// Random ARM documents: firewalls with classic rules, and firewalls with a policy of their own, a parent and groups. Small
// choices, so that rules overlap, touch and repeat; every shape shrinks to a smaller one. Documents are valid: what the model
// refuses is a fault of this file.

import fc from 'fast-check';
import type { ArmDocument } from '#arm/arm-document.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import type { Question } from './oracle.ts';
import { PRIVATE_IP, PUBLIC_IPS } from './world.ts';

type Json = Record<string, unknown>;

const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const GROUP_NAMES = ['empty', 'few', 'office', 'large'] as const;
const groupId = (name: string) => `${SCOPE}/ipGroups/${name}`;
const publicIpId = (index: number) => `${SCOPE}/publicIPAddresses/pip${index + 1}`;

// Addresses: a handful of bases, and small offsets from them, so that ranges overlap and touch.

const BASES = [
  '10.42.1',
  '10.42.1',
  '10.42.3',
  '192.168.7',
  '203.0.113',
  '10.77.0',
  '192.0.2',
  '192.0.2',
  '198.51.100',
  '172.16.5',
  '100.64.1',
] as const;
const WIDE = [
  '10.0.0.0/8',
  '10.42.0.0/16',
  '10.42.0.0/15',
  '0.0.0.0/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '192.0.2.0/24',
  '192.0.0.0/8',
  '10.42.0.0-10.42.255.255',
  '100.64.0.0/10',
  '10.42.1.255-10.42.2.0',
] as const;

const base = fc.constantFrom(...BASES);
const offset = fc.integer({ min: 0, max: 12 });
const single = fc.tuple(base, offset).map(([net, host]) => `${net}.${host}`);
const narrow = fc.oneof(
  { weight: 4, arbitrary: single },
  { weight: 1, arbitrary: single.map(text => `${text}/32`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(base, offset, offset)
      .map(([net, a, b]) => `${net}.${Math.min(a, b)}-${net}.${Math.max(a, b)}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(single, fc.integer({ min: 24, max: 31 }))
      .map(([text, length]) => `${text}/${length}`),
  },
);
const address = fc.oneof(
  { weight: 8, arbitrary: narrow },
  { weight: 2, arbitrary: fc.constantFrom(...WIDE) },
  { weight: 2, arbitrary: fc.constant('*') },
);
const serviceTag = fc.constantFrom(
  'AzureCloud',
  'azurecloud.EASTUS',
  'AzureCloud.eastus',
  'Storage',
  'storage',
);
const groups: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom(...GROUP_NAMES), { maxLength: 2 });

const sources = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(['*']) },
      { weight: 3, arbitrary: fc.array(address, { maxLength: 3 }) },
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: groups }),
  )
  .map(([addresses, names]): Json => {
    if (addresses.length === 0 && names.length === 0) return { sourceAddresses: ['*'] };
    return {
      ...(addresses.length > 0 && { sourceAddresses: addresses }),
      ...(names.length > 0 && { sourceIpGroups: names.map(groupId) }),
    };
  });

// Ports: neighbours, touching ranges, everything, and everything but 0.

const ports = fc.oneof(
  { weight: 3, arbitrary: fc.constant(['*']) },
  { weight: 1, arbitrary: fc.constant(['1-65535']) },
  {
    weight: 6,
    arbitrary: fc.array(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.constantFrom('22', '53', '80', '443', '1433', '8443', '1', '65535', '442', '444'),
        },
        {
          weight: 3,
          arbitrary: fc
            .tuple(fc.integer({ min: 8000, max: 8010 }), fc.integer({ min: 0, max: 5 }))
            .map(([first, more]) => (more === 0 ? String(first) : `${first}-${first + more}`)),
        },
        { weight: 1, arbitrary: fc.constantFrom('1-1023', '1024-65535', '80-443', '444-8000') },
      ),
      { minLength: 1, maxLength: 3 },
    ),
  },
);
const networkFqdn = fc.constantFrom(
  'a.example.org',
  'b.example.org',
  'c.example.org',
  'db.example.org',
  'both.example.net',
  'WWW.example.org',
  'none.example.org',
);

const destinations = fc
  .record({
    addresses: fc.array(fc.oneof({ weight: 5, arbitrary: address }, { weight: 1, arbitrary: serviceTag }), {
      maxLength: 3,
    }),
    names: fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: groups }),
    fqdns: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.uniqueArray(networkFqdn, { maxLength: 2 }) },
    ),
  })
  .map(({ addresses, names, fqdns }): Json => {
    if (addresses.length + names.length + fqdns.length === 0) return { destinationAddresses: ['*'] };
    return {
      ...(addresses.length > 0 && { destinationAddresses: addresses }),
      ...(names.length > 0 && { destinationIpGroups: names.map(groupId) }),
      ...(fqdns.length > 0 && { destinationFqdns: fqdns }),
    };
  });

const protocols = fc.oneof(
  { weight: 1, arbitrary: fc.constant(['Any']) },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.constantFrom('TCP', 'UDP', 'ICMP', 'Any'), { minLength: 1, maxLength: 3 }),
  },
);

/** Rules as neither kind of document writes them yet: `protocols` becomes `ipProtocols` in a policy. */
const networkRule = fc.record({ protocols, from: sources, to: destinations, destinationPorts: ports }).map(
  ({ from, to, ...rest }): Json => ({
    ...rest,
    // TLS is what names are bound to.
    ...('destinationFqdns' in to && { destinationPorts: [...rest.destinationPorts, '443'] }),
    ...from,
    ...to,
  }),
);

const targetFqdn = fc.constantFrom(
  '*',
  '*.example.org',
  '*example.org',
  '*.a.example.org',
  'example.org',
  'a.example.org',
  'A.Example.org',
  'www.example.org',
  'c.example.org',
  'both.example.net',
  '*.net',
  '*ple.net',
);
const applicationProtocol = fc.constantFrom(
  { protocolType: 'Http', port: 80 },
  { protocolType: 'Https', port: 443 },
  { protocolType: 'Http', port: 8080 },
  { protocolType: 'Https', port: 8443 },
  // Both on one port.
  { protocolType: 'Http', port: 8005 },
  { protocolType: 'Https', port: 8005 },
  { protocolType: 'Mssql', port: 1433 },
);

const applicationRule = (kind: 'classic' | 'policy') =>
  fc
    .record({
      from: sources,
      protocols: fc.uniqueArray(applicationProtocol, {
        minLength: 1,
        maxLength: 3,
        selector: item => `${item.protocolType}:${item.port}`,
      }),
      targets: fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ targetFqdns: fc.uniqueArray(targetFqdn, { minLength: 1, maxLength: 3 }) }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            fqdnTags: fc.uniqueArray(
              fc.constantFrom('AzureKubernetesService', 'azurekubernetesservice', 'WindowsUpdate'),
              { minLength: 1, maxLength: 2, selector: tag => tag.toLowerCase() },
            ),
          }),
        },
      ),
      to:
        kind === 'policy'
          ? fc.oneof(
              { weight: 3, arbitrary: fc.constant<Json>({}) },
              {
                weight: 1,
                arbitrary: fc
                  .array(address, { minLength: 1, maxLength: 2 })
                  .map((list): Json => ({ destinationAddresses: list })),
              },
            )
          : fc.constant<Json>({}),
    })
    .map(
      ({ from, to, targets, protocols: spoken }): Json => ({
        // SQL Server has no FQDN tags.
        protocols:
          'fqdnTags' in targets ? spoken.filter(({ protocolType }) => protocolType !== 'Mssql') : spoken,
        ...targets,
        ...from,
        ...to,
      }),
    )
    .map(rule => {
      if ((rule.protocols as unknown[]).length > 0) return rule;
      // In classic rules the tag says itself which protocol and port its names go with.
      return { ...rule, protocols: kind === 'classic' ? [] : [{ protocolType: 'Https', port: 443 }] };
    });

const natRule = (kind: 'classic' | 'policy') =>
  fc
    .record({
      from: sources,
      protocols: fc.uniqueArray(fc.constantFrom('TCP', 'UDP', ...(kind === 'classic' ? ['Any'] : [])), {
        minLength: 1,
        maxLength: 2,
      }),
      destinations: fc.uniqueArray(
        fc.constantFrom(...PUBLIC_IPS, ...(kind === 'policy' ? [PRIVATE_IP] : [])),
        { minLength: 1, maxLength: kind === 'policy' ? 1 : 2 },
      ),
      destinationPorts: fc.array(
        fc.oneof(
          fc.constantFrom('22', '53', '80', '443', '3389', '63999', '1'),
          fc
            .tuple(fc.integer({ min: 8000, max: 8006 }), fc.integer({ min: 0, max: 3 }))
            .map(([first, more]) => (more === 0 ? String(first) : `${first}-${first + more}`)),
        ),
        { minLength: 1, maxLength: 2 },
      ),
      target: fc.oneof(
        {
          weight: 3,
          arbitrary: fc
            .constantFrom('10.42.1.50', '10.42.1.4', '10.77.0.5', '192.0.2.9')
            .map((text): Json => ({ translatedAddress: text })),
        },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom('db.example.org', 'a.example.org', 'both.example.net', 'none.example.org')
            .map((text): Json => ({ translatedFqdn: text })),
        },
      ),
      translatedPort: fc.constantFrom('22', '80', '443', '8000', '63999'),
    })
    .map(
      ({ from, destinations: at, target, ...rest }): Json => ({
        ...rest,
        ...from,
        ...target,
        destinationAddresses: at,
      }),
    );

/** Few, so that those of parent and child are often equal; of different length, so that they are no text. */
const priority = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 100, max: 112 }) },
  { weight: 2, arbitrary: fc.constantFrom(200, 1000, 1001, 9999, 10_000, 65_000) },
);

/** Collections of one type; priorities differ, names say type and place. */
function collections(
  rule: fc.Arbitrary<Json>,
  actions: readonly string[],
  most: number,
): fc.Arbitrary<{ priority: number; action: string; rules: Json[] }[]> {
  return fc.uniqueArray(
    fc.record({
      priority,
      action: fc.constantFrom(...actions),
      rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: most, selector: ({ priority }) => priority },
  );
}

const named = (prefix: string, rules: readonly Json[], shape: (rule: Json) => Json): Json[] =>
  rules.map((rule, index) => ({ name: `${prefix}-${index + 1}`, ...shape(rule) }));

// Settings.

const privateRanges = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ['IANAPrivateRanges'],
      ['0.0.0.0/0'],
      ['255.255.255.255/32'],
      ['10.0.0.0/8'],
      ['10.77.0.0/29', '10.42.0.0/16'],
      ['IANAPrivateRanges', '192.0.2.0/29'],
      ['192.0.2.1', '203.0.113.0/24'],
    ),
  },
);
const threatMode = fc.constantFrom('Off', 'Alert', 'Deny', 'Deny');
const threatAllowed = fc.record({
  ipAddresses: fc.uniqueArray(fc.constantFrom('198.51.100.66', '192.0.2.129', '10.77.0.0/24'), {
    maxLength: 2,
  }),
  fqdns: fc.uniqueArray(fc.constantFrom('bad.example.net', '*.example.net'), { maxLength: 1 }),
});

const ipGroups = fc
  .record({
    empty: fc.constant<string[]>([]),
    few: fc.array(narrow, { minLength: 1, maxLength: 3 }),
    office: fc.array(fc.oneof(narrow, fc.constantFrom(...WIDE)), { maxLength: 4 }),
    large: fc.constantFrom('10.42.1', '192.0.2').map(net => every(net)),
  })
  .map(lists =>
    Object.entries(lists).map(
      ([name, ipAddresses]): ArmDocument =>
        document('Microsoft.Network/ipGroups', groupId(name), { ipAddresses }),
    ),
  );

/** More members than are copied into a rule's own set. */
function every(net: string): string[] {
  return Array.from({ length: 80 }, (_, index) => `${net}.${index * 3}-${net}.${index * 3 + 1}`);
}

const options: fc.Arbitrary<PolicyOptions> = fc.record({
  azureLimits: fc.constant(DEFAULT_POLICY_OPTIONS.azureLimits),
  bindNetworkFqdns: fc.constantFrom(false, false, false, true),
  inheritNatRules: fc.constantFrom(true, true, false),
  infrastructureFqdns: fc.constantFrom<readonly string[]>(
    [],
    [],
    ['*.infra.example'],
    ['api.infra.example', 'example.org'],
  ),
});

// The documents.

function document(type: string, id: string, properties: Json, more: Partial<ArmDocument> = {}): ArmDocument {
  return { id, name: id.slice(id.lastIndexOf('/') + 1), type, location: 'eastus', properties, ...more };
}

const publicIps = PUBLIC_IPS.map((ipAddress, index) =>
  document('Microsoft.Network/publicIPAddresses', publicIpId(index), { ipAddress }),
);

function firewall(properties: Json): ArmDocument {
  return document('Microsoft.Network/azureFirewalls', `${SCOPE}/azureFirewalls/fw`, {
    ipConfigurations: PUBLIC_IPS.map((_, index) => ({
      name: `config${index + 1}`,
      properties: {
        ...(index === 0 && {
          subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
          privateIPAddress: PRIVATE_IP,
        }),
        publicIPAddress: { id: publicIpId(index) },
      },
    })),
    ...properties,
  });
}

export const classicQuestions: fc.Arbitrary<Question> = fc
  .record({
    nat: collections(natRule('classic'), ['Dnat'], 2),
    network: collections(networkRule, ['Allow', 'Allow', 'Deny'], 4),
    application: collections(applicationRule('classic'), ['Allow', 'Allow', 'Deny'], 3),
    dns: fc.boolean(),
    ranges: privateRanges,
    mode: threatMode,
    allowed: threatAllowed,
    groups: ipGroups,
    options,
  })
  .map(({ nat, network, application, dns, ranges, mode, allowed, groups: lists, options: chosen }) => {
    const lower = (prefix: string, list: typeof network): Json[] =>
      list.map(({ priority, action, rules }, index) => ({
        name: `${prefix}${index + 1}`,
        properties: {
          priority,
          action: { type: action },
          rules: named(`${prefix}${index + 1}`, rules, rule => rule),
        },
      }));
    const subject = firewall({
      threatIntelMode: mode,
      natRuleCollections: lower('nat', nat),
      networkRuleCollections: lower('net', network),
      applicationRuleCollections: lower('app', application),
      additionalProperties: {
        'Network.DNS.EnableProxy': String(dns),
        'Network.DNS.RequireProxyForNetworkRules': 'false',
        ...(ranges.length > 0 && { 'Network.SNAT.PrivateRanges': ranges.join(', ') }),
        ...(allowed.ipAddresses.length > 0 && {
          'ThreatIntel.Whitelist.IpAddresses': allowed.ipAddresses.join(','),
        }),
        ...(allowed.fqdns.length > 0 && { 'ThreatIntel.Whitelist.FQDNs': allowed.fqdns.join(',') }),
      },
    });
    return { subject, documents: [subject, ...publicIps, ...lists], options: chosen };
  });

const ruleCollectionGroup = fc.record({
  priority: fc.oneof(fc.constantFrom(100, 101, 102), priority),
  collections: fc.uniqueArray(
    fc.record({
      priority,
      body: fc.oneof(
        { weight: 4, arbitrary: body('NetworkRule', networkRule, ['Allow', 'Allow', 'Deny']) },
        {
          weight: 3,
          arbitrary: body('ApplicationRule', applicationRule('policy'), ['Allow', 'Allow', 'Deny']),
        },
        { weight: 1, arbitrary: body('NatRule', natRule('policy'), ['DNAT']) },
      ),
    }),
    { minLength: 1, maxLength: 4, selector: ({ priority }) => priority },
  ),
});

function body(ruleType: string, rule: fc.Arbitrary<Json>, actions: readonly string[]) {
  return fc.record({
    ruleType: fc.constant(ruleType),
    action: fc.constantFrom(...actions),
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  });
}

const policySettings = fc.record({
  // Equal priorities are allowed; then their names decide.
  groups: fc.array(ruleCollectionGroup, { maxLength: 3 }),
  dns: fc.boolean(),
  ranges: privateRanges,
  mode: threatMode,
  allowed: threatAllowed,
});
type PolicySettings = typeof policySettings extends fc.Arbitrary<infer T> ? T : never;

const MODES = ['Off', 'Alert', 'Deny'];

/** A policy and its groups. */
function policy(
  name: string,
  settings: PolicySettings,
  parent?: { id: string; mode: string },
): ArmDocument[] {
  const id = `${SCOPE}/firewallPolicies/${name}`;
  // A child may only be stricter than its parent.
  const mode = MODES[Math.max(MODES.indexOf(settings.mode), MODES.indexOf(parent?.mode ?? 'Off'))];
  return [
    document('Microsoft.Network/firewallPolicies', id, {
      threatIntelMode: mode,
      threatIntelWhitelist: settings.allowed,
      dnsSettings: { enableProxy: settings.dns, requireProxyForNetworkRules: false },
      ...(settings.ranges.length > 0 && { snat: { privateRanges: settings.ranges } }),
      ...(parent && { basePolicy: { id: parent.id } }),
    }),
    ...settings.groups.map((group, at) =>
      document(
        'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
        `${id}/ruleCollectionGroups/${name}-g${at + 1}`,
        {
          priority: group.priority,
          ruleCollections: group.collections.map(
            ({ priority, body: { ruleType, action, rules } }, index) => ({
              ruleCollectionType:
                ruleType === 'NatRule'
                  ? 'FirewallPolicyNatRuleCollection'
                  : 'FirewallPolicyFilterRuleCollection',
              name: `c${index + 1}`,
              priority,
              action: { type: action },
              rules: named(`r${index + 1}`, rules, rule => policyRule(ruleType, rule)),
            }),
          ),
        },
      ),
    ),
  ];
}

function policyRule(ruleType: string, rule: Json): Json {
  if (ruleType === 'ApplicationRule') return { ruleType, ...rule };
  const { protocols: ipProtocols, ...rest } = rule;
  return { ruleType, ipProtocols, ...rest };
}

/** Priorities of parent and child come from the same few numbers, so that they are often equal. */
export const policyQuestions: fc.Arbitrary<Question> = fc
  .record({
    child: policySettings,
    parent: fc.option(policySettings, { nil: undefined }),
    groups: ipGroups,
    options,
  })
  .map(({ child, parent, groups: lists, options: chosen }) => {
    const base = parent ? policy('base', parent) : [];
    const own = policy(
      'own',
      child,
      base[0] && { id: base[0].id, mode: String(base[0].properties.threatIntelMode) },
    );
    const subject = firewall({ firewallPolicy: { id: own[0]?.id ?? '' } });
    return {
      subject,
      documents: [subject, ...publicIps, ...lists, ...base, ...own],
      options: chosen,
    };
  });
