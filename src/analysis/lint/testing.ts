// For tests: a firewall with a policy, its parent and IP groups in few words, and what lint finds in them.

import assert from 'node:assert/strict';
import { type ArmDocument, toDocuments } from '#arm/arm-document.ts';
import {
  attached,
  CHILD,
  firewall,
  group,
  inherits,
  ipGroup,
  PARENT,
  policy as policyDocument,
  publicIp,
} from '#compiler/policy-world.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { loadFacts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import type { LintSubject } from './context.ts';
import { type LintOptions, lint } from './lint.ts';

export const facts = loadFacts();
export type Json = Record<string, unknown>;

export const SCOPE = CHILD.replace(/\/firewallPolicies\/.*$/, '');
export const NODES = `${SCOPE}/ipGroups/nodes`;
export const EMPTY = `${SCOPE}/ipGroups/empty`;
const GROUPS = [ipGroup(NODES, '10.42.1.0/24'), ipGroup(EMPTY)];

/** Sources are one subnet, so that nothing is said about them unless a test is about that. */
const SUBNET = { sourceAddresses: ['10.42.1.0/24'] };

export const net = (name: string, rest: Json = {}): Json => ({
  ...{ ruleType: 'NetworkRule', name, ipProtocols: ['TCP'], ...SUBNET },
  ...{ destinationAddresses: ['20.1.2.3'], destinationPorts: ['22'], ...rest },
});
export const app = (name: string, targetFqdns: readonly string[], rest: Json = {}): Json => ({
  ...{ ruleType: 'ApplicationRule', name, ...SUBNET },
  ...{ protocols: [{ protocolType: 'Https', port: 443 }], targetFqdns, ...rest },
});
export const nat = (name: string, rest: Json = {}): Json => ({
  ...{ ruleType: 'NatRule', name, ipProtocols: ['TCP'], sourceAddresses: ['198.51.100.0/24'] },
  ...{ destinationAddresses: ['20.1.1.1'], destinationPorts: ['80'] },
  ...{ translatedAddress: '10.42.1.50', translatedPort: '8080', ...rest },
});

/** `allow 300: rules`, one collection. Rules of one kind. */
export const collection = (
  name: string,
  priority: number,
  action: 'Allow' | 'Deny' | 'DNAT',
  ...rules: readonly Json[]
): Json => ({
  ruleCollectionType:
    action === 'DNAT' ? 'FirewallPolicyNatRuleCollection' : 'FirewallPolicyFilterRuleCollection',
  ...{ name, priority, action: { type: action }, rules },
});
export const allow = (...rules: readonly Json[]): Json => collection('allow', 300, 'Allow', ...rules);
export const deny = (...rules: readonly Json[]): Json => collection('deny', 200, 'Deny', ...rules);
export const dnat = (...rules: readonly Json[]): Json => collection('dnat', 100, 'DNAT', ...rules);

export interface LintCase {
  readonly collections?: readonly Json[];
  /** Collections of a parent policy. */
  readonly parent?: readonly Json[];
  readonly settings?: Json;
  readonly parentSettings?: Json;
  /** More documents, such as a second group. */
  readonly documents?: readonly ArmDocument[];
  readonly options?: Partial<PolicyOptions>;
  readonly lint?: LintOptions;
  readonly firewallProperties?: Json;
}

const DNS = { dnsSettings: { enableProxy: true } };

export function subjectOf({
  collections = [],
  parent,
  settings = {},
  parentSettings = {},
  documents = [],
  options = {},
  firewallProperties,
}: LintCase): LintSubject {
  const subject = firewallProperties
    ? firewall({ firewallPolicy: { id: CHILD }, ...firewallProperties })
    : attached;
  const base = { ...DNS, threatIntelMode: 'Deny' };
  const all = toDocuments([
    publicIp(`${SCOPE}/publicIPAddresses/pip`, '20.1.1.1'),
    ...GROUPS,
    subject,
    policyDocument(CHILD, {
      ...base,
      ...(parent || Object.keys(parentSettings).length > 0 ? inherits : {}),
      ...settings,
    }),
    group(CHILD, 'rules', 300, collections),
    policyDocument(PARENT, { ...base, ...parentSettings }),
    group(PARENT, 'base', 400, parent ?? []),
    ...documents,
  ]);
  const given = { facts, options: { ...DEFAULT_POLICY_OPTIONS, ...options } };
  const resolution = resolvePolicy(subject, all, given);
  if (!resolution.policy) assert.fail(JSON.stringify(resolution.faults, undefined, 1));
  return { subject, documents: all, policy: resolution.policy, warnings: resolution.warnings, ...given };
}

export const findingsIn = (given: LintCase) => lint(subjectOf(given), given.lint);

/** `code severity rule`, without the rule where a finding is about a resource. */
export const sayFindings = (given: LintCase): string[] =>
  findingsIn(given).map(({ code, severity, rule }) =>
    [code, severity, ...(rule ? [rule.rule] : [])].join(' '),
  );
