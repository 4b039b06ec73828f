// The table of Azure's numbers, and what is left of it without them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Faults, JsonReader } from '#arm/json-reader.ts';
import { ALL_IPV4 } from '#net/ipv4.ts';
import type { WrittenNatRule, WrittenNetworkRule } from './firewall-rules.ts';
import { readIpGroup } from './ip-group.ts';
import { AZURE_LIMITS, limitsOf } from './limits.ts';
import { adviceOfCounts, faultsOfCounts, type WrittenRules } from './rule-counts.ts';

const azure = limitsOf({});
const none = limitsOf({ azureLimits: false });
const EMPTY: WrittenRules = { collections: 0, nat: [], network: [], application: [] };
const natRule: WrittenNatRule = {
  name: 'r',
  protocols: ['TCP', 'UDP'],
  sources: { ranges: [ALL_IPV4], serviceTags: [], ipGroups: [] },
  destinations: [1],
  destinationPorts: [{ first: 80, last: 80 }],
  translatedAddress: 2,
  translatedPort: 80,
};
const list = (count: number) => ({
  ranges: Array.from({ length: count }, (_, index) => ({ first: index, last: index })),
  serviceTags: [],
  ipGroups: [],
});
const networkRule: WrittenNetworkRule = {
  name: 'r',
  protocols: ['TCP'],
  sources: list(1),
  destinations: list(1),
  destinationFqdns: [],
  destinationPorts: [{ first: 443, last: 443 }],
};

describe('limits', () => {
  it('each say what they are about and where they come from', () => {
    for (const [name, { what, source }] of Object.entries(AZURE_LIMITS)) {
      assert.ok(what.length > 10, name);
      assert.match(source, /^(https:\/\/learn\.microsoft\.com\/|Swagger 2024-05-01)/, name);
    }
  });

  // A port of two protocols is two destinations; rules to one destination count once.
  const natRules = (ports: number): WrittenRules => ({
    ...EMPTY,
    nat: Array.from({ length: ports * 2 }, (_, index) => {
      const port = 1000 + (index % ports);
      return { ...natRule, destinationPorts: [{ first: port, last: port }] };
    }),
  });
  const groups = (count: number): WrittenRules => ({
    ...EMPTY,
    network: Array.from({ length: count }, (_, index) => ({
      ...networkRule,
      sources: { ...list(0), ipGroups: [`/g/${index}`] },
      destinations: { ...list(0), ipGroups: [`/G/${index}`] },
    })),
  });
  const table: readonly (readonly [string, WrittenRules, number, WrittenRules, number])[] = [
    ['2,000 rule collections', { ...EMPTY, collections: 2000 }, 0, { ...EMPTY, collections: 2001 }, 0],
    ['250 public IPs', EMPTY, 250, EMPTY, 251],
    ['250 public IPs and NAT destinations', natRules(120), 10, natRules(120), 11],
    ['200 IP groups, by id in any case', groups(200), 0, groups(201), 0],
  ];
  for (const [title, within, ips, beyond, more] of table) {
    it(`at most ${title}`, () => {
      assert.deepEqual(faultsOfCounts(within, ips, azure, 'nat'), []);
      const faults = faultsOfCounts(beyond, more, azure, 'nat');
      assert.equal(faults[0]?.code, 'AzureFirewallLimitExceeded');
      assert.deepEqual(faultsOfCounts(beyond, more, none, 'nat'), []);
    });
  }

  it('an IP group has at most 5,000 entries', () => {
    const faultsOf = (count: number, limits = azure) => {
      const faults = new Faults();
      const ipAddresses = Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
      readIpGroup(new JsonReader({ ipAddresses }, '', faults), limits);
      return faults.list.map(fault => fault.code);
    };
    assert.deepEqual(faultsOf(5000), []);
    assert.deepEqual(faultsOf(5001), ['IpGroupAddressLimitExceeded']);
    assert.deepEqual(faultsOf(5001, none), []);
  });

  it('1,000 network FQDNs are advice', () => {
    const named = (count: number): WrittenRules => ({
      ...EMPTY,
      network: [
        {
          ...networkRule,
          destinationFqdns: Array.from({ length: count }, (_, index) => `h${index}.example.org`),
        },
        { ...networkRule, destinationFqdns: ['h0.example.org'] },
      ],
    });
    assert.deepEqual(adviceOfCounts(named(1000), azure), []);
    assert.match(adviceOfCounts(named(1001), azure)[0]?.message ?? '', /^1001 FQDNs/);
    assert.deepEqual(adviceOfCounts(named(1001), none), []);
  });

  // The limits page counts pairs of source and destination, another guide multiplies by ports: both are told.
  it('20,000 pairs of source and destination are advice, counted with and without ports', () => {
    const pairs = (sources: number, destinations: number, ports: number): WrittenRules => ({
      ...EMPTY,
      network: [
        {
          ...networkRule,
          sources: list(sources),
          destinations: { ...list(destinations - 1), ipGroups: ['/large', '/LARGE'] },
          destinationPorts: Array.from({ length: ports }, (_, index) => ({
            first: index + 1,
            last: index + 1,
          })),
        },
      ],
    });
    assert.deepEqual(adviceOfCounts(pairs(100, 200, 1), azure), []);
    assert.match(
      adviceOfCounts(pairs(100, 201, 1), azure)[0]?.message ?? '',
      /20100 pairs .* or 20100 counted/,
    );
    assert.match(
      adviceOfCounts(pairs(100, 101, 2), azure)[0]?.message ?? '',
      /10100 pairs .* or 20200 counted/,
    );
    assert.deepEqual(adviceOfCounts(pairs(1000, 1000, 9), none), []);
  });
});
