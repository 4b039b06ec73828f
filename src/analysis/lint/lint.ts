// All checks of a policy, in order: what they find, most severe first. Pure: files, names and exit codes are the caller's.

import type { ResolvedNames } from '../question.ts';
import { type AksQuestion, checkAks } from './aks.ts';
import { type LintSubject, toLintContext } from './context.ts';
import { checkCoverage } from './coverage-findings.ts';
import { bySeverity, type LintFinding } from './finding.ts';
import { checkNetworkFqdns } from './network-fqdns.ts';
import { checkOverBroad } from './over-broad.ts';
import { checkRegistries } from './registries.ts';
import { checkRules, checkSettings, checkWarnings } from './settings.ts';
import { checkDnat, checkSnatPorts, type StatedConnections } from './translation.ts';

export interface LintOptions {
  /** Addresses of names, as far as they are known. */
  readonly names?: ResolvedNames;
  readonly connections?: StatedConnections;
  /** A cluster whose needs are held against the policy, and the table of needs. */
  readonly aks?: AksQuestion;
}

export function lint(
  subject: LintSubject,
  { names = new Map(), connections, aks }: LintOptions = {},
): LintFinding[] {
  const context = toLintContext(subject, names);
  const findings = [
    ...checkCoverage(context),
    ...checkOverBroad(context),
    ...checkNetworkFqdns(context),
    ...checkDnat(context),
    ...checkSnatPorts(context, connections),
    ...checkRegistries(context),
    ...checkRules(context),
    ...checkSettings(context),
    ...checkWarnings(context),
    ...(aks ? checkAks(context, aks) : []),
  ];
  return findings.sort(bySeverity);
}
