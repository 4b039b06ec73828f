// Facts about Azure as tables: what a page of Microsoft's documentation says, rules that show it, and flows with the
// decision that follows. For tests.

import { describe, it } from 'node:test';
import type { DecisionContext, Flow } from './decision.ts';
import { expect, ip, unnamed } from './fixture.ts';
import type { ResolvedPolicy } from './policy.ts';

export interface Fact {
  /** Article under https://learn.microsoft.com/azure/firewall/ unless it has an address of its own. */
  readonly page: string;
  readonly says: string;
  readonly rules: ResolvedPolicy;
  readonly cases: readonly (readonly [Flow, string])[];
  readonly context?: DecisionContext;
}

export function prove(title: string, facts: readonly Fact[]): void {
  describe(title, () => {
    for (const { page, says, rules, cases, context = unnamed } of facts)
      it(`${says} (${page})`, () => expect(rules, cases, context));
  });
}

/** What addresses are called: `{ '192.0.2.1': ['a.example.org'] }`. */
export function called(names: Readonly<Record<string, readonly string[]>>): DecisionContext {
  const known = new Map(Object.entries(names).map(([address, list]) => [ip(address), new Set(list)]));
  return { namesOfAddress: address => known.get(address) ?? new Set() };
}
