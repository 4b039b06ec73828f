// The classes of a field, at the ends of the number line and beyond what is kept.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RangeIndex } from './range-index.ts';
import { RuleSpace } from './rule-bits.ts';
import { SharedValues } from './rule-lists.ts';

interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** The index and, to compare it with, which rules hold a number. */
function build(ofRules: readonly (readonly NumberRange[])[], keptBytes?: number) {
  const space = new RuleSpace(ofRules.length);
  const values = new SharedValues<readonly NumberRange[]>();
  for (const [rule, ranges] of ofRules.entries()) values.use(ranges, rule);
  const index = new RangeIndex(space, values, keptBytes === undefined ? {} : { keptBytes });
  return {
    found: (number: number) => {
      const rules: number[] = [];
      const bits = index.rulesAt(number);
      space.first(bits, bits, bits, bits, rule => rules.push(rule) < 0);
      return rules;
    },
    expected: (number: number) =>
      ofRules.flatMap((ranges, rule) =>
        ranges.some(({ first, last }) => first <= number && number <= last) ? [rule] : [],
      ),
  };
}

describe('a range index', () => {
  it('holds ranges up to both ends of the number line, touching ones apart', () => {
    const { found } = build([
      [{ first: 0, last: 0xffffffff }],
      [{ first: 0, last: 9 }],
      [{ first: 10, last: 10 }],
      [{ first: 11, last: 0xffffffff }],
      [],
      [{ first: 0, last: 0xfffffffe }],
    ]);
    for (const [number, rules] of [
      [0, [0, 1, 5]],
      [9, [0, 1, 5]],
      [10, [0, 2, 5]],
      [11, [0, 3, 5]],
      [0xfffffffe, [0, 3, 5]],
      [0xffffffff, [0, 3]],
    ] as const)
      assert.deepEqual(found(number), rules, String(number));
  });

  it('without a range holds nothing anywhere', () => {
    const { found } = build([[], []]);
    assert.deepEqual(found(0), []);
    assert.deepEqual(found(0xffffffff), []);
  });

  it('keeps few classes and gives every class its own rules all the same', () => {
    const rules = Array.from({ length: 300 }, (_, rule) => [
      { first: rule * 10, last: rule * 10 + (rule % 40) * 10 },
      { first: 100_000 + rule, last: 100_000 + rule },
    ]);
    const { found, expected } = build(rules, 0);
    // Twice over, so that classes are asked for again after others took their place.
    for (let round = 0; round < 2; round++)
      for (let number = 0; number < 101_000; number += 37)
        assert.deepEqual(found(number), expected(number), `round ${round}, number ${number}`);
  });

  it('tells thousands of rules apart, also where nearly all of them hold a number', () => {
    const shared = [{ first: 50, last: 60 }];
    const rules = Array.from({ length: 3000 }, (_, rule) =>
      rule % 3 === 0 ? shared : [{ first: rule % 100, last: 100 }],
    );
    const { found, expected } = build(rules);
    for (let number = 0; number <= 101; number++)
      assert.deepEqual(found(number), expected(number), String(number));
  });
});
