// Rules that never decide and rules that can go, in words: shadowed, contradictory, redundant, bypassed by another pass.

import { formatRuleRef } from '#model/rule-ref.ts';
import { aboutResource, aboutRule, keyOf, type LintContext } from './context.ts';
import { type Coverer, examineCoverage, type RuleVerdict } from './coverage.ts';
import type { LintFinding } from './finding.ts';
import { Inheritors } from './inheritors.ts';
import type { WorkBounds } from './region.ts';
import type { PlacedRule } from './written-rules.ts';

export function checkCoverage(context: LintContext, bounds?: WorkBounds): LintFinding[] {
  const verdicts = examineCoverage(context.policy, bounds);
  const written = new Map(context.rules.map(rule => [keyOf(rule.pass, rule.ref), rule]));
  const inheritors = new Inheritors(context, bounds);
  const open = verdicts.filter(({ finished }) => !finished);
  return [
    ...verdicts.flatMap(verdict => {
      const rule = written.get(keyOf(verdict.pass, verdict.rule));
      return rule ? describe(verdict, rule, inheritors) : [];
    }),
    ...(open.length === 0 ? [] : [unfinished(context, open)]),
  ];
}

function unfinished({ settings }: LintContext, open: readonly RuleVerdict[]): LintFinding {
  return aboutResource('not-examined', settings, {
    reason: `Whether they are shadowed or redundant was not found out for ${open.length} rules, which meet too many others: ${listed(open.map(({ rule }) => formatRuleRef(rule)))}.`,
    fix: 'Split the policy, or join rules that differ in little, and run lint again.',
    related: open.map(({ rule }) => rule),
  });
}

function describe(verdict: RuleVerdict, rule: PlacedRule, inheritors: Inheritors): LintFinding[] {
  switch (verdict.reach) {
    case 'NotExamined':
      return [];
    case 'HoldsNothing':
      return [
        aboutRule('matches-nothing', rule, {
          reason:
            'No flow can match it: a list of its sources, destinations or names is empty once tags are looked up.',
          fix: 'Name what is meant, or remove the rule.',
        }),
      ];
    case 'Never':
      return describeNever(verdict, rule, inheritors);
    case 'Decides': {
      if (!verdict.removable || inheritors.isNeededElsewhere(verdict)) return [];
      const others =
        verdict.action === 'Deny' ||
        verdict.followers.some(follower => inheritors.isBelow(follower, verdict.rule));
      const isLeft = others && inheritors.isInherited(verdict.rule);
      return [asLeft(describeSuperfluous(verdict, rule), isLeft)];
    }
  }
}

/** Of a rule that policies below inherit: there may be more of them than the documents hold. */
function asLeft(finding: LintFinding, isLeft: boolean): LintFinding {
  if (!isLeft || !finding.rule) return finding;
  return {
    ...finding,
    severity: 'note',
    fix: `Leave it: policies below '${finding.rule.policy}' that are not among these documents may rely on it.`,
  };
}

/** A rule that comes after one of a child never acts for that child; other policies have it without the child's. */
function describeNever(verdict: RuleVerdict, rule: PlacedRule, inheritors: Inheritors): LintFinding[] {
  const byChild = verdict.coveredBy.some(cover => cover.rule && inheritors.isBelow(cover.rule, verdict.rule));
  const finding = describeCovered(verdict, rule, byChild);
  if (!byChild || finding.fix !== REMOVE) return [finding];
  return inheritors.isNeededElsewhere(verdict) ? [] : [asLeft(finding, inheritors.isInherited(verdict.rule))];
}

const REMOVE = 'Remove it.';

function describeCovered(verdict: RuleVerdict, rule: PlacedRule, byChild: boolean): LintFinding {
  const { coveredBy, action, pass, path, sameMatch, removable } = verdict;
  const by = coveredBy.filter(cover => cover.rule !== null);
  const related = by.flatMap(cover => cover.rule ?? []);
  const names = listed(related.map(formatRuleRef));
  if (by.length === 0)
    return aboutRule('matches-nothing', rule, {
      reason:
        "It names only addresses that no flow it judges can have: the firewall's own, loopback, multicast or reserved ones.",
      fix: 'Name other addresses, or remove the rule.',
    });
  if (pass === 'application' && by.every(cover => cover.pass === 'network' || cover.pass === 'nat')) {
    const lost =
      action === 'Deny'
        ? by.some(cover => cover.action === 'Allow')
          ? 'so what it denies passes'
          : 'which deny it too'
        : by.every(cover => cover.action === 'Allow')
          ? 'so all names pass and nobody looks at them'
          : 'so what it allows is denied';
    const harmless = by.every(cover => cover.action === action);
    return aboutRule('bypassed-by-network-rule', rule, {
      severity: harmless ? 'warning' : 'error',
      reason: `It never decides: network rules are judged before application rules, whatever the priorities, and ${names} ${related.length > 1 ? 'take' : 'takes'} all of its traffic, ${lost}.`,
      fix:
        byChild && action === 'Deny'
          ? `Narrow or remove ${names}.`
          : `Narrow or remove ${names}, or remove this rule.`,
      related,
    });
  }
  const same = by.every(cover => isAlike(cover, action, path));
  const [first] = by;
  const order = byChild ? '' : across(verdict, first);
  if (sameMatch && first && first.action !== action)
    return aboutRule('contradictory', rule, {
      reason: `${names} matches exactly the same and comes first with ${first.action}, so this ${action} never acts.${order}`,
      fix: `Keep one of the two: remove this rule, or ${names} if ${action} is meant.`,
      related,
    });
  if (same && removable)
    return aboutRule('redundant', rule, {
      reason: `It never decides: all it matches is decided before, in the same way, by ${names}.${order}`,
      fix: REMOVE,
      related,
    });
  return aboutRule('shadowed', rule, {
    severity: same ? 'warning' : 'error',
    reason: `It never decides: all it matches is decided before by ${names}${same ? '' : ', at least in part otherwise'}.${order}`,
    fix: same
      ? REMOVE
      : `Move it before ${names}${related.length > 1 ? ' or narrow these' : ' or narrow that rule'}; if it is not meant to act, remove it.`,
    related,
  });
}

function isAlike(cover: Coverer, action: string, path: string): boolean {
  return cover.action === action && cover.path === path;
}

/** Why numbers that people look at do not help. */
function across({ rule }: RuleVerdict, first: Coverer | undefined): string {
  if (first?.rule && first.rule.policy !== rule.policy)
    return ` Rules of the parent policy '${first.rule.policy}' come before those of '${rule.policy}', whatever the priorities.`;
  return '';
}

function describeSuperfluous({ action, followers }: RuleVerdict, rule: PlacedRule): LintFinding {
  if (followers.length === 0)
    return aboutRule('redundant', rule, {
      severity: 'note',
      reason:
        'Nothing behind it allows what it denies, and what no rule allows is denied anyway. The log names it, which may be wanted.',
      fix: 'Remove it, unless it stands there for the log or as a safeguard.',
    });
  return aboutRule('redundant', rule, {
    severity: action === 'Deny' ? 'note' : 'warning',
    reason: `Without it the rules behind it treat all it matches in the same way: ${listed(followers.map(formatRuleRef))}${action === 'Deny' ? ', and else the default' : ''}.`,
    fix: 'Remove it, unless the log should tell the two apart.',
    related: followers,
  });
}

const MOST_NAMES = 3;

export function listed(words: readonly string[], most: number = MOST_NAMES): string {
  const shown = words.slice(0, most).map(word => `'${word}'`);
  if (words.length > most) return `${shown.join(', ')} and ${words.length - most} more`;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
