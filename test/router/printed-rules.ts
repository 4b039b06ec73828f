// The files of a router's configuration folder as the Azure CLI prints them: a firewall, its public IPs, a policy and its groups.

import { PUBLIC, WEB } from './router-net.ts';

type Json = Readonly<Record<string, unknown>>;

const GROUP =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network';
export const FIREWALL_ID = `${GROUP}/azureFirewalls/fw`;

/** What `az network public-ip show` prints. */
export function publicIp(name: string, address: string): Json {
  return {
    id: `${GROUP}/publicIPAddresses/${name}`,
    name,
    type: 'Microsoft.Network/publicIPAddresses',
    location: 'eastus',
    resourceGroup: 'rg',
    provisioningState: 'Succeeded',
    publicIPAllocationMethod: 'Static',
    publicIPAddressVersion: 'IPv4',
    ipAddress: address,
    sku: { name: 'Standard', tier: 'Regional' },
    zones: null,
  };
}

export interface Rules {
  readonly network?: readonly Json[];
  readonly application?: readonly Json[];
  readonly nat?: readonly Json[];
  readonly threatIntelMode?: string;
  readonly publicIps?: readonly string[];
  readonly privateAddress?: string;
}

/** What `az network firewall show` prints. */
export function firewall({
  network = [],
  application = [],
  nat = [],
  threatIntelMode = 'Alert',
  publicIps = ['ip'],
  privateAddress = '10.42.2.4',
}: Rules): Json {
  const collection = (name: string, rules: readonly Json[], type: string) =>
    rules.length === 0
      ? []
      : [
          {
            name,
            id: `${FIREWALL_ID}/collections/${name}`,
            resourceGroup: 'rg',
            priority: 200,
            provisioningState: 'Succeeded',
            action: { type },
            rules,
          },
        ];
  return {
    id: FIREWALL_ID,
    name: 'fw',
    type: 'Microsoft.Network/azureFirewalls',
    location: 'eastus',
    resourceGroup: 'rg',
    provisioningState: 'Succeeded',
    sku: { name: 'AZFW_VNet', tier: 'Standard' },
    threatIntelMode,
    additionalProperties: { 'Network.DNS.EnableProxy': 'true' },
    firewallPolicy: null,
    managementIpConfiguration: null,
    ipConfigurations: publicIps.map((name, index) => ({
      name: `config-${name}`,
      id: `${FIREWALL_ID}/azureFirewallIpConfigurations/config-${name}`,
      resourceGroup: 'rg',
      provisioningState: 'Succeeded',
      publicIPAddress: { id: `${GROUP}/publicIPAddresses/${name}`, resourceGroup: 'rg' },
      ...(index === 0 && {
        privateIPAddress: privateAddress,
        subnet: { id: `${GROUP}/virtualNetworks/v/subnets/AzureFirewallSubnet`, resourceGroup: 'rg' },
      }),
    })),
    networkRuleCollections: collection('net', network, 'Allow'),
    applicationRuleCollections: collection('app', application, 'Allow'),
    natRuleCollections: collection('nat', nat, 'Dnat'),
  };
}

export const POLICY_ID = `${GROUP}/firewallPolicies/team`;

/** What `az network firewall policy show` prints. */
export function policy(name: string): Json {
  return {
    id: `${GROUP}/firewallPolicies/${name}`,
    name,
    type: 'Microsoft.Network/FirewallPolicies',
    location: 'eastus',
    resourceGroup: 'rg',
    provisioningState: 'Succeeded',
    sku: { tier: 'Standard' },
    threatIntelMode: 'Alert',
    basePolicy: null,
    childPolicies: [],
    firewalls: [],
    ruleCollectionGroups: [],
  };
}

/** What `az network firewall policy rule-collection-group show` prints. */
export function policyGroup(
  policyName: string,
  name: string,
  priority: number,
  ruleCollections: readonly Json[],
): Json {
  return {
    id: `${GROUP}/firewallPolicies/${policyName}/ruleCollectionGroups/${name}`,
    name,
    type: 'Microsoft.Network/FirewallPolicies/RuleCollectionGroups',
    resourceGroup: 'rg',
    provisioningState: 'Succeeded',
    priority,
    ruleCollections,
  };
}

export const networkRule = (name: string, rest: Json): Json => ({
  name,
  protocols: ['TCP'],
  sourceAddresses: ['10.42.0.0/16'],
  destinationPorts: ['*'],
  ...rest,
});

export const applicationRule = (name: string, targetFqdns: readonly string[], rest: Json = {}): Json => ({
  name,
  sourceAddresses: ['*'],
  protocols: [
    { protocolType: 'Http', port: 80 },
    { protocolType: 'Https', port: 443 },
  ],
  targetFqdns,
  ...rest,
});

/** Leads a port of the first public address to the web server inside. */
export const webBehind = (port: string): Json => ({
  name: 'web',
  protocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: [PUBLIC[0]],
  destinationPorts: [port],
  translatedAddress: WEB,
  translatedPort: '8080',
});
