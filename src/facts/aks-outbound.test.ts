// The needs of AKS: the shipped table, its form, and how a collected list is restated.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { readAksRequirements } from './aks-import.ts';
import { AKS_CLOUDS, AKS_REGION, aksFeatures, parseAksOutbound, printAksOutbound } from './aks-outbound.ts';
import { loadAksOutbound } from './facts.ts';

const shipped = loadAksOutbound();

test('every need of the shipped table can be asked of a policy', () => {
  for (const cloud of AKS_CLOUDS) {
    assert.ok(shipped.clouds[cloud].length > 50, cloud);
    for (const { kind, destination, port, protocol, purpose } of shipped.clouds[cloud]) {
      assert.ok(port > 0 && port < 65536 && purpose !== '', destination);
      if (kind === 'fqdn')
        assert.ok(parseFqdnPattern(destination.replace(AKS_REGION, 'westeurope')), destination);
      else assert.ok(protocol === 'TCP' || protocol === 'UDP', destination);
      if (kind === 'address') assert.match(destination, /^(\*|\{api-server\}|\{dns-server\})$/);
      assert.doesNotMatch(destination, /[<>]/);
    }
  }
});

test('features are those of the cloud, without core', () => {
  assert.ok(aksFeatures(shipped, 'AzureCloud').includes('cluster-extensions'));
  assert.ok(!aksFeatures(shipped, 'AzureCloud').includes('core'));
  assert.ok(!aksFeatures(shipped, 'AzureChinaCloud').includes('cluster-extensions'));
});

test('what is printed is read again; another file is refused', () => {
  assert.deepEqual(parseAksOutbound(printAksOutbound(shipped)), shipped);
  assert.throws(() => parseAksOutbound('{'), /not JSON/);
  assert.throws(() => parseAksOutbound('{"format":"other"}'), /its format is other/);
});

test('a collected list is restated: placeholders, exceptions, and no sentence of it', () => {
  const entry = { ruleKind: 'x', feature: 'core', required: true, purpose: 'A sentence of somebody else' };
  const { clouds } = readAksRequirements(
    {
      clouds: {
        AzureCloud: [
          {
            ...entry,
            fqdn: '*.hcp.<location>.azmk8s.io',
            port: 443,
            protocol: 'HTTPS',
            note: 'Not on private clusters',
          },
          {
            ...entry,
            fqdn: '*.hcp.<location>.azmk8s.io',
            port: 443,
            protocol: 'HTTPS',
            note: 'but not on any private cluster',
          },
          { ...entry, ip: '<REGION_CIDRS>', port: 9000, protocol: 'TCP' },
          { ...entry, serviceTag: 'AzureCloud.<Region>', port: 9000, protocol: 'TCP', oneOf: 'tunnel' },
          { ...entry, ip: '<API_SERVER_PUBLIC_IP>', port: 443, protocol: 'TCP' },
          { ...entry, fqdn: 'vault.azure.net', port: 443, protocol: 'HTTPS' },
        ],
      },
    },
    { origin: 'o', date: '2026-06-18' },
  );
  assert.deepEqual(
    clouds.AzureCloud.map(({ destination, protocol, notFor = [] }) =>
      [destination, protocol, ...notFor].join(' '),
    ),
    [
      '*.hcp.{region}.azmk8s.io Https private-cluster',
      '*.hcp.{region}.azmk8s.io Https private-cluster',
      'AzureCloud.{region} TCP',
      '{api-server} TCP',
      '*.vault.azure.net Https',
    ],
  );
  assert.doesNotMatch(JSON.stringify(clouds), /somebody else/);
});
