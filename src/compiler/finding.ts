// A fault or a warning, and the document that it stands in: a policy is spread over many.

import type { Diagnostic } from '#ir/program.ts';

export interface Finding extends Diagnostic {
  /** Id of the document that `target` is a path in. */
  readonly resource: string;
}

export function inResource(resource: string, diagnostics: readonly Diagnostic[]): Finding[] {
  return diagnostics.map(({ code, target, message }) => ({ code, target, message, resource }));
}
