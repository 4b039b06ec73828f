// What every check looks at: the rules as written and as they are resolved, and the words for a finding about one of them.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import type { Finding } from '#compiler/finding.ts';
import type { TagFacts } from '#compiler/resolve-world.ts';
import type { ApplicationRule, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import type { ResolvedNames } from '../question.ts';
import { LINT_CODES, type LintCode, type LintFinding, type Severity } from './finding.ts';
import { type PlacedRule, readWrittenRules, type WrittenSubject } from './written-rules.ts';

export interface LintSubject {
  readonly subject: ArmDocument;
  readonly documents: Documents;
  /** What `resolvePolicy` made of them. */
  readonly policy: ResolvedPolicy;
  readonly warnings: readonly Finding[];
  readonly facts: TagFacts;
  readonly options: PolicyOptions;
}

export interface LintContext extends LintSubject, WrittenSubject {
  /** Addresses of names, as far as somebody has said them. */
  readonly names: ResolvedNames;
}

export function toLintContext(subject: LintSubject, names: ResolvedNames): LintContext {
  return { ...subject, ...readWrittenRules(subject.subject, subject.documents, subject), names };
}

type Resolved = {
  readonly nat: NatRule;
  readonly network: NetworkRule;
  readonly application: ApplicationRule;
};

/** What a written rule has become: none for one that is skipped, several for one whose sources come in parts. */
export function resolvedOf<P extends PlacedRule['pass']>(
  { policy }: Pick<LintContext, 'policy'>,
  pass: P,
  ref: RuleRef,
): readonly Resolved[P][] {
  let index = indexes.get(policy);
  if (!index) {
    index = indexResolved(policy);
    indexes.set(policy, index);
  }
  return (index.get(keyOf(pass, ref)) ?? []) as unknown as readonly Resolved[P][];
}

/** Every check asks for every rule, so what a policy holds is laid out once. */
const indexes = new WeakMap<ResolvedPolicy, Map<string, Resolved[PlacedRule['pass']][]>>();

function indexResolved(policy: ResolvedPolicy): Map<string, Resolved[PlacedRule['pass']][]> {
  const lists = { nat: policy.natRules, network: policy.networkRules, application: policy.applicationRules };
  const index = new Map<string, Resolved[PlacedRule['pass']][]>();
  for (const [pass, rules] of Object.entries(lists)) {
    for (const rule of rules) {
      const key = keyOf(pass as PlacedRule['pass'], rule.ref);
      const known = index.get(key);
      if (known) known.push(rule);
      else index.set(key, [rule]);
    }
  }
  return index;
}

/** Names have no line breaks. */
export function keyOf(pass: string, { policy, group, collection, rule }: RuleRef): string {
  return [pass, policy, group, collection, rule].join('\n');
}

export function aboutRule(
  code: LintCode,
  { ref, resource, target }: Pick<PlacedRule, 'ref' | 'resource' | 'target'>,
  words: {
    readonly reason: string;
    readonly fix: string;
    readonly severity?: Severity;
    readonly related?: readonly RuleRef[];
  },
): LintFinding {
  const { reason, fix, severity = LINT_CODES[code].severity, related = [] } = words;
  return { code, severity, rule: ref, resource, target, reason, fix, related };
}

export function aboutResource(
  code: LintCode,
  { id }: { readonly id: string },
  words: {
    readonly reason: string;
    readonly fix: string;
    readonly target?: string;
    readonly severity?: Severity;
    readonly related?: readonly RuleRef[];
  },
): LintFinding {
  const { reason, fix, target = '', severity = LINT_CODES[code].severity, related = [] } = words;
  return { code, severity, rule: null, resource: id, target, reason, fix, related };
}
