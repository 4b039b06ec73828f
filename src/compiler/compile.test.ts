// The article's rules from document to program; order, sharing and size; and, on random policies and flows, that a program
// says what `decide` says.

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import type { AddressSet, ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { formatProgram, parseProgram } from '#ir/program-text.ts';
import { type AzureFirewall, parseAzureFirewall } from '#model/firewall.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern, parseFqdnPattern } from '#net/fqdn.ts';
import { formatRange, type Ipv4Range, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';
import { compile } from './compile.ts';
import { type LoweringContext, lowerFirewall } from './lower-firewall.ts';
import { runProgram } from './testing.ts';

const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
const ranges = (...texts: string[]): Ipv4Range[] =>
  mergeRanges(texts.map(text => parseRange(text) ?? assert.fail(text)));

const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const PIP = `${SCOPE}/publicIPAddresses/pip`;
const OFFICE = `${SCOPE}/ipGroups/office`;
const EMPTY = `${SCOPE}/ipGroups/empty`;

const eastus = ranges('20.42.0.0/16', '20.44.0.0/17');
const aks = ['mcr.microsoft.com', '*.data.mcr.microsoft.com', 'security.ubuntu.com'].map(name => ({
  protocol: name === 'security.ubuntu.com' ? ('Http' as const) : ('Https' as const),
  port: name === 'security.ubuntu.com' ? 80 : 443,
  pattern: parseFqdnPattern(name) ?? assert.fail(name),
}));
const context: LoweringContext = {
  facts: {
    serviceTag: name => (name === 'AzureCloud.eastus' ? eastus : undefined),
    fqdnTag: name => (name === 'AzureKubernetesService' ? aks : undefined),
  },
  ipGroups: id => (id === OFFICE ? ranges('10.42.9.0/24', '10.42.8.0/24') : id === EMPTY ? [] : undefined),
  privateAddress: ip('10.42.2.4'),
  publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
};

type Json = Record<string, unknown>;
const collection = (name: string, priority: number, rules: Json[], type = 'Allow'): Json => ({
  name,
  properties: { priority, action: { type }, rules },
});

function parse(properties: Json): AzureFirewall {
  const parsed = parseAzureFirewall(
    {
      id: `${SCOPE}/azureFirewalls/aks-egress-fw`,
      name: 'aks-egress-fw',
      properties: {
        additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
        ipConfigurations: [
          {
            name: 'config',
            properties: {
              subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/s` },
              publicIPAddress: { id: PIP },
            },
          },
        ],
        ...properties,
      },
    },
    {
      serviceTagName: name => (/^azurecloud.eastus$/i.test(name) ? 'AzureCloud.eastus' : undefined),
      fqdnTagName: name => (/^azurekubernetesservice$/i.test(name) ? 'AzureKubernetesService' : undefined),
      hasIpGroup: () => true,
      publicAddressOf: () => ip('20.1.1.1'),
    },
  );
  return parsed.firewall ?? assert.fail(JSON.stringify(parsed.diagnostics));
}

const network = (name: string, rest: Json = {}): Json => ({
  name,
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['*'],
  destinationPorts: ['443'],
  ...rest,
});

const article = parse({
  networkRuleCollections: [
    collection('aksfwnr', 100, [
      network('apiudp', {
        protocols: ['UDP'],
        destinationAddresses: ['AzureCloud.eastus'],
        destinationPorts: ['1194'],
      }),
      network('apitcp', { destinationAddresses: ['AzureCloud.eastus'], destinationPorts: ['9000'] }),
      network('time', {
        protocols: ['UDP'],
        destinationAddresses: [],
        destinationFqdns: ['ntp.ubuntu.com'],
        destinationPorts: ['123'],
      }),
      network('ghcr', {
        destinationAddresses: [],
        destinationFqdns: ['ghcr.io', 'pkg-containers.githubusercontent.com'],
      }),
      network('docker', {
        destinationAddresses: [],
        destinationFqdns: ['docker.io', 'registry-1.docker.io', 'production.cloudflare.docker.com'],
      }),
    ]),
  ],
  applicationRuleCollections: [
    collection('aksfwar', 100, [
      {
        name: 'fqdn',
        sourceAddresses: ['*'],
        protocols: [
          { protocolType: 'Http', port: 80 },
          { protocolType: 'Https', port: 443 },
        ],
        fqdnTags: ['AzureKubernetesService'],
      },
    ]),
  ],
  natRuleCollections: [
    collection(
      'exampleset',
      100,
      [
        {
          name: 'inboundrule',
          protocols: ['Any'],
          sourceAddresses: ['*'],
          destinationAddresses: ['20.1.1.1'],
          destinationPorts: ['80'],
          translatedAddress: '10.42.1.50',
          translatedPort: '80',
        },
      ],
      'Dnat',
    ),
  ],
});

describe('the rules of the article', () => {
  const program = compile(lowerFirewall(article, context));

  it('become this program', () => {
    const cloud = Object.keys(program.netfilter.addressSets)[0] ?? assert.fail('no set');
    const fqdns = (...names: string[]) => names.map(fqdn => ({ kind: 'fqdn', fqdn }));
    const port = (number: number) => [{ first: number, last: number }];
    assert.deepEqual(program.netfilter, {
      addressSets: { [cloud]: eastus },
      natClauses: (['TCP', 'UDP'] as const).map(protocol => ({
        decision: 1,
        protocol,
        destination: ip('20.1.1.1'),
        ports: port(80)[0],
        target: { address: ip('10.42.1.50') },
        targetPort: 80,
      })),
      networkClauses: [
        {
          decision: 2,
          action: 'Allow',
          protocols: ['UDP'],
          destinations: [{ kind: 'addresses', set: cloud }],
          ports: port(1194),
        },
        {
          decision: 3,
          action: 'Allow',
          protocols: ['TCP'],
          destinations: [{ kind: 'addresses', set: cloud }],
          ports: port(9000),
        },
        {
          decision: 4,
          action: 'Allow',
          protocols: ['UDP'],
          destinations: fqdns('ntp.ubuntu.com'),
          ports: port(123),
        },
        {
          decision: 5,
          action: 'Allow',
          protocols: ['TCP'],
          destinations: fqdns('ghcr.io', 'pkg-containers.githubusercontent.com'),
          ports: port(443),
        },
        {
          decision: 6,
          action: 'Allow',
          protocols: ['TCP'],
          destinations: fqdns('docker.io', 'registry-1.docker.io', 'production.cloudflare.docker.com'),
          ports: port(443),
        },
      ],
      applicationPorts: [80, 443],
      privateRanges: ranges('10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'),
      privateAddress: ip('10.42.2.4'),
      snatAddresses: [ip('20.1.1.1')],
    });
    assert.deepEqual(
      program.decisions.map(({ rule, kind }) => `${kind} ${formatRuleRef(rule)}`),
      [
        'network ',
        'nat exampleset/inboundrule',
        'network aksfwnr/apiudp',
        'network aksfwnr/apitcp',
        'network aksfwnr/time',
        'network aksfwnr/ghcr',
        'network aksfwnr/docker',
      ],
    );
    assert.deepEqual(
      program.applicationRules.map(rule => [
        formatRuleRef(rule.ref),
        rule.protocols.map(({ protocol, port }) => `${protocol}:${port}`),
        rule.targets.map(({ pattern, tag }) => `${tag} ${formatFqdnPattern(pattern)}`),
      ]),
      [
        [
          'aksfwar/fqdn',
          ['Http:80', 'Https:443'],
          aks.map(({ pattern }) => `AzureKubernetesService ${formatFqdnPattern(pattern)}`),
        ],
      ],
    );
    assert.deepEqual(program.watchedFqdns, [
      'docker.io',
      'ghcr.io',
      'ntp.ubuntu.com',
      'pkg-containers.githubusercontent.com',
      'production.cloudflare.docker.com',
      'registry-1.docker.io',
    ]);
    assert.match(cloud, /^a_[0-9a-f]{20}$/);
  });

  it('have one revision, whoever compiles them, and survive the wire', () => {
    assert.equal(compile(lowerFirewall(article, context)).revision, program.revision);
    assert.equal(
      compile(JSON.parse(JSON.stringify(lowerFirewall(article, context)))).revision,
      program.revision,
    );
    const { revision: _revision, ...content } = program;
    assert.notEqual(
      compile({ ...lowerFirewall(article, context), privateAddress: 1 }).revision,
      program.revision,
    );
    assert.deepEqual(parseProgram(formatProgram(program)), program);
    assert.deepEqual(parseProgram(JSON.stringify(program)), program);
    assert.equal(Object.keys(content).length, Object.keys(program).length - 1);
  });

  it('meet packets at the local address behind a public one', () => {
    const behind = compile(lowerFirewall(article, context), {
      localAddressOf: { [ip('20.1.1.1')]: ip('10.0.0.4') },
    });
    assert.equal(behind.netfilter.natClauses[0]?.destination, ip('10.0.0.4'));
    assert.deepEqual(behind.netfilter.snatAddresses, [ip('10.0.0.4')]);
  });
});

describe('lowering', () => {
  const names = (firewall: AzureFirewall, within = context) =>
    lowerFirewall(firewall, within).networkRules.map(rule => rule.ref.rule);

  it('sorts collections by priority and keeps the order inside', () => {
    const firewall = parse({
      networkRuleCollections: [
        collection('late', 300, [network('e')]),
        collection('early', 100, [network('b'), network('a')]),
        collection('middle', 200, [network('d'), network('c')], 'Deny'),
      ],
    });
    assert.deepEqual(names(firewall), ['b', 'a', 'd', 'c', 'e']);
    assert.deepEqual(
      lowerFirewall(firewall, context).networkRules.map(rule => rule.action),
      ['Allow', 'Allow', 'Deny', 'Deny', 'Allow'],
    );
  });

  it('skips a rule whose IP group was emptied, and only that', () => {
    const firewall = parse({
      networkRuleCollections: [
        collection('c', 100, [
          network('source', { sourceAddresses: [], sourceIpGroups: [EMPTY] }),
          network('destination', { destinationAddresses: [], destinationIpGroups: [EMPTY] }),
          network('beside', { destinationAddresses: ['1.2.3.4'], destinationIpGroups: [EMPTY] }),
          network('full', { sourceAddresses: [], sourceIpGroups: [OFFICE] }),
        ]),
      ],
    });
    assert.deepEqual(names(firewall), ['beside', 'full']);
    assert.deepEqual(lowerFirewall(firewall, context).networkRules[1]?.sources, ranges('10.42.8.0/23'));
  });

  it('says which tag or group nobody knows any more', () => {
    const missing: string[] = [];
    const gone: LoweringContext = {
      ...context,
      facts: { serviceTag: () => undefined, fqdnTag: () => undefined },
      onMissing: (kind, name, rule) => missing.push(`${kind} ${name} ${formatRuleRef(rule)}`),
    };
    assert.deepEqual(names(article, gone), ['time', 'ghcr', 'docker']);
    assert.deepEqual(missing, [
      'service tag AzureCloud.eastus aksfwnr/apiudp',
      'service tag AzureCloud.eastus aksfwnr/apitcp',
      'FQDN tag AzureKubernetesService aksfwar/fqdn',
    ]);
  });

  it('gives names of a tag their own protocol where the rule has none', () => {
    const firewall = parse({
      applicationRuleCollections: [
        collection('c', 100, [{ name: 'r', sourceAddresses: ['*'], fqdnTags: ['AzureKubernetesService'] }]),
      ],
    });
    const rules = lowerFirewall(firewall, context).applicationRules;
    assert.deepEqual(
      rules.map(rule => [
        rule.protocols[0]?.protocol,
        rule.targets.map(({ pattern }) => formatFqdnPattern(pattern)),
      ]),
      [
        ['Https', ['mcr.microsoft.com', '*.data.mcr.microsoft.com']],
        ['Http', ['security.ubuntu.com']],
      ],
    );
  });

  it('knows the private ranges: default, replaced, never and always SNAT', () => {
    const of = (text?: string) =>
      parse({
        additionalProperties: text === undefined ? {} : { 'Network.SNAT.PrivateRanges': text },
      }).privateRanges.map(formatRange);
    const iana = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'];
    assert.deepEqual(of(), iana);
    assert.deepEqual(of('30.0.0.0/8'), ['30.0.0.0/8']);
    assert.deepEqual(of('IANAPrivateRanges,30.0.0.0/8'), [iana[0], '30.0.0.0/8', ...iana.slice(1)]);
    assert.deepEqual(of('0.0.0.0/0'), ['0.0.0.0/0']);
    assert.deepEqual(of('255.255.255.255/32'), ['255.255.255.255']);
  });
});

describe('decision ids', () => {
  const policyOf = (...rules: Json[]) =>
    lowerFirewall(parse({ networkRuleCollections: [collection('c', 100, rules)] }), context);

  it('stay with their rules through an edit', () => {
    const first = compile(policyOf(network('a'), network('b'), network('c')));
    const second = compile(policyOf(network('new'), network('c'), network('a')), { previous: first });
    const idOf = (program: typeof first, rule: string) =>
      program.netfilter.networkClauses.find(({ decision }) => program.decisions[decision]?.rule.rule === rule)
        ?.decision;
    assert.equal(idOf(second, 'a'), idOf(first, 'a'));
    assert.equal(idOf(second, 'c'), idOf(first, 'c'));
    assert.equal(idOf(second, 'new'), idOf(first, 'b'));
    assert.equal(second.decisions[0]?.rule.rule, '');
  });
});

describe('size', () => {
  it('1,000 rules for large service tags compile quickly and share their sets', () => {
    // 12,000 ranges, as many as AzureCloud has.
    const large = mergeRanges(
      Array.from({ length: 12_000 }, (_, index) => ({ first: index * 256, last: index * 256 + 99 })),
    );
    const tags: LoweringContext = { ...context, facts: { ...context.facts, serviceTag: () => large } };
    const rules = Array.from({ length: 1000 }, (_, index) =>
      network(`r${index}`, {
        sourceAddresses: [`10.${index % 250}.0.0/16`],
        destinationAddresses: index % 2 ? ['AzureCloud.eastus'] : ['AzureCloud.eastus', '1.2.3.4'],
      }),
    );
    const firewall = parse({ networkRuleCollections: [collection('c', 100, rules)] });
    const start = performance.now();
    const program = compile(lowerFirewall(firewall, tags));
    const tookMs = performance.now() - start;
    assert.ok(tookMs < 200, `${tookMs} ms`);
    assert.equal(Object.keys(program.netfilter.addressSets).length, 252);
  });

  it('application rules that share lists grow by rules, not by rules times lists', () => {
    const big = mergeRanges(
      Array.from({ length: 5000 }, (_, index) => ({ first: index * 4, last: index * 4 })),
    );
    const names = Array.from({ length: 5000 }, (_, index) => ({
      protocol: 'Https' as const,
      port: 443,
      pattern: { kind: 'exact' as const, name: `host${index}.example.org` },
    }));
    const many: LoweringContext = {
      ...context,
      ipGroups: () => big,
      facts: { ...context.facts, fqdnTag: () => names },
    };
    const sizeOf = (count: number) => {
      const rules = Array.from({ length: count }, (_, index) => ({
        name: `r${index}`,
        sourceIpGroups: [OFFICE],
        protocols: [{ protocolType: 'Https', port: 443 }],
        fqdnTags: ['AzureKubernetesService'],
      }));
      const firewall = parse({ applicationRuleCollections: [collection('c', 100, rules)] });
      return formatProgram(compile(lowerFirewall(firewall, many))).length;
    };
    assert.ok(sizeOf(500) < sizeOf(1) + 500 * 400, `${sizeOf(500)} and ${sizeOf(1)}`);
  });
});

describe('a program says what decide says', () => {
  // A small world, so that rules overlap and flows hit them.
  const address = fc.integer({ min: 0x0a000000, max: 0x0a00001f });
  const range = fc.tuple(address, address).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  const addresses: fc.Arbitrary<AddressSet> = fc.oneof(
    fc.constant([{ first: 0, last: 0xffffffff }]),
    fc.array(range, { maxLength: 3 }).map(mergeRanges),
  );
  const port = fc.constantFrom(22, 53, 80, 443, 8443);
  const portRanges = fc.oneof(
    fc.constant([{ first: 0, last: 65535 }]),
    fc.array(
      fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
      { minLength: 1, maxLength: 2 },
    ),
  );
  const name = fc.constantFrom('a.example.org', 'b.example.org', 'example.org', 'c.example.net');
  const action = fc.constantFrom('Allow' as const, 'Deny' as const);
  const ref = fc.uuid().map(rule => ({ policy: '', group: '', collection: 'c', rule }));
  const networkRule: fc.Arbitrary<NetworkRule> = fc.record({
    ref,
    action,
    protocols: fc.uniqueArray(
      fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const, 'Any' as const),
      { minLength: 1 },
    ),
    sources: addresses,
    destinations: addresses,
    destinationFqdns: fc.uniqueArray(name, { maxLength: 2 }),
    destinationPorts: portRanges,
  });
  const applicationRule: fc.Arbitrary<ApplicationRule> = fc.record({
    ref,
    action,
    sources: addresses,
    protocols: fc.array(fc.record({ protocol: fc.constantFrom('Http' as const, 'Https' as const), port }), {
      minLength: 1,
      maxLength: 2,
    }),
    targets: fc.array(
      fc
        .constantFrom('*', '*.example.org', '*example.org', 'a.example.org', 'c.example.net')
        .map(text => ({ pattern: parseFqdnPattern(text) ?? assert.fail(text), tag: '' })),
      { minLength: 1, maxLength: 12 },
    ),
  });
  const own = [0x0a000001, 0x0a000002];
  const natRule: fc.Arbitrary<NatRule> = fc.record({
    ref,
    protocols: fc.uniqueArray(fc.constantFrom('TCP' as const, 'UDP' as const), { minLength: 1 }),
    sources: addresses,
    destinations: fc.constantFrom(...own.map(first => [{ first, last: first }])),
    destinationPorts: portRanges,
    translatedAddress: address,
    translatedPort: port,
  });
  const policies: fc.Arbitrary<ResolvedPolicy> = fc.record({
    firewallId: fc.constant('fw'),
    threatIntel: fc.constant({ mode: 'Off' as const, allowedAddresses: [], allowedFqdns: [] }),
    natRules: fc.array(natRule, { maxLength: 3 }),
    networkRules: fc.array(networkRule, { maxLength: 6 }),
    applicationRules: fc.array(applicationRule, { maxLength: 4 }),
    dns: fc.constant({ enableProxy: true, servers: [] }),
    privateRanges: addresses,
    privateAddress: fc.constant(0x0a000003),
    publicIps: fc.constant(own.map(one => ({ name: 'pip', address: one }))),
  });
  const flows: fc.Arbitrary<Flow> = fc
    .record({
      protocol: fc.constantFrom<Flow['protocol']>('TCP', 'TCP', 'TCP', 'UDP', 'ICMP', 47),
      source: address,
      destination: fc.oneof(address, fc.constantFrom(...own)),
      destinationPort: port,
      from: fc.constantFrom('inside' as const, 'inside' as const, 'outside' as const),
      claim: fc.option(
        fc.record({
          protocol: fc.constantFrom('Http' as const, 'Https' as const),
          fqdn: fc.option(name, { nil: undefined }),
        }),
        { nil: undefined },
      ),
    })
    .map(({ claim, ...flow }) => (claim ? { ...flow, claim } : flow));
  const known = fc.array(fc.tuple(address, fc.uniqueArray(name, { maxLength: 2 })), { maxLength: 8 });

  it('on random policies and flows', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(
        policies,
        fc.array(flows, { minLength: 1, maxLength: 20 }),
        known,
        (policy, asked, resolved) => {
          const table = new Map(resolved.map(([at, names]) => [at, new Set(names)]));
          const namesOfAddress = (at: number) => table.get(at) ?? new Set<string>();
          const program = parseProgram(formatProgram(compile(policy)));
          for (const flow of asked)
            assert.deepEqual(
              runProgram(program, flow, namesOfAddress),
              decide(policy, flow, { namesOfAddress }),
            );
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});
