// Bugs in the order in which rules are judged: within a holder of collections, between parent and child, between the passes.

import { inArea } from './mutant.ts';

const ORDER = 'src/compiler/order.ts';
const POLICY = 'src/compiler/lower-policy.ts';
const LAYERS = 'src/compiler/policy-layers.ts';
const DECIDE = 'src/ir/decide.ts';
const PLAN = 'src/dataplane/netfilter/plan.ts';

export const ordering = inArea('ordering', [
  {
    name: 'the highest priority number goes first',
    file: ORDER,
    find: '.sort((a, b) => a.priority - b.priority)',
    replace: '.sort((a, b) => b.priority - a.priority)',
  },
  {
    name: 'collections run as they are written',
    file: ORDER,
    find: '\n    .sort((a, b) => a.priority - b.priority)',
    replace: '',
  },
  {
    name: 'priorities are compared as text',
    file: ORDER,
    find: '.sort((a, b) => a.priority - b.priority)',
    replace: '.sort((a, b) => (String(a.priority) < String(b.priority) ? -1 : 1))',
  },
  {
    name: 'rules of a collection run from bottom to top',
    file: ORDER,
    find: 'rules.flatMap(rule => lowerRule(',
    replace: '[...rules].reverse().flatMap(rule => lowerRule(',
  },
  {
    name: 'groups run as they are found',
    file: POLICY,
    find: 'groupsInOrder(groups).flatMap(',
    replace: 'groups.flatMap(',
  },
  {
    name: 'the last network rule that matches decides',
    file: 'src/ir/linear-search.ts',
    find: 'rules.find(rule => matchesNetworkRule(',
    replace: 'rules.findLast(rule => matchesNetworkRule(',
  },
]);

export const inheritance = inArea('inheritance', [
  {
    name: 'the child runs before its parent',
    file: LAYERS,
    find: 'layers.unshift({ policy:',
    replace: 'layers.push({ policy:',
  },
  {
    name: 'network rules of the parent do not run',
    file: POLICY,
    find: `    networkRules: inLayers(
      layers,`,
    replace: `    networkRules: inLayers(
      [attached],`,
  },
  {
    name: 'NAT rules of the parent run although the owner does not want them',
    file: POLICY,
    find: 'options.inheritNatRules ? layers : [attached]',
    replace: 'layers',
  },
  {
    name: 'a child may be laxer than its parent',
    file: POLICY,
    find: 'mode: strictest(policies.map(({ threatIntelMode }) => threatIntelMode)),',
    replace: 'mode: attached.policy.threatIntelMode,',
  },
  {
    name: 'the allow list of the parent is lost',
    file: POLICY,
    find: 'allowedAddresses: mergeRanges(policies.flatMap(',
    replace: 'allowedAddresses: mergeRanges([attached.policy].flatMap(',
  },
  {
    name: "the parent's DNS proxy serves the child",
    file: POLICY,
    find: 'enableProxy: attached.policy.dns.enableProxy,',
    replace: 'enableProxy: policies.some(({ dns }) => dns.enableProxy),',
  },
]);

export const layering = inArea('layering', [
  {
    name: 'DNAT comes before threat intelligence',
    file: DECIDE,
    find: "if (listed?.action === 'Deny') return deny('ThreatIntel');",
    replace:
      "if (listed?.action === 'Deny' && !search.nat(policy.natRules, flow, context)) return deny('ThreatIntel');",
  },
  {
    name: 'on ports of the L7 engine a network rule that allows is not final',
    file: DECIDE,
    find: '  if (network) {\n',
    replace: '  if (network && !isApplicationPort(policy, flow.destinationPort)) {\n',
  },
  {
    name: 'a network rule that denies leaves the name to application rules',
    file: DECIDE,
    find: "if (network?.action === 'Deny') return deny('RuleMatched', network.ref);",
    replace: "if (network?.action === 'Deny' && !flow.claim) return deny('RuleMatched', network.ref);",
  },
  {
    name: 'infrastructure rules come before application rules',
    file: DECIDE,
    find: `search.application(rules.applicationRules, query, fqdn) ??
    search.application(rules.infrastructureRules, query, fqdn)`,
    replace: `search.application(rules.infrastructureRules, query, fqdn) ??
    search.application(rules.applicationRules, query, fqdn)`,
  },
  {
    name: 'the kernel hands application ports to the engine before it asks network rules',
    file: PLAN,
    find: `    ...program.netfilter.networkClauses.flatMap(clause => networkRules(clause, program, generation, sets)),
    ...applicationRules(program, sets),`,
    replace: `    ...applicationRules(program, sets),
    ...program.netfilter.networkClauses.flatMap(clause => networkRules(clause, program, generation, sets)),`,
  },
  {
    name: 'the kernel translates before it looks at the threat feed',
    file: PLAN,
    find: `    ...threatRules(program, options, sets, 'ip saddr'),
    ...nat.classify,`,
    replace: `    ...nat.classify,
    ...threatRules(program, options, sets, 'ip saddr'),`,
  },
]);
