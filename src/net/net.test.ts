// Addresses, ports and names as values: what is read, what is refused, and the arithmetic of sets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatFqdnPattern, matchesFqdn, parseFqdn, parseFqdnPattern, parseTagPattern } from './fqdn.ts';
import {
  countAddresses,
  formatIpv4,
  formatRange,
  type Ipv4Range,
  includesAddress,
  intersectRanges,
  isIpv6Text,
  isNeverATarget,
  mergeRanges,
  parseIpv4,
  parsePrefix,
  parseRange,
} from './ipv4.ts';
import { parsePortRange } from './ports.ts';

const read = (text: string) => {
  const range = parseRange(text);
  return range && formatRange(range);
};

describe('addresses', () => {
  it('are read in one spelling only', () => {
    for (const text of ['0.0.0.0', '255.255.255.255', '10.42.1.4']) assert.equal(read(text), text);
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '0x1.2.3.4',
      ' 1.2.3.4',
      '1.2.3.4 ',
      '2001:db8::1',
    ])
      assert.equal(read(text), undefined, text);
  });

  it('prefixes are masked, ranges have two ends', () => {
    assert.equal(read('10.42.1.4/24'), '10.42.1.0/24');
    assert.equal(read('10.42.1.4/32'), '10.42.1.4');
    assert.equal(read('0.0.0.0/0'), '0.0.0.0/0');
    assert.equal(read('10.0.0.1-10.0.0.3'), '10.0.0.1-10.0.0.3');
    assert.equal(read('10.0.0.0-10.0.0.3'), '10.0.0.0/30');
    for (const text of [
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.3-10.0.0.1',
      '10.0.0.1-',
      '1.1.1.1-2.2.2.2-3.3.3.3',
      '1.1.1.1 - 2.2.2.2',
    ])
      assert.equal(read(text), undefined, text);
    assert.equal(parsePrefix('10.0.0.0'), undefined);
  });

  it('IPv6 is recognised', () => {
    for (const text of ['2001:db8::1', '::/0', 'fe80::/10']) assert.equal(isIpv6Text(text), true, text);
    for (const text of ['1.2.3.4', 'example.org', '']) assert.equal(isIpv6Text(text), false, text);
  });

  it('some are never a target', () => {
    for (const text of [
      '0.0.0.0',
      '127.0.0.1',
      '169.254.169.254',
      '224.0.0.1',
      '255.255.255.255',
      '168.63.129.16',
    ])
      assert.equal(isNeverATarget(parseIpv4(text) ?? assert.fail(text)), true, text);
    for (const text of ['10.0.0.1', '168.63.129.17', '223.255.255.255', '128.0.0.1'])
      assert.equal(isNeverATarget(parseIpv4(text) ?? assert.fail(text)), false, text);
  });
});

describe('sets of addresses', () => {
  // Small numbers make overlaps and neighbours likely.
  const number = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0xffffffd0, max: 0xffffffff }));
  const ranges = fc.array(
    fc.tuple(number, number).map(([a, b]): Ipv4Range => ({ first: Math.min(a, b), last: Math.max(a, b) })),
    { maxLength: 6 },
  );
  const holds = (list: readonly Ipv4Range[], address: number) =>
    list.some(range => range.first <= address && address <= range.last);

  it('merging and intersecting keep exactly the right members', () => {
    fc.assert(
      fc.property(ranges, ranges, number, (a, b, address) => {
        const [left, right] = [mergeRanges(a), mergeRanges(b)];
        assert.equal(includesAddress(left, address), holds(a, address));
        assert.equal(
          includesAddress(intersectRanges(left, right), address),
          holds(a, address) && holds(b, address),
        );
        assert.deepEqual(mergeRanges(left), left);
        assert.deepEqual(mergeRanges(intersectRanges(left, right)), intersectRanges(left, right));
      }),
    );
    assert.equal(
      countAddresses(
        mergeRanges([
          { first: 0, last: 9 },
          { first: 5, last: 14 },
        ]),
      ),
      15,
    );
  });

  it('text survives the way there and back', () => {
    fc.assert(fc.property(number, address => assert.equal(parseIpv4(formatIpv4(address)), address)));
  });
});

describe('ports', () => {
  it('go from 1 to 65535', () => {
    assert.deepEqual(parsePortRange('*'), { first: 0, last: 65535 });
    assert.deepEqual(parsePortRange('443'), { first: 443, last: 443 });
    assert.deepEqual(parsePortRange('1-65535'), { first: 1, last: 65535 });
    for (const text of ['0', '65536', '90-80', '80,443', '', '-1', ' 80', '80-'])
      assert.equal(parsePortRange(text), undefined, text);
  });
});

describe('names', () => {
  it('have labels of letters, digits, hyphens and underscores', () => {
    for (const text of [
      'example.org',
      'EXAMPLE.org.',
      'a',
      '_dmarc.example.org',
      'test--a.com',
      'xn--bcher-kva.example',
    ])
      assert.notEqual(parseFqdn(text), undefined, text);
    for (const text of [
      '',
      '.',
      'a..b',
      '-a.org',
      'a-.org',
      'a b.org',
      '*.org',
      `${'a'.repeat(64)}.org`,
      `${'a.'.repeat(127)}aa`,
    ])
      assert.equal(parseFqdn(text), undefined, text);
  });

  it('patterns have one wildcard at the left end', () => {
    for (const text of ['*', '*.example.org', '*example.org', '*-eh.example.org', 'www.example.org']) {
      const pattern = parseFqdnPattern(text);
      assert.equal(pattern && formatFqdnPattern(pattern), text);
    }
    for (const text of ['www.example.*', '*.*.org', '**', '*.', '*..', '*.org..', 'a*.org', '*..org'])
      assert.equal(parseFqdnPattern(text), undefined, text);
    assert.notEqual(parseTagPattern('gr-Prod-*.cloudapp.net'), undefined);
    assert.equal(parseTagPattern('a*b*c.net'), undefined);
    assert.equal(parseTagPattern('*.'), undefined);
  });

  it('a wildcard crosses dots and `*.` needs something before the dot', () => {
    const matches = (pattern: string, name: string) =>
      matchesFqdn(parseTagPattern(pattern) ?? assert.fail(pattern), name);
    assert.equal(matches('*.example.org', 'a.b.example.org'), true);
    assert.equal(matches('*.example.org', 'example.org'), false);
    assert.equal(matches('*.example.org', '.example.org'), false);
    assert.equal(matches('*example.org', 'example.org'), true);
    assert.equal(matches('*example.org', 'badexample.org'), true);
    assert.equal(matches('*', 'anything'), true);
    assert.equal(matches('a*.net', 'a.net'), true);
    assert.equal(matches('aba*aba.net', 'aba.net'), false);
  });
});
