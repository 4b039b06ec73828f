// What the user should know about the rules that were read, besides the answer: warnings, and what was left aside. One short line
// for each kind, after the answer, and none with `--quiet`.

import { plainLine } from '#analysis/plain-line.ts';
import type { PolicyInput } from './policy-input.ts';

type Source = Pick<PolicyInput, 'warnings' | 'ignored' | 'describe'>;

/** Of several sources, what two of them say in the same words is told once. */
export function noticesOf(...sources: readonly Source[]): string[] {
  const said = new Map<string, { readonly line: string; readonly messages: Set<string> }>();
  for (const { warnings, describe } of sources)
    for (const warning of warnings) {
      const kind = said.get(warning.code);
      if (kind) kind.messages.add(warning.message);
      else said.set(warning.code, { line: describe(warning), messages: new Set([warning.message]) });
    }
  const byType = new Map<string, Set<string>>();
  for (const { type, name } of sources.flatMap(({ ignored }) => ignored))
    byType.set(type, (byType.get(type) ?? new Set()).add(name));
  const aside = [...byType].map(([type, names]) => `${type} ${shorten([...names])}`);
  return [
    ...[...said.values()].map(
      ({ line, messages: { size } }) =>
        `warning${size > 1 ? ` (1 of ${size} of its kind; postern lint tells all)` : ''}: ${line}`,
    ),
    ...(aside.length === 0 ? [] : [`ignored, as it says nothing about the rules: ${aside.join('; ')}`]),
  ].map(plainLine);
}

/** Of one type in a message. */
const MOST_NAMES = 3;

function shorten(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
