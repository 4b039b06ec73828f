// The expressions of ARM templates, `[concat(parameters('p'), '/', 'g')]`, as trees
// (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions). What the functions in them mean is
// not known here.

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  /** `.name`; with `safe`, `.?name`, null where there is no such member. */
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string; readonly safe: boolean }
  | { readonly kind: 'index'; readonly of: Expression; readonly at: Expression; readonly safe: boolean };

/** The message says what is wrong and where it stands; the caller knows which file and path. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** The inside of an expression; undefined for a string that is none: `[[` at the start stands for `[`. */
export function expressionIn(text: string): string | undefined {
  return text.startsWith('[') && text.endsWith(']') && !text.startsWith('[[') ? text.slice(1, -1) : undefined;
}

/** A string that is no expression, without the escape. */
export function plainText(text: string): string {
  return text.startsWith('[[') ? text.slice(1) : text;
}

const TOKEN = /\s*(?:('(?:[^']|'')*')|(-?\d+)|([A-Za-z_][\w]*)|(\.\?|\[\?|[().,[\]]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'name' | 'sign';
  readonly text: string;
}

/** Azure takes no longer ones (https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices). */
const MOST_CHARACTERS = 24_576;

/** Throws `TemplateError`. */
export function parseExpression(text: string): Expression {
  if (text.length > MOST_CHARACTERS)
    throw new TemplateError(`the expression is longer than ${MOST_CHARACTERS} characters`);
  const reader = new TokenReader(text);
  const expression = readChain(reader);
  reader.end();
  return expression;
}

class TokenReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  peek(sign: string): boolean {
    const token = this.#tokens[this.#next];
    return token?.kind === 'sign' && token.text === sign;
  }

  take(sign: string): boolean {
    if (!this.peek(sign)) return false;
    this.#next++;
    return true;
  }

  expect(sign: string): void {
    if (!this.take(sign)) throw this.fault(`'${sign}'`);
  }

  next(expected: string): Token {
    const token = this.#tokens[this.#next++];
    if (token) return token;
    throw this.fault(expected);
  }

  end(): void {
    if (this.#next < this.#tokens.length) throw this.fault('the end');
  }

  fault(expected: string): TemplateError {
    const found = this.#tokens[this.#next]?.text;
    const instead = found === undefined ? 'where it ends' : `before '${found}'`;
    return new TemplateError(`the expression '${this.#text}' lacks ${expected} ${instead}`);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new TemplateError(`the expression '${text}' cannot be read from '${text.slice(from)}' on`);
    const [, quoted, number, name, sign = ''] = match;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.slice(1, -1).replaceAll("''", "'") });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign });
  }
  return tokens;
}

function readChain(reader: TokenReader): Expression {
  let expression = readAtom(reader);
  for (;;) {
    const safeMember = reader.take('.?');
    if (safeMember || reader.take('.')) {
      const { kind, text } = reader.next('a name');
      if (kind !== 'name') throw new TemplateError(`'.' is followed by '${text}' and not by a name`);
      expression = { kind: 'member', of: expression, name: text, safe: safeMember };
      continue;
    }
    const safeIndex = reader.take('[?');
    if (!safeIndex && !reader.take('[')) return expression;
    const at = readChain(reader);
    reader.expect(']');
    expression = { kind: 'index', of: expression, at, safe: safeIndex };
  }
}

function readAtom(reader: TokenReader): Expression {
  const { kind, text } = reader.next('a function or a value');
  if (kind === 'text') return { kind: 'literal', value: text };
  if (kind === 'number') return { kind: 'literal', value: Number(text) };
  if (kind !== 'name') throw new TemplateError(`'${text}' stands where a function or a value was expected`);
  let name = text;
  // A function of the template's own: `namespace.function(...)`.
  if (reader.take('.')) name = `${text}.${reader.next('a name').text}`;
  reader.expect('(');
  const args: Expression[] = [];
  if (!reader.take(')')) {
    do args.push(readChain(reader));
    while (reader.take(','));
    reader.expect(')');
  }
  return { kind: 'call', name, args };
}
