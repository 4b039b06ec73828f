// What two policies decide differently: the flows, exactly, as disjoint boxes of sources, destinations, services and names,
// each with what decides before and after. Two exactnesses end at the edge of what a policy says: which address has which
// name is not known, so names stand for addresses wherever network rules name them; and a NAT rule's target name is taken to
// resolve. Feeds of threat intelligence count as empty. Bounded: what was not looked at is named.

import type { AddressSet, ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { type NamePattern, namePatterns } from './claim-name-text.ts';
import { type ClaimDimension, claimDimension } from './claim-names.ts';
import { type Clause, DENIED, type Outcome, toClauses } from './clauses.ts';
import { type DestinationNames, destinationNames, keysOfNames } from './destination-names.ts';
import { type ClassSet, type ComparedClauses, explore } from './explore.ts';
import { type LineDimension, lineDimension } from './line-dimension.ts';
import { findRenames, type Rename } from './renames.ts';
import { commonInOrder } from './sequence.ts';
import { fromServiceLine, SERVICE_LINE_END, type Service, toServiceLine } from './services.ts';
import { compareSettings, type SettingChange } from './settings.ts';

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

export type DiffKind = 'NewlyAllowed' | 'NewlyDenied' | 'Changed';

/** A set of flows. Entries have none in common. */
export interface DiffEntry {
  readonly kind: DiffKind;
  readonly before: Outcome;
  readonly after: Outcome;
  readonly services: readonly Service[];
  readonly sources: AddressSet;
  readonly destinations: AddressSet;
  /** Absent means whatever names the address has. */
  readonly destinationNames?: DestinationNameSet;
  /** What the client must name, for services with a claim. Absent means any name. */
  readonly claimedNames?: readonly NamePattern[];
}

/** Names of the destination, among those that network rules write. */
export interface DestinationNameSet {
  /** Whether addresses belong to it that have none of the names. */
  readonly unnamed: boolean;
  /** Addresses with one of these names and no other. */
  readonly names: readonly string[];
  /** Addresses with a name of the one list and a name of the other, where that is not the same as with one of them. */
  readonly together: readonly (readonly [readonly string[], readonly string[]])[];
  /** With `unnamed`: all names but these. */
  readonly except: readonly string[];
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
const MAXIMUM_ENTRIES = 10_000;
const MAXIMUM_WORK = 300_000_000;
const MAXIMUM_NAME_PAIRS = 50_000;
const ADDRESSES_END = 2 ** 32;

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
  const reader = new SetReader(space, names);
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

/** The five dimensions of both policies together, in the order in which they are explored but for names of destinations. */
class Space {
  readonly services: LineDimension;
  readonly sources: LineDimension;
  readonly destinations: LineDimension;
  readonly claims: ClaimDimension;
  readonly keys: readonly (readonly number[])[];
  readonly #names: readonly (readonly string[] | undefined)[];

  constructor(clauses: readonly Clause[]) {
    this.services = lineDimension(
      clauses.map(clause => ({ any: [toServiceLine(clause)] })),
      SERVICE_LINE_END,
    );
    this.sources = lineDimension(
      clauses.map(({ sources }) => ({ any: [sources] })),
      ADDRESSES_END,
    );
    this.destinations = lineDimension(
      clauses.map(({ destinations, zone }) => ({ any: destinations, within: zone })),
      ADDRESSES_END,
    );
    this.#names = clauses.map(({ names }) => names);
    this.claims = claimDimension(clauses.map(({ targets }) => targets));
    this.keys = [
      this.services.keys,
      this.sources.keys,
      this.destinations.keys,
      keysOfNames(this.#names),
      this.claims.keys,
    ];
  }

  destinationNames(options: Parameters<typeof destinationNames>[1]): DestinationNames {
    return destinationNames(this.#names, options);
  }
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
  if (path.kind === 'nat') return `nat ${path.target}`;
  return path.kind === 'forward' ? `forward ${path.snat ?? ''}` : path.kind;
}

/** From classes back to addresses, ports and names. A set that many entries share is read once. */
class SetReader {
  readonly #space: Space;
  readonly #names: DestinationNames;
  readonly #read = new WeakMap<ClassSet, unknown>();

  constructor(space: Space, names: DestinationNames) {
    this.#space = space;
    this.#names = names;
  }

  entry(sets: readonly ClassSet[], before: Outcome, after: Outcome): DiffEntry {
    const [services, sources, destinations, names, claims] = sets as [
      ClassSet,
      ClassSet,
      ClassSet,
      ClassSet,
      ClassSet,
    ];
    const destinationNames = this.#once(names, () => this.#destinationNames(names));
    const claimedNames = this.#once(claims, () => this.#claimedNames(claims));
    return {
      kind:
        before.action === after.action
          ? 'Changed'
          : after.action === 'Allow'
            ? 'NewlyAllowed'
            : 'NewlyDenied',
      before,
      after,
      services: this.services(services),
      sources: this.#once(sources, () => lineOf(this.#space.sources, sources)),
      destinations: this.#once(destinations, () => lineOf(this.#space.destinations, destinations)),
      ...(destinationNames && { destinationNames }),
      ...(claimedNames && { claimedNames }),
    };
  }

  services(set: ClassSet): readonly Service[] {
    return this.#once(set, () => fromServiceLine(lineOf(this.#space.services, set)));
  }

  #destinationNames(set: ClassSet): DestinationNameSet | undefined {
    const { classes } = this.#names;
    const inSet = members(set, classes.length);
    if (inSet.every(yes => yes)) return undefined;
    const singles = classes.flatMap(({ pair }, id) => (id > 0 && !pair ? [id] : []));
    const namesOf = (id: number) => classes[id]?.names ?? [];
    return {
      unnamed: inSet[0] ?? false,
      names: singles
        .filter(id => inSet[id])
        .flatMap(namesOf)
        .sort(),
      together: classes.flatMap(({ pair }, id) =>
        pair && inSet[id] && !inSet[pair[0]] && !inSet[pair[1]]
          ? [[namesOf(pair[0]), namesOf(pair[1])] as const]
          : [],
      ),
      except: inSet[0]
        ? singles
            .filter(id => !inSet[id])
            .flatMap(namesOf)
            .sort()
        : [],
    };
  }

  #claimedNames(set: ClassSet): readonly NamePattern[] | undefined {
    const { atoms } = this.#space.claims;
    const inSet = members(set, atoms.length);
    if (inSet.every(yes => yes)) return undefined;
    return namePatterns(
      atoms.flatMap((names, id) => (inSet[id] ? names : [])),
      atoms.flatMap((names, id) => (inSet[id] ? [] : names)),
      inSet[0] ?? false,
    );
  }

  #once<T>(set: ClassSet, read: () => T): T {
    if (!this.#read.has(set)) this.#read.set(set, read());
    return this.#read.get(set) as T;
  }
}

function members({ classes, allBut }: ClassSet, count: number): boolean[] {
  const inSet = new Array<boolean>(count).fill(allBut);
  for (const id of classes) inSet[id] = !allBut;
  return inSet;
}

function lineOf({ spans }: LineDimension, set: ClassSet): AddressSet {
  const inSet = members(set, spans.length);
  return mergeRanges(spans.flatMap((pieces, id) => (inSet[id] ? pieces : [])));
}
