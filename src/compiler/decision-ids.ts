// Numbers for decisions, as they stand in connection marks. A rule that was in the previous program keeps its number, so
// that an edit in the middle of a policy leaves all other lookups as they were.

import type { Program, ProgramDecision } from '#ir/program.ts';
import { formatRuleRef } from '#model/rule-ref.ts';

/** Ids have 24 bits in a connection mark. */
const MAXIMUM_ID = 2 ** 24 - 1;

/** Stands at index 0 and wherever a number is not in use. */
const NO_DECISION: ProgramDecision = {
  rule: { policy: '', group: '', collection: '', rule: '' },
  kind: 'network',
  action: 'Deny',
};

/** Ids in the order of `wanted`, and the table they index. */
export function numberDecisions(
  wanted: readonly ProgramDecision[],
  previous: Pick<Program, 'decisions'> | undefined,
): { ids: number[]; decisions: ProgramDecision[] } {
  const before = new Map<string, number>();
  previous?.decisions.forEach((decision, id) => {
    if (id > 0 && decision.rule.rule !== '') before.set(keyOf(decision), id);
  });
  const keys = wanted.map(keyOf);
  const taken = new Set(keys.map(key => before.get(key)));
  const numbers = new Map<string, number>();
  let next = 1;
  const ids = keys.map(key => {
    // A rule may come in several parts, which are one decision.
    const known = numbers.get(key) ?? before.get(key);
    if (known === undefined) while (taken.has(next)) next++;
    const id = known ?? next++;
    numbers.set(key, id);
    return id;
  });
  const size = ids.reduce((most, id) => Math.max(most, id), 0) + 1;
  if (size - 1 > MAXIMUM_ID)
    throw new RangeError(`${wanted.length} decisions do not fit in a connection mark`);
  const decisions = new Array<ProgramDecision>(size).fill(NO_DECISION);
  ids.forEach((id, index) => {
    decisions[id] = wanted[index] as ProgramDecision;
  });
  return { ids, decisions };
}

/** An action that changes is another decision: nothing may mistake one for the other. */
function keyOf({ kind, action, rule }: ProgramDecision): string {
  return `${kind} ${action} ${formatRuleRef(rule)}`;
}
