// Reading JSON that somebody else wrote: every value is `unknown` until it has been looked at, every fault is
// collected with its JSON path, and a property nobody knows is a fault. `null` and absent are the same, as ARM's
// clients send both.

import { type ArmErrorDetail, addFault } from '#arm/arm-error.ts';
import { CODES } from './firewall-codes.ts';

/** The same shape that the compiler and the API speak of faults in. */
export type Diagnostic = ArmErrorDetail;

/** A value and where it stands, such as `properties.networkRuleCollections[0].name`. */
export interface Located<T = unknown> {
  readonly value: T;
  readonly path: string;
}

export class Faults {
  readonly list: Diagnostic[] = [];

  add(code: string, target: string, message: string): undefined {
    addFault(this.list, { code, target, message });
    return undefined;
  }
}

/** What `read` makes of a whole document, which messages call by its name; if anything is wrong with it, all that is. */
export function readWhole<T>(
  document: unknown,
  label: string,
  read: (reader: ObjectReader, name: string) => T,
):
  | { readonly value: T; readonly diagnostics?: undefined }
  | { readonly value?: undefined; readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]] } {
  const faults = new Faults();
  const unnamed = ObjectReader.of({ value: document, path: '' }, label, faults);
  const name = unnamed?.text('name')?.value ?? '';
  const reader = name === '' ? unnamed : unnamed?.labelled(`${label} '${name}'`);
  const value = reader && read(reader, name);
  const [first, ...others] = faults.list;
  if (first !== undefined) return { diagnostics: [first, ...others] };
  if (value === undefined) throw new Error('a document that cannot be read must have a fault');
  return { value };
}

export class ObjectReader {
  readonly path: string;
  /** What messages call it: `Network rule 'aksfwnr/time'`. */
  readonly label: string;
  readonly faults: Faults;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>, path: string, label: string, faults: Faults) {
    this.#fields = fields;
    this.path = path;
    this.label = label;
    this.faults = faults;
  }

  /** Undefined, with a fault, unless the value is a JSON object. */
  static of({ value, path }: Located, label: string, faults: Faults): ObjectReader | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return new ObjectReader(value as Record<string, unknown>, path, label, faults);
    return faults.add(CODES.format, path, `${label}: expected an object, found ${describe(value)}.`);
  }

  /** The same object under the name that it turned out to have. */
  labelled(label: string): ObjectReader {
    return new ObjectReader(this.#fields, this.path, label, this.faults);
  }

  at(name: string): Located {
    return { value: this.#fields[name], path: this.path === '' ? name : `${this.path}.${name}` };
  }

  has(name: string): boolean {
    const value = this.#fields[name];
    return value !== undefined && value !== null;
  }

  /** Absent, `null` or an empty array; anything else has something to say, or a fault of its own. */
  isBlank(name: string): boolean {
    const value = this.#fields[name];
    return !this.has(name) || (Array.isArray(value) && value.length === 0);
  }

  fault(code: string, name: string, message: string): undefined {
    return this.faults.add(code, name === '' ? this.path : this.at(name).path, `${this.label}: ${message}`);
  }

  /** Refuses what is neither `known` nor `unsupported`, and what is unsupported with its reason. */
  refuseOthers(known: readonly string[], unsupported: Readonly<Record<string, string>> = {}): void {
    for (const [name, value] of Object.entries(this.#fields)) {
      if (known.includes(name) || isEmpty(value)) continue;
      const reason = Object.hasOwn(unsupported, name) ? unsupported[name] : undefined;
      if (reason !== undefined)
        this.fault(CODES.unsupported, name, `property '${name}' is not supported: ${reason}.`);
      else this.fault(CODES.unknown, name, `there is no property '${name}'.`);
    }
  }

  /** The object there, or an empty one in its place. */
  part(name: string): ObjectReader {
    return this.child(name) ?? new ObjectReader({}, this.at(name).path, this.label, this.faults);
  }

  child(name: string): ObjectReader | undefined {
    return this.has(name) ? ObjectReader.of(this.at(name), this.label, this.faults) : undefined;
  }

  text(name: string): Located<string> | undefined {
    if (!this.has(name)) return undefined;
    const { value, path } = this.at(name);
    if (typeof value === 'string') return { value, path };
    return this.fault(CODES.format, name, `'${name}' must be a string, found ${describe(value)}.`);
  }

  integer(name: string): Located<number> | undefined {
    if (!this.has(name)) return undefined;
    const { value, path } = this.at(name);
    if (typeof value === 'number' && Number.isInteger(value)) return { value, path };
    return this.fault(CODES.format, name, `'${name}' must be a whole number, found ${describe(value)}.`);
  }

  /** One of `words` in Azure's spelling, matched without regard to case. */
  word<W extends string>(name: string, words: readonly W[], code: string = CODES.format): W | undefined {
    const text = this.text(name);
    if (!text) return undefined;
    return (
      oneOf(text.value, words) ??
      this.fault(code, name, `'${name}' is '${text.value}', expected one of ${words.join(', ')}.`)
    );
  }

  list(name: string): Located[] {
    if (!this.has(name)) return [];
    const { value, path } = this.at(name);
    if (Array.isArray(value)) return value.map((item, index) => ({ value: item, path: `${path}[${index}]` }));
    this.fault(CODES.format, name, `'${name}' must be an array, found ${describe(value)}.`);
    return [];
  }

  texts(name: string): Located<string>[] {
    return this.list(name).flatMap(({ value, path }) => {
      if (typeof value === 'string') return [{ value, path }];
      this.faults.add(
        CODES.format,
        path,
        `${this.label}: '${name}' must hold strings, found ${describe(value)}.`,
      );
      return [];
    });
  }
}

export function oneOf<W extends string>(text: string, words: readonly W[]): W | undefined {
  return words.find(word => word.toLowerCase() === text.toLowerCase());
}

/** Azure's rule for names of resources and rule collections (https://learn.microsoft.com/azure/firewall/rule-processing). */
export function isResourceName(name: string, maximum: number): boolean {
  return name.length <= maximum && /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(name);
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `${typeof value} ${JSON.stringify(value)}`;
}

/** Clients send unused properties as `null`, `[]`, `{}` or an empty string. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
