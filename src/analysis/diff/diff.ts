// What two policies decide differently: the flows, exactly, as disjoint boxes of sources, destinations, services and names,
// each with what decides before and after. Two exactnesses end at the edge of what a policy says: which address has which
// name is not known, so names stand for addresses wherever network rules name them; and a NAT rule's target name is taken to
// resolve. Feeds of threat intelligence count as empty. Bounded: what was not looked at is named.

import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { DENIED, type Outcome, toClauses } from './clauses.ts';
import { type DiffEntry, EntryReader } from './entry.ts';
import { type ComparedClauses, explore } from './explore.ts';
import { findRenames, type Rename } from './renames.ts';
import { commonInOrder } from './sequence.ts';
import type { Service } from './services.ts';
import { compareSettings, type SettingChange } from './settings.ts';
import { Space } from './space.ts';

export type { DestinationNameSet, DiffEntry, DiffKind } from './entry.ts';

export interface DiffOptions {
  /** Whether a flow that is allowed or denied as before, by another rule, is a difference. */
  readonly rules?: boolean;
  /** Entries, at most. */
  readonly maxEntries?: number;
  /** Steps of the comparison, at most; the default takes some seconds. */
  readonly maxWork?: number;
  /** Pairs of names that one address may have, at most. */
  readonly maxNamePairs?: number;
}

export interface PolicyDiff {
  readonly entries: readonly DiffEntry[];
  readonly renamed: readonly Rename[];
  readonly settings: readonly SettingChange[];
  /** What was not looked at, or not to the end; empty when all was. */
  readonly unfinished: readonly Unfinished[];
}

export type Unfinished =
  | { readonly what: 'Services'; readonly services: readonly Service[] }
  | { readonly what: 'AddressesWithTwoNames' };

/** Enough for a person to read and a machine to count; more is a sign that two policies have little in common. */
const MAXIMUM_ENTRIES = 50_000;
const MAXIMUM_WORK = 300_000_000;
const MAXIMUM_NAME_PAIRS = 50_000;

export function diffPolicies(
  a: ResolvedPolicy,
  b: ResolvedPolicy,
  {
    rules = true,
    maxEntries = MAXIMUM_ENTRIES,
    maxWork = MAXIMUM_WORK,
    maxNamePairs = MAXIMUM_NAME_PAIRS,
  }: DiffOptions = {},
): PolicyDiff {
  const settings = compareSettings(a, b);
  const withSnat = JSON.stringify(a.privateRanges) !== JSON.stringify(b.privateRanges);
  const before = toClauses(a, { withSnat });
  const clauses = [...before, ...toClauses(b, { withSnat })];
  const space = new Space(clauses);
  const boxes = clauses.map((_, clause) => space.keys.map(keys => keys[clause]).join('/'));
  const named = clauses.map(({ outcome }, clause) => ({
    rule: outcome.rule,
    content: `${boxes[clause]} ${outcome.action} ${pathText(outcome)} ${outcome.rule === null}`,
  }));
  const renamed = findRenames(named.slice(0, before.length), named.slice(before.length));
  const numbers = new OutcomeNumbers(renamed, rules);
  const outcomes = clauses.map(({ outcome }) => numbers.of(outcome));

  const contents = clauses.map((_, clause) => `${boxes[clause]} ${outcomes[clause]}`);
  const names = space.destinationNames({
    moved: movedClauses(contents, boxes, before.length),
    maxPairs: maxNamePairs,
  });
  const compared: ComparedClauses = {
    firstOfB: before.length,
    count: clauses.length,
    keys: space.keys,
    outcomes,
    denied: numbers.of(DENIED),
  };
  const dimensions = [
    space.services.dimension,
    space.sources.dimension,
    space.destinations.dimension,
    names.dimension,
    space.claims.dimension,
  ];
  const found = explore(compared, dimensions, { maxBoxes: maxEntries, maxWork });
  const reader = new EntryReader(space, names);
  const outcomeOf = (clause: number | undefined) =>
    clause === undefined ? DENIED : (clauses[clause]?.outcome ?? DENIED);
  return {
    entries: found.boxes.map(box => reader.entry(box.sets, outcomeOf(box.before), outcomeOf(box.after))),
    renamed: rules
      ? renamed.filter(({ before: old, after }) => formatRuleRef(old) !== formatRuleRef(after))
      : [],
    settings,
    unfinished: [
      ...found.unfinished.map(set => ({ what: 'Services' as const, services: reader.services(set) })),
      ...(names.pairsLeftOut ? [{ what: 'AddressesWithTwoNames' as const }] : []),
    ],
  };
}

/** Clauses that do not stand in both policies in the same order. */
function movedClauses(contents: readonly string[], boxes: readonly string[], firstOfB: number): Set<number> {
  const reached = (from: number, to: number) => {
    const seen = new Set<string>();
    const list: string[] = [];
    for (let clause = from; clause < to; clause++) {
      if (seen.has(boxes[clause] ?? '')) continue;
      seen.add(boxes[clause] ?? '');
      list.push(contents[clause] ?? '');
    }
    return list;
  };
  const common = new Set(commonInOrder(reached(0, firstOfB), reached(firstOfB, contents.length)));
  return new Set(contents.flatMap((content, clause) => (common.has(content) ? [] : [clause])));
}

/** Outcomes that count as the same have one number. */
class OutcomeNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #oldNames: ReadonlyMap<string, string>;
  readonly #rules: boolean;

  constructor(renamed: readonly Rename[], rules: boolean) {
    this.#oldNames = new Map(
      renamed.map(({ before, after }) => [formatRuleRef(after), formatRuleRef(before)]),
    );
    this.#rules = rules;
  }

  of(outcome: Outcome): number {
    const name = outcome.rule ? formatRuleRef(outcome.rule) : '';
    const rule = this.#rules ? (this.#oldNames.get(name) ?? name) : '';
    const key = `${outcome.action} ${pathText(outcome)} ${rule}`;
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}

function pathText({ path }: Outcome): string {
  if (path.kind === 'nat') return `nat ${path.target} ${path.snat ?? ''}`;
  return path.kind === 'forward' ? `forward ${path.snat ?? ''}` : path.kind;
}
