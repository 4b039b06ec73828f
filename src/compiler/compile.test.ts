// The article's rules from document to program; decision ids; sharing and size.

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { formatProgram, parseProgram } from '#ir/program-text.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { compile } from './compile.ts';
import {
  aks,
  article,
  collection,
  context,
  eastus,
  ip,
  type Json,
  network,
  OFFICE,
  parse,
  ranges,
} from './fixture.ts';
import { type LoweringContext, lowerFirewall } from './lower-firewall.ts';

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
      applicationPorts: [80, 443, 1433],
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
    assert.notEqual(
      compile({ ...lowerFirewall(article, context), privateAddress: 1 }).revision,
      program.revision,
    );
    assert.deepEqual(parseProgram(formatProgram(program)), program);
    assert.deepEqual(parseProgram(JSON.stringify(program)), program);
  });

  it('meet packets at the local address behind a public one', () => {
    const behind = compile(lowerFirewall(article, context), {
      localAddressOf: { [ip('20.1.1.1')]: ip('10.0.0.4') },
    });
    assert.equal(behind.netfilter.natClauses[0]?.destination, ip('10.0.0.4'));
    assert.deepEqual(behind.netfilter.snatAddresses, [ip('10.0.0.4')]);
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
