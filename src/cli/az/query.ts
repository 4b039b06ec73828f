// `--query`: JMESPath over the result. The library is loaded only when a query is given, and the expression is
// compiled before the first request, so that a typing error costs nothing.

import { UsageError } from './errors.ts';
import { addOlderSpellings } from './present.ts';

/** The library has it, its types do not. */
interface Compiler {
  compile(expression: string): unknown;
}

export async function compileQuery(expression: string): Promise<(value: unknown) => unknown> {
  const { default: jmespath } = await import('jmespath');
  try {
    (jmespath as unknown as Compiler).compile(expression);
  } catch (error) {
    throw invalidQuery(expression, error);
  }
  return value => {
    addOlderSpellings(value);
    try {
      return jmespath.search(value, expression);
    } catch (error) {
      throw invalidQuery(expression, error);
    }
  };
}

function invalidQuery(expression: string, error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(
    `argument --query: invalid jmespath_type value: '${expression}'`,
    `${reason}. The language is described at https://jmespath.org; mind the quotes of your shell.`,
  );
}
