// Addresses stay the same, are nobody else's, and are bounded in number; ranges are subtracted exactly.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { contains, formatIpv4, includesAddress, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';
import { AddressPool, subtractRanges } from './addresses.ts';

const range = (text: string) => {
  const parsed = parseRange(text);
  assert.ok(parsed, text);
  return parsed;
};

describe('address pool', () => {
  it('gives a name the same address at every call and in every pool', () => {
    const pool = new AddressPool([range('77.64.0.0/12')]);
    const first = pool.allocate('mcr.microsoft.com');
    assert.equal(pool.allocate('mcr.microsoft.com'), first);
    assert.equal(new AddressPool([range('77.64.0.0/12')]).allocate('mcr.microsoft.com'), first);
  });

  it('gives every name an address of its own, and none that ends in .0 or .255', () => {
    const pool = new AddressPool([range('77.64.0.0/19')]);
    const addresses = Array.from({ length: 6000 }, (_, index) => pool.allocate(`host-${index}.example.org`));
    assert.equal(new Set(addresses).size, addresses.length);
    assert.ok(addresses.every(address => (address & 255) !== 0 && (address & 255) !== 255));
  });

  it('lets names share addresses once it is full', () => {
    const pool = new AddressPool([range('77.64.0.4/30')]);
    const addresses = Array.from({ length: 10 }, (_, index) => pool.allocate(`host-${index}.example.org`));
    assert.equal(new Set(addresses).size, 4);
    assert.ok(addresses.every(address => contains(range('77.64.0.4/30'), address)));
  });

  it('keeps fresh addresses apart from those of names', () => {
    const pool = new AddressPool([range('77.64.0.0/16')], { freshShare: 0.25 });
    const fresh = new Set(Array.from({ length: 5000 }, () => pool.fresh()));
    assert.equal(fresh.size, 5000);
    for (let index = 0; index < 5000; index++)
      assert.ok(!fresh.has(pool.allocate(`host-${index}.example.org`)));
  });

  it('remembers a bounded number of names, and forgets those not asked for longest', () => {
    const pool = new AddressPool([range('77.64.0.0/12')], { maxRemembered: 100 });
    const kept = pool.allocate('kept.example.org');
    for (let index = 0; index < 1000; index++) {
      pool.allocate(`host-${index}.example.org`);
      assert.equal(pool.allocate('kept.example.org'), kept);
    }
    assert.equal(pool.remembered, 100);
    assert.equal(pool.nameOf(kept), 'kept.example.org');
  });

  it('refuses to be empty', () => {
    assert.throws(() => new AddressPool([]), /at least one address/);
  });
});

describe('subtractRanges', () => {
  it('leaves what is on both sides of a hole', () => {
    const left = subtractRanges(
      [range('10.0.0.0/24')],
      [range('10.0.0.10-10.0.0.19'), range('10.0.0.250-10.0.1.5')],
    );
    assert.deepEqual(
      left.map(part => `${formatIpv4(part.first)}-${formatIpv4(part.last)}`),
      ['10.0.0.0-10.0.0.9', '10.0.0.20-10.0.0.249'],
    );
  });

  it('copes with holes at the ends of the address space', () => {
    assert.deepEqual(subtractRanges([range('0.0.0.0/0')], [range('0.0.0.0/1'), range('128.0.0.0/1')]), []);
  });

  it('holds an address exactly if the ranges do and the holes do not', () => {
    const start = parseIpv4('77.64.0.0') ?? 0;
    const span = fc
      .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20 }))
      .map(([first, length]) => ({ first: start + first, last: start + first + length }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 6 }), fc.array(span, { maxLength: 6 }), (ranges, holes) => {
        const left = subtractRanges(ranges, holes);
        for (let address = start; address < start + 90; address++)
          assert.equal(
            includesAddress(left, address),
            includesAddress(mergeRanges(ranges), address) && !includesAddress(mergeRanges(holes), address),
          );
      }),
    );
  });
});
