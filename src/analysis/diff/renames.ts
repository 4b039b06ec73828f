// Rules that have another name and are otherwise the same, in the same place. They are told once, by their two names, and
// count as one rule in the comparison: without this, renaming a collection would change the rule of every flow.

import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { commonInOrder } from './sequence.ts';

export interface Rename {
  readonly before: RuleRef;
  readonly after: RuleRef;
}

/** A clause as far as renames are found by it. `content` is equal for clauses that differ in nothing but their rule's name. */
export interface NamedClause {
  readonly rule: RuleRef | null;
  readonly content: string;
}

/** A name is replaced by one other name everywhere, or not at all. */
export function findRenames(before: readonly NamedClause[], after: readonly NamedClause[]): Rename[] {
  const [a, b] = [byContent(before), byContent(after)];
  const forward = new Map<string, Set<string>>();
  const backward = new Map<string, Set<string>>();
  const refs = new Map<string, Rename>();
  const add = (map: Map<string, Set<string>>, from: string, to: string) =>
    map.set(from, (map.get(from) ?? new Set()).add(to));
  for (const content of commonInOrder([...a.keys()], [...b.keys()])) {
    const [old, now] = [a.get(content), b.get(content)];
    if (!old || !now) continue;
    add(forward, formatRuleRef(old), formatRuleRef(now));
    add(backward, formatRuleRef(now), formatRuleRef(old));
    refs.set(formatRuleRef(old), { before: old, after: now });
  }
  const namesBefore = namesOf(before);
  const namesAfter = namesOf(after);
  return [...refs].flatMap(([old, rename]) => {
    const now = formatRuleRef(rename.after);
    const free = !namesAfter.has(old) && !namesBefore.has(now);
    return free && forward.get(old)?.size === 1 && backward.get(now)?.size === 1 ? [rename] : [];
  });
}

/** The first clause of each content; a later one is never reached. */
function byContent(clauses: readonly NamedClause[]): Map<string, RuleRef | null> {
  const found = new Map<string, RuleRef | null>();
  for (const { content, rule } of clauses) if (!found.has(content)) found.set(content, rule);
  return found;
}

function namesOf(clauses: readonly NamedClause[]): Set<string> {
  return new Set(clauses.flatMap(({ rule }) => (rule ? [formatRuleRef(rule)] : [])));
}
