// What a caller may ask of the lists of groups and of all resources: `$filter` as Azure's clients write it, conditions
// joined by `and`, and `$top`. A condition that is not understood is refused, since a list that is longer than asked
// for may be about to be deleted.

import { ArmError } from '#arm/arm-error.ts';
import { groupKeyOf } from '#arm/resource-id.ts';
import type { ArmDocument } from '#store/resource-store.ts';

type Test = (document: ArmDocument) => boolean;
type Operator = 'eq' | 'ne' | 'startswith';

interface Condition {
  /** Lower case. */
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

const MOST_CONDITIONS = 20;
const TEXT = "'((?:[^']|'')*)'";
const COMPARISON = new RegExp(`^\\s*([a-z]+)\\s+(eq|ne)\\s+${TEXT}\\s*$`, 'i');
const STARTS_WITH = new RegExp(`^\\s*startswith\\s*\\(\\s*([a-z]+)\\s*,\\s*${TEXT}\\s*\\)\\s*$`, 'i');

/** What each word of a condition is compared with, without regard to case. */
const FIELDS: Readonly<Record<string, (document: ArmDocument) => string>> = {
  name: ({ name }) => name,
  location: ({ location = '' }) => location,
  resourcetype: ({ type }) => type,
  resourcegroup: ({ id }) => groupKeyOf(id),
};

/** The documents that the query of the request asks for, in the order given. */
export function filtered<Item extends { readonly document: ArmDocument }>(
  items: readonly Item[],
  request: Request,
): Item[] {
  const query = [...new URL(request.url).searchParams];
  const parameter = (name: string) => query.find(([key]) => key.toLowerCase() === name)?.[1];
  const test = parseFilter(parameter('$filter') ?? '');
  const found = items.filter(({ document }) => test(document));
  const top = parameter('$top');
  if (top === undefined) return found;
  if (!/^[1-9]\d{0,5}$/.test(top))
    throw new ArmError(
      400,
      'InvalidTopInQueryString',
      `$top takes a number from 1 to 999999, not '${shown(top)}'.`,
    );
  return found.slice(0, Number(top));
}

function parseFilter(text: string): Test {
  if (text.trim() === '') return () => true;
  const conditions = splitAnd(text).map(parseCondition);
  if (conditions.length > MOST_CONDITIONS) throw invalidFilter(text);
  const tests = conditions.map((parsed, index) => {
    const test = parsed && testOf(parsed, conditions[index - 1]);
    if (!test) throw invalidFilter(text);
    return test;
  });
  return document => tests.every(test => test(document));
}

function parseCondition(text: string): Condition | undefined {
  const [, field, operator, value] = COMPARISON.exec(text) ?? [];
  const [, prefixField, prefix] = STARTS_WITH.exec(text) ?? [];
  if (field !== undefined && value !== undefined)
    return condition(field, operator?.toLowerCase() === 'ne' ? 'ne' : 'eq', value);
  return prefixField === undefined ? undefined : condition(prefixField, 'startswith', prefix ?? '');
}

function condition(field: string, operator: Operator, quoted: string): Condition {
  return { field: field.toLowerCase(), operator, value: quoted.replaceAll("''", "'") };
}

/** A tag's value is asked for right after its name. */
function testOf({ field, operator, value }: Condition, before: Condition | undefined): Test | undefined {
  const wanted = value.toLowerCase();
  const matches = (found: string): boolean =>
    operator === 'startswith' ? found.toLowerCase().startsWith(wanted) : found.toLowerCase() === wanted;
  if (field === 'tagname' && operator !== 'ne') return ({ tags = {} }) => Object.keys(tags).some(matches);
  if (field === 'tagvalue' && operator === 'eq' && before?.field === 'tagname') {
    const name = before.value.toLowerCase();
    return ({ tags = {} }) =>
      Object.entries(tags).some(([key, found]) => key.toLowerCase() === name && found === value);
  }
  const read = FIELDS[field];
  return read && (document => matches(read(document)) === (operator !== 'ne'));
}

/** At the word `and` outside quotes. A doubled quote inside a text opens and closes it again, which is as good. */
function splitAnd(text: string): string[] {
  const parts = [''];
  text.split("'").forEach((piece, index) => {
    const [first = '', ...others] = index % 2 === 0 ? piece.split(/\band\b/i) : [piece];
    parts[parts.length - 1] += index === 0 ? first : `'${first}`;
    parts.push(...others);
  });
  return parts;
}

function invalidFilter(text: string): ArmError {
  return new ArmError(
    400,
    'InvalidFilterInQueryString',
    `The $filter '${shown(text)}' is not understood. It takes conditions joined by 'and': name, location, resourceType, resourceGroup or tagName followed by eq or ne and a text in single quotes, startswith(word, 'text'), and tagValue eq after tagName eq.`,
  );
}

function shown(text: string): string {
  return text.slice(0, 200);
}
