// A rule collection group (Microsoft.Network/firewallPolicies/ruleCollectionGroups): collections of any type under one
// priority. It is a resource of its own, below its policy. Read from ARM's JSON into values, with every fault reported at
// once and every unsupported property refused by name.
//
// Azure takes collections of one priority in a group, and does not say in which order they run (its own example of rule
// processing has groups of one priority). They are taken here too and run in the order in which they are written; whoever
// resolves the policy warns of them.

import { ruleLookupOf } from './firewall.ts';
import type { RuleLookup } from './firewall-addresses.ts';
import { CODES } from './firewall-codes.ts';
import {
  checkCollectionName,
  claimName,
  type RuleCollection,
  type RuleKind,
  readAction,
  readNamedRule,
  readPriority,
  TITLES,
} from './firewall-collections.ts';
import { type Diagnostic, ObjectReader, oneOf, readWhole } from './firewall-reader.ts';
import {
  POLICY_RULES,
  readApplicationRule,
  readNetworkRule,
  type WrittenApplicationRule,
  type WrittenNatRule,
  type WrittenNetworkRule,
} from './firewall-rules.ts';
import { type Limits, limitsOf } from './limits.ts';
import { readNatRule } from './nat-rule.ts';

export const RULE_COLLECTION_GROUP_TYPE = 'Microsoft.Network/firewallPolicies/ruleCollectionGroups';

export interface RuleCollectionGroup {
  /** Empty in a document that has not been stored yet. */
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  /** As written; a filter collection holds either network or application rules. One without rules counts as network. */
  readonly natCollections: readonly RuleCollection<'DNAT', WrittenNatRule>[];
  readonly networkCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenNetworkRule>[];
  readonly applicationCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenApplicationRule>[];
}

export type ParsedRuleCollectionGroup =
  | { readonly group: RuleCollectionGroup; readonly diagnostics?: undefined }
  | { readonly group?: undefined; readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]] };

export interface GroupLookup extends RuleLookup {
  /**
   * Addresses of the firewalls that run the policy, public and private; NAT rules must stand at one of them. Undefined without
   * a firewall, or while an address is not known: then a NAT rule may name any single address.
   */
  readonly firewallAddresses?: readonly number[] | undefined;
  /** Those of them that belong to the firewall that is looked at, which no NAT rule translates to. */
  readonly ownAddresses?: readonly number[] | undefined;
}

export function parseRuleCollectionGroup(document: unknown, lookup: GroupLookup): ParsedRuleCollectionGroup {
  const { value: group, diagnostics } = readWhole(document, 'Rule collection group', (reader, name) =>
    readGroup(reader, name, lookup),
  );
  return group ? { group } : { diagnostics };
}

function readGroup(reader: ObjectReader, name: string, lookup: GroupLookup): RuleCollectionGroup {
  const limits = limitsOf(lookup);
  // The published type has no location and no tags; templates carry them, and Azure takes them.
  reader.refuseOthers(['id', 'name', 'type', 'etag', 'location', 'tags', 'properties']);
  if (name !== '') checkCollectionName(reader, name, limits);
  const properties = reader.part('properties');
  properties.refuseOthers(['priority', 'ruleCollections', 'size', 'provisioningState']);
  checkSize(reader, limits);

  const collections = readRuleCollections(properties, limits, lookup);
  return {
    id: reader.text('id')?.value ?? '',
    name,
    priority: readPriority(properties, limits),
    natCollections: collections.flatMap(({ nat }) => nat ?? []),
    networkCollections: collections.flatMap(({ network }) => network ?? []),
    applicationCollections: collections.flatMap(({ application }) => application ?? []),
  };
}

function checkSize(reader: ObjectReader, { groupBytes: { most } }: Limits): void {
  if (!Number.isFinite(most)) return;
  const bytes = new TextEncoder().encode(JSON.stringify(reader.at('properties').value ?? null)).length;
  if (bytes > most)
    reader.fault(
      CODES.limit,
      'properties',
      `${bytes} bytes of JSON, at most ${most}: make several groups of it.`,
    );
}

/** A collection under the kind that it turned out to have. */
interface KindOfCollection {
  readonly nat?: RuleCollection<'DNAT', WrittenNatRule>;
  readonly network?: RuleCollection<'Allow' | 'Deny', WrittenNetworkRule>;
  readonly application?: RuleCollection<'Allow' | 'Deny', WrittenApplicationRule>;
}

function readRuleCollections(
  properties: ObjectReader,
  limits: Limits,
  lookup: GroupLookup,
): KindOfCollection[] {
  const names = new Set<string>();
  const readRule = ruleReaderOf(lookup);
  return properties.list('ruleCollections').flatMap(item => {
    const unnamed = ObjectReader.of(item, 'Rule collection', properties.faults);
    if (!unnamed) return [];
    const name = unnamed.text('name')?.value ?? '';
    const reader = unnamed.labelled(`Rule collection '${name}'`);
    reader.refuseOthers(['ruleCollectionType', 'name', 'priority', 'action', 'rules']);
    checkCollectionName(reader, name, limits);
    claimName(reader, names, name, 'another rule collection of this group');
    return [readCollection(reader, name, limits, readRule)];
  });
}

const COLLECTION_TYPES = ['FirewallPolicyNatRuleCollection', 'FirewallPolicyFilterRuleCollection'] as const;

function readCollection(
  reader: ObjectReader,
  name: string,
  limits: Limits,
  readRule: ReadRule,
): KindOfCollection {
  if (!reader.has('ruleCollectionType'))
    reader.fault(
      CODES.format,
      'ruleCollectionType',
      `'ruleCollectionType' is missing, expected one of ${COLLECTION_TYPES.join(', ')}.`,
    );
  const type = reader.word('ruleCollectionType', COLLECTION_TYPES);
  const priority = readPriority(reader, limits);
  const rules = readRules(reader, name, readRule);
  if (type === 'FirewallPolicyNatRuleCollection') {
    for (const { kind, path } of rules) if (kind !== 'nat') refuseRule(reader, path, kind, 'NAT rules');
    const action = readAction(reader, ['DNAT']);
    return { nat: { name, priority, action, rules: rules.flatMap(({ nat }) => nat ?? []) } };
  }
  const action = type ? readAction(reader, ['Allow', 'Deny']) : 'Deny';
  const filters = rules.filter(({ kind }) => kind !== 'nat');
  const [first] = filters;
  for (const { kind, path } of rules) {
    if (type && kind === 'nat') refuseRule(reader, path, kind, 'network or application rules');
    else if (first && kind !== 'nat' && kind !== first.kind)
      refuseRule(reader, path, kind, `${first.kind} rules, as its first rule says`);
  }
  return first?.kind === 'application'
    ? {
        application: { name, priority, action, rules: rules.flatMap(({ application }) => application ?? []) },
      }
    : { network: { name, priority, action, rules: rules.flatMap(({ network }) => network ?? []) } };
}

function refuseRule(reader: ObjectReader, path: string, kind: RuleKind, held: string): void {
  reader.faults.add(
    CODES.ruleType,
    `${path}.ruleType`,
    `${reader.label}: a collection holds rules of one type. This one holds ${held}, and this is a rule of type ${TYPES[kind]}: move it to a collection of its own.`,
  );
}

interface KindOfRule {
  readonly kind: RuleKind;
  readonly path: string;
  readonly nat?: WrittenNatRule;
  readonly network?: WrittenNetworkRule;
  readonly application?: WrittenApplicationRule;
}

const TYPES = { nat: 'NatRule', network: 'NetworkRule', application: 'ApplicationRule' } as const;
const KINDS = ['nat', 'network', 'application'] as const;

type ReadRule = (kind: RuleKind, rule: ObjectReader, name: string) => Omit<KindOfRule, 'kind' | 'path'>;

function ruleReaderOf(lookup: GroupLookup): ReadRule {
  const natContext = {
    ...ruleLookupOf(lookup),
    natAddresses: lookup.firewallAddresses,
    ownAddresses: lookup.ownAddresses,
  };
  return (kind, rule, name) => {
    switch (kind) {
      case 'nat':
        return { nat: readNatRule(rule, name, natContext, POLICY_RULES) };
      case 'network':
        return { network: readNetworkRule(rule, name, lookup, POLICY_RULES) };
      case 'application':
        return { application: readApplicationRule(rule, name, lookup, POLICY_RULES) };
    }
  };
}

function readRules(collection: ObjectReader, name: string, readRule: ReadRule): KindOfRule[] {
  const names = new Set<string>();
  return collection.list('rules').flatMap(item => {
    const unnamed = ObjectReader.of(item, `Rule in '${name}'`, collection.faults);
    if (!unnamed) return [];
    const kind = readKind(unnamed);
    if (!kind) return [];
    const titled = unnamed.labelled(`${TITLES[kind]} rule in '${name}'`);
    const read = (rule: ObjectReader, ruleName: string) => readRule(kind, rule, ruleName);
    return [{ kind, path: item.path, ...readNamedRule(titled, kind, name, names, read) }];
  });
}

function readKind(rule: ObjectReader): RuleKind | undefined {
  const expected = `expected one of ${Object.values(TYPES).join(', ')}`;
  const text = rule.text('ruleType')?.value;
  if (text === undefined) {
    if (!rule.has('ruleType')) rule.fault(CODES.format, 'ruleType', `'ruleType' is missing, ${expected}.`);
    return undefined;
  }
  const type = oneOf(text, Object.values(TYPES));
  if (type === undefined) rule.fault(CODES.format, 'ruleType', `'ruleType' is '${text}', ${expected}.`);
  return KINDS.find(kind => TYPES[kind] === type);
}
