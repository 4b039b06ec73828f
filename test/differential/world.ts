// The small world in which random policies live: few addresses, names and tags, so that rules overlap and flows hit them.
// Everything is written as text, because the oracle reads texts; `facts` gives the same tags to the real code. Pure.

import type { TagFacts } from '#compiler/resolve-policy.ts';
import type { ThreatListing } from '#ir/decide.ts';
import { parseTagPattern } from '#net/fqdn.ts';
import { type Ipv4Range, includesAddress, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';

export const PRIVATE_IP = '10.42.0.4';
export const PUBLIC_IPS = ['20.1.1.1', '20.1.1.2', '20.1.1.3'] as const;
/** What stands behind the inside interface; one of them is public space that is used privately. */
export const INSIDE_PREFIXES = ['10.42.0.0/16', '192.168.7.0/24', '203.0.113.0/24'] as const;

/** Names of the Internet. Several share addresses; an empty list never resolves. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  'a.example.org': ['192.0.2.1'],
  'b.example.org': ['192.0.2.1', '192.0.2.2'],
  'c.example.org': ['192.0.2.2', '198.51.100.7'],
  'db.example.org': ['10.77.0.5'],
  'both.example.net': ['10.77.0.5', '192.0.2.9'],
  'example.org': ['192.0.2.3'],
  'www.example.org': ['192.0.2.3'],
  'evilexample.org': ['192.0.2.4'],
  'deep.a.example.org': ['198.51.100.8'],
  'api.infra.example': ['192.0.2.5'],
  'bad.example.net': ['192.0.2.6'],
  'mcr.tag.example': ['192.0.2.7'],
  'eu.data.tag.example': ['192.0.2.8'],
  'none.example.org': [],
};
/** Any other name has this address. */
export const ELSEWHERE = '192.0.2.250';

/** Where servers of names stand, so that the server's end owns them. */
export const SERVER_PREFIXES = ['192.0.2.0/24', '198.51.100.0/24', '10.77.0.0/24'] as const;

/** One of them is large enough to stay a set of its own. */
export const SERVICE_TAGS: Readonly<Record<string, readonly string[]>> = {
  AzureCloud: ['192.0.2.0/26', '198.51.100.0/25', '10.77.0.0/28'],
  'AzureCloud.eastus': ['192.0.2.0/28', '198.51.100.64/30', '192.0.2.33-192.0.2.40'],
  Storage: Array.from({ length: 80 }, (_, index) => `198.51.100.${index * 3}-198.51.100.${index * 3 + 1}`),
};

export interface TagService {
  readonly protocol: 'Http' | 'Https';
  readonly port: number;
  readonly name: string;
}

export const FQDN_TAGS: Readonly<Record<string, readonly TagService[]>> = {
  AzureKubernetesService: [
    { protocol: 'Https', port: 443, name: 'mcr.tag.example' },
    { protocol: 'Https', port: 443, name: '*.data.tag.example' },
    { protocol: 'Http', port: 80, name: 'www.example.org' },
  ],
  WindowsUpdate: [
    { protocol: 'Http', port: 80, name: '*.example.net' },
    { protocol: 'Https', port: 443, name: '*.example.net' },
  ],
};

export const THREAT_ADDRESSES = ['198.51.100.66', '192.0.2.128/30', '10.77.0.66'] as const;
export const THREAT_NAMES = ['bad.example.net'] as const;

const spelled = (table: object, name: string): string | undefined =>
  Object.keys(table).find(key => key.toLowerCase() === name.toLowerCase());

const tagRanges = new Map(Object.entries(SERVICE_TAGS).map(([name, texts]) => [name, rangesOf(texts)]));
const tagTargets = new Map(
  Object.entries(FQDN_TAGS).map(([name, services]) => [
    name,
    services.map(({ protocol, port, name: text }) => {
      const pattern = parseTagPattern(text);
      if (pattern === undefined) throw new Error(`not a pattern: ${text}`);
      return { protocol, port, pattern };
    }),
  ]),
);

export const facts: TagFacts = {
  serviceTagName: name => spelled(SERVICE_TAGS, name),
  serviceTag: name => tagRanges.get(spelled(SERVICE_TAGS, name) ?? ''),
  fqdnTagName: name => spelled(FQDN_TAGS, name),
  fqdnTag: name => tagTargets.get(spelled(FQDN_TAGS, name) ?? ''),
};

export const THREAT_RANGES: readonly Ipv4Range[] = rangesOf(THREAT_ADDRESSES);

export const threats: ThreatListing = {
  ofAddress: address => (includesAddress(THREAT_RANGES, address) ? 'a listed address' : undefined),
  ofName: fqdn => (THREAT_NAMES.some(name => name === fqdn) ? 'a listed name' : undefined),
};

const namesByAddress = new Map<number, Set<string>>();
for (const [name, texts] of Object.entries(NAMES))
  for (const text of texts) {
    const address = addressOf(text);
    namesByAddress.set(address, (namesByAddress.get(address) ?? new Set()).add(name));
  }
const NOBODY: ReadonlySet<string> = new Set();

export const namesOfAddress = (address: number): ReadonlySet<string> => namesByAddress.get(address) ?? NOBODY;

export const addressesOfName = (name: string): readonly string[] => NAMES[name] ?? [ELSEWHERE];

export const resolves = (name: string): boolean => addressesOfName(name).length > 0;

export function addressOf(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

function rangesOf(texts: readonly string[]): Ipv4Range[] {
  return mergeRanges(
    texts.map(text => {
      const range = parseRange(text);
      if (range === undefined) throw new Error(`not a range: ${text}`);
      return range;
    }),
  );
}
