// Policy tests, run: each case is asked of `decide` and held against what the file expects; a failure says what was expected, what
// came instead, which rule decided and which one nearly did. Pure.

import type { Flow } from '#ir/decision.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import {
  type DecisionJson,
  decideAll,
  describeFlow,
  describeReason,
  describeRule,
  type Settled,
  snatOf,
  toDecisionJson,
} from '../answer.ts';
import { type Asked, type QuestionFault, understand } from '../question.ts';
import { nearestRules, type TraceStep } from '../trace.ts';
import type { Expectation, PolicyTestCase, PolicyTestFile } from './policy-tests-file.ts';

export interface CaseResult {
  readonly test: PolicyTestCase;
  /** Of the flow that failed, or of the first. */
  readonly decision: DecisionJson;
  readonly failure?: CaseFailure;
}

/** Each a line for people. */
export interface CaseFailure {
  readonly flow: string;
  readonly expected: string;
  readonly got: string;
  /** Why the expected rule, or the nearest, did not decide; empty when there is nothing to say. */
  readonly hints: readonly string[];
}

export interface CaseFault {
  readonly test: PolicyTestCase;
  readonly fault: QuestionFault;
}

export interface PolicyTestRun {
  readonly results: readonly CaseResult[];
  /** Cases that ask no question: the file is wrong, not the rules. */
  readonly faults: readonly CaseFault[];
}

export function runPolicyTests(
  { resolved }: Pick<PolicyTestFile, 'resolved'>,
  cases: readonly PolicyTestCase[],
  policy: ResolvedPolicy,
): PolicyTestRun {
  const results: CaseResult[] = [];
  const faults: CaseFault[] = [];
  for (const test of cases) {
    const { asked, faults: unclear } = understand(test.question, policy, resolved);
    if (asked) results.push(runCase(test, asked, policy));
    else faults.push(...unclear.map(fault => ({ test, fault })));
  }
  return { results, faults };
}

/** A name with several addresses passes when every one of them does. */
function runCase(test: PolicyTestCase, asked: Asked, policy: ResolvedPolicy): CaseResult {
  const decisions = decideAll(policy, asked);
  const failed = decisions.find(({ decision }) => !isAsExpected(test.expected, decision));
  const [first] = decisions;
  if (!failed) return { test, decision: toDecisionJson(first.decision) };
  const { flow, decision } = failed;
  const address = decisions.length > 1 ? ` at ${formatIpv4(flow.destination)}` : '';
  return {
    test,
    decision: toDecisionJson(decision),
    failure: {
      flow: `${describeFlow(flow, asked.name)}${address}`,
      expected: describeExpectation(test.expected),
      got: describeDecision(test.expected, decision),
      hints: hintsOn(test.expected, flow, decision, asked, policy),
    },
  };
}

function isAsExpected(expected: Expectation, decision: Settled): boolean {
  const { action, by, reason, path, snat, translated } = expected;
  return (
    decision.action === action &&
    (by === undefined || isCalled(by, decision.rule)) &&
    (reason === undefined || decision.reason === reason) &&
    (path === undefined || pathOf(decision) === path) &&
    (snat === undefined || snatOf(decision) === snat) &&
    (translated === undefined || translatedOf(decision)?.toLowerCase() === translated.toLowerCase())
  );
}

/** Whether the words are the end of a rule's full name, whole names only; Azure's names have no case. */
function isCalled(by: string, rule: RuleRef | null): boolean {
  if (rule === null) return by.toLowerCase() === 'none';
  const name = formatRuleRef(rule).toLowerCase();
  return name === by.toLowerCase() || name.endsWith(`/${by.toLowerCase()}`);
}

function pathOf(decision: Settled): string | undefined {
  return decision.action === 'Allow' ? decision.path : undefined;
}

function translatedOf(decision: Settled): string | undefined {
  if (decision.action === 'Deny' || decision.path !== 'nat') return undefined;
  const target = decision.translatedFqdn ?? formatIpv4(decision.translatedAddress ?? 0);
  return `${target}:${decision.translatedPort}`;
}

export function describeExpectation({ action, by, reason, path, snat, translated }: Expectation): string {
  const also = [
    ...(reason === undefined ? [] : [`reason ${reason}`]),
    ...(path === undefined ? [] : [`path ${path}`]),
    ...(snat === undefined ? [] : [`snat ${snat}`]),
    ...(translated === undefined ? [] : [`translated to ${translated}`]),
  ];
  return [`${action}${by === undefined ? '' : ` by ${by}`}`, ...also].join(', ');
}

/** The verdict, the rule or the reason, and whatever else was asked for. */
function describeDecision({ reason, path, snat, translated }: Expectation, decision: Settled): string {
  const also = [
    ...(decision.rule === null || reason !== undefined
      ? [`${decision.reason}${reason === undefined ? ` (${describeReason(decision.reason)})` : ''}`]
      : []),
    ...(path === undefined ? [] : [`path ${pathOf(decision) ?? 'none'}`]),
    ...(snat === undefined ? [] : [`snat ${snatOf(decision) ?? 'none'}`]),
    ...(translated === undefined ? [] : [`translated to ${translatedOf(decision) ?? 'nothing'}`]),
  ];
  return [`${decision.action} by ${describeRule(decision.rule)}`, ...also].join(', ');
}

function hintsOn(
  { action, by }: Expectation,
  flow: Flow,
  decision: Settled,
  asked: Asked,
  policy: ResolvedPolicy,
): string[] {
  if (by !== undefined && by.toLowerCase() !== 'none') {
    if (isCalled(by, decision.rule)) return [];
    const [nearest] = nearestRules(policy, flow, asked, ({ rule }) => isCalled(by, rule));
    return [nearest ? whyNot(nearest, decision) : `no rule is called ${by}`];
  }
  if (decision.action === action || decision.rule !== null) return [];
  const [nearest] = nearestRules(policy, flow, asked, candidate =>
    action === 'Deny' ? candidate.action === 'Deny' : candidate.action !== 'Deny',
  );
  return nearest ? [`nearest ${whyNot(nearest, decision)}`] : [];
}

function whyNot({ rule, misses }: TraceStep, decision: Settled): string {
  const name = formatRuleRef(rule);
  const reasons = misses.map(({ text }) => text);
  if (reasons.length > 0) return `${name}: ${reasons.join('; ')}`;
  return `${name} would match, but ${decision.rule === null ? `is not asked: ${describeReason(decision.reason)}` : `${formatRuleRef(decision.rule)} is judged before it`}`;
}
