// The tables that are in use: the shipped ones, unless the state folder holds newer service tags.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AksOutbound, parseAksOutbound } from './aks-outbound.ts';
import { parseFqdnTags } from './fqdn-tag-table.ts';
import { unpack } from './gzip.ts';
import { parseServiceTags } from './service-tag-table.ts';
import { type Facts, toFacts } from './to-facts.ts';

export type { FqdnTagEntry } from './fqdn-tag-table.ts';
export type { Facts, ServiceTagInformation, ServiceTagsListResult } from './to-facts.ts';

const SHIPPED = join(import.meta.dirname, '../../data');
const SERVICE_TAGS_FILE = 'service-tags.tsv.gz';
const FQDN_TAGS_FILE = 'fqdn-tags.tsv.gz';
const AKS_OUTBOUND_FILE = 'aks-outbound.json';

/** Where `postern tags import` puts a newer table. */
export function importedServiceTagsPath(stateFolder: string): string {
  return join(stateFolder, 'tags', SERVICE_TAGS_FILE);
}

/** With a state folder, imported service tags win over the shipped ones. Throws `BadFactsFile` for a broken file. */
export function loadFacts(stateFolder?: string): Facts {
  const imported = stateFolder === undefined ? undefined : importedServiceTagsPath(stateFolder);
  const bytes =
    (imported === undefined ? undefined : readIfPresent(imported)) ??
    readFileSync(join(SHIPPED, SERVICE_TAGS_FILE));
  const fqdnTags = unpack(readFileSync(join(SHIPPED, FQDN_TAGS_FILE)));
  return toFacts(parseServiceTags(unpack(bytes)), parseFqdnTags(fqdnTags));
}

/** What AKS clusters need, as shipped. */
export function loadAksOutbound(): AksOutbound {
  return parseAksOutbound(readFileSync(join(SHIPPED, AKS_OUTBOUND_FILE), 'utf8'));
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
