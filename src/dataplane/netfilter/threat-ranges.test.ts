import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ipv4Range, includesAddress, mergeRanges } from '#net/ipv4.ts';
import { excludeRanges } from './threat-ranges.ts';

const r = (first: number, last = first): Ipv4Range => ({ first, last });

test('ranges without other ranges', () => {
  assert.deepEqual(excludeRanges([r(1, 9)], []), [r(1, 9)]);
  assert.deepEqual(excludeRanges([r(1, 9)], [r(4, 5)]), [r(1, 3), r(6, 9)]);
  assert.deepEqual(excludeRanges([r(1, 9)], [r(0, 20)]), []);
  assert.deepEqual(excludeRanges([r(1, 4), r(6, 9)], [r(3, 7)]), [r(1, 2), r(8, 9)]);
  assert.deepEqual(excludeRanges([], [r(1)]), []);
});

test('an address is left exactly if it is in the ranges and not excluded', () => {
  const ranges = fc.array(
    fc.tuple(fc.nat(40), fc.nat(6)).map(([first, length]) => r(first, first + length)),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(ranges, ranges, (all, excluded) => {
      const left = excludeRanges(all, excluded);
      for (let address = 0; address < 50; address += 1)
        assert.equal(
          includesAddress(left, address),
          includesAddress(mergeRanges(all), address) && !includesAddress(mergeRanges(excluded), address),
        );
    }),
  );
});
