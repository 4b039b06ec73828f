// `decide`, the oracle and the kernel's loaded ruleset on random policies: every counted decision is one packet or one real TLS
// or HTTP request, judged by what came out of the kernel. A failure prints its seed, the smallest documents that fast-check
// finds, the flow and the three answers. Takes another seed from POSTERN_SEED; POSTERN_SHRINK=no ends at the first failure.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { type NamespaceOptions, namespacesUnavailable } from '../support/namespaces.ts';
import { classicQuestions, policyQuestions } from './documents.ts';
import { Harness } from './harness.ts';
import type { Question } from './oracle.ts';
import { newTally, type Tally, ThreeJudges } from './three-judges.ts';

const unavailable = await namespacesUnavailable();
/** Of each of the two kinds of documents. */
const POLICIES = Number(process.env.POSTERN_DIFFERENTIAL_POLICIES ?? 255);
const BUDGET = { packets: 40, requests: 6 };

describe('the kernel does what decide says', { skip: unavailable ?? false, concurrency: 2 }, () => {
  for (const [title, questions] of [
    ['classic rules', classicQuestions],
    ['a policy with groups and a parent', policyQuestions],
  ] as const)
    it(title, { timeout: 7 * 60_000 }, async context => {
      const { policies, packets, requests } = await run(questions, POLICIES, context);
      if (POLICIES < 250) return;
      assert.ok(policies >= 250, `${policies} policies`);
      assert.ok(packets + requests >= 10_000, `${packets + requests} decisions`);
      assert.ok(requests >= 1_000, `${requests} requests`);
    });
});

describe('in a user namespace', { skip: unavailable ?? false }, () => {
  it('it does so too', { timeout: 60_000 }, async context => {
    const { packets } = await run(policyQuestions, 10, context, { user: true });
    assert.ok(packets > 200, `${packets} packets`);
  });
});

async function run(
  questions: fc.Arbitrary<Question>,
  numRuns: number,
  context: TestContext,
  options: NamespaceOptions = {},
): Promise<Tally> {
  const seed = Number(process.env.POSTERN_SEED ?? Date.now() | 0);
  context.diagnostic(`seed ${seed}`);
  const tally = newTally();
  const harness = await Harness.open(options);
  try {
    const judges = new ThreeJudges(harness, BUDGET, tally);
    await fc.assert(
      fc.asyncProperty(questions, fc.nat(), (question, flowSeed) => judges.judge(question, flowSeed)),
      { seed, numRuns, endOnFailure: process.env.POSTERN_SHRINK === 'no' },
    );
  } finally {
    await harness.close();
  }
  const { policies, packets, requests, repeats } = tally;
  context.diagnostic(`${policies} policies, ${packets} packets, ${requests} requests, ${repeats} repeats`);
  return tally;
}
