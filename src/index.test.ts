// What the library says about its input; that it runs everywhere and decides right is tested as a package.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type PolicyDecision, type PolicyFlow, parsePolicy } from './index.ts';

const id = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/p';
const policy = (properties: object = {}) => ({ id, name: 'p', properties });
const group = (name: string, priority: number, ruleCollections: readonly object[] = []) => ({
  id: `${id}/ruleCollectionGroups/${name}`,
  name,
  properties: { priority, ruleCollections },
});
const groupOf = (rule: object) =>
  group('g', 100, [
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'c',
      priority: 100,
      action: { type: 'Allow' },
      rules: [rule],
    },
  ]);

test('a fault says in which of several documents it stands', () => {
  const documents = [policy(), group('a', 100), group('b', 99)];
  const message =
    "[2].properties.priority: Rule collection group 'b': priority 99 is outside 100 to 65000. (AzureFirewallRuleCollectionInvalidPriority)";
  assert.deepEqual(parsePolicy(documents).faults, [`input: ${message}`]);
  const text = JSON.stringify(documents, null, 1);
  assert.deepEqual(parsePolicy(text, { name: 'rules.json' }).faults, [`rules.json:19:16: ${message}`]);
});

test('what is left aside is a warning', () => {
  const parsed = parsePolicy([policy({ insights: { isEnabled: true } })]);
  assert.deepEqual(parsed.policy && parsed.warnings, [
    {
      code: 'Ignored',
      target: '[0].properties.insights',
      message: 'insights of p: it says nothing about the rules.',
    },
  ]);
});

test('a flow in words of any case is judged, and one in words that nobody knows is refused', () => {
  const rule = {
    ruleType: 'ApplicationRule',
    name: 'r',
    sourceAddresses: ['*'],
    protocols: [{ protocolType: 'Https', port: 443 }],
    targetFqdns: ['a.example.org'],
  };
  const rules = groupOf(rule);
  const parsed = parsePolicy([policy(), rules]);
  assert.ok(parsed.policy);
  const { policy: resolved } = parsed;
  const ask = (words: object) =>
    decide(resolved, {
      ...{ source: '10.0.0.1', destination: '192.0.2.1', destinationPort: 443 },
      ...{ claim: { protocol: 'https', fqdn: 'A.example.org' }, ...words },
    } as unknown as PolicyFlow).action;
  assert.equal(ask({}), 'Allow');
  assert.equal(ask({ protocol: 'tcp', from: 'Inside' }), 'Allow');
  assert.equal(ask({ protocol: 6 }), 'Allow');
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ protocol: 'sctp' }, /protocol 'sctp' is none of TCP, UDP, ICMP/],
    [{ protocol: 256 }, /protocol 256 is not a protocol number/],
    [{ from: 'internet' }, /from 'internet' is none of inside, outside/],
    [{ claim: { protocol: 'ftp' } }, /claim\.protocol 'ftp' is none of Http, Https, Mssql/],
    [{ destinationPort: 65536 }, /destinationPort '65536' is not a port/],
    [{ claim: { protocol: 'Http', port: 70000 } }, /claim\.port '70000' is not a port/],
    [{ source: '10.0.0' }, /source '10\.0\.0' is not an IPv4 address/],
  ];
  for (const [words, message] of wrong) assert.throws(() => ask(words), { name: 'RangeError', message });
});

test('a decision has the same members whatever it is', () => {
  const rules = group('g', 100, [
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'nets',
      priority: 100,
      action: { type: 'Allow' },
      rules: [
        {
          ruleType: 'NetworkRule',
          name: 'ntp',
          ipProtocols: ['UDP'],
          sourceAddresses: ['*'],
          destinationAddresses: ['192.0.2.1'],
          destinationPorts: ['123'],
        },
      ],
    },
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'names',
      priority: 200,
      action: { type: 'Allow' },
      rules: [
        {
          ruleType: 'ApplicationRule',
          name: 'web',
          sourceAddresses: ['*'],
          protocols: [{ protocolType: 'Https', port: 443 }],
          targetFqdns: ['a.example.org'],
        },
      ],
    },
  ]);
  const nat = group('n', 200, [
    {
      ruleCollectionType: 'FirewallPolicyNatRuleCollection',
      name: 'in',
      priority: 100,
      action: { type: 'DNAT' },
      rules: [
        {
          ruleType: 'NatRule',
          name: 'ssh',
          ipProtocols: ['TCP'],
          sourceAddresses: ['198.51.100.1'],
          destinationAddresses: ['203.0.113.1'],
          destinationPorts: ['2222'],
          translatedAddress: '10.0.0.7',
          translatedPort: '22',
        },
      ],
    },
  ]);
  const parsed = parsePolicy([policy(), rules, nat]);
  assert.ok(parsed.policy, parsed.faults?.join('\n'));
  const { policy: resolved } = parsed;
  const none = {
    rule: null,
    path: null,
    snat: null,
    translatedAddress: null,
    translatedFqdn: null,
    translatedPort: null,
  };
  const ref = (group: string, collection: string, rule: string) => ({ policy: 'p', group, collection, rule });
  const inside = { source: '10.0.0.1', destination: '192.0.2.1' };
  const https = { ...inside, destinationPort: 443 };
  const cases: readonly (readonly [PolicyFlow, PolicyDecision])[] = [
    [
      { ...inside, destinationPort: 123, protocol: 'UDP' },
      {
        ...none,
        action: 'Allow',
        rule: ref('g', 'nets', 'ntp'),
        reason: 'RuleMatched',
        path: 'forward',
        snat: 'PublicIp',
      },
    ],
    [https, { ...none, action: 'Pending', reason: 'AwaitingName' }],
    [
      { ...https, claim: { protocol: 'Https', fqdn: 'a.example.org' } },
      { ...none, action: 'Allow', rule: ref('g', 'names', 'web'), reason: 'RuleMatched', path: 'proxy' },
    ],
    [
      { ...https, claim: { protocol: 'Https', fqdn: 'b.example.org' } },
      { ...none, action: 'Deny', reason: 'DefaultAction' },
    ],
    [
      { source: '198.51.100.1', destination: '203.0.113.1', destinationPort: 2222, from: 'outside' },
      {
        ...none,
        action: 'Allow',
        rule: ref('n', 'in', 'ssh'),
        reason: 'RuleMatched',
        path: 'nat',
        snat: 'PrivateIp',
        translatedAddress: '10.0.0.7',
        translatedPort: 22,
      },
    ],
  ];
  for (const [flow, expected] of cases) assert.deepEqual(decide(resolved, flow), expected);
});

test('keys that nobody knows are refused by name, in a flow, its claim and the context', () => {
  const { policy: resolved } = parsePolicy([policy()]);
  assert.ok(resolved);
  const inside = { source: '10.0.0.1', destination: '192.0.2.1' };
  const flow = { ...inside, destinationPort: 443 };
  const wrong: readonly (readonly [object, object, RegExp])[] = [
    [{ ...inside, port: 443 }, {}, /^a flow has no 'port'; it has source, destination, destinationPort, /],
    [{ ...flow, to: 1, sni: 'a' }, {}, /^a flow has no 'to', 'sni'; /],
    [
      { ...flow, claim: { protocol: 'Https', sni: 'a' } },
      {},
      /^claim has no 'sni'; it has protocol, fqdn, port$/,
    ],
    [flow, { resolve: {} }, /^the context has no 'resolve'; it has resolved, threats, resolves$/],
    [inside, {}, /^destinationPort is missing: TCP and UDP have ports$/],
    [{ ...inside, protocol: 17 }, {}, /^destinationPort is missing/],
  ];
  for (const [asked, context, message] of wrong)
    assert.throws(() => decide(resolved, asked as PolicyFlow, context), { name: 'TypeError', message });
  assert.equal(decide(resolved, { ...inside, protocol: 'ICMP' }).action, 'Deny');
});

test('options that nobody knows are refused, and missing tag tables are told', () => {
  const misspelt = { azurelimits: false } as unknown as Parameters<typeof parsePolicy>[1];
  assert.throws(
    () => parsePolicy([policy()], misspelt),
    /parsePolicy has no 'azurelimits'; it has azureLimits, /,
  );
  const rule = {
    ruleType: 'NetworkRule',
    name: 'r',
    ipProtocols: ['TCP'],
    sourceAddresses: ['*'],
    destinationAddresses: ['AzureCloud.eastus'],
    destinationPorts: ['9000'],
  };
  const rules = groupOf(rule);
  assert.match(parsePolicy([policy(), rules]).faults?.at(-1) ?? '', /no tables were given/);
  assert.doesNotMatch(parsePolicy([policy(), group('g', 1)]).faults?.at(-1) ?? '', /no tables were given/);
});

test('a value that has no JSON is a fault', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  for (const input of [circle, { number: 1n }])
    assert.match(parsePolicy(input).faults?.[0] ?? '', /^input: it cannot be written as JSON: /);
});

test('a firewall whose public IP is not described is judged all the same, with a warning', () => {
  const network = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network';
  const firewall = {
    id: `${network}/azureFirewalls/fw`,
    name: 'fw',
    ipConfigurations: [
      {
        name: 'c',
        privateIPAddress: '10.42.2.4',
        subnet: { id: `${network}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
        publicIPAddress: { id: `${network}/publicIPAddresses/pip` },
      },
    ],
  };
  const { policy, ...rest } = parsePolicy(firewall);
  assert.deepEqual(policy?.publicIps, []);
  assert.deepEqual('warnings' in rest ? rest.warnings?.map(({ code }) => code) : [], [
    'PublicIpNotDescribed',
  ]);
});
