// Who uses which firewall policy and which IP group: firewalls name a policy, policies a parent, rules name IP groups.
// Computed from the store as it is, so that nothing can go stale; answers, which ask many times, share one graph as
// long as nothing is written.

import { idKey, sameId } from '#arm/resource-id.ts';
import { FIREWALL_POLICY_TYPE } from '#model/firewall-policy.ts';
import { ipGroupIdsIn } from '#model/ip-group.ts';
import { RULE_COLLECTION_GROUP_TYPE } from '#model/rule-collection-group.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';
import { firewallsIn, idOf } from './references.ts';

/** All ids are as stored, in the order of the store; questions are asked in any case. */
export interface PolicyGraph {
  groupsOf(policyId: string): readonly { readonly id: string; readonly bytes: number }[];
  /** Policies whose parent this one is. */
  childrenOf(policyId: string): readonly string[];
  /** The policy, its children, and theirs. */
  withDescendants(policyId: string): readonly string[];
  /** Firewalls that name this policy. */
  firewallsOf(policyId: string): readonly string[];
  /** Firewalls that run this policy's groups: those of its descendants too. */
  firewallsUnder(policyId: string): readonly string[];
  /** Policies whose own groups name the IP group. */
  policiesWithIpGroup(ipGroupId: string): readonly string[];
  /** Firewalls whose own rules, or those of their policies, name the IP group. */
  firewallsWithIpGroup(ipGroupId: string): readonly string[];
}

/** The graph of the store as it is, in a transaction too. */
export function policyGraph(store: ResourceStore): PolicyGraph {
  const known = shown.get(store);
  return known?.revision === store.revision ? known.graph : computeGraph(store);
}

/** Keeps the graph of what is committed; one that a transaction may still undo must not be kept under its revision. */
const shown = new WeakMap<ResourceStore, { readonly revision: number; readonly graph: PolicyGraph }>();

/** For answers, outside of transactions. */
export function shownPolicyGraph(store: ResourceStore): PolicyGraph {
  const graph = policyGraph(store);
  shown.set(store, { revision: store.revision, graph });
  return graph;
}

function computeGraph(store: ResourceStore): PolicyGraph {
  const groups = new Lists<{ id: string; bytes: number }>();
  const children = new Lists<string>();
  const firewalls = new Lists<string>();
  const policiesByIpGroup = new Lists<string>();
  const firewallsByIpGroup = new Lists<string>();
  for (const document of firewallsIn(store)) {
    const policy = policyIdOf(document);
    if (policy !== undefined) firewalls.add(policy, document.id);
    for (const id of uniqueIpGroups(document)) firewallsByIpGroup.add(id, document.id);
  }
  for (const { document } of store.list({ type: FIREWALL_POLICY_TYPE })) {
    const base = basePolicyIdOf(document);
    if (base !== undefined) children.add(base, document.id);
  }
  for (const { document } of store.list({ type: RULE_COLLECTION_GROUP_TYPE })) {
    const policy = policyIdOfGroup(document.id);
    const id = store.get(policy)?.document.id ?? policy;
    groups.add(id, { id: document.id, bytes: bytesOf(document) });
    for (const ipGroup of uniqueIpGroups(document))
      if (!policiesByIpGroup.of(ipGroup).includes(id)) policiesByIpGroup.add(ipGroup, id);
  }
  const withDescendants = (policyId: string): string[] => {
    const found = [store.get(policyId)?.document.id ?? policyId];
    // The list grows while it is walked; what is in it already is not walked again, so a cycle ends.
    for (const id of found)
      for (const child of children.of(id)) if (!found.some(other => sameId(other, child))) found.push(child);
    return found;
  };
  const firewallsUnder = (policyId: string): string[] =>
    withDescendants(policyId).flatMap(id => firewalls.of(id));
  return {
    groupsOf: id => groups.of(id),
    childrenOf: id => children.of(id),
    withDescendants,
    firewallsOf: id => firewalls.of(id),
    firewallsUnder,
    policiesWithIpGroup: id => policiesByIpGroup.of(id),
    firewallsWithIpGroup: id => [
      ...new Set([...firewallsByIpGroup.of(id), ...policiesByIpGroup.of(id).flatMap(firewallsUnder)]),
    ],
  };
}

/** The policy that a firewall names. */
export function policyIdOf(firewall: ArmDocument): string | undefined {
  return idOf(firewall.properties.firewallPolicy);
}

/** The parent that a policy names. */
export function basePolicyIdOf(policy: ArmDocument): string | undefined {
  return idOf(policy.properties.basePolicy);
}

export function policyIdOfGroup(groupId: string): string {
  return groupId.split('/').slice(0, -2).join('/');
}

/** As ARM shows it: `0.5MB`. */
export function formatSize(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)}MB`;
}

export function bytesOf({ properties }: ArmDocument): number {
  return Buffer.byteLength(JSON.stringify(properties));
}

function uniqueIpGroups({ properties }: ArmDocument): Set<string> {
  return new Set(ipGroupIdsIn(properties).map(idKey));
}

class Lists<T> {
  readonly #lists = new Map<string, T[]>();

  add(id: string, item: T): void {
    const list = this.#lists.get(idKey(id));
    if (list) list.push(item);
    else this.#lists.set(idKey(id), [item]);
  }

  of(id: string): readonly T[] {
    return this.#lists.get(idKey(id)) ?? [];
  }
}
