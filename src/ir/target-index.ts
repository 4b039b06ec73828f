// Whether a name is among the targets of an application rule. An FQDN tag can hold thousands of plain names, which are
// looked up and not walked through; the index of a rule lives exactly as long as its list of targets.

import { type FqdnPattern, matchesFqdn } from '#net/fqdn.ts';
import type { ApplicationTarget } from './policy.ts';

interface TargetIndex {
  readonly exact: ReadonlySet<string>;
  readonly wildcards: readonly FqdnPattern[];
}

/** Below this many targets a walk is as quick as a look-up. */
const WORTH_AN_INDEX = 8;

const indexes = new WeakMap<readonly ApplicationTarget[], TargetIndex>();

/** `fqdn` must be normalized. */
export function matchesTargets(targets: readonly ApplicationTarget[], fqdn: string): boolean {
  if (targets.length < WORTH_AN_INDEX) return targets.some(({ pattern }) => matchesFqdn(pattern, fqdn));
  const { exact, wildcards } = indexOf(targets);
  return exact.has(fqdn) || wildcards.some(pattern => matchesFqdn(pattern, fqdn));
}

function indexOf(targets: readonly ApplicationTarget[]): TargetIndex {
  const known = indexes.get(targets);
  if (known) return known;
  const exact = new Set<string>();
  const wildcards: FqdnPattern[] = [];
  for (const { pattern } of targets) {
    if (pattern.kind === 'exact') exact.add(pattern.name);
    else wildcards.push(pattern);
  }
  const index = { exact, wildcards };
  indexes.set(targets, index);
  return index;
}
