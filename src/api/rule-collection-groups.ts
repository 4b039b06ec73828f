// Rule collection groups in the API: resources of their own below a policy. The model judges their rules; what the whole
// policy makes of them is judged with everything that runs it.

import type { Json } from '#arm/json-reader.ts';
import { FIREWALL_POLICY_TYPE } from '#model/firewall-policy.ts';
import { parseRuleCollectionGroup, RULE_COLLECTION_GROUP_TYPE } from '#model/rule-collection-group.ts';
import { lookupOf } from './model-lookup.ts';
import { bytesOf, formatSize, policyGraph, policyIdOfGroup, shownPolicyGraph } from './policy-graph.ts';
import { stateOfFirewalls } from './policy-state.ts';
import { objectsOf, writtenProperties } from './request-body.ts';
import type { ResourceKind } from './resource-kind.ts';
import { faultsOfWrite, usersOfPolicy } from './whole-policies.ts';

/** Members that Azure's answers have in every rule of a type, whether or not they were written. */
const MEMBERS_OF_RULES: Readonly<Record<string, Json>> = {
  applicationrule: {
    protocols: [],
    fqdnTags: [],
    webCategories: [],
    targetFqdns: [],
    targetUrls: [],
    terminateTLS: false,
    sourceAddresses: [],
    destinationAddresses: [],
    sourceIpGroups: [],
    httpHeadersToInsert: [],
  },
  networkrule: {
    ipProtocols: [],
    sourceAddresses: [],
    sourceIpGroups: [],
    destinationAddresses: [],
    destinationIpGroups: [],
    destinationFqdns: [],
    destinationPorts: [],
  },
  natrule: {
    ipProtocols: [],
    sourceAddresses: [],
    sourceIpGroups: [],
    destinationAddresses: [],
    destinationPorts: [],
  },
};

export const ruleCollectionGroups: ResourceKind = {
  type: RULE_COLLECTION_GROUP_TYPE,
  parentType: FIREWALL_POLICY_TYPE,
  deletionRank: 1,

  read({ envelope, body, reader }, context) {
    const properties = writtenProperties(body, ['size', 'provisioningState']);
    const { diagnostics } = parseRuleCollectionGroup(
      { ...body, name: envelope.name, properties },
      lookupOf(context),
    );
    if (diagnostics) reader.faults.addAll(diagnostics);
    return { ...envelope, properties: { ruleCollections: [], ...properties } };
  },

  check(after, _before, faults, context) {
    if (faults.list.length > 0) return;
    const subjects = usersOfPolicy(policyIdOfGroup(after.id), context);
    faults.addAll(faultsOfWrite(after, subjects, context));
  },

  showProperties({ document }, { store }) {
    const { ruleCollections, ...others } = document.properties;
    const firewalls = shownPolicyGraph(store).firewallsUnder(policyIdOfGroup(document.id));
    return {
      ...others,
      size: formatSize(bytesOf(document)),
      ruleCollections: objectsOf(ruleCollections).map(({ rules, ...collection }) => ({
        ...collection,
        rules: objectsOf(rules).map(showRule),
      })),
      provisioningState: stateOfFirewalls(firewalls, store),
    };
  },

  blockDeletion: () => undefined,

  affectedFirewalls(after, _before, { store }) {
    return policyGraph(store).firewallsUnder(policyIdOfGroup(after.id));
  },

  affectedByDeletion({ id }, { store }) {
    return policyGraph(store).firewallsUnder(policyIdOfGroup(id));
  },
};

function showRule(rule: Json): Json {
  const type = typeof rule.ruleType === 'string' ? rule.ruleType.toLowerCase() : '';
  return { ...MEMBERS_OF_RULES[type], ...rule };
}
