// The compact form of Azure's service tags: one header line of JSON, then one line a tag, fields parted by tabs, prefixes
// by spaces. Reading splits lines only; a tag's fields are parsed when somebody asks for the tag. What is
// kept are names, numbers and prefixes, enough to print the list in the shape of Azure's API. Pure.

import { type Ipv4Range, mergeRanges, parsePrefix } from '#net/ipv4.ts';
import { BadFactsFile, readLines } from './compact-file.ts';

const FORMAT = 'postern-service-tags-1';

export interface ServiceTagHeader {
  readonly cloud: string;
  readonly changeNumber: number;
  /** Where the file came from, in words. */
  readonly origin: string;
  /** Day of the data, `YYYY-MM-DD`. */
  readonly date: string;
}

export interface ServiceTag {
  readonly name: string;
  readonly changeNumber: number;
  /** Empty for a tag that is not of one region. */
  readonly region: string;
  readonly regionId: number;
  readonly systemService: string;
  /** Who can use the tag: `API`, `NSG`, `UDR`, `FW`, `VSE`. */
  readonly networkFeatures: readonly string[];
  /** IPv4 and IPv6, in the order of the file. */
  readonly prefixes: readonly string[];
}

export interface ServiceTagTable {
  readonly header: ServiceTagHeader;
  readonly names: readonly string[];
  /** The published spelling. Names are matched without regard to case. */
  nameOf(name: string): string | undefined;
  find(name: string): ServiceTag | undefined;
}

/** What rules can match of a tag: its IPv4 addresses, merged. */
export function ipv4RangesOf(tag: ServiceTag): Ipv4Range[] {
  return mergeRanges(tag.prefixes.flatMap(text => parsePrefix(text) ?? []));
}

export function toServiceTagTable(header: ServiceTagHeader, tags: readonly ServiceTag[]): ServiceTagTable {
  const byName = new Map(tags.map(tag => [tag.name.toLowerCase(), tag]));
  return {
    header,
    names: tags.map(tag => tag.name),
    nameOf: name => byName.get(name.toLowerCase())?.name,
    find: name => byName.get(name.toLowerCase()),
  };
}

export function printServiceTags(table: ServiceTagTable): string {
  const lines = table.names.map(name => {
    const tag = table.find(name) as ServiceTag;
    const features = tag.networkFeatures.join(',');
    return [
      ...[tag.name, tag.changeNumber, tag.region, tag.regionId, tag.systemService, features],
      tag.prefixes.join(' '),
    ].join('\t');
  });
  const header = JSON.stringify({ format: FORMAT, tags: lines.length, ...table.header });
  return `${[header, ...lines].join('\n')}\n`;
}

/** Throws `BadFactsFile`. */
export function parseServiceTags(text: string): ServiceTagTable {
  const { header, lines } = readLines(text, FORMAT);
  if (header.tags !== lines.length)
    throw new BadFactsFile(`it should hold ${header.tags} tags and holds ${lines.length}`);
  const lineOf = new Map<string, string>();
  const names = lines.map(line => {
    const name = line.slice(0, line.indexOf('\t'));
    lineOf.set(name.toLowerCase(), line);
    return name;
  });
  return {
    header: {
      cloud: String(header.cloud),
      changeNumber: Number(header.changeNumber),
      origin: String(header.origin),
      date: String(header.date),
    },
    names,
    nameOf: name => {
      const line = lineOf.get(name.toLowerCase());
      return line?.slice(0, line.indexOf('\t'));
    },
    find: name => {
      const line = lineOf.get(name.toLowerCase());
      return line === undefined ? undefined : parseLine(line);
    },
  };
}

function parseLine(line: string): ServiceTag {
  const [name = '', changeNumber, region = '', regionId, systemService = '', features = '', prefixes = ''] =
    line.split('\t');
  return {
    name,
    changeNumber: Number(changeNumber),
    region,
    regionId: Number(regionId),
    systemService,
    networkFeatures: features === '' ? [] : features.split(','),
    prefixes: prefixes === '' ? [] : prefixes.split(' '),
  };
}
