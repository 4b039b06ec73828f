// The judge of idle connections beside `decide`, on the random policies of the differential test: what a change of rules leaves
// is what a new connection would be allowed, by the same rule. Pure.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { toDocuments } from '#arm/arm-document.ts';
import { compile } from '#compiler/compile.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { createJudge, type JudgedFlow } from '#dataplane/netfilter/judge.ts';
import { CLASS_LOCAL, CLASS_MASK, decisionOf } from '#dataplane/netfilter/marks.ts';
import { excludeRanges } from '#dataplane/netfilter/threat-ranges.ts';
import { decide } from '#ir/decide.ts';
import type { Decision, Flow } from '#ir/decision.ts';
import type { Program } from '#ir/program.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { choicesOf } from '../differential/choices.ts';
import { classicQuestions, policyQuestions } from '../differential/documents.ts';
import { flowOf } from '../differential/flows.ts';
import type { Question } from '../differential/oracle.ts';
import { facts, namesOfAddress, resolves, THREAT_RANGES, threats } from '../differential/world.ts';

const FLOWS = 200;
const NUMBERS = { ICMP: 1, TCP: 6, UDP: 17 } as const;

for (const [title, questions] of [
  ['classic rules', classicQuestions],
  ['a policy with groups and a parent', policyQuestions],
] as const)
  it(`what stays is what decide allows: ${title}`, context => {
    const seed = Number(process.env.POSTERN_SEED ?? Date.now() | 0);
    context.diagnostic(`seed ${seed}`);
    const kinds = new Map<string, number>();
    fc.assert(
      fc.property(questions, fc.integer(), (question, flowSeed) => compare(question, flowSeed, kinds)),
      { seed, numRuns: 200 },
    );
    for (const kind of ['forward', 'local', 'nat', 'gone']) assert.ok((kinds.get(kind) ?? 0) > 20, kind);
  });

function compare(question: Question, flowSeed: number, kinds: Map<string, number>): void {
  const { subject, documents, options } = question;
  const { policy, faults } = resolvePolicy(subject, toDocuments(documents), { facts, options });
  assert.ok(policy, JSON.stringify(faults));
  const program = compile(policy);
  const judge = createJudge(program, {
    generation: 3,
    threatRanges: excludeRanges(THREAT_RANGES, program.threatIntel.allowedAddresses),
    natAddressOf: fqdn => (resolves(fqdn) ? 1 : undefined),
    fqdnHas: (fqdn, address) => namesOfAddress(address).has(fqdn),
  });
  const choices = choicesOf(question);
  for (let index = 0; index < FLOWS; index++) {
    const flow = flowOf(choices, flowSeed + index, { claims: false });
    const decision = decide(policy, flow, { namesOfAddress, threats, resolves });
    // Which side it came from is not known of a connection, so the next packet alone finds a listed source outside.
    if (flow.from === 'outside' && decision.action === 'Deny' && decision.reason === 'ThreatIntel') continue;
    const mark = judge.markOf(judgedFlow(flow, decision));
    const expected = expectedOf(decision);
    kinds.set(expected.split(' ')[0] ?? '', (kinds.get(expected.split(' ')[0] ?? '') ?? 0) + 1);
    assert.equal(
      markText(mark, program),
      expected,
      `flow ${JSON.stringify(flow)}\ndecided ${JSON.stringify(decision)}\n${JSON.stringify(question, null, 1)}`,
    );
  }
}

/** The connection as it is tracked, had it been made under these very rules. */
function judgedFlow(flow: Flow, decision: Decision): JudgedFlow {
  const { protocol, source, destination, destinationPort } = flow;
  const nat = decision.action === 'Allow' && decision.path === 'nat' ? decision : undefined;
  const { translatedAddress = 1, translatedPort = 1 } = nat ?? {};
  // From outside nothing comes but by NAT.
  const translated = (nat ?? flow.from === 'outside') && { address: translatedAddress, port: translatedPort };
  return {
    protocol: typeof protocol === 'number' ? protocol : NUMBERS[protocol],
    ...{ source, destination, destinationPort },
    ...(translated && { translated }),
  };
}

function expectedOf(decision: Decision): string {
  if (decision.action !== 'Allow' || decision.path === 'proxy') return 'gone';
  return decision.rule === null ? 'local' : `${decision.path} ${formatRuleRef(decision.rule)}`;
}

function markText(mark: number | undefined, { decisions }: Program): string {
  if (mark === undefined) return 'gone';
  if ((mark & CLASS_MASK) >>> 0 === CLASS_LOCAL) return 'local';
  const decision = decisions[decisionOf(mark)] ?? assert.fail(`no decision ${decisionOf(mark)}`);
  return `${decision.kind === 'nat' ? 'nat' : 'forward'} ${formatRuleRef(decision.rule)}`;
}
