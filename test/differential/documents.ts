// Random ARM documents: firewalls with classic rules, and firewalls with a policy of their own, a parent and groups. Small
// choices, so that rules overlap, touch and repeat; every shape shrinks to a smaller one. Documents are valid: what the model
// refuses is a fault of this file.

import fc from 'fast-check';
import type { ArmDocument } from '#arm/arm-document.ts';
import type { Question } from './oracle.ts';
import {
  applicationRule,
  collections,
  type Json,
  named,
  natRule,
  networkRule,
  priority,
  SCOPE,
} from './rules.ts';
import { document, ipGroups, options, privateRanges, threatAllowed, threatMode } from './settings.ts';
import { PRIVATE_IP, PUBLIC_IPS } from './world.ts';

const publicIpId = (index: number) => `${SCOPE}/publicIPAddresses/pip${index + 1}`;

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
