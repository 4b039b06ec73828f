// The engine's pure part: what it asks of the rules, which addresses may be reached, what it answers and logs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplicationRule, NetworkRule } from '#ir/policy.ts';
import { ALL_IPV4, parseIpv4 } from '#net/ipv4.ts';
import { type Claim, type Ends, judge, type L7Rules, protocolsOfPort } from './judge.ts';
import { applicationRecord, denyAnswer, type Outcome } from './records.ts';
import { usableAddresses } from './server-addresses.ts';

const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
const ref = (rule: string) => ({ policy: 'policy', group: 'group', collection: 'collection', rule });
const ends: Ends = {
  source: ip('10.42.1.4'),
  sourcePort: 40000,
  destination: ip('192.0.2.9'),
  destinationPort: 443,
};
const https: ApplicationRule = {
  ref: ref('https'),
  action: 'Allow',
  sources: [ALL_IPV4],
  protocols: [{ protocol: 'Https', port: 443 }],
  targets: [{ pattern: { kind: 'suffix', suffix: '.example.org' }, tag: '' }],
};
const rulesOf = (rest: Partial<L7Rules> = {}): L7Rules => ({
  boundRules: [],
  infrastructureRules: [],
  applicationRules: [https],
  threatIntel: { mode: 'Off', allowedAddresses: [], allowedFqdns: [] },
  privateAddress: ip('10.42.2.4'),
  publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
  ...rest,
});
const feed = {
  ofName: (name: string) => (name === 'bad.example.org' ? 'listed' : undefined),
  ofAddress: (address: number) => (address === ip('192.0.2.66') ? 'listed' : undefined),
};
const context = { threats: feed, hasName: () => false };
const threatIntel = { mode: 'Deny', allowedAddresses: [], allowedFqdns: [] } as const;

test('a listed name, a listed literal and a listed server are refused before the rules are asked', () => {
  const rules = rulesOf({ threatIntel });
  const reason = (fqdn: string, servers: readonly number[] = []) =>
    judge(rules, ends, { protocol: 'Https', fqdn }, { ...context, serverAddresses: servers }).decision.reason;
  assert.equal(reason('bad.example.org'), 'ThreatIntel');
  assert.equal(reason('192.0.2.66'), 'ThreatIntel');
  assert.equal(reason('a.example.org', [ip('192.0.2.66')]), 'ThreatIntel');
  assert.equal(reason('a.example.org', [ip('192.0.2.1')]), 'RuleMatched');
});

test('an alert leaves the decision to the rules', () => {
  const rules = rulesOf({ threatIntel: { ...threatIntel, mode: 'Alert' } });
  const { decision, threat } = judge(rules, ends, { protocol: 'Https', fqdn: 'bad.example.org' }, context);
  assert.equal(decision.action, 'Allow');
  assert.deepEqual(threat, { action: 'Alert', description: 'listed' });
});

test('80, 443 and 1433 have their protocols without any rule; other ports have what rules name', () => {
  const both: ApplicationRule = { ...https, protocols: [{ protocol: 'Http', port: 443 }] };
  const named = (rules: L7Rules, port: number) => [...protocolsOfPort(rules, port)].sort();
  assert.deepEqual(named(rulesOf({ applicationRules: [] }), 80), ['Http']);
  assert.deepEqual(named(rulesOf({ applicationRules: [] }), 443), ['Https']);
  assert.deepEqual(named(rulesOf({ applicationRules: [] }), 1433), ['Mssql']);
  assert.deepEqual(named(rulesOf({ applicationRules: [both] }), 443), ['Http', 'Https']);
  assert.deepEqual(named(rulesOf({ applicationRules: [], infrastructureRules: [both] }), 443), [
    'Http',
    'Https',
  ]);
  assert.deepEqual(named(rulesOf(), 8443), []);
});

describe('a network rule that is bound to names', () => {
  const bound = (name: string, fqdn: string, rest: Partial<NetworkRule> = {}): NetworkRule => ({
    ref: ref(name),
    action: 'Allow',
    protocols: ['TCP'],
    sources: [ALL_IPV4],
    destinations: [],
    destinationFqdns: [fqdn],
    destinationPorts: [{ first: 0, last: 65535 }],
    ...rest,
  });
  const known = { 'a.example.org': ends.destination, 'b.example.org': ends.destination, 'c.example.org': 1 };
  const hasName = (fqdn: string, address: number) => known[fqdn as keyof typeof known] === address;
  const ask = (boundRules: readonly NetworkRule[], claim: Claim, asked: Partial<Ends> = {}) => {
    const { decision, by } = judge(rulesOf({ boundRules }), { ...ends, ...asked }, claim, {
      ...context,
      hasName,
    });
    return `${by} ${decision.action} ${decision.rule?.rule ?? '-'} ${decision.reason}`;
  };
  const tls = (fqdn: string | undefined): Claim => ({ protocol: 'Https', fqdn });
  const [a, b, c] = [bound('a', 'a.example.org'), bound('b', 'b.example.org'), bound('c', 'c.example.org')];

  test('comes before the application rules, and the first that names the address decides', () => {
    assert.equal(ask([c, a, b], tls('a.example.org')), 'network Allow a RuleMatched');
    assert.equal(ask([c, a, b], tls('b.example.org')), 'network Deny a SniMismatch');
    assert.equal(ask([b, a], tls('b.example.org')), 'network Allow b RuleMatched');
    assert.equal(ask([a], tls(undefined)), 'network Deny a SniMissing');
    assert.equal(ask([a], { protocol: 'Http', fqdn: 'a.example.org' }), 'network Deny a SniMismatch');
  });

  test('says nothing of other addresses, ports, sources and protocols', () => {
    const byApplication = 'application Allow https RuleMatched';
    assert.equal(ask([c], tls('a.example.org')), byApplication);
    assert.equal(ask([a], tls('b.example.org'), { destination: 1 }), byApplication);
    assert.equal(
      ask([{ ...a, destinationPorts: [{ first: 1, last: 442 }] }], tls('b.example.org')),
      byApplication,
    );
    assert.equal(ask([{ ...a, sources: [{ first: 1, last: 2 }] }], tls('b.example.org')), byApplication);
    assert.equal(ask([{ ...a, protocols: ['UDP', 'ICMP'] }], tls('b.example.org')), byApplication);
    assert.equal(ask([{ ...a, protocols: ['Any'] }], tls('b.example.org')), 'network Deny a SniMismatch');
    // Not a port of TLS: the kernel forwards by address alone, so whoever is here came by another rule.
    assert.equal(
      ask([a], { protocol: 'Http', fqdn: 'b.example.org' }, { destinationPort: 80 }),
      'application Deny - DefaultAction',
    );
  });

  test('comes after threat intelligence', () => {
    const rules = rulesOf({ threatIntel, boundRules: [bound('bad', 'bad.example.org')] });
    const { decision } = judge(rules, ends, tls('bad.example.org'), { ...context, hasName: () => true });
    assert.equal(decision.reason, 'ThreatIntel');
  });
});

test('addresses that are nobody’s server are taken out of an answer, the rest keeps its order', () => {
  const usable = (...answer: string[]) =>
    usableAddresses(
      answer.map(ip),
      rulesOf({ threatIntel }),
      [{ first: ip('10.9.0.0'), last: ip('10.9.0.9') }],
      feed,
    );
  assert.deepEqual(usable('192.0.2.2', '127.0.0.1', '192.0.2.1', '192.0.2.2'), {
    status: 'usable',
    addresses: [ip('192.0.2.2'), ip('192.0.2.1')],
  });
  for (const address of [
    ...['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.255', '169.254.169.254', '224.0.0.1', '239.1.1.1'],
    ...['240.0.0.1', '255.255.255.255', '168.63.129.16', '10.42.2.4', '20.1.1.1', '10.9.0.0', '10.9.0.9'],
  ])
    assert.deepEqual(usable(address), { status: 'none', reason: 'ForbiddenAddress' }, address);
  for (const address of ['126.255.255.255', '128.0.0.0', '169.253.255.255', '223.255.255.255', '10.9.0.10'])
    assert.equal(usable(address).status, 'usable', address);
  assert.deepEqual(usable(), { status: 'none', reason: 'NameUnresolved' });
  assert.equal(usable('192.0.2.66').status === 'none' && 'threat' in usable('192.0.2.66'), true);
});

test('an answer with very many addresses is cut', () => {
  const answer = Array.from({ length: 1000 }, (_, index) => ip('192.0.2.0') + index);
  const result = usableAddresses(answer, rulesOf(), [], undefined);
  assert.equal(result.status === 'usable' && result.addresses.length, 16);
});

test('the body of a refusal is Azure’s for the default action and names the rule otherwise', () => {
  const body = (outcome: Outcome) => {
    const text = denyAnswer(outcome, { keepAlive: true, withBody: true }).toString();
    const [head = '', body = ''] = text.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 470 status code 470\r\n/);
    assert.match(head, new RegExp(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`));
    return body;
  };
  const byDefault = body({ action: 'Deny', rule: null, reason: 'DefaultAction' });
  assert.equal(byDefault, 'Action: Deny. Reason: No rule matched. Proceeding with default action.');
  assert.equal(byDefault.length, 70);
  assert.equal(
    body({ action: 'Deny', rule: ref('no'), reason: 'RuleMatched' }),
    'Action: Deny. Policy: policy. Rule Collection Group: group. Rule Collection: collection. Rule: no.',
  );
  assert.equal(
    body({ action: 'Deny', rule: null, reason: 'ThreatIntel' }),
    'Action: Deny. Reason: Threat Intelligence.',
  );
});

test('a very long URL is cut in the log', () => {
  const outcome: Outcome = { action: 'Allow', rule: ref('x'), reason: 'RuleMatched' };
  assert.equal(
    applicationRecord(ends, 'HTTP', 'a', `a/${'b'.repeat(60_000)}`, outcome).TargetUrl.length,
    2048,
  );
});
