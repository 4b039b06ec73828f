// Reads the JSON of a request strictly: every member is either read, known to be read-only, refused because Postern
// does not support it, or refused because nobody knows it. All faults are collected, each with the path of its
// member, so that a caller hears of all of them at once. Member names are matched without regard to case, as Azure
// does; `null` counts as absent.

import { type ArmErrorDetail, addFault } from './arm-error.ts';

export type Json = Readonly<Record<string, unknown>>;

export class Faults {
  readonly list: ArmErrorDetail[] = [];

  add(code: string, target: string, message: string): void {
    addFault(this.list, { code, target, message });
  }

  addAll(faults: readonly ArmErrorDetail[]): void {
    for (const fault of faults) addFault(this.list, fault);
  }
}

/** Shape faults: a member of the wrong kind, missing, or unknown. */
const FORMAT = 'InvalidRequestFormat';
/** Azure has the property, Postern does not. */
const UNSUPPORTED = 'UnsupportedProperty';

export class JsonReader {
  readonly path: string;
  readonly faults: Faults;
  readonly #members = new Map<string, { readonly key: string; readonly value: unknown }>();
  readonly #known = new Set<string>();

  /** A value that is no object is a fault, and then reads as an empty one. */
  constructor(value: unknown, path: string, faults: Faults) {
    this.path = path;
    this.faults = faults;
    if (!isObject(value)) {
      faults.add(FORMAT, path === '' ? '$' : path, `${describe(path)} must be an object.`);
      return;
    }
    for (const [key, member] of Object.entries(value)) {
      if (this.#members.has(key.toLowerCase()))
        faults.add(FORMAT, this.at(key), `'${key}' stands twice in ${describe(path)}.`);
      this.#members.set(key.toLowerCase(), { key, value: member });
    }
  }

  /** Path of a member of this object. */
  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  fault(code: string, key: string, message: string): void {
    this.faults.add(code, key === '' ? this.path : this.at(key), message);
  }

  has(key: string): boolean {
    return this.#take(key) !== undefined;
  }

  raw(key: string): unknown {
    return this.#take(key);
  }

  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined || typeof value === 'string') return value;
    this.fault(FORMAT, key, `'${key}' must be a string.`);
    return undefined;
  }

  requiredText(key: string): string | undefined {
    if (!this.has(key)) this.missing(key);
    return this.text(key);
  }

  missing(key: string): void {
    this.fault(FORMAT, key, `'${key}' is missing.`);
  }

  boolean(key: string): boolean | undefined {
    const value = this.#take(key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.fault(FORMAT, key, `'${key}' must be true or false.`);
    return undefined;
  }

  integer(key: string, lowest: number, highest: number): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest)
      return value;
    this.fault(FORMAT, key, `'${key}' must be a whole number from ${lowest} to ${highest}.`);
    return undefined;
  }

  /** One of the words, matched without regard to case and given back in the spelling of the list. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const word = words.find(candidate => candidate.toLowerCase() === text.toLowerCase());
    if (word === undefined)
      this.fault(FORMAT, key, `'${text}' is not a value of '${key}', which takes ${words.join(', ')}.`);
    return word;
  }

  /** An absent array is undefined, an empty one is empty. */
  array(key: string): readonly unknown[] | undefined {
    const value = this.#take(key);
    if (value === undefined || Array.isArray(value)) return value;
    this.fault(FORMAT, key, `'${key}' must be an array.`);
    return undefined;
  }

  texts(key: string): string[] | undefined {
    const array = this.array(key);
    array?.forEach((item, index) => {
      if (typeof item !== 'string') this.fault(FORMAT, `${key}[${index}]`, `'${key}' must hold strings.`);
    });
    return array?.filter(item => typeof item === 'string');
  }

  object(key: string): JsonReader | undefined {
    const value = this.#take(key);
    return value === undefined ? undefined : new JsonReader(value, this.at(key), this.faults);
  }

  objects(key: string): JsonReader[] | undefined {
    return this.array(key)?.map(
      (item, index) => new JsonReader(item, this.at(`${key}[${index}]`), this.faults),
    );
  }

  /** `{"id": "..."}`; what stands beside the id is the caller's copy of the other resource and is not read. */
  reference(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (isObject(value)) {
      const [, id] = Object.entries(value).find(([name]) => name.toLowerCase() === 'id') ?? [];
      if (typeof id === 'string' && id !== '') return id;
    }
    this.fault('MissingJsonReferenceId', key, `'${key}' must name a resource: {"id": "/subscriptions/..."}.`);
    return undefined;
  }

  /** String values by name, such as tags. */
  dictionary(key: string): Record<string, string> | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (!isObject(value)) {
      this.fault(FORMAT, key, `'${key}' must be an object of strings.`);
      return undefined;
    }
    for (const [name, item] of Object.entries(value))
      if (typeof item !== 'string')
        this.fault(FORMAT, `${key}.${name}`, `'${key}.${name}' must be a string.`);
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  }

  /** Members the service fills in: a caller may send them back, they change nothing. */
  readOnly(...keys: readonly string[]): void {
    for (const key of keys) this.#known.add(key.toLowerCase());
  }

  /** Members Azure has and Postern does not: refused by name unless empty (`null`, `[]`, `{}`) or one of `harmless`. */
  unsupported(keys: readonly string[], harmless: readonly unknown[] = []): void {
    for (const key of keys) {
      const value = this.#take(key);
      if (value === undefined || harmless.includes(value) || isEmpty(value)) continue;
      const instead =
        harmless.length === 0 ? '' : ` (other than ${harmless.map(item => JSON.stringify(item)).join(', ')})`;
      this.fault(
        UNSUPPORTED,
        key,
        `Postern does not support '${key}'${instead}; remove it from the request.`,
      );
    }
  }

  /** Refuses by name what nobody has asked for. Call it last. */
  finish(): void {
    for (const [lower, { key }] of this.#members) {
      if (!this.#known.has(lower)) this.fault(FORMAT, key, `${describe(this.path)} has no member '${key}'.`);
    }
  }

  #take(key: string): unknown {
    this.#known.add(key.toLowerCase());
    return this.#members.get(key.toLowerCase())?.value ?? undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function describe(path: string): string {
  return path === '' ? 'The request body' : `'${path}'`;
}
