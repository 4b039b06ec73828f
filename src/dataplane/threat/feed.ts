// The text of one threat-intelligence feed: an address, prefix, range or name a line, then optionally a tab and what
// is known about it; `#` starts a comment. Pure. Every line that is none of these is a problem with its number; what
// follows from problems is the caller's decision.

import ipaddr from 'ipaddr.js';
import { parseFqdn } from '#net/fqdn.ts';
import { type Ipv4Range, parseRange } from '#net/ipv4.ts';

export interface Feed {
  readonly networks: readonly { readonly range: Ipv4Range; readonly description: string }[];
  /** Exact names; a name does not stand for the names below it. */
  readonly names: ReadonlyMap<string, string>;
  /** `*.example.org` as `example.org`: every name below it. */
  readonly suffixes: ReadonlyMap<string, string>;
  /** Valid IPv6 networks, kept as written: the data plane denies IPv6 altogether. */
  readonly ipv6Networks: readonly string[];
  readonly problems: readonly FeedProblem[];
}

export interface FeedProblem {
  readonly line: number;
  readonly message: string;
}

/** `defaultDescription` stands where a line brings none. */
export function parseFeed(text: string, defaultDescription: string): Feed {
  const networks: { range: Ipv4Range; description: string }[] = [];
  const names = new Map<string, string>();
  const suffixes = new Map<string, string>();
  const ipv6Networks: string[] = [];
  const problems: FeedProblem[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    const content = withoutComment(line);
    if (content === '') continue;
    const tab = content.indexOf('\t');
    const entry = (tab < 0 ? content : content.slice(0, tab)).trim();
    const description = (tab < 0 ? '' : content.slice(tab + 1).trim()) || defaultDescription;
    const range = parseRange(entry);
    if (range) {
      if (range.first === 0 && range.last === 0xffffffff)
        problems.push({ line: number, message: `'${entry}' is every address there is.` });
      else networks.push({ range, description });
    } else if (entry.includes(':')) {
      if (isIpv6Network(entry)) ipv6Networks.push(entry);
      else problems.push({ line: number, message: `'${shorten(entry)}' is not an IPv6 network.` });
    } else {
      const wildcard = entry.startsWith('*.');
      const name = isAlmostAddress(entry) ? undefined : parseFqdn(wildcard ? entry.slice(2) : entry);
      if (name === undefined)
        problems.push({
          line: number,
          message: `'${shorten(entry)}' is neither an address, a prefix nor a name.`,
        });
      else (wildcard ? suffixes : names).set(name, description);
    }
  }
  return { networks, names, suffixes, ipv6Networks, problems };
}

function withoutComment(line: string): string {
  const hash = line.indexOf('#');
  return (hash < 0 ? line : line.slice(0, hash)).trim();
}

/** Digits, dots and slashes only: a mistyped address, never the name that its letters would spell. */
function isAlmostAddress(entry: string): boolean {
  return /^[\d./-]+$/.test(entry);
}

function isIpv6Network(entry: string): boolean {
  if (!entry.includes('/')) return ipaddr.IPv6.isValid(entry);
  return ipaddr.IPv6.isValidCIDR(entry) && !entry.endsWith('/0');
}

function shorten(entry: string): string {
  return entry.length > 60 ? `${entry.slice(0, 57)}...` : entry;
}
