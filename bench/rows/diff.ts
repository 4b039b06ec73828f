// The difference in meaning of two large policies of which one rule in fifty was changed. The yardstick is comparing them as
// data, which says that they differ and not for whom.

import { isDeepStrictEqual } from 'node:util';
import { benchPolicies } from '#analysis/diff/bench-policies.ts';
import { diffPolicies } from '#analysis/diff/diff.ts';
import type { Comparison } from '../runner.ts';

const RULES = 2000;

export const diffRows: readonly Comparison[] = [
  {
    name: 'diff',
    what: 'diff of two policies of 2,000 rules, one in 50 changed',
    unit: 'pair of policies',
    prepare: () => {
      const [before, after] = benchPolicies({ rules: RULES, changeEvery: 50 });
      const diff = () => {
        const found = diffPolicies(before, after);
        if (found.unfinished.length > 0) throw new Error('the diff was not finished');
        return found;
      };
      // Equal copies are the longest to compare.
      const copy = structuredClone(before);
      return {
        subject: { name: 'diff', run: diff, units: 1 },
        yardstick: { name: 'equal as data', run: () => isDeepStrictEqual(before, copy), units: 1 },
      };
    },
    bars: { atMostMs: 10_000 },
  },
];
