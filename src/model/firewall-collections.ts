// What rule collections have in common, of firewalls and of rule collection groups: a name, a priority, an action for all
// their rules, and rules that are named apart. The rules themselves are read by the caller.

import type { PortRange } from '#net/ports.ts';
import { CODES } from './firewall-codes.ts';
import { isResourceName, ObjectReader } from './firewall-reader.ts';
import { type Limits, RULE_NAME_LENGTH } from './limits.ts';

export type RuleKind = 'nat' | 'network' | 'application';

export interface RuleCollection<A extends string, R> {
  readonly name: string;
  readonly priority: number;
  readonly action: A;
  readonly rules: readonly R[];
}

export const TITLES = { nat: 'NAT', network: 'Network', application: 'Application' } as const;
/** What the service adds to a child resource and clients send back unread. */
const READ_ONLY = ['id', 'etag', 'type'];

/** The collections of one kind that a firewall holds itself. */
export function readCollections<A extends string, R>(
  firewall: ObjectReader,
  kind: RuleKind,
  actions: readonly A[],
  limits: Limits,
  readRule: (rule: ObjectReader, name: string) => R,
): RuleCollection<A, R>[] {
  const names = new Set<string>();
  const priorities = new Map<number, string>();
  const found = firewall.list(`${kind}RuleCollections`);
  return found.flatMap(item => {
    const reader = ObjectReader.of(item, `${TITLES[kind]} rule collection`, firewall.faults);
    if (!reader) return [];
    const collection = readCollection(reader, kind, actions, limits, readRule);
    claimName(reader, names, collection.name, `another ${kind} rule collection`);
    const holder = priorities.get(collection.priority);
    if (holder !== undefined)
      firewall.faults.add(
        CODES.duplicatePriority,
        `${item.path}.properties.priority`,
        `${TITLES[kind]} rule collection '${collection.name}': priority ${collection.priority} is taken by '${holder}'.`,
      );
    if (collection.priority > 0) priorities.set(collection.priority, holder ?? collection.name);
    return [collection];
  });
}

function readCollection<A extends string, R>(
  unnamed: ObjectReader,
  kind: RuleKind,
  actions: readonly A[],
  limits: Limits,
  readRule: (rule: ObjectReader, name: string) => R,
): RuleCollection<A, R> {
  const name = unnamed.text('name')?.value ?? '';
  const reader = unnamed.labelled(`${TITLES[kind]} rule collection '${name}'`);
  reader.refuseOthers(['name', 'properties', ...READ_ONLY]);
  checkCollectionName(reader, name, limits);
  const properties = reader.child('properties');
  if (!properties) {
    reader.fault(CODES.format, 'properties', "'properties' is missing.");
    return { name, priority: 0, action: actions[0] as A, rules: [] };
  }
  properties.refuseOthers(['priority', 'action', 'rules', 'provisioningState']);
  const names = new Set<string>();
  return {
    name,
    priority: readPriority(properties, limits),
    action: readAction(properties, actions),
    rules: properties.list('rules').flatMap(item => {
      const rule = ObjectReader.of(item, `${TITLES[kind]} rule in '${name}'`, properties.faults);
      return rule ? [readNamedRule(rule, kind, name, names, readRule)] : [];
    }),
  };
}

export function checkCollectionName(reader: ObjectReader, name: string, limits: Limits): void {
  const { most } = limits.collectionNameLength;
  if (isResourceName(name, most)) return;
  const length = Number.isFinite(most) ? `1 to ${most}` : '1 or more';
  reader.fault(
    CODES.name,
    'name',
    `name '${name}' must be ${length} letters, digits, '_', '.' or '-', ` +
      `begin with a letter or digit and end with a letter, digit or '_'.`,
  );
}

export function readAction<A extends string>(properties: ObjectReader, actions: readonly A[]): A {
  const action = properties.child('action');
  action?.refuseOthers(['type']);
  if (!action?.has('type'))
    properties.fault(
      CODES.format,
      'action',
      `'action.type' is missing, expected one of ${actions.join(', ')}.`,
    );
  return action?.word('type', actions) ?? (actions[0] as A);
}

/** 0 when there is none that can be read. */
export function readPriority(properties: ObjectReader, limits: Limits): number {
  const { first, last } = limits.priority;
  if (!properties.has('priority')) {
    properties.fault(CODES.priority, 'priority', `'priority' is missing, expected ${first} to ${last}.`);
    return 0;
  }
  const priority = properties.integer('priority')?.value;
  if (priority === undefined) return 0;
  if (priority < first || priority > last)
    properties.fault(CODES.priority, 'priority', `priority ${priority} is outside ${first} to ${last}.`);
  return priority;
}

/** `names` are those of the rules before this one in its collection. */
export function readNamedRule<R>(
  unnamed: ObjectReader,
  kind: RuleKind,
  collection: string,
  names: Set<string>,
  readRule: (rule: ObjectReader, name: string) => R,
): R {
  const name = unnamed.text('name')?.value ?? '';
  const rule = unnamed.labelled(`${TITLES[kind]} rule '${collection}/${name}'`);
  if (!isRuleName(name))
    rule.fault(
      CODES.name,
      'name',
      `name '${name}' must be 1 to ${RULE_NAME_LENGTH} printable characters without spaces at its ends.`,
    );
  claimName(rule, names, name, 'another rule of this collection');
  return readRule(rule, name);
}

export function claimName(reader: ObjectReader, names: Set<string>, name: string, other: string): void {
  const key = name.toLowerCase();
  if (names.has(key) && name !== '')
    reader.fault(CODES.duplicateName, 'name', `name '${name}' is used by ${other}.`);
  names.add(key);
}

function isRuleName(name: string): boolean {
  return name.length > 0 && name.length <= RULE_NAME_LENGTH && name.trim() === name && !/\p{Cc}/u.test(name);
}

/** Distinct words in Azure's spelling; at least one. */
export function readWords<W extends string>(rule: ObjectReader, name: string, words: readonly W[]): W[] {
  if (rule.isBlank(name))
    rule.fault(CODES.protocol, name, `no protocol in '${name}', expected ${words.join(', ')}.`);
  const found = rule.texts(name).flatMap(({ value, path }) => {
    const word = words.find(word => word.toLowerCase() === value.toLowerCase());
    if (word !== undefined) return [word];
    rule.faults.add(
      CODES.protocol,
      path,
      `${rule.label}: '${value}' in '${name}' is not one of ${words.join(', ')}.`,
    );
    return [];
  });
  return [...new Set(found)];
}

export function isWithin({ first, last }: PortRange, value: number): boolean {
  return first <= value && value <= last;
}
