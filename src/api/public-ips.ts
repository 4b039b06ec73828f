// Public IP addresses in the API: the address is allocated when the resource is created and kept until it is deleted.

import { ArmError } from '#arm/arm-error.ts';
import { JsonReader } from '#arm/json-reader.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE, readPublicIp, readPublicIpSku } from '#model/public-ip.ts';
import { formatIpv4, parsePrefix } from '#net/ipv4.ts';
import type { ResourceStore } from '#store/resource-store.ts';
import { configurationsWithPublicIp } from './references.ts';
import type { ResourceKind } from './resource-kind.ts';

export const publicIps: ResourceKind = {
  type: PUBLIC_IP_TYPE,
  deletionRank: 3,

  read({ envelope, reader, before }, { store, options }) {
    const sku = readPublicIpSku(reader.object('sku'));
    const zones = reader.texts('zones');
    const properties = reader.object('properties') ?? new JsonReader({}, 'properties', reader.faults);
    reader.unsupported(['extendedLocation']);
    reader.finish();
    const ipAddress = before?.properties.ipAddress ?? allocateAddress(store, options.publicIpPool);
    return {
      ...envelope,
      sku,
      ...(zones === undefined || zones.length === 0 ? {} : { zones }),
      properties: { ...readPublicIp(properties), ipAddress },
    };
  },

  check() {},

  showProperties({ document }, { store }) {
    const [user] = configurationsWithPublicIp(store, document.id);
    return { ...document.properties, ...(user ? { ipConfiguration: { id: user.id } } : {}) };
  },

  blockDeletion({ id }, { store }) {
    const users = configurationsWithPublicIp(store, id).map(user => user.id);
    if (users.length === 0) return undefined;
    return {
      code: 'PublicIPAddressCannotBeDeleted',
      message: `Public IP address ${id} can not be deleted since it is still allocated to ${users.join(', ')}. Remove that IP configuration first.`,
      users,
    };
  },

  affectedFirewalls(after, before, { store }) {
    if (before?.properties.ipAddress === after.properties.ipAddress) return [];
    return configurationsWithPublicIp(store, after.id).map(
      ({ id }) => id.split('/azureFirewallIpConfigurations/')[0] ?? id,
    );
  },
};

/** The lowest free address of the pool, without those that end in .0 or .255, which some networks treat specially. */
export function allocateAddress(store: ResourceStore, pool: readonly string[]): string {
  const taken = new Set(
    store.list({ type: PUBLIC_IP_TYPE }).map(({ document }) => addressOfPublicIp(document)),
  );
  for (const text of pool) {
    const prefix = parsePrefix(text);
    if (prefix === undefined)
      throw new Error(`the pool of public IP addresses holds '${text}', which is no prefix`);
    for (let address = prefix.first; address <= prefix.last; address += 1) {
      const last = address & 255;
      if (last !== 0 && last !== 255 && !taken.has(address)) return formatIpv4(address);
    }
  }
  throw new ArmError(
    400,
    'PublicIPCountLimitReached',
    `All ${taken.size} public IP addresses of the pool (${pool.join(', ')}) are in use; delete one first.`,
  );
}
