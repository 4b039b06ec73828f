// The arguments `--set`, `--add` and `--remove` of update commands: changes of a document by path, in the order of the
// command line. A path names properties by what the command prints (`dnsSettings.enableProxy`), whether they stand in
// `properties` or not, and items of lists by index or by a value (`ruleCollections[0]`, `ruleCollections[name=web]`).
// Pure; what the document may hold is for the server to say.

import { AzError, isRecord } from './errors.ts';
import type { Argument, Values } from './spec.ts';
import {
  find,
  homeFor,
  indexIn,
  itemOf,
  notFoundIn,
  outsideBrackets,
  splitPath,
  walk,
} from './update-path.ts';

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
