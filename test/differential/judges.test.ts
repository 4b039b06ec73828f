// The oracle and `decide` on random documents and flows, many of them: pure, so it is cheap. A failure prints its seed and
// shrinks to the smallest documents that still show it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide, decideWith } from '#ir/decide.ts';
import { createIndexedSearch } from '#ir/search/indexed-search.ts';
import { choicesOf } from './choices.ts';
import { classicQuestions, policyQuestions } from './documents.ts';
import { flowOf } from './flows.ts';
import { judge, type Question } from './oracle.ts';
import { flowText, policyOf } from './three-judges.ts';
import { kindOf, verdictOf } from './verdict.ts';
import { namesOfAddress, resolves, threats } from './world.ts';

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
        { seed, numRuns: RUNS, endOnFailure: process.env.POSTERN_SHRINK === 'no' },
      );
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      context.diagnostic(`${total} decisions: ${JSON.stringify(Object.fromEntries([...counts].sort()))}`);
    });
});

function compare(question: Question, flowSeed: number, counts: Map<string, number>): void {
  const policy = policyOf(question);
  const choices = choicesOf(question);
  // `decide` itself takes an index for long lists of rules only.
  const search = createIndexedSearch({ worthAnIndex: 0 });
  for (let index = 0; index < FLOWS; index++) {
    const flow = flowOf(choices, flowSeed + index, { claims: index % 2 === 0 });
    const context = { namesOfAddress, threats, resolves };
    const decided = verdictOf(decide(policy, flow, context));
    const indexed = verdictOf(decideWith(search, policy, flow, context));
    const judged = judge(question, flow);
    if (decided !== judged || indexed !== judged)
      assert.fail(
        `decide: ${decided}\nby index: ${indexed}\noracle: ${judged}\nflow: ${flowText(flow)}\ndocuments: ${JSON.stringify(question, null, 1)}`,
      );
    counts.set(kindOf(decided), (counts.get(kindOf(decided)) ?? 0) + 1);
  }
}
