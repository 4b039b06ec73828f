// The compact form of Azure Firewall's FQDN tags. Microsoft publishes the names of the tags and, for most of them, only
// documents what they are meant to cover; each tag says what its list is. One header line of JSON, then lines of tag, note,
// protocol, port and names, parted by tabs. Pure.

import { type FqdnPattern, parseTagPattern } from '#net/fqdn.ts';
import { BadFactsFile, readLines } from './compact-file.ts';

const FORMAT = 'postern-fqdn-tags-1';
/** In a name: one name for every region, such as `*.hcp.{region}.azmk8s.io`. */
export const REGION = '{region}';

export interface FqdnTagEntry {
  readonly protocol: 'Http' | 'Https';
  readonly port: number;
  readonly pattern: FqdnPattern;
}

/** One line of the file: the names of a tag under one protocol. A tag nobody has published has a line without names. */
export interface FqdnTagLine {
  readonly tag: string;
  /** How complete the list is, in words. */
  readonly note: string;
  readonly protocol: 'Http' | 'Https';
  readonly port: number;
  readonly names: readonly string[];
}

export interface FqdnTagTable {
  readonly origin: string;
  readonly date: string;
  readonly names: readonly string[];
  /** The lines of a tag; undefined if there is no such tag. Matched without regard to case. */
  find(name: string): readonly FqdnTagLine[] | undefined;
}

export function printFqdnTags(origin: string, date: string, lines: readonly FqdnTagLine[]): string {
  const header = JSON.stringify({ format: FORMAT, lines: lines.length, origin, date });
  const body = lines.map(line =>
    [line.tag, line.note, line.protocol, line.port, line.names.join(' ')].join('\t'),
  );
  return `${[header, ...body].join('\n')}\n`;
}

/** Throws `BadFactsFile`. */
export function parseFqdnTags(text: string): FqdnTagTable {
  const { header, lines } = readLines(text, FORMAT);
  if (header.lines !== lines.length)
    throw new BadFactsFile(`it should hold ${header.lines} lines and holds ${lines.length}`);
  const linesOf = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const line of lines) {
    const tag = line.slice(0, line.indexOf('\t'));
    const key = tag.toLowerCase();
    names.set(key, tag);
    linesOf.set(key, [...(linesOf.get(key) ?? []), line]);
  }
  return {
    origin: String(header.origin),
    date: String(header.date),
    names: [...names.values()],
    find: name => linesOf.get(name.toLowerCase())?.map(parseLine),
  };
}

function parseLine(line: string): FqdnTagLine {
  const [tag = '', note = '', protocol, port, names = ''] = line.split('\t');
  return {
    tag,
    note,
    protocol: protocol === 'Http' ? 'Http' : 'Https',
    port: Number(port),
    names: names === '' ? [] : names.split(' '),
  };
}

/** The names as patterns, those with `{region}` once for each region. */
export function expandFqdnTag(lines: readonly FqdnTagLine[], regions: readonly string[]): FqdnTagEntry[] {
  return lines.flatMap(({ tag, protocol, port, names }) =>
    names
      .flatMap(name => (name.includes(REGION) ? regions.map(region => name.replace(REGION, region)) : [name]))
      .map(name => {
        const pattern = parseTagPattern(name);
        if (!pattern) throw new BadFactsFile(`FQDN tag ${tag} holds '${name}', which is no name`);
        return { protocol, port, pattern };
      }),
  );
}
