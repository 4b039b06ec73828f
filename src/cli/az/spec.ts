// The vocabulary in which commands are declared: arguments, commands, groups, and the values that a command line
// gave. The parser, the help and the executor read these tables and nothing else.

import type { Arm } from './arm.ts';
import type { UpdateAction } from './generic-update.ts';
import type { AzIo } from './io.ts';

/**
 * `text` takes one value, `list` one or more, `integer` a whole number, `switch` none, `boolean` none or true/false,
 * `tags` none or more of `key[=value]`, `actions` one or more, where each time it is given counts on its own.
 */
export type ArgumentKind = 'text' | 'list' | 'integer' | 'switch' | 'boolean' | 'tags' | 'actions';

export interface Argument {
  /** Name under which a command finds the value. */
  readonly key: string;
  /** The first long flag is the one that messages and help show. */
  readonly flags: readonly [string, ...string[]];
  readonly help: string;
  /** `text` if absent. */
  readonly kind?: ArgumentKind;
  readonly required?: boolean;
  /** Compared without regard to case; the value becomes the spelling given here. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** Heading in the help; empty means the plain list. */
  readonly section?: string;
  /** Left out of the help. */
  readonly hidden?: boolean;
}

export interface Context {
  readonly values: Values;
  readonly arm: Arm;
  readonly io: AzIo;
  /** A line on standard error, unless `--only-show-errors`. */
  warn(message: string): void;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly Argument[];
  /** Flags of Azure's command that Postern refuses, with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Asks before it runs, unless `--yes`. */
  readonly confirm?: string;
  readonly examples?: readonly string[];
  /** Rows for `-o table` where the plain rule (scalars only, keys sorted) would show less than Azure's. */
  readonly table?: (result: unknown) => unknown;
  /** The value to print; undefined prints nothing. */
  run(context: Context): Promise<unknown>;
}

export interface Group {
  /** Words from the root: `network firewall network-rule`. */
  readonly path: string;
  readonly summary: string;
  /** Loaded only when the group is asked for, so that `az` starts quickly. */
  readonly load?: () => Promise<{ readonly commands: readonly Command[] }>;
}

export type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly UpdateAction[]
  | Readonly<Record<string, string>>;

/** What the command line gave, by key. The parser has checked the kinds, so a wrong kind here is a bug. */
export class Values {
  readonly #values: ReadonlyMap<string, Value>;

  constructor(values: ReadonlyMap<string, Value>) {
    this.#values = values;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** A required argument. */
  text(key: string): string {
    const value = this.optional(key);
    if (value === undefined) throw new Error(`The argument '${key}' was not declared as required.`);
    return value;
  }

  optional(key: string): string | undefined {
    return this.#get(key, (value): value is string => typeof value === 'string');
  }

  integer(key: string): number | undefined {
    return this.#get(key, (value): value is number => typeof value === 'number');
  }

  list(key: string): readonly string[] | undefined {
    return this.#get(key, (value): value is readonly string[] => Array.isArray(value));
  }

  boolean(key: string): boolean | undefined {
    return this.#get(key, (value): value is boolean => typeof value === 'boolean');
  }

  switch(key: string): boolean {
    return this.boolean(key) ?? false;
  }

  tags(key = 'tags'): Readonly<Record<string, string>> | undefined {
    return this.#get(
      key,
      (value): value is Readonly<Record<string, string>> =>
        typeof value === 'object' && !Array.isArray(value),
    );
  }

  /** What `--set`, `--add` and `--remove` say, in the order of the command line. */
  updates(): readonly UpdateAction[] | undefined {
    return this.#get('updates', (value): value is readonly UpdateAction[] => Array.isArray(value));
  }

  #get<T extends Value>(key: string, is: (value: Value) => value is T): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (!is(value)) throw new Error(`The argument '${key}' was declared with another kind.`);
    return value;
  }
}
