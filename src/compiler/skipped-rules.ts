// What lowering leaves out because a list of the rule is empty, kept beside the rules that are judged so that whoever explains
// them can name it in its place. Rules come in the order in which they are judged.

import type { AddressSet, SkipCause, SkippedRule } from '#ir/policy.ts';
import type { AddressList } from '#model/firewall-addresses.ts';
import { mergeRanges } from '#net/ipv4.ts';

type Causes = SkippedRule['causes'];
type WithoutPosition<R> = R extends SkippedRule ? Omit<R, 'position'> : never;

export class SkippedRules {
  readonly #skipped: SkippedRule[] = [];
  readonly #judged = { nat: 0, network: 0, application: 0 };

  skip(rule: WithoutPosition<SkippedRule>): [] {
    this.#skipped.push({ ...rule, position: this.#judged[rule.pass] });
    return [];
  }

  judge<T>(pass: SkippedRule['pass'], rules: readonly T[]): readonly T[] {
    this.#judged[pass] += rules.length;
    return rules;
  }

  toMembers(): { readonly skippedRules?: readonly SkippedRule[] } {
    return this.#skipped.length > 0 ? { skippedRules: this.#skipped } : {};
  }
}

/** Undefined where there is none, so that the rule is judged. */
export function causesOf(...lists: readonly (SkipCause | undefined)[]): Causes | undefined {
  const [first, ...others] = lists.filter(cause => cause !== undefined);
  return first && [first, ...others];
}

export function emptyList(
  field: SkipCause['field'],
  { ipGroups, serviceTags }: AddressList,
  sets: readonly AddressSet[],
): SkipCause | undefined {
  return sets.length > 0 ? undefined : { field, ipGroups, tags: serviceTags };
}

/** One set, for a rule that is told and not judged. */
export function joined(sets: readonly AddressSet[]): AddressSet {
  const [first = [], ...others] = sets;
  return others.length === 0 ? first : mergeRanges(sets.flat());
}
