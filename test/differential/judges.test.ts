// The oracle and `decide` on random documents and flows, many of them: pure, so it is cheap. A failure prints its seed and
// shrinks to the smallest documents that still show it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toDocuments } from '#arm/arm-document.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { decide } from '#ir/decide.ts';
import { classicQuestions, policyQuestions } from './documents.ts';
import { choicesOf, flowOf } from './flows.ts';
import { judge, type Question } from './oracle.ts';
import { kindOf, verdictOf } from './verdict.ts';
import { facts, namesOfAddress, resolves, threats } from './world.ts';

const RUNS = Number(process.env.POSTERN_DIFFERENTIAL_POLICIES ?? 500);
const FLOWS = 200;

describe('decide says what the documents say', () => {
  for (const [title, questions] of [
    ['classic rules', classicQuestions],
    ['a policy with groups and a parent', policyQuestions],
  ] as const)
    it(title, context => {
      const seed = Number(process.env.POSTERN_SEED ?? Date.now() | 0);
      context.diagnostic(`seed ${seed}`);
      const counts = new Map<string, number>();
      fc.assert(
        fc.property(questions, fc.integer(), (question, flowSeed) => compare(question, flowSeed, counts)),
        { seed, numRuns: RUNS },
      );
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      context.diagnostic(`${total} decisions: ${JSON.stringify(Object.fromEntries([...counts].sort()))}`);
    });
});

function compare(question: Question, flowSeed: number, counts: Map<string, number>): void {
  const { subject, documents, options } = question;
  const { policy, faults } = resolvePolicy(subject, toDocuments(documents), { facts, options });
  assert.ok(policy, `the documents are refused: ${JSON.stringify(faults)}`);
  const choices = choicesOf(question);
  for (let index = 0; index < FLOWS; index++) {
    const flow = flowOf(choices, flowSeed + index, { claims: index % 2 === 0 });
    const decided = verdictOf(decide(policy, flow, { namesOfAddress, threats, resolves }));
    const judged = judge(question, flow);
    if (decided !== judged)
      assert.fail(
        `decide: ${decided}\noracle: ${judged}\nflow: ${JSON.stringify(flow)}\ndocuments: ${JSON.stringify(question, null, 1)}`,
      );
    counts.set(kindOf(decided), (counts.get(kindOf(decided)) ?? 0) + 1);
  }
}
