// The shipped facts become a configuration that is accepted, and by which names keep out of service tags.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadFacts } from '#facts/facts.ts';
import { includesAddress, mergeRanges, parseIpv4 } from '#net/ipv4.ts';
import { parseInternetConfig } from './config.ts';
import { internetConfigOf } from './from-facts.ts';
import { NameService } from './names.ts';

describe('configuration from the published facts', () => {
  const facts = loadFacts();
  const parsed = parseInternetConfig(internetConfigOf(facts, ['77.64.0.0/16']));
  assert.ok('settings' in parsed, JSON.stringify(parsed));
  const names = new NameService(parsed.settings);
  const addressOf = (name: string): number => {
    const answer = names.reply({ name, type: 'A', asker: 0, server: 0 })?.answers[0];
    assert.ok(answer?.type === 'A', name);
    return parseIpv4(answer.data) ?? 0;
  };

  it('puts the API servers of a region into its prefixes', () => {
    for (const region of ['eastus', 'westus', 'westeurope']) {
      const ranges = facts.serviceTag(`AzureCloud.${region}`) ?? [];
      assert.ok(includesAddress(ranges, addressOf(`aks-1234.hcp.${region}.azmk8s.io`)), region);
    }
  });

  it('keeps all other names out of every service tag, and out of what is reserved', () => {
    const azure = mergeRanges([...(facts.serviceTag('AzureCloud') ?? []), ...parsed.settings.reserved]);
    assert.ok(azure.length > 0);
    for (let index = 0; index < 2000; index++)
      assert.ok(!includesAddress(azure, addressOf(`site-${index}.example.com`)));
  });
});
