// A diff for people: what becomes allowed, what becomes denied, what is decided by another rule or goes another way.

import type { AddressSet } from '#ir/policy.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import {
  type AddressTextOptions,
  describeAddresses,
  listed,
  listedNames,
  type SetNames,
} from './address-text.ts';
import type { NamePattern } from './claim-name-text.ts';
import type { Outcome } from './clauses.ts';
import type { PolicyDiff, Unfinished } from './diff.ts';
import type { DestinationNameSet, DiffEntry, DiffKind } from './entry.ts';
import { describeServices } from './service-text.ts';
import { type UnlikeAddresses, unlikeAddressesText } from './unlike-addresses.ts';

export interface DiffTextOptions {
  /** Addresses that no flow may use under both policies; they are not told. */
  readonly unusable: AddressSet;
  /** What sets of addresses are called, where they are called anything. */
  readonly named?: SetNames;
  /** Why some entries may say nothing of the rules. */
  readonly unlike?: UnlikeAddresses | undefined;
  /** Show every entry and every range. */
  readonly all: boolean;
}

/** Entries of each kind, and ranges or names of each entry, that people are shown unless they ask for all. */
const ENTRIES_SHOWN = 40;
const WORDS_SHOWN = 6;

const KINDS: readonly (readonly [DiffKind, string])[] = [
  ['NewlyAllowed', 'Newly allowed'],
  ['NewlyDenied', 'Newly denied'],
  ['Changed', 'Allowed or denied as before, by another rule or in another way'],
];

/** Lines, one by one, since there can be many; `entries` are those of the diff, in order. */
export function* describeDiff(
  diff: PolicyDiff,
  entries: readonly DiffEntry[],
  { unusable, named, unlike, all }: DiffTextOptions,
): Generator<string> {
  const most = all ? Number.POSITIVE_INFINITY : WORDS_SHOWN;
  if (unlike) yield* unlikeAddressesText(unlike);
  for (const [kind, title] of KINDS) {
    const ofKind = entries.filter(entry => entry.kind === kind);
    if (ofKind.length === 0) continue;
    yield `${title}: ${ofKind.length}`;
    for (const entry of all ? ofKind : ofKind.slice(0, ENTRIES_SHOWN)) {
      yield '';
      yield* describeEntry(entry, { unusable, most, named });
    }
    if (!all && ofKind.length > ENTRIES_SHOWN) {
      yield '';
      yield `  and ${ofKind.length - ENTRIES_SHOWN} more; --all shows them.`;
    }
    yield '';
  }
  if (diff.renamed.length > 0) {
    yield `Renamed, and otherwise the same: ${diff.renamed.length}`;
    for (const { before, after } of all ? diff.renamed : diff.renamed.slice(0, ENTRIES_SHOWN))
      yield `  ${formatRuleRef(before)} -> ${formatRuleRef(after)}`;
    if (!all && diff.renamed.length > ENTRIES_SHOWN)
      yield `  and ${diff.renamed.length - ENTRIES_SHOWN} more`;
    yield '';
  }
  if (diff.settings.length > 0) {
    yield `Settings: ${diff.settings.length}`;
    for (const { setting, before, after } of diff.settings) yield `  ${setting}: ${before} -> ${after}`;
    yield '';
  }
  for (const unfinished of diff.unfinished) yield `Not finished: ${describeUnfinished(unfinished)}`;
  yield summaryOf(diff);
}

function summaryOf({ entries, renamed, settings, unfinished }: PolicyDiff): string {
  const found = entries.length + renamed.length + settings.length;
  if (found === 0 && unfinished.length === 0) return 'No difference: both mean the same.';
  const count = (kind: DiffKind) => entries.filter(entry => entry.kind === kind).length;
  const parts = [
    `${count('NewlyAllowed')} newly allowed`,
    `${count('NewlyDenied')} newly denied`,
    `${count('Changed')} otherwise changed`,
    ...(renamed.length > 0 ? [`${renamed.length} renamed`] : []),
    ...(settings.length > 0 ? [`${settings.length} ${settings.length === 1 ? 'setting' : 'settings'}`] : []),
  ];
  return `${parts.join(', ')}${unfinished.length > 0 ? '; not finished' : ''}.`;
}

function* describeEntry(entry: DiffEntry, options: AddressTextOptions): Generator<string> {
  const { most } = options;
  const addresses = (set: AddressSet) => describeAddresses(set, options);
  const services = describeServices(entry.services);
  const outside = services.every(({ side }) => side === 'outside');
  const both = services.length > 1;
  const words = [...new Set(services.map(side => listed(side.words, most)))];
  yield `  from  ${addresses(entry.sources)}${outside ? ' on the Internet' : both ? ', inside and on the Internet' : ''}`;
  const at = describeDestinations(entry, addresses(entry.destinations), most);
  const { claimedNames } = entry;
  if (claimedNames) {
    yield `  to    ${listed(
      claimedNames.map(name => describePattern(name, most)),
      most,
    )}`;
    if (at !== '*') yield `  at    ${at}`;
  } else yield `  to    ${at}`;
  yield `  by    ${words.join('; ')}`;
  yield `  was   ${describeOutcome(entry.before)}`;
  yield `  now   ${describeOutcome(entry.after)}`;
}

function describeDestinations({ destinationNames }: DiffEntry, addresses: string, most: number): string {
  if (!destinationNames) return addresses;
  const { unnamed, except } = destinationNames;
  if (unnamed)
    return except.length === 0 ? addresses : `${addresses}, unless known as ${listedNames(except, most)}`;
  const known = describeNames(destinationNames, most);
  return addresses === '*' ? known : `${known}, within ${addresses}`;
}

function describePattern({ pattern, except }: NamePattern, most: number): string {
  return except.length === 0 ? pattern : `${pattern} (except ${listedNames(except, most)})`;
}

/** Network rules name addresses by names; the addresses are not known here. */
function describeNames({ names, together }: DestinationNameSet, most: number): string {
  const parts = [
    ...(names.length > 0 ? [`the addresses of ${listed(names, most)}`] : []),
    ...together.map(([a, b]) => `addresses that ${listed(a, most)} shares with ${listed(b, most)}`),
  ];
  return listed(parts, most);
}

function describeOutcome({ action, rule, path }: Outcome): string {
  const by = rule === null ? '' : ` by ${formatRuleRef(rule)}`;
  if (action === 'Deny') return rule === null ? 'denied, no rule' : `denied${by}`;
  switch (path.kind) {
    case 'local':
      return 'answered by the DNS proxy';
    case 'nat':
      return `allowed${by}, translated to ${path.target}${path.snat ? ` (${SNAT[path.snat]})` : ''}`;
    case 'forward':
      return `allowed${by}, forwarded${path.snat ? ` (${SNAT[path.snat]})` : ''}`;
    default:
      return `allowed${by}, proxied`;
  }
}

const SNAT = {
  None: "the client's own address",
  PrivateIp: "the firewall's private address",
  PublicIp: 'a public address',
} as const;

function describeUnfinished(unfinished: Unfinished): string {
  if (unfinished.what === 'AddressesWithTwoNames')
    return 'addresses that two names of network rules share were not compared, there are too many pairs.';
  const sides = describeServices(unfinished.services).map(
    ({ side, words }) => `${listed(words, WORDS_SHOWN)}${side === 'outside' ? ' from the Internet' : ''}`,
  );
  return `${sides.join('; ')} not compared, or not to the end.`;
}
