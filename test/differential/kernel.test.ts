// `decide`, the oracle and the kernel's loaded ruleset on random policies: every counted decision is one packet or one real TLS
// or HTTP request, judged by what came out of the kernel. A failure prints its seed, the smallest documents that fast-check
// finds, the flow and the three answers. Takes another seed from POSTERN_SEED.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { classicQuestions, policyQuestions } from './documents.ts';
import { Harness } from './harness.ts';
import { newTally, ThreeJudges } from './three-judges.ts';

const unavailable = await namespacesUnavailable();
/** Of each of the two kinds of documents. */
const POLICIES = Number(process.env.POSTERN_DIFFERENTIAL_POLICIES ?? 260);
const BUDGET = { packets: 44, requests: 6 };

describe('the kernel does what decide says', { skip: unavailable ?? false, concurrency: 2 }, () => {
  for (const [title, questions] of [
    ['classic rules', classicQuestions],
    ['a policy with groups and a parent', policyQuestions],
  ] as const)
    it(title, { timeout: 7 * 60_000 }, async context => {
      const seed = Number(process.env.POSTERN_SEED ?? Date.now() | 0);
      context.diagnostic(`seed ${seed}`);
      const tally = newTally();
      const harness = await Harness.open();
      try {
        const judges = new ThreeJudges(harness, BUDGET, tally);
        await fc.assert(
          fc.asyncProperty(questions, fc.nat(), (question, flowSeed) => judges.judge(question, flowSeed)),
          { seed, numRuns: POLICIES },
        );
      } finally {
        await harness.close();
      }
      const { policies, packets, requests, repeats, kinds } = tally;
      context.diagnostic(
        `${policies} policies, ${packets} packets, ${requests} requests, ${repeats} repeats`,
      );
      context.diagnostic(
        [...kinds]
          .sort()
          .map(([kind, count]) => `${kind}: ${count}`)
          .join('; '),
      );
      if (process.env.POSTERN_DIFFERENTIAL_POLICIES === undefined) {
        assert.ok(policies >= 250, `${policies} policies`);
        assert.ok(packets + requests >= 10_000, `${packets + requests} decisions`);
        assert.ok(requests >= 1_000, `${requests} requests`);
      }
    });
});
