// Why a decision is what it is: every rule that was looked at, in order, with the first field that kept it from matching, what the
// rule has there and what the flow has. Rules that are skipped, as their IP groups are empty, stand among them with the reason. The decision itself is `decide`'s; a trace that came to another would be wrong, and
// says so. Pure.

import { isApplicationPort } from '#ir/application-ports.ts';
import { type DecisionContext, decide } from '#ir/decide.ts';
import type { ApplicationQuery, Decision, Flow } from '#ir/decision.ts';
import type { ApplicationRule, NatRule, NetworkRule, ResolvedPolicy, SkippedRule } from '#ir/policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import {
  type Miss,
  missesOfApplicationRule,
  missesOfNatRule,
  missesOfNetworkRule,
  missesOfSkipped,
} from './misses.ts';

export type Pass = 'nat' | 'network' | 'application' | 'infrastructure';

export interface TraceStep {
  readonly pass: Pass;
  readonly rule: RuleRef;
  readonly action: 'Allow' | 'Deny' | 'DNAT';
  /** Every field that does not match, in the order in which they are told; empty for the rule that decided. */
  readonly misses: readonly Miss[];
  /** Of a rule that is skipped, whatever the flow: why. */
  readonly causes?: SkippedRule['causes'];
}

export interface Trace {
  readonly decision: Decision;
  /** Up to and including the rule that decided. */
  readonly steps: readonly TraceStep[];
  /** What decided where no rule did, and passes that were not asked, each in a sentence. */
  readonly notes: readonly string[];
}

interface Candidate {
  readonly pass: Pass;
  readonly rule: RuleRef;
  readonly action: TraceStep['action'];
  readonly causes?: SkippedRule['causes'];
  misses(): readonly Miss[];
}

export function trace(policy: ResolvedPolicy, flow: Flow, context: DecisionContext): Trace {
  const decision = decide(policy, flow, context);
  const { passes, notes } = passesOf(policy, flow, context, decision);
  const steps: TraceStep[] = [];
  for (const candidate of passes) {
    const found = candidate.misses();
    steps.push(toStep(candidate, found));
    if (found.length === 0) break;
  }
  return { decision, steps, notes };
}

function toStep({ pass, rule, action, causes }: Candidate, misses: readonly Miss[]): TraceStep {
  return { pass, rule, action, misses, ...(causes && { causes }) };
}

/**
 * The rules of a policy that nearly matched a flow: those with the fewest fields that do not, in the order in which they are
 * judged. Of these, what is skipped and would match comes alone: nobody has to change the rule.
 */
export function nearestRules(
  policy: ResolvedPolicy,
  flow: Flow,
  context: DecisionContext,
  wanted: (candidate: { readonly rule: RuleRef; readonly action: TraceStep['action'] }) => boolean,
): TraceStep[] {
  let fewest = Number.POSITIVE_INFINITY;
  let nearest: TraceStep[] = [];
  for (const candidate of candidatesOf(policy, flow, context)) {
    if (!wanted(candidate)) continue;
    const misses = candidate.misses();
    const distance = candidate.causes && misses.length === 1 ? 0.5 : misses.length;
    if (distance > fewest) continue;
    if (distance < fewest) nearest = [];
    fewest = distance;
    nearest.push(toStep(candidate, misses));
  }
  return nearest;
}

/** The rule that would have decided, and otherwise, if it were not skipped. */
export function skippedInstead({ steps, decision }: Trace): TraceStep | undefined {
  const skipped = steps.find(({ causes, misses }) => causes && misses.length === 1);
  return skipped && (skipped.action === 'Deny') !== (decision.action === 'Deny') ? skipped : undefined;
}

function passesOf(
  policy: ResolvedPolicy,
  flow: Flow,
  context: DecisionContext,
  decision: Decision,
): { readonly passes: readonly Candidate[]; readonly notes: readonly string[] } {
  const all = candidatesOf(policy, flow, context);
  const only = (...passes: readonly Pass[]): Candidate[] => all.filter(({ pass }) => passes.includes(pass));
  if (decision.action === 'Pending')
    return {
      passes: only('nat', 'network'),
      notes: ['The name decides, and the client has not said one yet.'],
    };
  switch (decision.reason) {
    case 'ThreatIntel':
      return {
        passes: [],
        notes: ['The threat intelligence feed lists it, which is asked before all rules.'],
      };
    case 'NoNatRule':
      return { passes: only('nat'), notes: ['From outside only NAT rules are asked.'] };
    case 'DnsProxy':
      return {
        passes: only('nat'),
        notes: ["It is a query to the firewall's own DNS proxy, which needs no rule."],
      };
    case 'ForbiddenAddress':
      return {
        passes: only('nat'),
        notes: [
          'Nothing is behind this address: it is one of the firewall itself, or one that no host can have.',
        ],
      };
  }
  const named =
    flow.protocol === 'TCP' || flow.protocol === 6 ? isApplicationPort(policy, flow.destinationPort) : false;
  if (!named) {
    // A rule that is skipped does not make the firewall listen on its port.
    const idle = only('application').filter(
      ({ causes, misses }) =>
        causes && !misses().some(({ field }) => field === 'protocol' || field === 'port'),
    );
    const before = only('nat', 'network');
    if (decision.reason !== 'DefaultAction') return { passes: before, notes: [] };
    return {
      passes: [...before, ...idle],
      notes: [
        idle.length > 0
          ? 'All application rules that name this port are skipped.'
          : whyNotNamed(policy, flow),
      ],
    };
  }
  switch (decision.reason) {
    case 'SniMissing':
    case 'HostMissing':
    case 'HostPortMismatch':
      if (decision.rule === null)
        return { passes: only('nat', 'network'), notes: [WHY_NO_NAME[decision.reason]] };
  }
  return { passes: all, notes: [] };
}

const WHY_NO_NAME = {
  SniMissing: 'The client sends no name (SNI), so no application rule can match, not even one for *.',
  HostMissing: 'The request has no Host, so no application rule can match, not even one for *.',
  HostPortMismatch: 'The Host header names another port than the one connected to.',
} as const;

function whyNotNamed(policy: ResolvedPolicy, { protocol }: Flow): string {
  const count = policy.applicationRules.length + policy.infrastructureRules.length;
  if (count === 0) return 'There are no application rules.';
  const isTcp = protocol === 'TCP' || protocol === 6;
  return isTcp
    ? 'Application rules were not asked: none of them names this port.'
    : 'Application rules were not asked: they are about TCP only.';
}

function candidatesOf(policy: ResolvedPolicy, flow: Flow, context: DecisionContext): Candidate[] {
  const asked = queryOf(flow);
  const nat = (rule: NatRule): Candidate => ({
    pass: 'nat',
    rule: rule.ref,
    action: 'DNAT',
    misses: () => missesOfNatRule(rule, flow, context),
  });
  const network = (rule: NetworkRule): Candidate => ({
    pass: 'network',
    rule: rule.ref,
    action: rule.action,
    misses: () => missesOfNetworkRule(rule, flow, context.namesOfAddress),
  });
  const application =
    (pass: 'application' | 'infrastructure') =>
    (rule: ApplicationRule): Candidate => ({
      pass,
      rule: rule.ref,
      action: rule.action,
      misses: () => missesOfApplicationRule(rule, flow, asked),
    });
  const skipped = (policy.skippedRules ?? []).map(left => {
    const candidate =
      left.pass === 'nat'
        ? nat(left.rule)
        : left.pass === 'network'
          ? network(left.rule)
          : application('application')(left.rule);
    const misses = () => missesOfSkipped(left, candidate.misses());
    return { ...candidate, causes: left.causes, misses, position: left.position };
  });
  const withSkipped = (pass: Pass, candidates: readonly Candidate[]): Candidate[] =>
    placed(
      candidates,
      skipped.filter(left => left.pass === pass),
    );
  return [
    ...withSkipped('nat', policy.natRules.map(nat)),
    ...withSkipped('network', policy.networkRules.map(network)),
    ...withSkipped('application', policy.applicationRules.map(application('application'))),
    ...policy.infrastructureRules.map(application('infrastructure')),
  ];
}

/** Each before the candidate at its position; both lists are in order. */
function placed<T>(candidates: readonly T[], left: readonly (T & { readonly position: number })[]): T[] {
  if (left.length === 0) return [...candidates];
  const before = Map.groupBy(left, ({ position }) => position);
  return [...candidates, undefined].flatMap((candidate, index) => [
    ...(before.get(index) ?? []),
    ...(candidate === undefined ? [] : [candidate]),
  ]);
}

function queryOf({ source, destination, destinationPort: port, claim }: Flow): ApplicationQuery | undefined {
  return claim && { source, destination, port, claim };
}
