// JSON as people and tools write it into files: with `//` and `/* */` comments, as ARM templates allow, and with a byte order
// mark, as PowerShell writes it. Strict otherwise: trailing commas and members that stand twice are faults, since one of the
// two would be lost. Every value can be found again by its path, so that a message can give the line.

import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

export interface TextPosition {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface JsonText {
  readonly value: unknown;
  /** Position of the member at `path`, or of the nearest one above it that the text has. */
  positionOf(path: string): TextPosition;
}

export type ParsedJson =
  | { readonly json: JsonText; readonly faults?: undefined }
  | { readonly json?: undefined; readonly faults: readonly (TextPosition & { readonly message: string })[] };

/** jsonc-parser's names for what it did not expect, in words. */
const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is no JSON value',
  InvalidNumberFormat: 'this is no number',
  PropertyNameExpected: "a member's name in double quotes is missing here (a comma too many before it?)",
  ValueExpected: 'a value is missing here (a comma too many before it?)',
  ColonExpected: "':' is missing here",
  CommaExpected: "',' is missing here",
  CloseBraceExpected: "'}' is missing here",
  CloseBracketExpected: "']' is missing here",
  EndOfFileExpected: 'the text goes on after the value',
  InvalidCommentToken: 'this is no comment',
  UnexpectedEndOfComment: 'the comment does not end',
  UnexpectedEndOfString: 'the string does not end on its line',
  UnexpectedEndOfNumber: 'the number does not end',
  InvalidUnicode: 'this is no Unicode escape',
  InvalidEscapeCharacter: 'this is no escape that JSON knows',
  InvalidCharacter: 'this character must be escaped in a string',
};

/** One fault often brings others behind it; the first ones tell. */
const MOST_FAULTS = 3;

/** ARM's resources have a dozen levels. */
const MOST_LEVELS = 200;
const TOO_DEEP = `the values are nested deeper than ${MOST_LEVELS} levels`;

export function parseJsonText(source: string): ParsedJson {
  try {
    return parse(source);
  } catch (error) {
    // What the parser's stack does not bear is far deeper than what is accepted.
    if (error instanceof RangeError) return { faults: [{ line: 1, column: 1, message: TOO_DEEP }] };
    throw error;
  }
}

function parse(source: string): ParsedJson {
  // An offset stays an offset: the mark becomes a blank.
  const text = source.replace(/^\uFEFF/, ' ');
  const errors: ParseError[] = [];
  const positionAt = positionsIn(text);
  const root = parseTree(text, errors, { allowTrailingComma: false, allowEmptyContent: false });
  const faults = errors.map(({ error, offset }) => ({
    ...positionAt(offset),
    message: WORDS[printParseErrorCode(error)] ?? 'this is no JSON',
  }));
  if (!root || faults.length > 0) {
    const [first = { line: 1, column: 1, message: 'the file is empty' }, ...others] = faults;
    return { faults: [first, ...others].slice(0, MOST_FAULTS) };
  }
  const twice: (TextPosition & { message: string })[] = [];
  const value = readNode(root, (name, offset) =>
    twice.push({ ...positionAt(offset), message: `'${name}' stands twice in this object` }),
  );
  if (twice.length > 0) return { faults: twice };
  return { json: { value, positionOf: path => positionAt(nearestNode(root, path).offset) } };
}

function readNode(node: Node, repeated: (name: string, offset: number) => void, level = 0): unknown {
  if (level > MOST_LEVELS) throw new RangeError(TOO_DEEP);
  if (node.type === 'array') return (node.children ?? []).map(child => readNode(child, repeated, level + 1));
  if (node.type !== 'object') return node.value as unknown;
  const members = new Map<string, unknown>();
  for (const { children: [name, member] = [] } of node.children ?? []) {
    if (!name || !member) continue;
    const key = String(name.value);
    if (members.has(key)) repeated(key, name.offset);
    members.set(key, readNode(member, repeated, level + 1));
  }
  // Not by assignment, which would give `__proto__` a meaning.
  return Object.fromEntries(members);
}

/** az prints `properties` lifted: where a text has none, its members stand one level higher. */
function nearestNode(root: Node, path: string): Node {
  let nearest = root;
  for (const step of stepsOf(path)) {
    const node = findNodeAtLocation(nearest, [step]);
    if (!node && step !== 'properties') return nearest;
    nearest = node ?? nearest;
  }
  return nearest;
}

/** `resources[2].properties.rules['a.b']` to its steps. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\['((?:[^']|'')*)'\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name = '']) =>
      quoted === undefined ? (index === undefined ? name : Number(index)) : quoted.replaceAll("''", "'"),
  );
}

/** The way back, for one step more. */
export function pathOf(parent: string, step: string | number): string {
  if (typeof step === 'number') return `${parent}[${step}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(step)) return `${parent}['${step.replaceAll("'", "''")}']`;
  return parent === '' ? step : `${parent}.${step}`;
}

function positionsIn(text: string): (offset: number) => TextPosition {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return offset => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}
