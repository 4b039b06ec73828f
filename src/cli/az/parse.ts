// Command-line words to values, by the rules of the parser that Azure CLI uses: `--flag value`, `--flag=value`,
// `-nvalue`, unique prefixes of long flags, lists that take every word up to the next flag, booleans with and
// without a value. Throws UsageError with the messages that users of `az` know.

import { nearest } from '#state/nearest-word.ts';
import { UsageError } from './errors.ts';
import { type Argument, type Value, Values } from './spec.ts';

export interface ParseOptions {
  /** The words of the command, for messages: `az group create`. */
  readonly command: string;
  readonly arguments: readonly Argument[];
  /** Flags of Azure's that are refused, with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Values for arguments that the line does not give, such as AZURE_DEFAULTS_GROUP. */
  readonly defaults?: Readonly<Record<string, string | undefined>>;
}

const TRUE_WORDS = new Set(['true', 't', 'yes', 'y', '1', 'on']);
const FALSE_WORDS = new Set(['false', 'f', 'no', 'n', '0', 'off']);

export function parseArguments(words: readonly string[], options: ParseOptions): Values {
  const values = new Map<string, Value>();
  const stray: string[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at++] as string;
    if (!looksLikeFlag(word)) {
      stray.push(word);
      continue;
    }
    const { argument, attached } = findFlag(word, options) ?? {};
    if (!argument) {
      stray.push(word);
      continue;
    }
    const following: string[] = attached === undefined ? [] : [attached];
    const most = attached === undefined ? mostWords(argument) : 0;
    while (following.length < most && at < words.length && !looksLikeFlag(words[at] as string)) {
      following.push(words[at++] as string);
    }
    const value = toValue(argument, following, options.command);
    values.set(argument.key, merge(argument, values.get(argument.key), value));
  }
  if (stray.length && !values.has('_help')) throw unrecognized(stray, options);
  if (!values.has('_help')) fillAndCheck(values, options);
  return new Values(values);
}

/** A lone `-`, negative numbers and words with a space before any `=` are values. */
function looksLikeFlag(word: string): boolean {
  return /^-[^ ]/.test(word) && !/^-\d+(\.\d+)?$/.test(word) && !/^[^=]* /.test(word);
}

interface FoundFlag {
  readonly argument: Argument;
  readonly attached?: string;
}

function findFlag(word: string, options: ParseOptions): FoundFlag | undefined {
  const equals = word.indexOf('=');
  const flag = equals < 0 ? word : word.slice(0, equals);
  const attached = equals < 0 ? {} : { attached: word.slice(equals + 1) };

  const exact = options.arguments.find(argument => argument.flags.includes(flag));
  if (exact) return { argument: exact, ...attached };
  const reason = options.refused?.[flag];
  if (reason !== undefined) throw new UsageError(`${flag} is not supported by Postern: ${reason}`);

  if (!flag.startsWith('--')) {
    const short = options.arguments.find(argument => argument.flags.includes(word.slice(0, 2)));
    return short && word.length > 2 ? { argument: short, attached: word.slice(2) } : undefined;
  }
  const matches = options.arguments.flatMap(argument =>
    argument.flags
      .filter(candidate => candidate.startsWith(flag))
      .map(candidate => ({ argument, candidate })),
  );
  const distinct = new Set(matches.map(match => match.argument));
  if (distinct.size > 1) {
    const names = matches.map(match => match.candidate).join(', ');
    throw new UsageError(`ambiguous option: ${flag} could match ${names}`);
  }
  return matches[0] ? { argument: matches[0].argument, ...attached } : undefined;
}

function mostWords({ kind = 'text' }: Argument): number {
  if (kind === 'switch') return 0;
  return kind === 'list' || kind === 'tags' || kind === 'actions' ? Number.POSITIVE_INFINITY : 1;
}

function toValue(argument: Argument, words: readonly string[], command: string): Value {
  const { kind = 'text' } = argument;
  const name = argument.flags.join('/');
  const [first] = words;
  switch (kind) {
    case 'switch':
      if (first !== undefined) throw new UsageError(`argument ${name}: ignored explicit argument '${first}'`);
      return true;
    case 'boolean':
      return first === undefined ? true : toBoolean(argument, first, command);
    case 'tags':
      return toTags(words);
    case 'actions':
      if (first === undefined) throw new UsageError(`argument ${name}: expected at least one argument`);
      return [{ flag: argument.flags[0], words }];
    case 'list':
      if (first === undefined) throw new UsageError(`argument ${name}: expected at least one argument`);
      return splitShorthand(words).map(word => toChoice(argument, word, command));
    case 'integer':
      if (first === undefined) throw new UsageError(`argument ${name}: expected one argument`);
      if (!/^[+-]?\d{1,15}$/.test(first))
        throw new UsageError(`argument ${name}: invalid int value: '${first}'`);
      return Number(first);
    case 'text':
      if (first === undefined) throw new UsageError(`argument ${name}: expected one argument`);
      return toChoice(argument, first, command);
  }
}

function toBoolean(argument: Argument, word: string, command: string): boolean {
  const lower = word.toLowerCase();
  if (TRUE_WORDS.has(lower)) return true;
  if (FALSE_WORDS.has(lower)) return false;
  throw invalidChoice(argument, word, ['false', 'true'], command);
}

function toChoice(argument: Argument, word: string, command: string): string {
  if (!argument.choices) return word;
  const choice = argument.choices.find(candidate => candidate.toLowerCase() === word.toLowerCase());
  if (choice === undefined) throw invalidChoice(argument, word, argument.choices, command);
  return choice;
}

function invalidChoice(
  argument: Argument,
  word: string,
  choices: readonly string[],
  command: string,
): UsageError {
  const near = nearest(word, choices);
  return new UsageError(
    `${command}: '${word}' is not a valid value for '${argument.flags[0]}'. Allowed values: ${choices.join(', ')}.`,
    near ? `Did you mean '${near}'?` : undefined,
  );
}

/** Azure also takes a list as one word: `[a,b]`. An empty word is an empty list. */
function splitShorthand(words: readonly string[]): readonly string[] {
  const [only] = words;
  if (words.length !== 1 || only === undefined) return words;
  if (only === '') return [];
  if (!only.startsWith('[') || !only.endsWith(']')) return words;
  const inner = only.slice(1, -1).trim();
  return inner === '' ? [] : inner.split(',').map(part => part.trim().replace(/^(['"])(.*)\1$/, '$2'));
}

function toTags(words: readonly string[]): Readonly<Record<string, string>> {
  const pairs = words
    .filter(word => word !== '')
    .map((word): [string, string] => {
      const equals = word.indexOf('=');
      return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)];
    });
  return Object.fromEntries(pairs);
}

/** A list given twice grows, and so do actions; anything else given twice is the last one. */
function merge({ kind }: Argument, before: Value | undefined, value: Value): Value {
  const grows = kind === 'list' || kind === 'actions';
  return grows && Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

function fillAndCheck(values: Map<string, Value>, options: ParseOptions): void {
  for (const argument of options.arguments) {
    if (values.has(argument.key)) continue;
    const given = options.defaults?.[argument.key] ?? argument.default;
    if (given === undefined) continue;
    const words = argument.kind === 'list' ? given.split(' ') : [given];
    values.set(argument.key, toValue(argument, words, options.command));
  }
  const missing = options.arguments.filter(argument => argument.required && !values.has(argument.key));
  if (missing.length) {
    const names = missing.map(argument => argument.flags.join('/')).join(', ');
    throw new UsageError(`the following arguments are required: ${names}`);
  }
}

function unrecognized(stray: readonly string[], { arguments: known }: ParseOptions): UsageError {
  const flags = known.flatMap(argument => argument.flags).filter(flag => flag.startsWith('--'));
  const near = stray
    .filter(looksLikeFlag)
    .flatMap(word => nearest(word.split('=')[0] as string, flags) ?? []);
  const hint = near.length ? `Did you mean ${near.map(flag => `'${flag}'`).join(', ')}?` : undefined;
  return new UsageError(`unrecognized arguments: ${stray.join(' ')}`, hint);
}
