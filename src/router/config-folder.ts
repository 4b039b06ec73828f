// Reads a folder of JSON files as `az ... show -o json` prints them and gives ARM documents. The Azure CLI prints a
// resource with its `properties` lifted to the top and `resourceGroup` added; this puts them back. ARM's own shape
// (as `az rest` or an exported template has it) is taken as it is. Nothing here judges rules: the model does.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type Json } from '#arm/json-reader.ts';
import { parseResourceId, typeOfId } from '#arm/resource-id.ts';
import type { ArmDocument } from '#store/resource-store.ts';

export interface ConfigDocument {
  readonly document: ArmDocument;
  readonly file: string;
}

export interface ConfigFolder {
  readonly documents: readonly ConfigDocument[];
  /** What is wrong, each with its file; with any of them the folder must not be put in force. */
  readonly faults: readonly string[];
}

/** Types a router is configured with, the command that prints each, and the members that stay beside `properties`. */
const TYPES: Readonly<Record<string, { readonly show: string; readonly beside: readonly string[] }>> = {
  'microsoft.network/azurefirewalls': { show: 'network firewall show', beside: ['zones'] },
  'microsoft.network/firewallpolicies': { show: 'network firewall policy show', beside: ['identity'] },
  'microsoft.network/firewallpolicies/rulecollectiongroups': {
    show: 'network firewall policy rule-collection-group show',
    beside: [],
  },
  'microsoft.network/publicipaddresses': { show: 'network public-ip show', beside: ['sku', 'zones'] },
  'microsoft.network/ipgroups': { show: 'network ip-group show', beside: [] },
  'microsoft.network/routetables': { show: 'network route-table show', beside: [] },
  'microsoft.network/virtualnetworks': { show: 'network vnet show', beside: [] },
};

const ENVELOPE = ['id', 'name', 'type', 'location', 'tags', 'etag', 'resourceGroup'];
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

export function readConfigFolder(folder: string): ConfigFolder {
  const documents: ConfigDocument[] = [];
  const faults: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const file = join(folder, name);
    try {
      const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
      for (const item of Array.isArray(value) ? value : [value])
        documents.push({ document: toArmDocument(item), file });
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  // What a file lacks cannot be said while another one is not understood: that may be the one.
  if (faults.length === 0) faults.push(...faultsOfSet(folder, documents));
  return { documents, faults };
}

export function toArmDocument(value: unknown): ArmDocument {
  if (!isObject(value)) throw new Error('expected a JSON object as az ... show -o json prints it');
  const { id, name } = value;
  if (typeof id !== 'string' || typeof name !== 'string')
    throw new Error("'id' and 'name' are missing: print the resource with az ... show -o json");
  const type = typeOf(id);
  const known = TYPES[type.toLowerCase()];
  if (!known)
    throw new Error(
      `resources of type ${type || id} do not configure a router; it takes ${Object.keys(TYPES).join(', ')}`,
    );
  const lifted = isObject(value.properties) ? value : lower(value, [...ENVELOPE, ...known.beside]);
  const properties = lowerChildren(lifted.properties as Json);
  const text = (key: string) => (typeof value[key] === 'string' ? { [key]: value[key] } : {});
  const object = (key: string) => (isObject(lifted[key]) ? { [key]: lifted[key] } : {});
  return {
    id,
    name,
    type,
    ...text('location'),
    ...object('tags'),
    ...object('sku'),
    ...(Array.isArray(lifted.zones) ? { zones: lifted.zones as string[] } : {}),
    properties,
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

/** Drops the members the CLI adds for reading (`resourceGroup` beside an `id`) and nulls, at every depth. */
function stripPrinted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripPrinted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .filter(([key, member]) => member !== null && !(key === 'resourceGroup' && typeof value.id === 'string'))
    .map(([key, member]) => [key, stripPrinted(member)] as const);
  return Object.fromEntries(entries);
}

/** One firewall, and a file for everything it names. */
function faultsOfSet(folder: string, documents: readonly ConfigDocument[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  for (const { document, file } of documents) {
    const other = seen.get(document.id.toLowerCase());
    if (other !== undefined) faults.push(`${file}: ${document.id} is described by ${other} too`);
    seen.set(document.id.toLowerCase(), file);
  }
  const firewalls = documents.filter(
    ({ document }) => document.type.toLowerCase() === 'microsoft.network/azurefirewalls',
  );
  if (firewalls.length === 0) {
    faults.push(
      `${folder}: no firewall. Save it: az network firewall show -g GROUP -n NAME -o json > ${join(folder, 'firewall.json')}`,
    );
  }
  if (firewalls.length > 1)
    faults.push(`${folder}: ${firewalls.length} firewalls; one router serves one firewall`);
  faults.push(...faultsOfReferences(folder, documents, firewalls));
  return faults;
}

/** Everything that the firewall needs, followed from file to file; each thing that no file describes is asked for once. */
function faultsOfReferences(
  folder: string,
  documents: readonly ConfigDocument[],
  firewalls: readonly ConfigDocument[],
): string[] {
  const byId = new Map(documents.map(found => [found.document.id.toLowerCase(), found]));
  const faults = new Set<string>();
  const reached = new Set<ConfigDocument>();
  const queue = [...firewalls];
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (reached.has(next)) continue;
    reached.add(next);
    queue.push(...documents.filter(({ document }) => isGroupOf(document, next.document)));
    for (const id of referencesOf(next.document)) {
      const found = byId.get(id.toLowerCase());
      if (found) queue.push(found);
      else faults.add(`${next.file}: names ${id}, which no file describes. ${howToSave(folder, id)}`);
    }
  }
  return [...faults];
}

function isGroupOf(document: ArmDocument, policy: ArmDocument): boolean {
  return document.id.toLowerCase().startsWith(`${policy.id.toLowerCase()}/rulecollectiongroups/`);
}

function howToSave(folder: string, id: string): string {
  const { resourceGroup = 'GROUP', segments = [] } = parseResourceId(id) ?? {};
  const name = segments.at(-1)?.name ?? '';
  const [parent] = segments;
  const target =
    segments.length > 1 && parent
      ? `-g ${resourceGroup} --policy-name ${parent.name}`
      : `-g ${resourceGroup}`;
  return `Save it: az ${TYPES[typeOf(id).toLowerCase()]?.show} ${target} -n ${name} -o json > ${join(folder, `${name}.json`)}`;
}

/**
 * Ids of the public IPs, IP groups and policies that a document needs. The firewall's subnet is not among them, since the
 * router's own interface stands for it; neither are a policy's children and firewalls, which it does not need.
 */
function referencesOf({ properties }: ArmDocument): string[] {
  const { firewalls: _firewalls, childPolicies: _children, ...needed } = properties;
  return referencedIds(needed);
}

function referencedIds(value: unknown): string[] {
  if (typeof value === 'string') return NEEDED.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(referencedIds);
  return isObject(value) ? Object.values(value).flatMap(referencedIds) : [];
}

const NEEDED =
  /^\/subscriptions\/.*\/Microsoft\.Network\/((publicIPAddresses|ipGroups|firewallPolicies)\/[^/]+|firewallPolicies\/[^/]+\/ruleCollectionGroups\/[^/]+)$/i;

/** `Microsoft.Network/azureFirewalls` of `/subscriptions/.../providers/Microsoft.Network/azureFirewalls/x`; empty for what is no resource. */
function typeOf(id: string): string {
  const parsed = parseResourceId(id);
  return parsed === undefined || parsed.provider === '' ? '' : typeOfId(parsed);
}
