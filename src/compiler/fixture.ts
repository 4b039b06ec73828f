// A small world for the tests of the compiler: one service tag, one FQDN tag, two IP groups, one public IP.

import assert from 'node:assert/strict';
import { type AzureFirewall, parseAzureFirewall } from '#model/firewall.ts';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { type Ipv4Range, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';
import type { LoweringContext } from './lowering.ts';

export const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
export const ranges = (...texts: string[]): Ipv4Range[] =>
  mergeRanges(texts.map(text => parseRange(text) ?? assert.fail(text)));

export const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
export const PIP = `${SCOPE}/publicIPAddresses/pip`;
export const OFFICE = `${SCOPE}/ipGroups/office`;
export const EMPTY = `${SCOPE}/ipGroups/empty`;

export const eastus = ranges('20.42.0.0/16', '20.44.0.0/17');
export const aks = ['mcr.microsoft.com', '*.data.mcr.microsoft.com', 'security.ubuntu.com'].map(name => ({
  protocol: name === 'security.ubuntu.com' ? ('Http' as const) : ('Https' as const),
  port: name === 'security.ubuntu.com' ? 80 : 443,
  pattern: parseFqdnPattern(name) ?? assert.fail(name),
}));
export const context: LoweringContext = {
  facts: {
    serviceTag: name => (name === 'AzureCloud.eastus' ? eastus : undefined),
    fqdnTag: name => (name === 'AzureKubernetesService' ? aks : undefined),
  },
  ipGroups: id => (id === OFFICE ? ranges('10.42.9.0/24', '10.42.8.0/24') : id === EMPTY ? [] : undefined),
  privateAddress: ip('10.42.2.4'),
  publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
};

export type Json = Record<string, unknown>;
export const collection = (name: string, priority: number, rules: Json[], type = 'Allow'): Json => ({
  name,
  properties: { priority, action: { type }, rules },
});

export function parse(properties: Json): AzureFirewall {
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

export const network = (name: string, rest: Json = {}): Json => ({
  name,
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['*'],
  destinationPorts: ['443'],
  ...rest,
});

export const article = parse({
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
