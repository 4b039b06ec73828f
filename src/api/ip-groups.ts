// IP groups in the API. A change reaches the firewalls whose rules name the group.

import { JsonReader } from '#arm/json-reader.ts';
import { IP_GROUP_TYPE, readIpGroup } from '#model/ip-group.ts';
import { firewallsWithIpGroup } from './references.ts';
import type { ResourceKind } from './resource-kind.ts';

export const ipGroups: ResourceKind = {
  type: IP_GROUP_TYPE,
  deletionRank: 4,

  read({ envelope, reader }) {
    const properties = reader.object('properties') ?? new JsonReader({}, 'properties', reader.faults);
    reader.finish();
    return { ...envelope, properties: readIpGroup(properties) };
  },

  check() {},

  showProperties({ document }, { store }) {
    const firewalls = firewallsWithIpGroup(store, document.id).map(id => ({ id }));
    return { ...document.properties, firewalls, firewallPolicies: [] };
  },

  blockDeletion({ id, name }, { store }) {
    const users = firewallsWithIpGroup(store, id);
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
    return firewallsWithIpGroup(store, after.id);
  },
};
