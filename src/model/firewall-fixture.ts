// A firewall document that is right in every respect, to be spoiled in one by a test.

import assert from 'node:assert/strict';
import { parseIpv4 } from '#net/ipv4.ts';
import { type FirewallLookup, parseAzureFirewall } from './firewall.ts';

export const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
export const PIP = `${SCOPE}/publicIPAddresses/pip`;
export const GROUP = `${SCOPE}/ipGroups/office`;

export const tags = ['AzureCloud', 'AzureCloud.eastus', 'Storage'];
export const lookup: FirewallLookup = {
  serviceTagName: name => tags.find(tag => tag.toLowerCase() === name.toLowerCase()),
  fqdnTagName: name =>
    name.toLowerCase() === 'azurekubernetesservice' ? 'AzureKubernetesService' : undefined,
  hasIpGroup: id => id === GROUP,
  publicAddressOf: id => (id === PIP ? parseIpv4('20.1.1.1') : undefined),
};

export type Json = Record<string, unknown>;
export const networkRule = (rest: Json = {}): Json => ({
  name: 'r',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['1.2.3.4'],
  destinationPorts: ['443'],
  ...rest,
});
export const applicationRule = (rest: Json = {}): Json => ({
  name: 'r',
  sourceAddresses: ['*'],
  protocols: [{ protocolType: 'Https', port: 443 }],
  targetFqdns: ['example.org'],
  ...rest,
});
export const natRule = (rest: Json = {}): Json => ({
  name: 'r',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['20.1.1.1'],
  destinationPorts: ['80'],
  translatedAddress: '10.42.1.50',
  translatedPort: '80',
  ...rest,
});
export const collection = (rules: Json[], rest: Json = {}, type = 'Allow'): Json => ({
  name: 'c',
  properties: { priority: 100, action: { type }, rules },
  ...rest,
});
export const firewall = (properties: Json, rest: Json = {}): Json => ({
  name: 'fw',
  location: 'eastus',
  properties: {
    additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
    ipConfigurations: [
      {
        name: 'config',
        properties: {
          subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
          publicIPAddress: { id: PIP },
        },
      },
    ],
    ...properties,
  },
  ...rest,
});
export const network = (rest: Json = {}) =>
  firewall({ networkRuleCollections: [collection([networkRule(rest)])] });
export const application = (rest: Json = {}) =>
  firewall({ applicationRuleCollections: [collection([applicationRule(rest)])] });
export const nat = (rest: Json = {}) =>
  firewall({ natRuleCollections: [collection([natRule(rest)], {}, 'Dnat')] });

export const faultsOf = (document: unknown) => parseAzureFirewall(document, lookup).diagnostics ?? [];
export const NETWORK_RULE = 'properties.networkRuleCollections[0].properties.rules[0]';
export const APPLICATION_RULE = 'properties.applicationRuleCollections[0].properties.rules[0]';
export const NAT_RULE = 'properties.natRuleCollections[0].properties.rules[0]';

export function accepted(document: unknown) {
  const parsed = parseAzureFirewall(document, lookup);
  return parsed.firewall ?? assert.fail(JSON.stringify(parsed.diagnostics, null, 1));
}
