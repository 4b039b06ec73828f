// The resource types the API has, and the namespaces it answers for.

import { firewallPolicies } from './firewall-policies.ts';
import { firewalls } from './firewalls.ts';
import { ipGroups } from './ip-groups.ts';
import { publicIps } from './public-ips.ts';
import type { ResourceKind } from './resource-kind.ts';
import { routeTables } from './route-tables.ts';
import { ruleCollectionGroups } from './rule-collection-groups.ts';
import { virtualNetworks } from './virtual-networks.ts';

export const KINDS: readonly ResourceKind[] = [
  firewalls,
  virtualNetworks,
  routeTables,
  publicIps,
  ipGroups,
  firewallPolicies,
  ruleCollectionGroups,
];

/** Provider namespaces with the types each one answers for. */
export const PROVIDERS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'Microsoft.Network',
    [
      ...KINDS.flatMap(kind => (kind.child ? [kind.type, kind.child.type] : [kind.type])),
      'Microsoft.Network/azureFirewallFqdnTags',
      'Microsoft.Network/locations',
      'Microsoft.Network/locations/serviceTags',
      'Microsoft.Network/locations/operations',
    ].map(type => type.slice('Microsoft.Network/'.length)),
  ],
  ['Microsoft.Resources', ['subscriptions', 'resourceGroups']],
]);

export function kindOfType(type: string): ResourceKind | undefined {
  return KINDS.find(kind => kind.type.toLowerCase() === type.toLowerCase());
}

export function providerNamed(name: string): readonly [string, readonly string[]] | undefined {
  return [...PROVIDERS].find(([provider]) => provider.toLowerCase() === name.toLowerCase());
}
