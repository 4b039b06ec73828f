// The functions of ARM templates that only compute: strings, numbers, lists, objects, comparisons, address ranges, each as
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions says. Those that ask about the deployment
// (`parameters`, `resourceId`) are in template-evaluator.ts.

import { isSameJson, keyOfJson } from './same-json.ts';
import { CIDR_FUNCTIONS } from './template-cidr.ts';
import { TemplateError } from './template-expression.ts';

export type TemplateFunction = (...args: readonly unknown[]) => unknown;
type JsonObject = Readonly<Record<string, unknown>>;

/** Lists and results that a template may build; Azure's own template limits are far below. */
export const MOST_ITEMS = 100_000;
const MOST_CHARACTERS = 10_000_000;

const LISTS: Readonly<Record<string, TemplateFunction>> = {
  array: value => (Array.isArray(value) ? value : [value]),
  createarray: (...items) => [...items],
  flatten: list => asList(list).flatMap(asList),
  range: (start, count) => {
    const length = asNumber(count);
    if (length < 0 || length > MOST_ITEMS) throw new TemplateError(`${length} is no length of a list`);
    return Array.from({ length }, (_, index) => asNumber(start) + index);
  },
  first: value => (isText(value) ? (value[0] ?? '') : (asList(value)[0] ?? null)),
  last: value => (isText(value) ? (value.at(-1) ?? '') : (asList(value).at(-1) ?? null)),
  skip: (value, count) => asSequence(value).slice(Math.max(0, asNumber(count))),
  take: (value, count) => asSequence(value).slice(0, Math.max(0, asNumber(count))),
  length: value => (isJsonObject(value) ? Object.keys(value).length : asSequence(value).length),
  empty: value =>
    value === null || (isJsonObject(value) ? Object.keys(value).length : asSequence(value).length) === 0,
  contains: (value, item) => {
    if (isText(value)) return value.includes(toText(item));
    if (isJsonObject(value)) return memberOf(value, asText(item)) !== undefined;
    return asList(value).some(other => isSameJson(other, item));
  },
  indexof: (value, item) =>
    isText(value)
      ? value.toLowerCase().indexOf(asText(item).toLowerCase())
      : asList(value).findIndex(other => isSameJson(other, item)),
  lastindexof: (value, item) =>
    isText(value)
      ? value.toLowerCase().lastIndexOf(asText(item).toLowerCase())
      : asList(value).findLastIndex(other => isSameJson(other, item)),
  union: (...values) =>
    isJsonObject(values[0]) ? values.map(asObject).reduce(mergeObjects) : distinct(values),
  intersection: (...values) => {
    const [first, ...others] = values.map(asList);
    const known = others.map(list => new Set(list.map(keyOfJson)));
    return (first ?? []).filter(item => known.every(keys => keys.has(keyOfJson(item))));
  },
};

const OBJECTS: Readonly<Record<string, TemplateFunction>> = {
  createobject: (...pairs) => {
    const entries: [string, unknown][] = [];
    for (let index = 0; index < pairs.length; index += 2)
      entries.push([asText(pairs[index]), pairs[index + 1] ?? null]);
    return Object.fromEntries(entries);
  },
  items: object =>
    Object.entries(asObject(object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value })),
  objectkeys: object => Object.keys(asObject(object)).sort(),
  shallowmerge: list => Object.assign({}, ...asList(list).map(asObject)) as unknown,
  tryget: (value, ...steps) => steps.reduce((found, step) => memberOrNull(found, step), value),
  json: text => {
    try {
      return JSON.parse(asText(text)) as unknown;
    } catch {
      throw new TemplateError(`'${asText(text)}' is no JSON`);
    }
  },
  coalesce: (...values) => values.find(value => value !== null) ?? null,
  null: () => null,
};

const STRINGS: Readonly<Record<string, TemplateFunction>> = {
  concat: (...values) =>
    values.some(value => Array.isArray(value)) ? values.flatMap(asList) : values.map(toText).join(''),
  format: (template, ...values) => formatText(asText(template), values),
  string: toText,
  tolower: text => asText(text).toLowerCase(),
  toupper: text => asText(text).toUpperCase(),
  trim: text => asText(text).trim(),
  replace: (text, old, now) => {
    const places = asText(text).split(asText(old)).length - 1;
    fitting(places * asText(now).length);
    return asText(text).replaceAll(asText(old), asText(now));
  },
  split: (text, delimiters) => {
    const separators = isText(delimiters) ? [delimiters] : asList(delimiters).map(asText);
    return separators.reduce(
      (parts, separator) => parts.flatMap(part => part.split(separator)),
      [asText(text)],
    );
  },
  join: (list, separator) => {
    fitting(asList(list).length * asText(separator).length);
    return asList(list).map(toText).join(asText(separator));
  },
  substring: (text, start, length) => {
    const from = asNumber(start);
    const to = length === undefined ? asText(text).length : from + asNumber(length);
    if (from < 0 || to < from || to > asText(text).length)
      throw new TemplateError(`'${asText(text)}' has no characters ${from} to ${to}`);
    return asText(text).slice(from, to);
  },
  padleft: (value, width, filler = ' ') => toText(value).padStart(fitting(asNumber(width)), asText(filler)),
  startswith: (text, start) => asText(text).toLowerCase().startsWith(asText(start).toLowerCase()),
  endswith: (text, end) => asText(text).toLowerCase().endsWith(asText(end).toLowerCase()),
};

const NUMBERS: Readonly<Record<string, TemplateFunction>> = {
  add: (a, b) => asNumber(a) + asNumber(b),
  sub: (a, b) => asNumber(a) - asNumber(b),
  mul: (a, b) => asNumber(a) * asNumber(b),
  div: (a, b) => Math.trunc(asNumber(a) / divisor(b)),
  mod: (a, b) => asNumber(a) % divisor(b),
  min: (...values) => Math.min(...numbersIn(values)),
  max: (...values) => Math.max(...numbersIn(values)),
  int: value => {
    const number = isText(value) && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
    return asNumber(number);
  },
};

const LOGIC: Readonly<Record<string, TemplateFunction>> = {
  true: () => true,
  false: () => false,
  bool: value => {
    if (typeof value === 'boolean') return value;
    if (typeof value === 'number') return value !== 0;
    const word = asText(value).toLowerCase();
    if (word !== 'true' && word !== 'false' && word !== '1' && word !== '0')
      throw new TemplateError(`'${asText(value)}' is neither true nor false`);
    return word === 'true' || word === '1';
  },
  not: value => !asBoolean(value),
  equals: (a, b) => isSameJson(a, b),
  less: (a, b) => compare(a, b) < 0,
  lessorequals: (a, b) => compare(a, b) <= 0,
  greater: (a, b) => compare(a, b) > 0,
  greaterorequals: (a, b) => compare(a, b) >= 0,
};

/** By their names in lower case: templates may write them in any. */
export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({ ...LISTS, ...OBJECTS, ...STRINGS, ...NUMBERS, ...LOGIC, ...CIDR_FUNCTIONS }),
);

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asText(value: unknown): string {
  if (isText(value)) return value;
  throw new TemplateError(`${shown(value)} is no string`);
}

export function asNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new TemplateError(`${shown(value)} is no whole number`);
}

export function asBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TemplateError(`${shown(value)} is neither true nor false`);
}

export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${shown(value)} is no list`);
}

function asObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw new TemplateError(`${shown(value)} is no object`);
}

function asSequence(value: unknown): string | readonly unknown[] {
  return isText(value) ? value : asList(value);
}

/** As a template puts a value into a text: `True`, as .NET writes it, and JSON for what is no scalar. */
function toText(value: unknown): string {
  if (isText(value)) return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null ? '' : JSON.stringify(value);
}

/** The length of a text before it is made. */
function fitting(length: number): number {
  if (length > MOST_CHARACTERS)
    throw new TemplateError(`a text of ${length} characters is too long; at most ${MOST_CHARACTERS}`);
  return length;
}

export function shown(value: unknown): string {
  if (Array.isArray(value) && value.length > 20) return `a list of ${value.length} items`;
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Names of members are matched without regard to case. */
export function memberOf(object: JsonObject, name: string): { readonly value: unknown } | undefined {
  if (Object.hasOwn(object, name)) return { value: object[name] };
  const entry = Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase());
  return entry && { value: entry[1] };
}

function memberOrNull(value: unknown, step: unknown): unknown {
  if (isJsonObject(value) && isText(step)) return memberOf(value, step)?.value ?? null;
  if (Array.isArray(value) && typeof step === 'number') return (value[step] as unknown) ?? null;
  return null;
}

function mergeObjects(a: JsonObject, b: JsonObject): JsonObject {
  const merged = new Map(Object.entries(a));
  for (const [key, value] of Object.entries(b)) {
    const old = merged.get(key);
    merged.set(key, isJsonObject(old) && isJsonObject(value) ? mergeObjects(old, value) : value);
  }
  return Object.fromEntries(merged);
}

function distinct(lists: readonly unknown[]): unknown[] {
  const found = new Map<string, unknown>();
  for (const item of lists.flatMap(asList)) {
    const key = keyOfJson(item);
    if (!found.has(key)) found.set(key, item);
  }
  return [...found.values()];
}

function numbersIn(values: readonly unknown[]): number[] {
  const numbers = values
    .flatMap(value => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .map(asNumber);
  if (numbers.length === 0) throw new TemplateError('there is no number to compare');
  return numbers;
}

function divisor(value: unknown): number {
  const number = asNumber(value);
  if (number === 0) throw new TemplateError('division by 0');
  return number;
}

function compare(a: unknown, b: unknown): number {
  if (isText(a) && isText(b)) return a < b ? -1 : a > b ? 1 : 0;
  return asNumber(a) - asNumber(b);
}

/** `{0}`, and `{0:D3}` and `{0:000}` for numbers with leading zeros; `{{` and `}}` stand for braces. */
function formatText(template: string, values: readonly unknown[]): string {
  return template.replace(/\{\{|\}\}|\{(\d+)(?::([^}]*))?\}|[{}]/g, (all, index?: string, style?: string) => {
    if (all === '{{' || all === '}}') return all[0] as string;
    if (index === undefined) throw new TemplateError(`'${template}' is no format: '${all}' stands alone`);
    const value = values[Number(index)];
    if (value === undefined) throw new TemplateError(`'${template}' names {${index}}, which is not given`);
    if (style === undefined || style === '') return toText(value);
    const [, digits, zeros] = /^(?:[Dd](\d+)|(0+))$/.exec(style) ?? [];
    if (digits === undefined && zeros === undefined)
      throw new TemplateError(`format does not support the style '${style}'`);
    return String(asNumber(value)).padStart(fitting(zeros?.length ?? Number(digits)), '0');
  });
}
