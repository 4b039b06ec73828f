// Who else lives by a rule: the policies that inherit it, as far as the documents hold them, and the policy it stands in. What is
// superfluous for one of them may be what another relies on.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { idKey } from '#arm/resource-id.ts';
import { isPolicy, policyDocument } from '#compiler/policy-layers.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { FIREWALL_POLICY_TYPE } from '#model/firewall-policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { keyOf, type LintContext } from './context.ts';
import { examineCoverage, type RuleVerdict } from './coverage.ts';
import type { WorkBounds } from './region.ts';

export class Inheritors {
  readonly #context: LintContext;
  readonly #bounds: WorkBounds | undefined;
  /** Of each policy of the documents: its id and those of its parents. */
  readonly #chains: ReadonlyMap<ArmDocument, ReadonlySet<string>>;
  /** Keys of the rules that cannot go, of the policies that somebody has asked about. */
  readonly #needed = new Map<ArmDocument, ReadonlySet<string>>();

  constructor(context: LintContext, bounds?: WorkBounds) {
    this.#context = context;
    this.#bounds = bounds;
    this.#chains = chainsOf(context.documents);
  }

  /** Whether a policy of the documents has the policy of the rule as its parent, or as a parent of that. */
  isInherited(rule: RuleRef): boolean {
    const id = this.#idOf(rule);
    return (
      id !== undefined && [...this.#chains].some(([{ id: own }, chain]) => idKey(own) !== id && chain.has(id))
    );
  }

  /** Whether without the rule some flow would be treated otherwise by another policy of the documents that has the rule. */
  isNeededElsewhere({ pass, rule }: RuleVerdict): boolean {
    const id = this.#idOf(rule);
    if (id === undefined) return false;
    const own = idKey(this.#context.settings.id);
    const key = keyOf(pass, rule);
    return [...this.#chains].some(
      ([document, chain]) => idKey(document.id) !== own && chain.has(id) && this.#neededBy(document).has(key),
    );
  }

  /** Whether a rule is of a policy that inherits from that of another; both are rules of the subject. */
  isBelow(rule: RuleRef, other: RuleRef): boolean {
    const levelOf = (ref: RuleRef) => this.#context.policies.findIndex(({ name }) => name === ref.policy);
    return levelOf(rule) > levelOf(other);
  }

  #idOf({ policy }: RuleRef): string | undefined {
    const found = this.#context.policies.find(({ name }) => name === policy);
    return found && idKey(found.id);
  }

  #neededBy(document: ArmDocument): ReadonlySet<string> {
    const known = this.#needed.get(document);
    if (known) return known;
    const { documents, facts, options } = this.#context;
    // One that cannot be read is told where it is the subject.
    const { policy } = resolvePolicy(document, documents, { facts, options });
    const verdicts = policy ? examineCoverage(policy, this.#bounds) : [];
    const kept = verdicts.filter(({ reach, removable }) => reach !== 'HoldsNothing' && !removable);
    const needed = new Set(kept.map(({ pass, rule }) => keyOf(pass, rule)));
    this.#needed.set(document, needed);
    return needed;
  }
}

function chainsOf(documents: Documents): Map<ArmDocument, ReadonlySet<string>> {
  return new Map(
    documents
      .ofType(FIREWALL_POLICY_TYPE)
      .filter(isPolicy)
      .map(document => {
        const chain = new Set<string>();
        for (let at: ArmDocument | undefined = document; at && !chain.has(idKey(at.id)); ) {
          chain.add(idKey(at.id));
          at = parentOf(at, documents);
        }
        return [document, chain];
      }),
  );
}

function parentOf({ properties }: ArmDocument, documents: Documents): ArmDocument | undefined {
  const id = isObject(properties.basePolicy) ? properties.basePolicy.id : undefined;
  return typeof id === 'string' ? policyDocument(documents, id) : undefined;
}
