// ARM documents to what Azure CLI shows: `properties` flattened into each resource, `resourceGroup` read from each
// id. Spellings that older versions of the CLI printed answer in `--query`, but are never printed.

import { isRecord } from './errors.ts';

const RESOURCE_ID = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\//i;

/** What extension 0.14 printed, to what 1.x and the API say. */
const OLDER_SPELLINGS: Readonly<Record<string, string>> = {
  privateIPAddress: 'privateIpAddress',
  publicIPAddress: 'publicIpAddress',
  publicIPAllocationMethod: 'publicIpAllocationMethod',
  publicIPAddressVersion: 'publicIpAddressVersion',
  privateIPAllocationMethod: 'privateIpAllocationMethod',
};

/** Network resources and their parts. */
export function presentResource(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(presentResource);
  if (!isRecord(value)) return value;
  const { properties, ...rest } = value;
  const flattened = isRecord(properties) ? { ...properties, ...rest } : { ...value };
  const shown: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(flattened)) shown[key] = presentResource(inner);
  return withResourceGroup(shown);
}

/** Resource groups and anything else that Azure CLI shows as the API answers. */
export function presentAsIs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(presentAsIs);
  return isRecord(value) ? withResourceGroup({ ...value }) : value;
}

export function presentGroup(value: unknown): unknown {
  return isRecord(value) ? { managedBy: null, tags: null, ...value } : value;
}

/** Table rows of the results that Azure CLI wraps in one key, such as `publicIp`. */
export function unwrapped(key: string): (result: unknown) => unknown {
  return result => (isRecord(result) && isRecord(result[key]) ? sorted(result[key]) : result);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withResourceGroup(value: Record<string, unknown>): Record<string, unknown> {
  const { id } = value;
  const match = typeof id === 'string' ? RESOURCE_ID.exec(id) : null;
  if (match && !('resourceGroup' in value)) value.resourceGroup = match[1];
  return value;
}

/** Adds the older spellings where `--query` finds them and no printer does. Changes the value it is given. */
export function addOlderSpellings(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) addOlderSpellings(item);
  } else if (isRecord(value)) {
    for (const [key, inner] of Object.entries(value)) {
      addOlderSpellings(inner);
      const older = OLDER_SPELLINGS[key];
      if (older !== undefined && !(older in value)) {
        Object.defineProperty(value, older, { value: inner, enumerable: false });
      }
    }
  }
}
