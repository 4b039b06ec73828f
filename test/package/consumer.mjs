// What a user of the package writes: one policy, a few flows. Runs in Node and in a browser; prints or returns one JSON line.

import { decide, formatIpv4, parsePolicy } from 'postern';

const SCOPE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';

export function check(tags) {
  const policy = {
    id: `${SCOPE}/firewallPolicies/egress`,
    name: 'egress',
    type: 'Microsoft.Network/firewallPolicies',
    location: 'eastus',
    properties: { dnsSettings: { enableProxy: true } },
  };
  const group = {
    id: `${policy.id}/ruleCollectionGroups/base`,
    name: 'base',
    type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
    properties: {
      priority: 200,
      ruleCollections: [
        {
          ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
          name: 'tunnel',
          priority: 100,
          action: { type: 'Allow' },
          rules: [
            {
              ruleType: 'NetworkRule',
              name: 'apiudp',
              ipProtocols: ['UDP'],
              sourceAddresses: ['10.42.1.0/24'],
              destinationAddresses: ['AzureCloud.eastus'],
              destinationPorts: ['1194'],
            },
          ],
        },
        {
          ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
          name: 'images',
          priority: 200,
          action: { type: 'Allow' },
          rules: [
            {
              ruleType: 'ApplicationRule',
              name: 'mcr',
              protocols: [{ protocolType: 'Https', port: 443 }],
              sourceAddresses: ['10.42.1.0/24'],
              targetFqdns: ['mcr.microsoft.com', '*.data.mcr.microsoft.com'],
            },
          ],
        },
      ],
    },
  };
  const parsed = parsePolicy([policy, group], { tags });
  if (parsed.faults) return { faults: parsed.faults };
  const source = '10.42.1.5';
  const https = fqdn => ({
    source,
    destination: '20.61.99.1',
    destinationPort: 443,
    claim: { protocol: 'Https', fqdn },
  });
  const [range] = tags.serviceTag('AzureCloud.eastus');
  const answers = [
    https('mcr.microsoft.com'),
    https('github.com'),
    { source, destination: formatIpv4(range.first), destinationPort: 1194, protocol: 'UDP' },
  ].map(flow => {
    const { action, rule, reason } = decide(parsed.policy, flow);
    return [action, rule?.rule ?? null, reason];
  });
  return { answers, withoutTags: parsePolicy([policy, group]).faults?.length };
}
