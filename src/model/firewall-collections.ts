// What the three kinds of classic rule collections have in common: a name, a priority, an action for all their rules,
// and rules that are named apart. The rules themselves are read by the caller.

import type { PortRange } from '#net/ports.ts';
import { CODES, LIMITS } from './firewall-limits.ts';
import { isResourceName, ObjectReader } from './firewall-reader.ts';

export type RuleKind = 'nat' | 'network' | 'application';

export interface RuleCollection<A extends string, R> {
  readonly name: string;
  readonly priority: number;
  readonly action: A;
  readonly rules: readonly R[];
}

const TITLES = { nat: 'NAT', network: 'Network', application: 'Application' } as const;
/** What the service adds to a child resource and clients send back unread. */
const READ_ONLY = ['id', 'etag', 'type'];

export function readCollections<A extends string, R>(
  firewall: ObjectReader,
  kind: RuleKind,
  actions: readonly A[],
  readRule: (rule: ObjectReader, name: string) => R,
): RuleCollection<A, R>[] {
  const names = new Set<string>();
  const priorities = new Map<number, string>();
  const field = `${kind}RuleCollections`;
  const found = firewall.list(field);
  return found.flatMap(item => {
    const reader = ObjectReader.of(item, `${TITLES[kind]} rule collection`, firewall.faults);
    if (!reader) return [];
    const collection = readCollection(reader, kind, actions, readRule);
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
  readRule: (rule: ObjectReader, name: string) => R,
): RuleCollection<A, R> {
  const name = unnamed.text('name')?.value ?? '';
  const reader = unnamed.labelled(`${TITLES[kind]} rule collection '${name}'`);
  reader.refuseOthers(['name', 'properties', ...READ_ONLY]);
  if (!isResourceName(name))
    reader.fault(
      CODES.name,
      'name',
      `name '${name}' must be 1 to ${LIMITS.collectionNameLength} letters, digits, '_', '.' or '-', ` +
        `begin with a letter or digit and end with a letter, digit or '_'.`,
    );
  const properties = reader.child('properties');
  if (!properties) {
    reader.fault(CODES.format, 'properties', "'properties' is missing.");
    return { name, priority: 0, action: actions[0] as A, rules: [] };
  }
  properties.refuseOthers(['priority', 'action', 'rules', 'provisioningState']);
  const action = properties.child('action');
  action?.refuseOthers(['type']);
  if (!action?.has('type'))
    properties.fault(
      CODES.format,
      'action',
      `'action.type' is missing, expected one of ${actions.join(', ')}.`,
    );
  return {
    name,
    priority: readPriority(properties),
    action: action?.word('type', actions) ?? (actions[0] as A),
    rules: readRules(properties, name, kind, readRule),
  };
}

function readPriority(properties: ObjectReader): number {
  const { first, last } = LIMITS.priority;
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

function readRules<R>(
  properties: ObjectReader,
  collection: string,
  kind: RuleKind,
  readRule: (rule: ObjectReader, name: string) => R,
): R[] {
  const names = new Set<string>();
  return properties.list('rules').flatMap(item => {
    const unnamed = ObjectReader.of(item, `${TITLES[kind]} rule in '${collection}'`, properties.faults);
    if (!unnamed) return [];
    const name = unnamed.text('name')?.value ?? '';
    const rule = unnamed.labelled(`${TITLES[kind]} rule '${collection}/${name}'`);
    if (!isRuleName(name))
      rule.fault(
        CODES.name,
        'name',
        `name '${name}' must be 1 to ${LIMITS.ruleNameLength} printable characters without spaces at its ends.`,
      );
    claimName(rule, names, name, 'another rule of this collection');
    return [readRule(rule, name)];
  });
}

function claimName(reader: ObjectReader, names: Set<string>, name: string, other: string): void {
  const key = name.toLowerCase();
  if (names.has(key) && name !== '')
    reader.fault(CODES.duplicateName, 'name', `name '${name}' is used by ${other}.`);
  names.add(key);
}

function isRuleName(name: string): boolean {
  return (
    name.length > 0 && name.length <= LIMITS.ruleNameLength && name.trim() === name && !/\p{Cc}/u.test(name)
  );
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
