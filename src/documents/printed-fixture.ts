// A firewall, its public IP, a policy and a group of its rules, as the Azure CLI prints them, for tests.

export const NETWORK =
  '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network';
export const publicIp = {
  id: `${NETWORK}/publicIPAddresses/ip`,
  name: 'ip',
  type: 'Microsoft.Network/publicIPAddresses',
  location: 'eastus',
  resourceGroup: 'rg',
  sku: { name: 'Standard', tier: 'Regional' },
  ipAddress: '20.1.2.3',
  zones: null,
};
export const firewall = {
  id: `${NETWORK}/azureFirewalls/fw`,
  name: 'fw',
  type: 'Microsoft.Network/azureFirewalls',
  location: 'eastus',
  resourceGroup: 'rg',
  sku: { name: 'AZFW_VNet', tier: 'Standard' },
  threatIntelMode: 'Alert',
  firewallPolicy: null,
  ipConfigurations: [
    {
      id: `${NETWORK}/azureFirewalls/fw/azureFirewallIpConfigurations/c`,
      name: 'c',
      resourceGroup: 'rg',
      privateIPAddress: '10.42.2.4',
      publicIPAddress: { id: publicIp.id, resourceGroup: 'rg' },
    },
  ],
  networkRuleCollections: [
    {
      name: 'net',
      resourceGroup: 'rg',
      priority: 100,
      action: { type: 'Allow' },
      rules: [{ name: 'r', protocols: ['TCP'] }],
    },
  ],
};
export const policy = {
  id: `${NETWORK}/firewallPolicies/child`,
  name: 'child',
  type: 'Microsoft.Network/firewallPolicies',
  location: 'eastus',
  resourceGroup: 'rg',
  identity: null,
  sku: { tier: 'Standard' },
  basePolicy: { id: `${NETWORK}/firewallPolicies/base`, resourceGroup: 'rg' },
  childPolicies: [{ id: `${NETWORK}/firewallPolicies/not-needed`, resourceGroup: 'rg' }],
  firewalls: [{ id: firewall.id, resourceGroup: 'rg' }],
  ruleCollectionGroups: [
    { id: `${NETWORK}/firewallPolicies/child/ruleCollectionGroups/DefaultGroup`, resourceGroup: 'rg' },
  ],
};
export const ruleCollectionGroup = {
  id: `${NETWORK}/firewallPolicies/child/ruleCollectionGroups/DefaultGroup`,
  name: 'DefaultGroup',
  type: 'Microsoft.Network/FirewallPolicies/RuleCollectionGroups',
  resourceGroup: 'rg',
  priority: 100,
  ruleCollections: [
    {
      ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
      name: 'net',
      priority: 100,
      action: { type: 'Allow' },
      rules: [
        {
          ruleType: 'NetworkRule',
          name: 'r',
          destinationFqdns: null,
          sourceIpGroups: [`${NETWORK}/ipGroups/office`],
        },
      ],
    },
  ],
};
