// Reads a folder of JSON files as `az ... show -o json` prints them and says what is missing before a router can be
// configured with it. Nothing here judges rules: the model does.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '#arm/json-reader.ts';
import { toArmDocument } from '#documents/arm-shape.ts';
import { saveCommandOf } from '#documents/save-command.ts';
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
  const save = saveCommandOf(id);
  return save ? `Save it: ${save.command} > ${join(folder, save.file)}` : '';
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
