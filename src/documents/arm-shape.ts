// What the Azure CLI prints, back to what ARM holds. `az ... show -o json` lifts a resource's `properties` to the top and adds
// `resourceGroup`; this undoes both, in the children that live inside a resource too. ARM's own shape (`az rest`, `az resource
// show`, a template) is taken as it is. Nothing here judges rules: the model does.

import type { ArmDocument } from '#arm/arm-document.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import { parseResourceId, typeOfId } from '#arm/resource-id.ts';

interface PrintedType {
  /** The command that prints one, for advice. */
  readonly show: string;
  /** Members that stand beside `properties` and not in it, further to those of every resource. */
  readonly beside: readonly string[];
}

/** The types that say what a firewall does, by their name in lower case. */
const TYPES: Readonly<Record<string, PrintedType>> = {
  'microsoft.network/azurefirewalls': {
    show: 'network firewall show',
    beside: ['zones', 'extendedLocation'],
  },
  'microsoft.network/firewallpolicies': { show: 'network firewall policy show', beside: ['identity'] },
  'microsoft.network/firewallpolicies/rulecollectiongroups': {
    show: 'network firewall policy rule-collection-group show',
    beside: [],
  },
  'microsoft.network/publicipaddresses': {
    show: 'network public-ip show',
    beside: ['sku', 'zones', 'extendedLocation'],
  },
  'microsoft.network/ipgroups': { show: 'network ip-group show', beside: [] },
  'microsoft.network/routetables': { show: 'network route-table show', beside: [] },
  'microsoft.network/virtualnetworks': { show: 'network vnet show', beside: ['extendedLocation'] },
};

const ENVELOPE = ['id', 'name', 'type', 'location', 'tags', 'etag', 'resourceGroup', 'systemData'];
const CHILD_ENVELOPE = ['id', 'name', 'type', 'etag', 'resourceGroup'];

/** Members that are lists of child resources, which the CLI flattens too. */
const CHILD_LISTS = [
  'ipConfigurations',
  'applicationRuleCollections',
  'natRuleCollections',
  'networkRuleCollections',
  'routes',
  'subnets',
];

/** Older versions of az print these in Python's way of writing names. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = {
  privateIpAddress: 'privateIPAddress',
  publicIpAddress: 'publicIPAddress',
  hubIpAddresses: 'hubIPAddresses',
  terminateTls: 'terminateTLS',
};

/** Whether resources of this type say something about what a firewall does. */
export function isPolicyType(type: string): boolean {
  return Object.hasOwn(TYPES, type.toLowerCase());
}

/** Without `az`: `network firewall show`; undefined for a type that is none of them. */
export function showCommandOf(type: string): string | undefined {
  return isPolicyType(type) ? TYPES[type.toLowerCase()]?.show : undefined;
}

/** `Microsoft.Network/azureFirewalls` of `/subscriptions/.../azureFirewalls/x`; empty for what is no resource. */
export function typeOfResource(id: string): string {
  const parsed = parseResourceId(id);
  return parsed === undefined || parsed.provider === '' ? '' : typeOfId(parsed);
}

/** Of resources that a caller wants besides. */
const OTHER_TYPE: PrintedType = { show: '', beside: ['sku', 'zones', 'extendedLocation', 'identity'] };

/** Throws where the value is no resource of a policy type, nor of one that the caller wants besides, in lower case. */
export function toArmDocument(value: unknown, alsoTypes: readonly string[] = []): ArmDocument {
  if (!isObject(value)) throw new Error('expected a JSON object as az ... show -o json prints it');
  const { id, name } = value;
  if (typeof id !== 'string' || typeof name !== 'string')
    throw new Error("'id' and 'name' are missing: print the resource with az ... show -o json");
  const type = typeOfResource(id);
  const known = isPolicyType(type)
    ? TYPES[type.toLowerCase()]
    : alsoTypes.includes(type.toLowerCase())
      ? OTHER_TYPE
      : undefined;
  if (!known)
    throw new Error(
      type === ''
        ? `'${id}' is not the id of a resource, such as /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/ipGroups/NAME`
        : `resources of type ${type} say nothing about what a firewall does`,
    );
  const lifted = isObject(value.properties) ? value : lower(value, [...ENVELOPE, ...known.beside]);
  const text = (key: string) => (typeof value[key] === 'string' ? { [key]: value[key] } : {});
  const object = (key: string) => (isObject(lifted[key]) ? { [key]: lifted[key] } : {});
  return {
    id,
    name,
    type,
    ...text('location'),
    ...object('tags'),
    ...object('sku'),
    ...(isPolicyType(type) && known.beside.includes('identity') && object('identity')),
    ...(Array.isArray(lifted.zones) ? { zones: lifted.zones as string[] } : {}),
    properties: lowerChildren(lifted.properties as Json),
  } as ArmDocument;
}

/** `{a, b, c}` to `{a, properties: {b, c}}`, where `keep` names what stays outside. Null members are the CLI's way to say absent. */
function lower(value: Json, keep: readonly string[]): Record<string, unknown> {
  const outside: Record<string, unknown> = {};
  const properties: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === null) continue;
    (keep.includes(key) ? outside : properties)[key] = member;
  }
  return { ...outside, properties };
}

function lowerChildren(properties: Json): Json {
  const result: Record<string, unknown> = { ...properties };
  for (const key of CHILD_LISTS) {
    const list = result[key];
    if (!Array.isArray(list)) continue;
    result[key] = list.map(child => {
      if (!isObject(child) || isObject(child.properties)) return child;
      const { resourceGroup: _, ...lowered } = lower(child, CHILD_ENVELOPE);
      return lowered;
    });
  }
  return stripPrinted(result) as Json;
}

/** Drops the members the CLI adds for reading (`resourceGroup` beside an `id`) and nulls, and spells as ARM does, at every depth. */
function stripPrinted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripPrinted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .filter(([key, member]) => member !== null && !(key === 'resourceGroup' && typeof value.id === 'string'))
    .map(([key, member]) => [OTHER_SPELLINGS[key] ?? key, stripPrinted(member)] as const);
  return Object.fromEntries(entries);
}
