// IP groups in the API. A change reaches the firewalls whose rules name the group.

import { JsonReader } from '#arm/json-reader.ts';
import { IP_GROUP_TYPE, readIpGroup } from '#model/ip-group.ts';
import { limitsOf } from '#model/limits.ts';
import { policyOptionsOf } from './options.ts';
import { policyGraph, shownPolicyGraph } from './policy-graph.ts';
import type { ResourceKind } from './resource-kind.ts';

export const ipGroups: ResourceKind = {
  type: IP_GROUP_TYPE,
  deletionRank: 4,

  read({ envelope, reader }, { options }) {
    const properties = reader.object('properties') ?? new JsonReader({}, 'properties', reader.faults);
    reader.finish();
    return { ...envelope, properties: readIpGroup(properties, limitsOf(policyOptionsOf(options))) };
  },

  check() {},

  showProperties({ document }, { store }) {
    const graph = shownPolicyGraph(store);
    const references = (ids: readonly string[]) => ids.map(id => ({ id }));
    return {
      ...document.properties,
      firewalls: references(graph.firewallsWithIpGroup(document.id)),
      firewallPolicies: references(graph.policiesWithIpGroup(document.id)),
    };
  },

  blockDeletion({ id, name }, { store }) {
    const graph = policyGraph(store);
    const policies = graph.policiesWithIpGroup(id);
    if (policies.length > 0)
      // Azure's code: Azure/azure-rest-api-specs#25739.
      return {
        code: 'IpGroupsHasFirewallPolicyReferences',
        message: `IP group ${name} is in use by rule collection groups of ${policies.join(', ')} and cannot be deleted. Remove it from their rules first.`,
        users: [...policies, ...graph.firewallsWithIpGroup(id)],
      };
    const users = graph.firewallsWithIpGroup(id);
    if (users.length === 0) return undefined;
    return {
      code: 'IpGroupInUseCannotBeDeleted',
      message: `IP group ${name} is in use by rules of ${users.join(', ')} and cannot be deleted. Remove it from these rules first.`,
      users,
    };
  },

  affectedFirewalls(after, before, { store }) {
    if (JSON.stringify(after.properties.ipAddresses) === JSON.stringify(before?.properties.ipAddresses))
      return [];
    return policyGraph(store).firewallsWithIpGroup(after.id);
  },
};
