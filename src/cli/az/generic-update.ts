// The arguments `--set`, `--add` and `--remove` of update commands: changes of a document by path, in the order of the
// command line. A path names properties by what the command prints (`dnsSettings.enableProxy`), whether they stand in
// `properties` or not, and items of lists by index or by a value (`ruleCollections[0]`, `ruleCollections[name=web]`).
// Pure; what the document may hold is for the server to say.

import { AzError, isRecord } from './errors.ts';
import type { Argument, Values } from './spec.ts';

type Document = Record<string, unknown>;

export interface UpdateAction {
  readonly flag: string;
  readonly words: readonly string[];
}

const SECTION = 'Generic Update Arguments';
const ADD_SYNTAX = '--add property.listProperty <key=value, string or JSON string>';
const SET_SYNTAX = '--set property1.property2=<value>';
const REMOVE_SYNTAX = '--remove property.list <indexToRemove> OR --remove propertyToRemove';

export const genericUpdate: readonly Argument[] = [
  {
    key: 'updates',
    flags: ['--add'],
    kind: 'actions',
    help: 'Append to a list: a path, then values or KEY=VALUE.',
    section: SECTION,
  },
  {
    key: 'forceString',
    flags: ['--force-string'],
    kind: 'switch',
    help: 'Take values of --set and --add as strings, never as JSON.',
    section: SECTION,
  },
  {
    key: 'updates',
    flags: ['--remove'],
    kind: 'actions',
    help: 'Remove a property, or an item of a list: a path, then an index.',
    section: SECTION,
  },
  {
    key: 'updates',
    flags: ['--set'],
    kind: 'actions',
    help: 'Change properties: PATH=VALUE.',
    section: SECTION,
  },
];

/** The change of an update command, followed by the generic ones of its command line. */
export function thenUpdates(
  values: Values,
  change: (document: Document) => Document,
): (document: Document) => Document {
  return document =>
    applyUpdates(change(document), values.updates() ?? [], { forceString: values.switch('forceString') });
}

export function applyUpdates(
  document: Document,
  actions: readonly UpdateAction[],
  { forceString = false }: { readonly forceString?: boolean } = {},
): Document {
  const changed = structuredClone(document);
  const read = forceString ? (text: string) => text : readValue;
  for (const { flag, words } of actions) {
    if (flag === '--set') for (const word of words) set(changed, word, read);
    else if (flag === '--add') add(changed, words, read);
    else remove(changed, words);
  }
  return changed;
}

type Read = (text: string) => unknown;

function set(document: Document, word: string, read: Read): void {
  const equals = outsideBrackets(word, '=');
  if (equals <= 0) throw new AzError(`invalid syntax: ${SET_SYNTAX}`);
  const steps = splitPath(word.slice(0, equals));
  const last = steps.pop() as string;
  const value = read(word.slice(equals + 1));
  const parent = walk(document, steps, { create: {} });
  const item = itemOf(last);
  if (item === undefined) {
    if (!isRecord(parent)) throw notFoundIn(parent, last, steps);
    const { holder, key } = find(parent, last) ?? homeFor(parent, last);
    holder[key] = value;
  } else {
    if (!Array.isArray(parent)) throw notFoundIn(parent, last, steps);
    parent[indexIn(parent, item, steps)] = value;
  }
}

function add(document: Document, words: readonly string[], read: Read): void {
  const [path = '', ...values] = words;
  const list = walk(document, splitPath(path), { create: [] });
  if (!Array.isArray(list) || values.length === 0) throw new AzError(`invalid syntax: ${ADD_SYNTAX}`);
  let entry: Document | undefined;
  for (const value of values) {
    const equals = value.indexOf('=');
    if (equals < 0) {
      entry = undefined;
      list.push(read(value));
      continue;
    }
    // KEY=VALUE words that follow each other make one object.
    if (entry === undefined) {
      entry = {};
      list.push(entry);
    }
    entry[value.slice(0, equals)] = value.slice(equals + 1);
  }
}

function remove(document: Document, words: readonly string[]): void {
  const [path = '', index, ...more] = words;
  const steps = splitPath(path);
  const last = steps.at(-1);
  if (last === undefined || more.length > 0) throw new AzError(`invalid syntax: ${REMOVE_SYNTAX}`);
  if (index !== undefined) {
    const list = walk(document, steps);
    if (!Array.isArray(list)) throw new AzError(`invalid syntax: ${REMOVE_SYNTAX}`);
    list.splice(indexIn(list, index, steps), 1);
    return;
  }
  const before = steps.slice(0, -1);
  const parent = walk(document, before);
  const item = itemOf(last);
  if (item !== undefined && Array.isArray(parent)) {
    parent.splice(indexIn(parent, item, before), 1);
    return;
  }
  const found = isRecord(parent) ? find(parent, last) : undefined;
  if (!found) throw notFoundIn(parent, last, before);
  if (Array.isArray(found.holder[found.key])) found.holder[found.key] = [];
  else delete found.holder[found.key];
}

/** Where the steps lead. With `create`, properties that are not there are made: objects on the way, and it at the end. */
function walk(document: Document, steps: readonly string[], { create }: { create?: object } = {}): unknown {
  let at: unknown = document;
  for (const [index, step] of steps.entries()) {
    const before = steps.slice(0, index);
    const item = itemOf(step);
    if (item !== undefined) {
      if (!Array.isArray(at)) throw notFoundIn(at, step, before);
      at = at[indexIn(at, item, before)];
      continue;
    }
    if (!isRecord(at)) throw notFoundIn(at, step, before);
    const found = find(at, step);
    if (!found && !create) throw notFoundIn(at, step, before);
    const { holder, key } = found ?? homeFor(at, step);
    if (create && (holder[key] === undefined || holder[key] === null)) {
      holder[key] = index === steps.length - 1 ? structuredClone(create) : {};
    }
    at = holder[key];
  }
  return at;
}

interface Place {
  readonly holder: Document;
  readonly key: string;
}

/** A property of the object or of its `properties`, in any case and with or without underscores. */
function find(object: Document, name: string): Place | undefined {
  const key = Object.hasOwn(object, name)
    ? name
    : Object.keys(object).find(other => plain(other) === plain(name));
  if (key !== undefined) return { holder: object, key };
  return isRecord(object.properties) ? find(object.properties, name) : undefined;
}

/** What a resource has beside its `properties`, where a new one of that name belongs. */
const TOP_LEVEL = new Set(['extendedlocation', 'identity', 'location', 'tags', 'zones']);

function homeFor(object: Document, name: string): Place {
  const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const inside = isRecord(object.properties) && !TOP_LEVEL.has(plain(name));
  return { holder: inside ? (object.properties as Document) : object, key };
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** `a.b[0].c` to `a`, `b`, `[0]`, `c`. */
function splitPath(path: string): string[] {
  return path.match(/\[[^\]]*\]|[^.[]+/g) ?? [];
}

/** The inside of `[...]`; undefined for the name of a property. */
function itemOf(step: string): string | undefined {
  return /^\[(.*)\]$/.exec(step)?.[1];
}

function indexIn(list: readonly unknown[], item: string, path: readonly string[]): number {
  const where = path.at(-1) ?? '';
  const equals = item.indexOf('=');
  if (equals < 0) {
    const index = Number(item);
    if (/^\d+$/.test(item) && index < list.length) return index;
    throw new AzError(`index ${item} doesn't exist on ${where}`);
  }
  const [key, text] = [item.slice(0, equals), item.slice(equals + 1)];
  const matches = [...list.keys()].filter(index => {
    const each = list[index];
    const found = isRecord(each) ? find(each, key) : undefined;
    return found !== undefined && String(found.holder[found.key]) === text;
  });
  if (matches.length > 1) {
    throw new AzError(`non-unique key '${key}' found multiple matches on ${where}. Key must be unique.`);
  }
  if (matches[0] === undefined) {
    throw new AzError(`item with value '${text}' doesn't exist for key '${key}' on ${where}`);
  }
  return matches[0];
}

function notFoundIn(parent: unknown, step: string, path: readonly string[]): AzError {
  const where = path.join('.').replaceAll('.[', '[');
  const message = `Couldn't find '${step}' in '${where}'.`;
  if (Array.isArray(parent)) {
    return new AzError(
      `${message} Available options: index into the collection '${where}' with [<index>] or [<key=value>]`,
    );
  }
  if (!isRecord(parent)) return new AzError(`${message} '${where}' does not support further indexing.`);
  const { properties, ...own } = parent;
  const names = Object.keys({ ...own, ...(isRecord(properties) ? properties : {}) }).sort();
  return new AzError(`${message} Available options: ${names.join(', ')}`);
}

function outsideBrackets(text: string, letter: string): number {
  let depth = 0;
  for (const [index, each] of [...text].entries()) {
    if (each === '[') depth++;
    else if (each === ']') depth--;
    else if (each === letter && depth === 0) return index;
  }
  return -1;
}

const PYTHON_WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** JSON where the text is JSON, also with the single quotes that shells leave alone; else the text. */
function readValue(text: string): unknown {
  if (Object.hasOwn(PYTHON_WORDS, text)) return PYTHON_WORDS[text];
  const quoted = /^[[{]/.test(text) && !text.includes('"') ? text.replaceAll("'", '"') : text;
  try {
    return JSON.parse(quoted);
  } catch {
    return text;
  }
}
