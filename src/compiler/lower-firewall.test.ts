// Order, IP groups, tags and private ranges: what rules come to mean.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AzureFirewall } from '#model/firewall.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatRange } from '#net/ipv4.ts';
import { compile } from './compile.ts';
import { article, collection, context, EMPTY, network, OFFICE, parse, ranges } from './fixture.ts';
import { type LoweringContext, lowerFirewall } from './lower-firewall.ts';

const FROM_EMPTY = { sourceAddresses: [], sourceIpGroups: [EMPTY] };
const TO_EMPTY = { destinationAddresses: [], destinationIpGroups: [EMPTY] };
const SITE = { protocols: [{ protocolType: 'Https', port: 443 }], targetFqdns: ['www.example.org'] };

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

  it('keeps what it skips beside the rules that are judged, with its place and what is empty', () => {
    const firewall = parse({
      networkRuleCollections: [
        collection('late', 200, [network('both', { ...FROM_EMPTY, ...TO_EMPTY })]),
        collection('early', 100, [network('a'), network('source', FROM_EMPTY), network('b'), network('c')]),
      ],
      applicationRuleCollections: [
        collection('apps', 100, [{ name: 'site', ...FROM_EMPTY, ...SITE }]),
        collection('tags', 200, [
          { name: 'tag', sourceAddresses: ['*'], fqdnTags: ['AzureKubernetesService'] },
        ]),
      ],
    });
    const gone = { serviceTag: () => undefined, fqdnTag: () => undefined };
    const { skippedRules, ...judged } = lowerFirewall(firewall, { ...context, facts: gone });
    assert.deepEqual(
      skippedRules?.map(({ pass, position, rule, causes }) => [pass, position, rule.ref.rule, causes]),
      [
        ['network', 1, 'source', [{ field: 'source', ipGroups: [EMPTY], tags: [] }]],
        [
          ...['network', 3, 'both'],
          [
            { field: 'source', ipGroups: [EMPTY], tags: [] },
            { field: 'destination', ipGroups: [EMPTY], tags: [] },
          ],
        ],
        ['application', 0, 'site', [{ field: 'source', ipGroups: [EMPTY], tags: [] }]],
        ['application', 0, 'tag', [{ field: 'name', ipGroups: [], tags: ['AzureKubernetesService'] }]],
      ],
    );
    const without = parse({
      networkRuleCollections: [collection('early', 100, [network('a'), network('b'), network('c')])],
    });
    assert.deepEqual(judged, lowerFirewall(without, context), 'what is judged is as if they were not there');
    assert.equal(
      compile({ ...judged, ...(skippedRules && { skippedRules }) }).revision,
      compile(judged).revision,
    );
    assert.ok(!('skippedRules' in judged));
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
