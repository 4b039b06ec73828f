// Every code of lint: a policy in which it is found, and one just beside it in which it is not.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHILD, group, inherits, PARENT, policy as policyDocument } from '#compiler/policy-world.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { loadAksOutbound } from '#facts/facts.ts';
import { parseRange } from '#net/ipv4.ts';
import type { AksCluster } from './aks-needs.ts';
import { toLintContext } from './context.ts';
import { checkCoverage } from './coverage-findings.ts';
import { LINT_CODES, type LintCode } from './finding.ts';
import { type LintOptions, lint } from './lint.ts';
import {
  allow,
  app,
  collection,
  deny,
  dnat,
  EMPTY,
  findingsIn,
  type Json,
  type LintCase,
  NODES,
  nat,
  net,
  sayFindings,
  subjectOf,
} from './testing.ts';

const outbound = loadAksOutbound();
const NODE_SUBNET = parseRange('10.42.1.0/24') ?? assert.fail();
const aks = (rest: Partial<AksCluster> = {}, one: { readonly eachByItself?: boolean } = {}): LintOptions => ({
  aks: {
    outbound,
    ...one,
    cluster: {
      ...{ cloud: 'AzureCloud', location: 'westeurope', features: [], privateCluster: false },
      from: [NODE_SUBNET],
      ...rest,
    },
  },
});
const SINGLY = { eachByItself: true };
const CORE = [
  ...[
    '*.hcp.westeurope.azmk8s.io',
    'mcr.microsoft.com',
    '*.data.mcr.microsoft.com',
    'mcr-0001.mcr-msedge.net',
  ],
  ...[
    'management.azure.com',
    'login.microsoftonline.com',
    'packages.microsoft.com',
    'acs-mirror.azureedge.net',
  ],
  'packages.aks.azure.com',
];
const tunnel = net('tunnel', {
  ipProtocols: ['UDP'],
  destinationAddresses: ['AzureCloud.westeurope'],
  destinationPorts: ['1194'],
});
const tunnelTcp = net('tunnel-tcp', {
  destinationAddresses: ['AzureCloud.westeurope'],
  destinationPorts: ['9000'],
});
const names = (...pairs: readonly (readonly [string, readonly number[]])[]) => ({ names: new Map(pairs) });
const withPort = (last: string) => ({ destinationPorts: [`1-${last}`] });
const manyNat = (count: number) =>
  dnat(
    ...Array.from({ length: count }, (_, index) =>
      nat(`n${index}`, { destinationPorts: [`${1000 + index}`] }),
    ),
  );

/** What is found, and beside it what is not. */
const CASES: readonly (readonly [finding: string, found: LintCase, beside: LintCase])[] = [
  [
    'shadowed error ssh',
    { collections: [deny(net('no', { destinationAddresses: ['20.1.0.0/16'] })), allow(net('ssh'))] },
    { collections: [deny(net('no', { destinationAddresses: ['20.2.0.0/16'] })), allow(net('ssh'))] },
  ],
  [
    'shadowed error ssh',
    {
      parent: [deny(net('no', { destinationAddresses: ['20.1.0.0/16'] }))],
      collections: [allow(net('ssh'))],
    },
    {
      parent: [allow(net('no', { destinationAddresses: ['20.1.0.0/16'] }))],
      collections: [allow(net('ssh'))],
    },
  ],
  [
    'contradictory error ssh',
    { collections: [deny(net('no')), allow(net('ssh'))] },
    { collections: [deny(net('no', { destinationPorts: ['23'] })), allow(net('ssh'))] },
  ],
  [
    'redundant warning second',
    // Two halves together, neither alone.
    {
      collections: [
        allow(
          net('a', withPort('100')),
          net('b', { destinationPorts: ['101-200'] }),
          net('second', { destinationPorts: ['50-150'] }),
        ),
      ],
    },
    {
      collections: [
        allow(
          net('a', withPort('100')),
          net('b', { destinationPorts: ['102-200'] }),
          net('second', { destinationPorts: ['50-150'] }),
        ),
      ],
    },
  ],
  [
    'redundant warning narrow',
    { collections: [allow(net('narrow'), net('wide', { destinationAddresses: ['20.1.0.0/16'] }))] },
    {
      collections: [
        allow(net('narrow')),
        collection('between', 400, 'Deny', net('no', { destinationAddresses: ['20.1.2.0/24'] })),
        collection('last', 500, 'Allow', net('wide', { destinationAddresses: ['20.1.0.0/16'] })),
      ],
    },
  ],
  [
    'redundant note last',
    {
      collections: [
        allow(net('ssh')),
        collection('never', 900, 'Deny', net('last', { destinationPorts: ['*'] })),
      ],
    },
    {
      collections: [
        collection('never', 200, 'Deny', net('last', { destinationPorts: ['*'] })),
        collection('after', 900, 'Allow', net('ssh', { destinationAddresses: ['20.1.2.0/24'] })),
      ],
    },
  ],
  [
    'matches-nothing warning own',
    { collections: [allow(net('own', { destinationAddresses: ['10.42.2.4'] }))] },
    { collections: [allow(net('own', { destinationAddresses: ['10.42.2.5'] }))] },
  ],
  [
    'matches-nothing warning intune',
    { collections: [allow(app('intune', [], { fqdnTags: ['MicrosoftIntune'] }))] },
    { collections: [allow(app('intune', [], { fqdnTags: ['WindowsUpdate'] }))] },
  ],
  [
    'bypassed-by-network-rule error social',
    {
      collections: [
        collection('apps', 100, 'Deny', app('social', ['*.example.org'])),
        allow(net('web', { destinationAddresses: ['*'], destinationPorts: ['443'] })),
      ],
    },
    {
      collections: [
        collection('apps', 100, 'Deny', app('social', ['*.example.org'])),
        allow(net('web', { destinationAddresses: ['*'], destinationPorts: ['444'] })),
      ],
    },
  ],
  [
    'fqdn-filtering-off warning web',
    {
      collections: [
        allow(net('web', { destinationPorts: ['443'], destinationAddresses: ['20.0.0.0/8'] })),
        collection('apps', 400, 'Allow', app('a', ['a.example.org'])),
      ],
    },
    {
      collections: [
        allow(net('web', { destinationPorts: ['444'], destinationAddresses: ['20.0.0.0/8'] })),
        collection('apps', 400, 'Allow', app('a', ['a.example.org'])),
      ],
    },
  ],
  [
    'fqdn-filtering-off note web',
    {
      collections: [
        allow(net('web', { destinationPorts: ['443'] })),
        collection('apps', 400, 'Allow', app('a', ['a.example.org'])),
      ],
    },
    {
      collections: [
        allow(net('web', { destinationPorts: ['443'], destinationAddresses: ['10.1.2.3'] })),
        collection('apps', 400, 'Allow', app('a', ['a.example.org'])),
      ],
    },
  ],
  [
    'allow-everything error all',
    // 0.0.0.0/0 in two halves.
    {
      collections: [
        allow(net('all', { destinationAddresses: ['0.0.0.0/1', '128.0.0.0/1'], destinationPorts: ['*'] })),
      ],
    },
    { collections: [allow(net('all', { destinationAddresses: ['10.0.0.0/8'], destinationPorts: ['*'] }))] },
  ],
  [
    'allow-internet warning web',
    { collections: [allow(net('web', { destinationAddresses: ['*'] }))] },
    { collections: [allow(net('web', { destinationAddresses: ['20.0.0.0/8'] }))] },
  ],
  [
    'allow-internet note time',
    {
      collections: [
        allow(net('time', { ipProtocols: ['UDP'], destinationAddresses: ['*'], destinationPorts: ['123'] })),
      ],
    },
    {
      collections: [
        allow(
          net('time', {
            ipProtocols: ['UDP'],
            destinationAddresses: ['20.1.2.3'],
            destinationPorts: ['123'],
          }),
        ),
      ],
    },
  ],
  [
    'any-source note ssh',
    { collections: [allow(net('ssh', { sourceAddresses: ['*'] }))] },
    { collections: [allow(net('ssh', { sourceAddresses: ['10.0.0.0/8'] }))] },
  ],
  [
    'broad-service-tag warning cloud',
    {
      collections: [
        allow(net('cloud', { destinationAddresses: ['AzureCloud.WestEurope'], destinationPorts: ['443'] })),
      ],
    },
    {
      collections: [
        allow(net('cloud', { destinationAddresses: ['AzureMonitor'], destinationPorts: ['443'] })),
      ],
    },
  ],
  [
    'any-name warning web',
    { collections: [allow(app('web', ['*']))] },
    { collections: [allow(app('web', ['*.example.org']))] },
  ],
  [
    'any-name warning web',
    { collections: [allow(app('web', ['*.com']))] },
    { collections: [deny(app('web', ['*.com']))] },
  ],
  [
    'quic-not-filtered warning quic',
    { collections: [allow(net('quic', { ipProtocols: ['UDP'], destinationPorts: ['443'] }))] },
    { collections: [allow(net('quic', { ipProtocols: ['UDP'], destinationPorts: ['444'] }))] },
  ],
  [
    'network-fqdn-web warning images',
    {
      collections: [
        allow(
          net('images', {
            destinationAddresses: [],
            destinationFqdns: ['a.example.org'],
            destinationPorts: ['443'],
          }),
        ),
      ],
    },
    {
      collections: [
        allow(
          net('images', {
            destinationAddresses: [],
            destinationFqdns: ['a.example.org'],
            destinationPorts: ['22'],
          }),
        ),
      ],
    },
  ],
  [
    'shared-address warning images',
    {
      collections: [allow(net('images', { destinationAddresses: [], destinationFqdns: ['a.example.org'] }))],
      lint: names(['a.example.org', [1, 2]], ['b.example.org', [2]]),
    },
    {
      collections: [allow(net('images', { destinationAddresses: [], destinationFqdns: ['a.example.org'] }))],
      lint: names(['a.example.org', [1, 2]], ['b.example.org', [3]]),
    },
  ],
  [
    'network-fqdn-dns note',
    {
      collections: [allow(net('images', { destinationAddresses: [], destinationFqdns: ['a.example.org'] }))],
    },
    { collections: [allow(net('images'))] },
  ],
  [
    'network-fqdn-dns warning',
    {
      collections: [allow(net('images', { destinationAddresses: [], destinationFqdns: ['a.example.org'] }))],
      settings: { dnsSettings: { enableProxy: false, requireProxyForNetworkRules: false } },
    },
    {
      collections: [allow(net('images', { destinationAddresses: [], destinationFqdns: ['a.example.org'] }))],
    },
  ],
  [
    'suffix-without-dot warning web',
    { collections: [allow(app('web', ['*contoso.com']))] },
    { collections: [allow(app('web', ['*.contoso.com', 'contoso.com']))] },
  ],
  [
    'dnat-any-source warning in',
    { collections: [dnat(nat('in', { sourceAddresses: ['*'] }))] },
    { collections: [dnat(nat('in'))] },
  ],
  [
    'dnat-and-network-deny note in',
    {
      collections: [
        dnat(nat('in')),
        deny(
          net('no', {
            sourceAddresses: ['*'],
            destinationAddresses: ['10.42.1.50'],
            destinationPorts: ['8080'],
          }),
        ),
      ],
    },
    {
      collections: [
        dnat(nat('in')),
        deny(
          net('no', {
            sourceAddresses: ['*'],
            destinationAddresses: ['10.42.1.50'],
            destinationPorts: ['80'],
          }),
        ),
      ],
    },
  ],
  ['dnat-near-limit warning', { collections: [manyNat(224)] }, { collections: [manyNat(223)] }],
  [
    'snat-ports warning',
    { lint: { connections: { connections: 4993, instances: 2 } } },
    { lint: { connections: { connections: 4992, instances: 2 } } },
  ],
  [
    'registry-incomplete warning hub',
    { collections: [allow(app('hub', ['registry-1.docker.io', 'production.cloudflare.docker.com']))] },
    {
      collections: [
        allow(
          app('hub', ['registry-1.docker.io']),
          app('more', ['*.docker.io', '*.docker.com', '*.r2.cloudflarestorage.com']),
        ),
      ],
    },
  ],
  [
    'registry-incomplete warning ghcr',
    { collections: [allow(app('ghcr', ['ghcr.io']))] },
    { collections: [allow(app('ghcr', ['ghcr.io', 'pkg-containers.githubusercontent.com']))] },
  ],
  [
    'registry-incomplete warning mcr',
    { collections: [allow(app('mcr', ['mcr.microsoft.com', 'westeurope.data.mcr.microsoft.com']))] },
    {
      collections: [
        allow(app('mcr', ['mcr.microsoft.com']), app('tag', [], { fqdnTags: ['AzureKubernetesService'] })),
      ],
    },
  ],
  [
    'icmp-to-internet warning ping',
    { collections: [allow(net('ping', { ipProtocols: ['ICMP'], destinationPorts: ['*'] }))] },
    {
      collections: [
        allow(
          net('ping', {
            ipProtocols: ['ICMP'],
            destinationPorts: ['*'],
            destinationAddresses: ['10.1.0.0/16'],
          }),
        ),
      ],
    },
  ],
  [
    'icmp-to-internet note ping',
    {
      collections: [
        allow(net('ping', { ipProtocols: ['ICMP'], destinationPorts: ['*'], destinationAddresses: ['*'] })),
      ],
    },
    {
      collections: [
        allow(net('ping', { ipProtocols: ['UDP'], destinationPorts: ['123'], destinationAddresses: ['*'] })),
      ],
    },
  ],
  [
    'any-with-port note any',
    { collections: [allow(net('any', { ipProtocols: ['Any'], destinationPorts: ['22'] }))] },
    { collections: [allow(net('any', { ipProtocols: ['Any'], destinationPorts: ['*'] }))] },
  ],
  [
    'empty-ip-group warning nodes',
    { collections: [allow(net('nodes', { sourceAddresses: [], sourceIpGroups: [EMPTY] }))] },
    { collections: [allow(net('nodes', { sourceAddresses: [], sourceIpGroups: [NODES] }))] },
  ],
  [
    'tls-by-address warning ip',
    { collections: [allow(app('ip', ['*'], { destinationAddresses: ['20.1.2.3'] }))] },
    { collections: [allow(app('ip', ['a.example.org'], { destinationAddresses: ['20.1.2.3'] }))] },
  ],
  [
    'threat-intel-muted note web',
    {
      collections: [allow(net('web', { destinationPorts: ['80'] }))],
      settings: { threatIntelMode: 'Alert' },
    },
    { collections: [allow(net('web', { destinationPorts: ['80'] }))], settings: { threatIntelMode: 'Deny' } },
  ],
  [
    'threat-intel-off note',
    { settings: { threatIntelMode: 'Off' } },
    { settings: { threatIntelMode: 'Alert' } },
  ],
  [
    'dns-not-inherited warning',
    { parent: [], settings: { dnsSettings: {} } },
    { parent: [], settings: { dnsSettings: { enableProxy: true } } },
  ],
  [
    'snat-not-inherited warning',
    { parentSettings: { snat: { privateRanges: ['IANAPrivateRanges', '20.9.0.0/16'] } } },
    { parentSettings: { snat: { privateRanges: [] } } },
  ],
  [
    'threat-intel-of-parent note',
    { parent: [], settings: { threatIntelMode: 'Alert' } },
    { parent: [], settings: { threatIntelMode: 'Deny' } },
  ],
  [
    'equal-priorities warning',
    { collections: [allow(net('a')), collection('b', 300, 'Allow', net('b', { destinationPorts: ['23'] }))] },
    { documents: [group(CHILD, 'more', 301, [])], collections: [allow(net('a'))] },
  ],
  [
    'above-advice warning',
    {
      collections: [
        allow(
          ...Array.from({ length: 101 }, (_, rule) =>
            net(`r${rule}`, {
              destinationAddresses: [],
              destinationFqdns: Array.from({ length: 10 }, (__, name) => `n${name}.r${rule}.example.org`),
            }),
          ),
        ),
      ],
    },
    {
      collections: [
        allow(
          ...Array.from({ length: 100 }, (_, rule) =>
            net(`r${rule}`, {
              destinationAddresses: [],
              destinationFqdns: Array.from({ length: 10 }, (__, name) => `n${name}.r${rule}.example.org`),
            }),
          ),
        ),
      ],
    },
  ],
  [
    'public-ip-without-address note',
    {
      documents: [
        {
          id: `${CHILD.replace(/firewallPolicies.*/, '')}publicIPAddresses/pip`,
          name: 'pip',
          type: 'Microsoft.Network/publicIPAddresses',
          properties: {},
        },
      ],
    },
    {},
  ],
  [
    'settings-not-used warning',
    { firewallProperties: { additionalProperties: { 'Network.DNS.EnableProxy': 'true' } } },
    { firewallProperties: {} },
  ],
  [
    'private-ranges warning',
    { settings: { snat: { privateRanges: ['20.9.0.0/16'] } } },
    { settings: { snat: { privateRanges: ['IANAPrivateRanges', '20.9.0.0/16'] } } },
  ],
  [
    'private-ranges warning',
    { settings: { snat: { privateRanges: ['0.0.0.0/0'] } } },
    { settings: { snat: { privateRanges: ['255.255.255.255/32'] } } },
  ],
  [
    'aks-required error',
    {
      collections: [allow(tunnel, tunnelTcp), collection('apps', 400, 'Allow', app('core', CORE.slice(1)))],
      lint: aks(),
    },
    {
      collections: [allow(tunnel, tunnelTcp), collection('apps', 400, 'Allow', app('core', CORE))],
      lint: aks(),
    },
  ],
  [
    'aks-required error',
    {
      collections: [
        allow(tunnel, tunnelTcp),
        collection('apps', 400, 'Allow', app('tag', [], { fqdnTags: ['AzureKubernetesService'] })),
      ],
      lint: aks({ cloud: 'AzureUSGovernment', location: 'usgovvirginia' }),
    },
    {
      collections: [
        allow(tunnel, tunnelTcp),
        collection('apps', 400, 'Allow', app('tag', [], { fqdnTags: ['AzureKubernetesService'] })),
      ],
      lint: aks(),
    },
  ],
  [
    'aks-partly warning',
    // Half of the nodes.
    {
      collections: [
        collection('apps', 400, 'Allow', app('core', CORE, { sourceAddresses: ['10.42.1.0/25'] })),
      ],
      lint: aks({ privateCluster: true }),
    },
    {
      collections: [collection('apps', 400, 'Allow', app('core', CORE))],
      lint: aks({ privateCluster: true }),
    },
  ],
  [
    'aks-partly warning',
    // One name where a pattern is needed.
    {
      collections: [
        allow(app('core', ['x.data.mcr.microsoft.com', ...CORE.filter(name => !name.includes('.data.'))])),
      ],
      lint: aks({ privateCluster: true }),
    },
    { collections: [allow(app('core', ['*microsoft.com', ...CORE]))], lint: aks({ privateCluster: true }) },
  ],
  [
    'aks-conditional warning',
    { collections: [allow(tunnelTcp)], lint: aks({}, SINGLY) },
    { collections: [allow(tunnel, tunnelTcp)], lint: aks() },
  ],
  [
    'aks-conditional note',
    { collections: [allow(tunnel)], lint: aks({}, SINGLY) },
    {
      collections: [
        allow(
          net('time', {
            ipProtocols: ['UDP'],
            destinationAddresses: [],
            destinationFqdns: ['ntp.ubuntu.com'],
            destinationPorts: ['123'],
          }),
        ),
      ],
      lint: aks(),
    },
  ],
  [
    'aks-recommended note',
    { collections: [], lint: aks({}, SINGLY) },
    {
      collections: [
        allow(
          app('ubuntu', ['*.ubuntu.com'], {
            protocols: [
              { protocolType: 'Http', port: 80 },
              { protocolType: 'Https', port: 443 },
            ],
          }),
        ),
      ],
      lint: aks(),
    },
  ],
  [
    'aks-api-server-by-ip warning',
    { collections: [allow(app('all', ['*']))], lint: aks({ apiServer: 0x14320201 }) },
    {
      collections: [allow(net('api', { destinationAddresses: ['20.50.2.1'], destinationPorts: ['443'] }))],
      lint: aks({ apiServer: 0x14320201 }),
    },
  ],
  [
    'aks-source-assumed note',
    {
      lint: {
        aks: {
          outbound,
          cluster: { cloud: 'AzureCloud', location: 'westeurope', features: [], privateCluster: false },
        },
      },
    },
    { lint: aks() },
  ],
  ['aks-not-judged note', { lint: aks() }, { lint: aks({ apiServer: 0x14320201, dnsServer: 0x0a000005 }) }],
  ['aks-public-ips note', { lint: aks() }, {}],
];

for (const [finding, found, beside] of CASES)
  test(`${finding}: found, and not found just beside`, () => {
    assert.ok(sayFindings(found).includes(finding), sayFindings(found).join('\n'));
    assert.ok(!sayFindings(beside).includes(finding), sayFindings(beside).join('\n'));
  });

test('what a bound leaves out is named in a note', () => {
  const subject = subjectOf({ collections: [deny(net('no')), allow(net('ssh'), net('other'))] });
  const context = toLintContext(subject, new Map());
  const findings = checkCoverage(context, { maxWork: 0, maxWorkInAll: 0 });
  assert.deepEqual(
    findings.map(({ code, severity }) => `${code} ${severity}`),
    ['not-examined note'],
  );
  assert.deepEqual(
    findings[0]?.related.map(({ rule }) => rule),
    ['no', 'ssh', 'other'],
  );
  assert.ok(!checkCoverage(context).some(({ code }) => code === 'not-examined'));
});

test('every code has a case', () => {
  const cased = new Set(CASES.map(([finding]) => finding.split(' ')[0]));
  const apart: readonly LintCode[] = ['not-examined'];
  assert.deepEqual(
    (Object.keys(LINT_CODES) as LintCode[]).filter(code => !cased.has(code) && !apart.includes(code)),
    [],
  );
});

test('a finding says which rules it is about and where it stands', () => {
  const [finding] = findingsIn({ collections: [deny(net('no')), allow(net('ssh'))] });
  assert.equal(finding?.code, 'contradictory');
  assert.deepEqual(
    finding?.related.map(({ rule }) => rule),
    ['no'],
  );
  assert.equal(finding?.resource, `${CHILD}/ruleCollectionGroups/rules`);
  assert.equal(finding?.target, 'properties.ruleCollections[1].rules[0]');
});

test('a child rule under a parent rule is told so', () => {
  const [finding] = findingsIn({
    parent: [collection('late', 60000, 'Deny', net('no', { destinationAddresses: ['20.1.0.0/16'] }))],
    collections: [collection('early', 100, 'Allow', net('ssh'))],
  });
  assert.match(
    finding?.reason ?? '',
    /parent policy 'parent' come before those of 'child', whatever the prior/,
  );
});

describe('rules of a parent', () => {
  const parent = [collection('base', 900, 'Deny', net('never', { destinationAddresses: ['20.1.0.0/16'] }))];
  const fixes = (given: LintCase) =>
    findingsIn(given)
      .filter(({ rule }) => rule?.rule === 'never')
      .map(({ code, severity, fix }) => `${code} ${severity} ${fix}`);
  const left =
    "redundant note Leave it: policies below 'parent' that are not among these documents may rely on it.";

  test('a child that does not need a Deny of its parent is no reason to remove it', () => {
    assert.deepEqual(fixes({ parent }), [left]);
    assert.deepEqual(fixes({ parent, collections: [allow(net('ssh'))] }), []);
  });

  const sibling = (...rules: readonly Json[]) => [
    policyDocument(`${CHILD}2`, { ...inherits, dnsSettings: { enableProxy: true } }),
    group(`${CHILD}2`, 'rules', 300, rules),
  ];
  test('another child whose Allow is behind it needs it', () => {
    assert.deepEqual(fixes({ parent, documents: sibling(allow(net('ssh'))) }), []);
    assert.deepEqual(fixes({ parent, documents: sibling() }), [left]);
  });

  test('the parent by itself needs what its children do', () => {
    const judged = (collections: readonly Json[]) => {
      const given = subjectOf({ parent, collections });
      const subject = given.documents.get(PARENT) ?? assert.fail();
      const { policy } = resolvePolicy(subject, given.documents, given);
      assert.ok(policy);
      return lint({ ...given, subject, policy, warnings: [] })
        .filter(({ code }) => code === 'redundant')
        .map(({ code, severity, fix }) => `${code} ${severity} ${fix}`);
    };
    assert.deepEqual(judged([allow(net('ssh'))]), []);
    assert.deepEqual(judged([]), [left]);
  });

  test('a Deny of the parent that network rules of a child bypass is not to be removed', () => {
    const denied = [collection('base', 900, 'Deny', app('never', ['bad.example.org']))];
    const web = allow(net('web', { destinationAddresses: ['*'], destinationPorts: ['*'] }));
    assert.deepEqual(fixes({ parent: denied, collections: [web] }), [
      "bypassed-by-network-rule error Narrow or remove 'child/rules/allow/web'.",
    ]);
  });

  test('an Allow of the parent that a child repeats stays for the parent', () => {
    const base = [collection('base', 900, 'Allow', net('never'))];
    assert.deepEqual(fixes({ parent: base, collections: [allow(net('ssh'))] }), []);
  });
});

test('an IP group that is empty is named once', () => {
  const lists = { sourceAddresses: [], sourceIpGroups: [EMPTY], destinationAddresses: [] };
  const both = net('both', { ...lists, destinationIpGroups: [EMPTY] });
  const [found] = findingsIn({ collections: [allow(both)] }).filter(({ code }) => code === 'empty-ip-group');
  assert.match(found?.reason ?? '', /^IP group 'empty' is empty, so/);
});

test('one rule takes, several take', () => {
  const web = net('any', { destinationAddresses: ['*'], destinationPorts: ['*'] });
  const apps = collection('apps', 400, 'Allow', app('site', ['www.example.org']));
  const reasons = (...rules: Json[]) =>
    findingsIn({ collections: [allow(...rules), apps] })
      .filter(({ code }) => code === 'bypassed-by-network-rule')
      .map(({ reason }) => reason.replace(/^.*priorities, and /, ''));
  assert.deepEqual(reasons(web), [
    "'child/rules/allow/any' takes all of its traffic, so all names pass and nobody looks at them.",
  ]);
  const half = (name: string, range: string) =>
    net(name, { destinationAddresses: [range], destinationPorts: ['443'] });
  assert.deepEqual(reasons(half('low', '0.0.0.0/1'), half('high', '128.0.0.0/1')), [
    "'child/rules/allow/low' and 'child/rules/allow/high' take all of its traffic, so all names pass and nobody looks at them.",
  ]);
});

test('how many public IPs are missing, and how many that makes', () => {
  const [finding] = findingsIn({ lint: { connections: { connections: 14_000, instances: 2 } } }).filter(
    ({ code }) => code === 'snat-ports',
  );
  assert.equal(
    finding?.fix,
    'Attach 2 more public IPs (3 in all), or a NAT gateway (64,512 ports an address) to AzureFirewallSubnet.',
  );
});

describe('where most of what AKS needs is missing', () => {
  const of = (given: LintCase) => findingsIn(given).filter(({ code }) => code.startsWith('aks-'));
  const codes = (given: LintCase) => of(given).map(({ code, severity }) => `${code} ${severity}`);
  const tagRule =
    'az network firewall policy rule-collection-group collection add-filter-collection -g g --policy-name child --rcg-name DefaultApplicationRuleCollectionGroup --name aks-application --collection-priority 500 --action Allow --rule-name aks-fqdn-tag --rule-type ApplicationRule --source-addresses 10.42.1.0/24 --protocols Http=80 Https=443 --fqdn-tags AzureKubernetesService';
  const groupOf = (type: string, priority: number) =>
    `az network firewall policy rule-collection-group create -g g --policy-name child --name Default${type}RuleCollectionGroup --priority ${priority}`;
  const network = (command: string) =>
    `az network firewall policy rule-collection-group collection ${command} --rule-type NetworkRule --source-addresses 10.42.1.0/24`;
  const toNew = '-g g --policy-name child --rcg-name DefaultNetworkRuleCollectionGroup';

  test('one finding comes first and allows the FQDN tag and the network destinations', () => {
    const [first, ...others] = of({ lint: aks() });
    assert.deepEqual([first?.code, first?.severity], ['aks-required', 'error']);
    assert.match(
      first?.reason ?? '',
      /^Most of what AKS needs is denied: 9 of the 9 required names in the FQDN tag AzureKubernetesService \('\*\.hcp\.westeurope\.azmk8s\.io', .* and 6 more\), UDP 1194 to AzureCloud\.westeurope, TCP 9000 to AzureCloud\.westeurope, UDP 123 to any address\. No rule allows it\. --all tells each by itself\.$/,
    );
    assert.deepEqual(first?.fix.split('\n'), [
      'Allow this tag, and what it does not hold:',
      groupOf('Application', 300),
      tagRule,
      groupOf('Network', 200),
      `${network(`add-filter-collection ${toNew} --name aks-network --collection-priority 500 --action Allow --rule-name aks-azurecloud-westeurope-1194`)} --ip-protocols UDP --destination-ports 1194 --destination-addresses AzureCloud.westeurope`,
      `${network(`rule add ${toNew} --collection-name aks-network --name aks-azurecloud-westeurope-9000`)} --ip-protocols TCP --destination-ports 9000 --destination-addresses AzureCloud.westeurope`,
      `${network(`rule add ${toNew} --collection-name aks-network --name aks-any-123`)} --ip-protocols UDP --destination-ports 123 --destination-addresses '*'`,
    ]);
    // What is recommended is in the tag, too.
    assert.deepEqual(
      others.filter(({ fix }) => fix.includes('az network ')),
      [],
    );
  });

  test('the worst severity is that of the single findings', () => {
    const worst = (given: LintCase) => codes(given).map(text => text.split(' ')[1])[0];
    for (const collections of [[], [allow(tunnel)], [allow(app('one', CORE.slice(0, 1)))]])
      assert.equal(worst({ collections, lint: aks() }), worst({ collections, lint: aks({}, SINGLY) }));
  });

  test('single ones stay where the other half is there, and for names that the tag does not hold', () => {
    const half = {
      collections: [
        allow(tunnel, tunnelTcp),
        collection('apps', 400, 'Allow', app('half', CORE.slice(0, 5))),
      ],
    };
    assert.deepEqual(codes({ ...half, lint: aks() }), codes({ ...half, lint: aks({}, SINGLY) }));
    const gov = of({ lint: aks({ cloud: 'AzureUSGovernment', location: 'usgovvirginia' }) });
    assert.deepEqual(
      gov.flatMap(({ code, reason }) => (code === 'aks-required' ? [reason.split(/ is denied|\(/)[0]] : [])),
      [
        'Most of what AKS needs',
        'Https:443 to *.hcp.usgovvirginia.cx.aks.containerservice.azure.us',
        'Https:443 to management.usgovcloudapi.net',
        'Https:443 to login.microsoftonline.us',
      ],
    );
  });

  test('a rule that denies them is told to come after', () => {
    const collections = [
      deny(
        app('no', ['*'], {
          protocols: [
            { protocolType: 'Http', port: 80 },
            { protocolType: 'Https', port: 443 },
          ],
        }),
      ),
    ];
    const [first] = of({ collections, lint: aks() });
    assert.match(
      first?.reason ?? '',
      /\. 'child\/rules\/deny\/no' denies some of it, and no rule allows the rest\. --all/,
    );
    assert.match(first?.fix ?? '', /^Before 'child\/rules\/deny\/no', allow this tag, and/);
    assert.deepEqual(
      first?.related.map(({ rule }) => rule),
      ['no'],
    );
  });

  test('without sources it is said that none gets anything, and the subnet is to be filled in', () => {
    const { from: _from, ...cluster } = aks().aks?.cluster ?? assert.fail();
    const found = of({ lint: { aks: { outbound, cluster } } });
    const [assumed] = found.filter(({ code }) => code === 'aks-source-assumed');
    assert.match(
      assumed?.reason ?? '',
      /^Nobody said where the nodes are\. Judged for all private addresses \(10\.0\.0\.0\/8, .*\), none of which gets anything that AKS needs\.$/,
    );
    for (const { fix } of found) assert.doesNotMatch(fix, /--source-addresses (?!SUBNET )/);
    assert.match(found[0]?.fix ?? '', /--source-addresses SUBNET /);
    const some = of({ collections: [allow(app('core', CORE))], lint: { aks: { outbound, cluster } } });
    assert.match(
      some.find(({ code }) => code === 'aks-source-assumed')?.reason ?? '',
      /Judged for 10\.42\.1\.0\/24, which gets 9 of the \d+ things that AKS needs; no source gets more\.$/,
    );
  });
});
