// Where most of what AKS needs is missing, one finding that a single FQDN tag and a few network rules answer, instead of one for
// every name.

import type { TagFacts } from '#compiler/resolve-world.ts';
import type { AksNeed } from '#facts/aks-outbound.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { matchesFqdn, parseFqdnPattern } from '#net/fqdn.ts';
import { ruleFor, ruleForTag, type WantedRule } from './aks-fix.ts';
import { aboutResource, type LintContext } from './context.ts';
import { listed } from './coverage-findings.ts';
import { type LintCode, type LintFinding, SEVERITIES } from './finding.ts';

const TAG = 'AzureKubernetesService';
/** What may be combined: who leaves out one of these wants to see the others. */
export const COMBINED_CODES: readonly LintCode[] = ['aks-required', 'aks-conditional'];

export interface MissingNeed {
  readonly need: AksNeed;
  /** Who denies it; null for the default. */
  readonly deniedBy: readonly (RuleRef | null)[];
  readonly finding: LintFinding;
}

/** What answers a finding: its commands are written when the order of all is known. */
export interface Remedy {
  /** Said before the commands. */
  readonly lead: string;
  readonly rules: readonly WantedRule[];
}

export interface Combined {
  readonly finding: LintFinding;
  readonly remedy: Remedy;
  readonly answered: ReadonlySet<LintFinding>;
}

/** Those of `missing` that are answered together, and the finding that does; undefined where each is told by itself. */
export function combine(
  missing: readonly MissingNeed[],
  required: readonly AksNeed[],
  context: LintContext,
): Combined | undefined {
  const { facts, settings } = context;
  const open = missing.filter(({ finding }) => COMBINED_CODES.includes(finding.code));
  const names = open.filter(({ need, finding }) => finding.code === 'aks-required' && isInTag(need, facts));
  const all = required.filter(need => isInTag(need, facts));
  if (names.length < 2 || names.length * 2 <= all.length) return undefined;
  const networks = open.filter(({ need }) => need.protocol === 'TCP' || need.protocol === 'UDP');
  const answered = [...names, ...networks];
  // What else is in the tag, such as what is only recommended, comes with it.
  const cured = missing.filter(each => !answered.includes(each) && isInTag(each.need, facts));
  const deniedBy = new Set([...answered, ...cured].flatMap(each => each.deniedBy));
  const rules = [...deniedBy].filter(rule => rule !== null);
  const severities = answered.map(({ finding }) => SEVERITIES.indexOf(finding.severity));
  const places = networks.map(
    ({ need }) =>
      `${need.protocol} ${need.port} to ${need.destination === '*' ? 'any address' : need.destination}`,
  );
  const what = [
    `${names.length} of the ${all.length} required names in the FQDN tag ${TAG} (${listed(names.map(({ need }) => need.destination))})`,
    ...places,
  ].join(', ');
  const order = rules.length > 0 ? `Before ${listed(rules.map(formatRuleRef))}, allow` : 'Allow';
  const rest = places.length > 0 ? ', and what it does not hold' : '';
  const wanted = [ruleForTag(TAG), ...networks.map(({ need }) => ruleFor(need))];
  const finding = aboutResource('aks-required', settings, {
    severity: SEVERITIES[Math.min(...severities)] ?? 'error',
    reason: `Most of what AKS needs is denied: ${what}. ${becauseOf(rules, deniedBy.has(null))} --all tells each by itself.`,
    fix: '',
    related: rules,
  });
  return {
    finding,
    remedy: { lead: `${order} this tag${rest}:\n`, rules: wanted },
    answered: new Set([...answered, ...cured].map(each => each.finding)),
  };
}

function becauseOf(rules: readonly RuleRef[], byDefault: boolean): string {
  if (rules.length === 0) return 'No rule allows it.';
  const names = listed(rules.map(formatRuleRef));
  const verb = rules.length > 1 ? 'deny' : 'denies';
  return byDefault ? `${names} ${verb} some of it, and no rule allows the rest.` : `${names} ${verb} it.`;
}

function isInTag({ kind, protocol, port, destination }: AksNeed, facts: TagFacts): boolean {
  const pattern = kind === 'fqdn' ? parseFqdnPattern(destination) : undefined;
  if (!pattern) return false;
  // A pattern is in the tag if a name that nobody would list is.
  const name = destination.replace('*', 'any-name-at-all').toLowerCase();
  return (facts.fqdnTag(TAG) ?? []).some(
    entry => entry.protocol === protocol && entry.port === port && matchesFqdn(entry.pattern, name),
  );
}
