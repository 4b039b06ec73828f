// Makes the compact tables under `data/` from the public sources that `data/README.md` names:
//
//   scripts/node scripts/build-facts.ts ServiceTags_Public.json aks-required-outbound.json hdinsight.txt.gz DATE [FOLDER]
//
// DATE is the day of the service-tag file, `YYYY-MM-DD`. Only names, numbers and prefixes go in, never a source file.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readAksRequirements } from '#facts/aks-import.ts';
import { printAksOutbound } from '#facts/aks-outbound.ts';
import { type FqdnTagLine, printFqdnTags, REGION } from '#facts/fqdn-tag-table.ts';
import { pack } from '#facts/gzip.ts';
import { readServiceTagFile } from '#facts/service-tag-import.ts';
import { printServiceTags } from '#facts/service-tag-table.ts';
import { readArguments, refuse } from './read-arguments.ts';

interface Endpoint {
  readonly fqdn: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
}

const ORIGINS = {
  serviceTags: 'Azure IP ranges and service tags, public cloud, as published by Microsoft',
  fqdnTags: 'Host names that Microsoft documents for Azure Firewall FQDN tags',
  aksOutbound: 'Outbound destinations that Microsoft documents for AKS clusters',
  /** Day of the newest document behind the FQDN tags and the needs of AKS. */
  fqdnTagsDate: '2026-06-18',
};

const USAGE =
  'Usage: scripts/node scripts/build-facts.ts SERVICE-TAGS.json AKS-OUTBOUND.json HDINSIGHT.txt.gz DATE [FOLDER]\n';
const [serviceTagsPath, outboundPath, hdinsightPath, date, folder = 'data', ...beyond] = readArguments(
  USAGE,
  { allowPositionals: true },
).positionals;
if (!serviceTagsPath || !outboundPath || !hdinsightPath || !date || beyond.length > 0)
  refuse(USAGE, 'build-facts: it takes four arguments, or five.');
mkdirSync(folder, { recursive: true });

const table = readServiceTagFile(readFileSync(serviceTagsPath), { origin: ORIGINS.serviceTags, date });
write('service-tags.tsv.gz', pack(printServiceTags(table)), `${table.names.length} service tags`);

const outbound = JSON.parse(readFileSync(outboundPath, 'utf8')) as {
  fqdnTags: Record<string, { completeness: string; entries: Endpoint[] }>;
};
const { fqdnTags } = outbound;
const hdinsight = gunzipSync(readFileSync(hdinsightPath)).toString('utf8').split('\n').filter(isName);
const lines = Object.entries(fqdnTags).flatMap(([tag, { completeness, entries }]) => {
  const more = tag === 'HDInsight' ? hdinsight.map(toHttps) : [];
  return toLines(tag, completeness.replace(/\s+/g, ' '), [...entries, ...more]);
});
write(
  'fqdn-tags.tsv.gz',
  pack(printFqdnTags(ORIGINS.fqdnTags, ORIGINS.fqdnTagsDate, lines)),
  `${new Set(lines.map(line => line.tag)).size} FQDN tags`,
);

const needs = readAksRequirements(outbound, { origin: ORIGINS.aksOutbound, date: ORIGINS.fqdnTagsDate });
write(
  'aks-outbound.json',
  Buffer.from(printAksOutbound(needs)),
  Object.entries(needs.clouds)
    .map(([cloud, { length }]) => `${length} needs in ${cloud}`)
    .join(', '),
);

function toLines(tag: string, note: string, endpoints: readonly Endpoint[]): FqdnTagLine[] {
  const names = new Map<string, Set<string>>();
  for (const { fqdn, port, protocol } of endpoints) {
    const key = `${protocol === 'HTTP' ? 'Http' : 'Https'}:${port}`;
    names.set(key, (names.get(key) ?? new Set()).add(fill(fqdn)));
  }
  if (names.size === 0) names.set('Https:443', new Set());
  return [...names].map(([key, found]) => {
    const [protocol, port] = key.split(':');
    return {
      tag,
      note,
      protocol: protocol as 'Http' | 'Https',
      port: Number(port),
      names: [...found].sort(),
    };
  });
}

/** Placeholders of the documents: a region is filled in when the table is read, a tenant may be any. */
function fill(fqdn: string): string {
  return fqdn
    .replace(/<(location|region|cluster-region-name)>/, REGION)
    .replace('<tenant>', '*')
    .toLowerCase();
}

function isName(line: string): boolean {
  return line !== '' && !line.startsWith('#');
}

function toHttps(fqdn: string): Endpoint {
  return { fqdn: fqdn.trim(), port: 443, protocol: 'HTTPS' };
}

function write(name: string, bytes: Buffer, what: string): void {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  process.stdout.write(`${path}: ${what}, ${bytes.length} bytes\n`);
}
