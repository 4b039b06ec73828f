// The shipped tables, and what is made of them. Numbers come from the header of the file that they were built from.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { formatFqdnPattern, matchesFqdn } from '#net/fqdn.ts';
import { includesAddress, parseIpv4 } from '#net/ipv4.ts';
import { importedServiceTagsPath, loadFacts } from './facts.ts';
import { pack } from './gzip.ts';
import { printServiceTags, toServiceTagTable } from './service-tag-table.ts';

const facts = loadFacts();
const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
const isTagged = (tag: string, address: string) =>
  includesAddress(facts.serviceTag(tag) ?? assert.fail(tag), ip(address));
const matchesTag = (tag: string, name: string) =>
  (facts.fqdnTag(tag) ?? assert.fail(tag)).some(({ pattern }) => matchesFqdn(pattern, name));

describe('service tags', () => {
  it('are all there, IPv4 and IPv6', () => {
    const list = facts.serviceTagList('eastus', '00000000-0000-4000-8000-000000000001');
    assert.equal(list.values.length, 2967);
    assert.equal(list.changeNumber, '363');
    assert.equal(list.type, 'Microsoft.Network/serviceTags');
    const prefixes = list.values.flatMap(value => value.properties.addressPrefixes);
    assert.equal(prefixes.length, 90_493);
    assert.equal(prefixes.filter(prefix => prefix.includes(':')).length, 23_415);
  });

  it('are matched without regard to case and give merged addresses', () => {
    assert.equal(facts.serviceTagName('azurecloud.EastUS'), 'AzureCloud.eastus');
    assert.equal(facts.serviceTagName('storage.eastus'), 'Storage.EastUS');
    assert.equal(facts.serviceTagName('AzureCloud.mars'), undefined);
    assert.equal(facts.serviceTag('Nothing'), undefined);
    assert.equal(isTagged('AzureCloud.eastus', '20.42.0.1'), true);
    assert.equal(isTagged('AzureCloud.westus', '20.42.0.1'), false);
    const ranges = facts.serviceTag('AzureCloud') ?? [];
    for (let index = 1; index < ranges.length; index++)
      assert.ok((ranges[index - 1]?.last ?? 0) + 1 < (ranges[index]?.first ?? 0));
  });

  it('are known by the location as well as by the abbreviation of the file', () => {
    assert.equal(facts.serviceTagName('AzureCloud.germanywestcentral'), 'AzureCloud.germanywc');
    assert.equal(facts.serviceTagName('AzureCloud.francecentral'), 'AzureCloud.centralfrance');
    assert.equal(facts.serviceTagName('ApiManagement.centralfrance'), 'ApiManagement.FranceCentral');
  });
});

describe('FQDN tags', () => {
  it('are the 24 that Azure lists', () => {
    assert.equal(facts.fqdnTagNames().length, 24);
    assert.equal(facts.fqdnTagNames().filter(name => name.startsWith('Office365.')).length, 13);
    assert.equal(facts.fqdnTagName('azurekubernetesservice'), 'AzureKubernetesService');
    assert.equal(facts.fqdnTag('Nothing'), undefined);
  });

  it('AzureKubernetesService covers what a cluster needs and nothing beside it', () => {
    for (const name of [
      'mcr.microsoft.com',
      'eastus.data.mcr.microsoft.com',
      'management.azure.com',
      'login.microsoftonline.com',
      'packages.microsoft.com',
      'acs-mirror.azureedge.net',
      'aks-egress-1234.hcp.eastus.azmk8s.io',
      'aks-egress-1234.hcp.germanywestcentral.azmk8s.io',
      'eastus.dp.kubernetesconfiguration.azure.com',
      'security.ubuntu.com',
    ])
      assert.equal(matchesTag('AzureKubernetesService', name), true, name);
    for (const name of [
      'github.com',
      'hcp.eastus.azmk8s.io',
      'a.hcp.evil.example.azmk8s.io',
      'microsoft.com',
    ])
      assert.equal(matchesTag('AzureKubernetesService', name), false, name);
  });

  it('keep protocol and port, and wildcards inside a name', () => {
    const aks = facts.fqdnTag('AzureKubernetesService') ?? [];
    const find = (name: string) => aks.filter(({ pattern }) => formatFqdnPattern(pattern) === name);
    assert.deepEqual(
      find('mcr.microsoft.com').map(({ protocol, port }) => [protocol, port]),
      [['Https', 443]],
    );
    assert.deepEqual(
      find('azure.archive.ubuntu.com').map(({ protocol, port }) => [protocol, port]),
      [['Http', 80]],
    );
    assert.equal(matchesTag('AppServiceEnvironment', 'gr-prod-xyz.cloudapp.net'), true);
    assert.equal(
      matchesTag('Office365.Exchange.Default.Required', 'autodiscover.contoso.onmicrosoft.com'),
      true,
    );
    assert.ok((facts.fqdnTag('HDInsight') ?? []).length >= 14_206);
  });

  it('say so when nobody published their content', () => {
    assert.deepEqual(facts.fqdnTag('MicrosoftIntune'), []);
    assert.match(facts.fqdnTagNote('MicrosoftIntune') ?? '', /not collected/);
  });
});

describe('loading', () => {
  it('is quick enough for a command', () => {
    const start = performance.now();
    loadFacts().serviceTag('AzureCloud.eastus');
    // 100 ms is the aim on an idle machine; twice that leaves room for a busy one.
    assert.ok(performance.now() - start < 200, `${performance.now() - start} ms`);
  });

  it('prefers an imported table, and says what is wrong with a broken one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-facts-'));
    try {
      assert.equal(loadFacts(folder).serviceTagNames().length, 2967);
      const path = importedServiceTagsPath(folder);
      mkdirSync(dirname(path), { recursive: true });
      const tag = { changeNumber: 1, region: '', regionId: 0, systemService: '', networkFeatures: [] };
      const table = toServiceTagTable(
        { cloud: 'Public', changeNumber: 400, origin: 'test', date: '2026-01-01' },
        [{ ...tag, name: 'Only', prefixes: ['192.0.2.0/24', '2001:db8::/32'] }],
      );
      writeFileSync(path, pack(printServiceTags(table)));
      const facts = loadFacts(folder);
      assert.deepEqual(facts.serviceTagNames(), ['Only']);
      assert.deepEqual(facts.serviceTag('only'), [{ first: ip('192.0.2.0'), last: ip('192.0.2.255') }]);
      assert.equal(facts.serviceTagOrigin, 'test, change 400, 2026-01-01');
      writeFileSync(path, pack(printServiceTags(table)).subarray(0, 40));
      assert.throws(() => loadFacts(folder), /does not decompress/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
