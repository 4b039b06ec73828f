// The paths of `--set`, `--add` and `--remove`: steps from a document to a property or to an item of a list, and the
// messages of Azure's CLI where a step leads nowhere.

import { AzError, isRecord } from './errors.ts';

type Document = Record<string, unknown>;

/** Where the steps lead. With `create`, properties that are not there are made: objects on the way, and it at the end. */
export function walk(
  document: Document,
  steps: readonly string[],
  { create }: { create?: object } = {},
): unknown {
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
export function find(object: Document, name: string): Place | undefined {
  const key = Object.hasOwn(object, name)
    ? name
    : Object.keys(object).find(other => plain(other) === plain(name));
  if (key !== undefined) return { holder: object, key };
  return isRecord(object.properties) ? find(object.properties, name) : undefined;
}

/** What a resource has beside its `properties`, where a new one of that name belongs. */
const TOP_LEVEL = new Set(['extendedlocation', 'identity', 'location', 'tags', 'zones']);

export function homeFor(object: Document, name: string): Place {
  const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const inside = isRecord(object.properties) && !TOP_LEVEL.has(plain(name));
  return { holder: inside ? (object.properties as Document) : object, key };
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** `a.b[0].c` to `a`, `b`, `[0]`, `c`. */
export function splitPath(path: string): string[] {
  return path.match(/\[[^\]]*\]|[^.[]+/g) ?? [];
}

/** The inside of `[...]`; undefined for the name of a property. */
export function itemOf(step: string): string | undefined {
  return /^\[(.*)\]$/.exec(step)?.[1];
}

export function indexIn(list: readonly unknown[], item: string, path: readonly string[]): number {
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

export function notFoundIn(parent: unknown, step: string, path: readonly string[]): AzError {
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

export function outsideBrackets(text: string, letter: string): number {
  let depth = 0;
  for (const [index, each] of [...text].entries()) {
    if (each === '[') depth++;
    else if (each === ']') depth--;
    else if (each === letter && depth === 0) return index;
  }
  return -1;
}
