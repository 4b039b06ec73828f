// A firewall policy and a rule collection group that are right in every respect, to be spoiled in one by a test.

import assert from 'node:assert/strict';
import { type Json, lookup, SCOPE } from './firewall-fixture.ts';
import { parseFirewallPolicy } from './firewall-policy.ts';
import { type GroupLookup, parseRuleCollectionGroup } from './rule-collection-group.ts';

export const POLICY = `${SCOPE}/firewallPolicies/policy`;

export const policy = (properties: Json = {}, rest: Json = {}): Json => ({
  id: POLICY,
  name: 'policy',
  type: 'Microsoft.Network/firewallPolicies',
  location: 'eastus',
  properties,
  ...rest,
});

export const networkRule = (rest: Json = {}): Json => ({
  ruleType: 'NetworkRule',
  name: 'r',
  ipProtocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['1.2.3.4'],
  destinationPorts: ['443'],
  ...rest,
});
export const applicationRule = (rest: Json = {}): Json => ({
  ruleType: 'ApplicationRule',
  name: 'r',
  sourceAddresses: ['*'],
  protocols: [{ protocolType: 'Https', port: 443 }],
  targetFqdns: ['example.org'],
  ...rest,
});
export const natRule = (rest: Json = {}): Json => ({
  ruleType: 'NatRule',
  name: 'r',
  ipProtocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['20.1.1.1'],
  destinationPorts: ['80'],
  translatedAddress: '10.42.1.50',
  translatedPort: '80',
  ...rest,
});
export const filters = (rules: readonly Json[], rest: Json = {}): Json => ({
  ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
  name: 'c',
  priority: 100,
  action: { type: 'Allow' },
  rules,
  ...rest,
});
export const nats = (rules: readonly Json[], rest: Json = {}): Json => ({
  ruleCollectionType: 'FirewallPolicyNatRuleCollection',
  name: 'n',
  priority: 100,
  action: { type: 'DNAT' },
  rules,
  ...rest,
});
export const group = (ruleCollections: readonly Json[], properties: Json = {}, rest: Json = {}): Json => ({
  id: `${POLICY}/ruleCollectionGroups/group`,
  name: 'group',
  type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
  properties: { priority: 100, ruleCollections, ...properties },
  ...rest,
});

export const policyFaults = (document: unknown, azureLimits = true) =>
  parseFirewallPolicy(document, { azureLimits }).diagnostics ?? [];
export const groupFaults = (document: unknown, more: Partial<GroupLookup> = {}) =>
  parseRuleCollectionGroup(document, { ...lookup, ...more }).diagnostics ?? [];

export function acceptedPolicy(document: unknown, azureLimits = true) {
  const parsed = parseFirewallPolicy(document, { azureLimits });
  return parsed.policy ?? assert.fail(JSON.stringify(parsed.diagnostics, null, 1));
}

export function acceptedGroup(document: unknown, more: Partial<GroupLookup> = {}) {
  const parsed = parseRuleCollectionGroup(document, { ...lookup, ...more });
  return parsed.group ?? assert.fail(JSON.stringify(parsed.diagnostics, null, 1));
}
