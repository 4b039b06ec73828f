// Firewall policies in the API. The model judges the settings; here parents are checked, and the members added by which
// clients find children, firewalls and rule collection groups. The groups are resources of their own.

import { type Faults, isObject } from '#arm/json-reader.ts';
import { sameId } from '#arm/resource-id.ts';
import { CODES } from '#model/firewall-codes.ts';
import { FIREWALL_POLICY_TYPE, parseFirewallPolicy } from '#model/firewall-policy.ts';
import type { ArmDocument, ResourceStore } from '#store/resource-store.ts';
import { lookupOf } from './model-lookup.ts';
import { basePolicyIdOf, bytesOf, formatSize, policyGraph, shownPolicyGraph } from './policy-graph.ts';
import { stateOfFirewalls } from './policy-state.ts';
import { tierFits, tierOf } from './policy-tiers.ts';
import { isOfType } from './references.ts';
import { writtenProperties } from './request-body.ts';
import type { ResourceKind } from './resource-kind.ts';
import { faultsOfWrite, usersOfPolicy } from './whole-policies.ts';

const READ_ONLY = [
  'childPolicies',
  'firewalls',
  'ruleCollectionGroups',
  'size',
  'provisioningState',
  'resourceGuid',
];

export const firewallPolicies: ResourceKind = {
  type: FIREWALL_POLICY_TYPE,
  deletionRank: 2,

  read({ envelope, body, reader }, context) {
    const properties = writtenProperties(body, READ_ONLY);
    const { diagnostics } = parseFirewallPolicy(
      { ...body, name: envelope.name, properties },
      lookupOf(context),
    );
    if (diagnostics) reader.faults.addAll(diagnostics);
    const document = { ...envelope, properties };
    const baseId = basePolicyIdOf(document);
    const base = baseId === undefined ? undefined : context.store.get(baseId)?.document;
    return {
      ...document,
      properties: {
        threatIntelMode: 'Alert',
        ...properties,
        ...(base === undefined ? {} : { basePolicy: { id: base.id } }),
        sku: { tier: 'Standard', ...(isObject(properties.sku) ? properties.sku : {}) },
      },
    };
  },

  check(after, before, faults, context) {
    checkParent(after, faults, context.store);
    checkUsers(after, faults, context.store);
    if (faults.list.length > 0) return;
    const subjects = before ? usersOfPolicy(after.id, context) : [after];
    faults.addAll(faultsOfWrite(after, subjects, context));
  },

  showProperties({ document }, { store }) {
    const graph = shownPolicyGraph(store);
    const references = (ids: readonly string[]) => ids.map(id => ({ id }));
    const groups = graph.groupsOf(document.id);
    return {
      sku: { tier: 'Standard' },
      threatIntelMode: 'Alert',
      ...document.properties,
      childPolicies: references(graph.childrenOf(document.id)),
      ruleCollectionGroups: references(groups.map(({ id }) => id)),
      firewalls: references(graph.firewallsOf(document.id)),
      size: formatSize(groups.reduce((sum, { bytes }) => sum + bytes, bytesOf(document))),
      provisioningState: stateOfFirewalls(graph.firewallsUnder(document.id), store),
    };
  },

  blockDeletion({ id, name }, { store }) {
    const graph = policyGraph(store);
    const firewalls = graph.firewallsOf(id);
    const children = graph.childrenOf(id);
    if (firewalls.length === 0 && children.length === 0) return undefined;
    const [users, remedy] =
      firewalls.length > 0
        ? [`firewalls ${firewalls.join(', ')}`, 'Take it off these firewalls first.']
        : [`child policies ${children.join(', ')}`, 'Give them another parent, or delete them, first.'];
    return {
      code: firewalls.length > 0 ? 'FirewallPolicyInUseByFirewalls' : 'FirewallPolicyInUseByChildPolicies',
      message: `Firewall policy ${name} is in use by the ${users} and cannot be deleted. ${remedy}`,
      users: [...firewalls, ...children],
    };
  },

  // Also when nothing changes: writing the same again asks for another try when the last one failed.
  affectedFirewalls(after, _before, { store }) {
    return policyGraph(store).firewallsUnder(after.id);
  },
};

function checkParent(policy: ArmDocument, faults: Faults, store: ResourceStore): void {
  const id = basePolicyIdOf(policy);
  if (id === undefined) return;
  const target = 'properties.basePolicy';
  const parent = sameId(id, policy.id) ? policy : store.get(id)?.document;
  if (!parent || !isOfType(parent, FIREWALL_POLICY_TYPE)) {
    const message = `The firewall policy ${id}, which policy '${policy.name}' names as its parent, was not found.`;
    faults.add('InvalidResourceReference', target, message);
    return;
  }
  const circle = circleOf(policy, store);
  if (circle) {
    const message = `Policy '${policy.name}' cannot have the parent ${id}: ${circle.join(' → ')} would be a circle.`;
    faults.add(CODES.basePolicy, target, message);
    return;
  }
  if (parent.location !== policy.location)
    faults.add(
      CODES.basePolicy,
      target,
      `The parent ${parent.id} is in ${parent.location}, policy '${policy.name}' in ${policy.location}. Both must be in the same region.`,
    );
  if (!tierFits(tierOf(parent), tierOf(policy)))
    faults.add(
      CODES.policyTier,
      target,
      `The parent ${parent.id} has the tier ${tierOf(parent)}, which a policy of tier ${tierOf(policy)} cannot inherit from.`,
    );
}

/** Names of the policies on the way from this one up to itself; undefined when the way ends. */
function circleOf(policy: ArmDocument, store: ResourceStore): string[] | undefined {
  const names = [policy.name];
  const seen = new Set<string>();
  for (let id = basePolicyIdOf(policy); id !== undefined; ) {
    if (sameId(id, policy.id)) return [...names, policy.name];
    const parent = store.get(id)?.document;
    if (!parent || seen.has(parent.id)) return undefined;
    seen.add(parent.id);
    names.push(parent.name);
    id = basePolicyIdOf(parent);
  }
  return undefined;
}

/** A tier that firewalls and children have been given must go on fitting them. */
function checkUsers(policy: ArmDocument, faults: Faults, store: ResourceStore): void {
  const graph = policyGraph(store);
  for (const id of [...graph.firewallsOf(policy.id), ...graph.childrenOf(policy.id)]) {
    const user = store.get(id)?.document;
    if (user && !tierFits(tierOf(policy), tierOf(user)))
      faults.add(
        CODES.policyTier,
        'properties.sku.tier',
        `${id}, which uses policy '${policy.name}', has the tier ${tierOf(user)} and cannot run a policy of tier ${tierOf(policy)}.`,
      );
  }
}
