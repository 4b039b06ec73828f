// From the text of ARM documents to a program: read, resolved, compiled. The yardstick is reading the same text as JSON,
// which nobody can do without. Two large IP groups on both sides of a rule show that nothing grows with their product.

import type { ArmDocument } from '#arm/arm-document.ts';
import { toDocuments } from '#arm/arm-document.ts';
import { compile } from '#compiler/compile.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { loadFacts } from '#facts/facts.ts';
import { decide } from '#ir/decide.ts';
import { DEFAULT_POLICY_OPTIONS } from '#model/policy-options.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { createRandom } from '../random.ts';
import type { Comparison, Side } from '../runner.ts';

const SCOPE =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/bench/providers/Microsoft.Network';
const POLICY = `${SCOPE}/firewallPolicies/policy`;
const RULES = 10_000;
const GROUP_ENTRIES = 5000;
const RULES_A_COLLECTION = 500;

const facts = loadFacts();
const options = { ...DEFAULT_POLICY_OPTIONS, azureLimits: false };

type Rule = Record<string, unknown>;

/** What the rows compare: text to program, and text to JSON. */
function sides(text: string): { subject: Side; yardstick: Side } {
  return {
    subject: { name: 'to a program', run: () => readProgram(text), units: 1 },
    yardstick: { name: 'JSON.parse', run: () => JSON.parse(text), units: 1 },
  };
}

function readPolicy(text: string) {
  const list = JSON.parse(text) as ArmDocument[];
  const [subject] = list;
  if (!subject) throw new Error('no documents');
  const { policy, faults } = resolvePolicy(subject, toDocuments(list), { facts, options });
  if (!policy) throw new Error(`the bench's policy is refused: ${faults[0].target}: ${faults[0].message}`);
  return policy;
}

function readProgram(text: string) {
  const policy = readPolicy(text);
  return { policy, program: compile(policy) };
}

function ipGroup(name: string, entries: readonly string[]): ArmDocument {
  return {
    id: `${SCOPE}/ipGroups/${name}`,
    name,
    type: 'Microsoft.Network/ipGroups',
    properties: { ipAddresses: entries },
  };
}

const ipGroupId = (name: string) => `${SCOPE}/ipGroups/${name}`;

/** A policy with the rules in collections of one kind each, the policy first. */
function documentsOf(rules: readonly Rule[], groups: readonly ArmDocument[]): string {
  const collections: object[] = [];
  for (const ruleType of ['NetworkRule', 'ApplicationRule']) {
    const ofType = rules.filter(rule => rule.ruleType === ruleType);
    for (let start = 0; start < ofType.length; start += RULES_A_COLLECTION)
      collections.push({
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
        name: `${ruleType}-${start}`,
        priority: 100 + collections.length,
        action: { type: 'Allow' },
        rules: ofType.slice(start, start + RULES_A_COLLECTION),
      });
  }
  const documents: ArmDocument[] = [
    {
      id: POLICY,
      name: 'policy',
      type: 'Microsoft.Network/firewallPolicies',
      location: 'westeurope',
      properties: { sku: { tier: 'Standard' }, dnsSettings: { enableProxy: true } },
    },
    {
      id: `${POLICY}/ruleCollectionGroups/group`,
      name: 'group',
      type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
      properties: { priority: 100, ruleCollections: collections },
    },
    ...groups,
  ];
  return JSON.stringify(documents);
}

function manyRules(): string {
  const random = createRandom();
  const groups = Array.from({ length: 20 }, (_, group) =>
    ipGroup(
      `team-${group}`,
      Array.from({ length: 50 }, (_, entry) => `10.${group}.${entry}.0/25`),
    ),
  );
  const rules = Array.from({ length: RULES }, (_, index): Rule => {
    const sources =
      random(4) === 0
        ? { sourceIpGroups: [ipGroupId(`team-${random(groups.length)}`)] }
        : { sourceAddresses: [`10.${random(256)}.${random(256)}.0/24`, `10.${random(256)}.0.0/16`] };
    if (index % 5 < 2)
      return {
        ruleType: 'ApplicationRule',
        name: `rule-${index}`,
        ...sources,
        protocols: [{ protocolType: 'Https', port: 443 }],
        targetFqdns: [`api.team-${index}.example.com`, `*.team-${index}.example.com`],
      };
    const address = formatIpv4(0x14000000 + random(0x60000000));
    return {
      ruleType: 'NetworkRule',
      name: `rule-${index}`,
      ipProtocols: ['TCP'],
      ...sources,
      destinationAddresses: random(20) === 0 ? ['AzureMonitor', address] : [address, `${address}/24`],
      destinationPorts: ['443', '8000-8099'],
    };
  });
  return documentsOf(rules, groups);
}

/** Every other address, so that no two entries merge. */
function largeGroup(name: string, first: number): ArmDocument {
  return ipGroup(
    name,
    Array.from({ length: GROUP_ENTRIES }, (_, entry) => formatIpv4(first + 2 * entry)),
  );
}

function largeGroups(rules: number): string {
  const list = Array.from(
    { length: rules },
    (_, index): Rule => ({
      ruleType: 'NetworkRule',
      name: `rule-${index}`,
      ipProtocols: ['TCP'],
      // An address of its own beside the group, so that no two rules have the same list.
      sourceAddresses: [formatIpv4(0x0b000000 + index)],
      sourceIpGroups: [ipGroupId('clients')],
      destinationIpGroups: [ipGroupId('servers')],
      destinationPorts: [`${1000 + index}`],
    }),
  );
  return documentsOf(list, [largeGroup('clients', 0x0a000000), largeGroup('servers', 0x14000000)]);
}

/** The program, and the index that decisions over the policy make. */
function withIndex(text: string): () => unknown {
  return () => {
    const read = readProgram(text);
    const flow = {
      protocol: 'TCP',
      source: 0x0a000000,
      destination: 0x14000000,
      destinationPort: 1,
    } as const;
    decide(read.policy, { ...flow, from: 'inside' }, { namesOfAddress: () => new Set() });
    return read;
  };
}

export const documentRows: readonly Comparison[] = [
  {
    name: 'compile',
    what: 'parse, resolve and compile 10,000 rules',
    unit: 'policy',
    prepare: () => sides(manyRules()),
  },
  {
    name: 'groups',
    what: 'parse, resolve and compile one rule with IP groups of 5,000 entries on both sides',
    unit: 'policy',
    prepare: () => sides(largeGroups(1)),
    bars: { atMostMs: 1000 },
  },
  {
    name: 'groups-2000',
    what: 'the same two IP groups in 2,000 rules, each with an address of its own; kept with the index of decide',
    unit: 'policy',
    prepare: () => sides(largeGroups(2000)),
    keeps: () => withIndex(largeGroups(2000)),
    bars: { atMostMs: 1000, atMostBytes: 20e6 },
  },
];
