// A write of a policy, a rule collection group or a firewall with a policy is judged together with all that runs it, as it
// would be after the write: the policy, its descendants, and the firewalls of these. What one document cannot tell is
// found here (a NAT rule for an address that no firewall has, a limit over all groups), before anything is stored.

import type { ArmErrorDetail } from '#arm/arm-error.ts';
import { idKey, sameId } from '#arm/resource-id.ts';
import type { ArmDocument } from '#store/resource-store.ts';
import { documentsOfStore } from '#store/store-documents.ts';
import type { PolicyFault } from './options.ts';
import { policyGraph } from './policy-graph.ts';
import { hasDataPath } from './references.ts';
import type { KindContext } from './resource-kind.ts';

/**
 * Everything that runs the policy's groups, without what is judged as part of another: a firewall runs its policy and all
 * parents of it, a child runs its parents. A firewall without IP configuration runs nothing.
 */
export function usersOfPolicy(policyId: string, { store }: KindContext): ArmDocument[] {
  const graph = policyGraph(store);
  const documentsOf = (ids: readonly string[]) => ids.flatMap(id => store.get(id)?.document ?? []);
  return graph.withDescendants(policyId).flatMap(id => {
    const firewalls = documentsOf(graph.firewallsOf(id)).filter(hasDataPath);
    return firewalls.length > 0 || graph.childrenOf(id).length > 0 ? firewalls : documentsOf([id]);
  });
}

/** Faults that the write of `after` brings to any of the subjects; those that were there before do not count. */
export function faultsOfWrite(
  after: ArmDocument,
  subjects: readonly ArmDocument[],
  { store, options }: KindContext,
): ArmErrorDetail[] {
  const resolve = options.faultsOf;
  if (!resolve) return [];
  const then = documentsOfStore(store, after);
  const now = documentsOfStore(store);
  const found = new Map<string, ArmErrorDetail>();
  for (const subject of subjects) {
    const written = then.get(subject.id) ?? subject;
    const faults = resolve(written, then);
    if (faults.length === 0) continue;
    const before = store.get(subject.id)?.document;
    const old = new Set(before ? resolve(before, now).map(keyOf) : []);
    for (const fault of faults)
      if (!old.has(keyOf(fault)) && !found.has(keyOf(fault)))
        found.set(keyOf(fault), detailOf(fault, written, after));
  }
  return [...found.values()];
}

function keyOf({ resource, code, target, message }: PolicyFault): string {
  return JSON.stringify([idKey(resource), code, target, message]);
}

/** Says which document the fault is in, and who cannot run it, where that is not the written one. */
function detailOf(
  { resource, code, target, message }: PolicyFault,
  subject: ArmDocument,
  after: ArmDocument,
): ArmErrorDetail {
  return {
    code,
    target: sameId(resource, after.id) ? target : `${resource}: ${target}`,
    message: sameId(subject.id, after.id) ? message : `${message} (${subject.id} could not run it.)`,
  };
}
