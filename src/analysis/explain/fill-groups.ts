// What filling empty IP groups would change: which groups a skipped rule lacks, and the policy as it is with them. Rules that name
// such a group among other addresses are judged as before: a policy does not keep what a list gained nothing from.

import { idKey } from '#arm/resource-id.ts';
import type { AddressSet, ResolvedPolicy, SkippedRule } from '#ir/policy.ts';
import { mergeRanges } from '#net/ipv4.ts';
import type { TraceStep } from '../trace.ts';
import type { Packet } from './steps.ts';

export interface FilledGroup {
  /** Id of an IP group. */
  readonly group: string;
  readonly address: number;
}

/** One group a list does. Undefined where groups are not what the rule lacks, or not all. */
export function groupsToFill(
  { causes, misses }: TraceStep,
  { source, destination }: Pick<Packet, 'source' | 'destination'>,
): readonly FilledGroup[] | undefined {
  if (!causes || misses.length !== 1) return undefined;
  const groups = causes.flatMap(({ field, ipGroups: [group] }) =>
    group === undefined ? [] : [{ group, address: field === 'source' ? source : destination }],
  );
  return groups.length < causes.length ? undefined : groups;
}

export function withFilledGroups(policy: ResolvedPolicy, groups: readonly FilledGroup[]): ResolvedPolicy {
  const members = (ids: readonly string[]): AddressSet =>
    mergeRanges(
      groups
        .filter(({ group }) => ids.some(id => idKey(id) === idKey(group)))
        .map(({ address }) => ({ first: address, last: address })),
    );
  const nat = [...policy.natRules];
  const network = [...policy.networkRules];
  const application = [...policy.applicationRules];
  // From behind, so that positions stay what they are.
  for (const skipped of [...(policy.skippedRules ?? [])].reverse()) {
    const lists = skipped.causes.map(({ field, ipGroups }) => ({ field, set: members(ipGroups) }));
    if (lists.some(({ field, set }) => field === 'name' || set.length === 0)) continue;
    const setOf = (wanted: SkippedRule['causes'][number]['field']) =>
      lists.find(({ field }) => field === wanted)?.set;
    const [sources, destinations] = [setOf('source'), setOf('destination')];
    const filled = { ...(sources && { sources }), ...(destinations && { destinations }) };
    const { position } = skipped;
    if (skipped.pass === 'nat') nat.splice(position, 0, { ...skipped.rule, ...(sources && { sources }) });
    else if (skipped.pass === 'application') application.splice(position, 0, { ...skipped.rule, ...filled });
    else
      network.splice(position, 0, {
        ...skipped.rule,
        ...(sources && { sources }),
        ...(destinations && { destinations: [destinations] }),
      });
  }
  return { ...policy, natRules: nat, networkRules: network, applicationRules: application };
}
