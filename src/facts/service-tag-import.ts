// Judging a newer service-tag file before it replaces the one in use. A rule that allows a tag allows what the file says,
// so a file that is cut off, that holds the whole Internet, or that loses most of a tag that rules name, is refused.

import ipaddr from 'ipaddr.js';
import { countAddresses, intersectRanges } from '#net/ipv4.ts';
import { BadFactsFile } from './compact-file.ts';
import { isCompactForm, unpack } from './gzip.ts';
import {
  ipv4RangesOf,
  parseServiceTags,
  type ServiceTag,
  type ServiceTagHeader,
  type ServiceTagTable,
  toServiceTagTable,
} from './service-tag-table.ts';

/** A file of this size is not a service-tag file; Microsoft's has 4 MB. */
export const MAXIMUM_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Microsoft's `ServiceTags_Public_<date>.json`, or the compact form. Throws `BadFactsFile` for whatever is not a
 * complete table, with what is wrong and where.
 */
export function readServiceTagFile(
  bytes: Uint8Array,
  source: Pick<ServiceTagHeader, 'origin' | 'date'>,
): ServiceTagTable {
  const table = isCompactForm(bytes) ? parseServiceTags(unpack(bytes)) : readDownload(bytes, source);
  if (table.names.length === 0) throw new BadFactsFile('it holds no service tag');
  const seen = new Set<string>();
  for (const name of table.names) {
    if (seen.has(name.toLowerCase())) throw new BadFactsFile(`it holds service tag '${name}' twice`);
    seen.add(name.toLowerCase());
    const bad = table.find(name)?.prefixes.find(prefix => !isPrefix(prefix));
    if (bad !== undefined) throw new BadFactsFile(`service tag '${name}' holds '${bad}', which is no prefix`);
  }
  return table;
}

function readDownload(bytes: Uint8Array, source: Pick<ServiceTagHeader, 'origin' | 'date'>): ServiceTagTable {
  let document: unknown;
  try {
    document = JSON.parse(
      Buffer.from(bytes)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    );
  } catch (cause) {
    throw new BadFactsFile(`it is not complete JSON: ${(cause as Error).message}`, { cause });
  }
  const { changeNumber, cloud, values } = asRecord(document, 'the file');
  if (!Array.isArray(values)) throw new BadFactsFile("it has no list 'values'");
  if (!Number.isInteger(changeNumber)) throw new BadFactsFile("it has no whole number 'changeNumber'");
  const header = { cloud: asText(cloud, "'cloud'"), changeNumber: changeNumber as number, ...source };
  return toServiceTagTable(
    header,
    values.map((value, index) => readTag(value, `values[${index}]`)),
  );
}

function readTag(value: unknown, path: string): ServiceTag {
  const { name, properties } = asRecord(value, path);
  const { changeNumber, region, regionId, systemService, addressPrefixes, networkFeatures } = asRecord(
    properties,
    `${path}.properties`,
  );
  return {
    name: asText(name, `${path}.name`),
    changeNumber: Number(changeNumber ?? 0),
    region: region === undefined ? '' : asText(region, `${path}.properties.region`),
    regionId: Number(regionId ?? 0),
    systemService:
      systemService === undefined ? '' : asText(systemService, `${path}.properties.systemService`),
    networkFeatures: asTexts(networkFeatures ?? [], `${path}.properties.networkFeatures`),
    prefixes: asTexts(addressPrefixes, `${path}.properties.addressPrefixes`),
  };
}

/** A tag that covers half of all addresses is no tag, however it is written. */
const HALF_OF_ALL = 2 ** 31;

/** Why the table should not replace the current one; empty if it may. `--force` overrides these, and only these. */
export function objectionsTo(
  next: ServiceTagTable,
  current: ServiceTagTable,
  tagsInUse: Iterable<string>,
): string[] {
  const objections: string[] = [];
  for (const name of next.names) {
    const tag = next.find(name) as ServiceTag;
    const whole = tag.prefixes.find(prefix => /\/0+$/.test(prefix));
    if (whole !== undefined) objections.push(`service tag '${name}' holds ${whole}, the whole Internet`);
    else if (countAddresses(ipv4RangesOf(tag)) >= HALF_OF_ALL)
      objections.push(`service tag '${name}' covers half of the Internet or more`);
  }
  for (const name of new Set(tagsInUse)) {
    const before = current.find(name);
    if (!before) continue;
    const after = next.find(name);
    if (!after) objections.push(`service tag '${name}', which rules use, is gone`);
    else if (losesMoreThanHalf(before, after))
      objections.push(
        `service tag '${name}', which rules use, loses more than half: ` +
          `${before.prefixes.length} prefixes become ${after.prefixes.length}`,
      );
  }
  return objections;
}

/** By addresses; by prefixes too if any address is lost, so that a merged list of the same addresses passes. */
function losesMoreThanHalf(before: ServiceTag, after: ServiceTag): boolean {
  const had = ipv4RangesOf(before);
  const total = countAddresses(had);
  const kept = countAddresses(intersectRanges(had, ipv4RangesOf(after)));
  return kept * 2 < total || (kept < total && after.prefixes.length * 2 < before.prefixes.length);
}

function isPrefix(text: string): boolean {
  return text.includes(':') ? ipaddr.IPv6.isValidCIDR(text) : ipaddr.IPv4.isValidCIDRFourPartDecimal(text);
}

function asRecord(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new BadFactsFile(`${path} is not an object`);
}

/** The compact form parts its fields by tabs and its prefixes by spaces. */
function asText(value: unknown, path: string): string {
  if (typeof value === 'string' && !/[\t\n\r]/.test(value)) return value;
  throw new BadFactsFile(`${path} is not a plain string`);
}

function asTexts(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.map((item, index) => asText(item, `${path}[${index}]`));
  throw new BadFactsFile(`${path} is not a list of strings`);
}
