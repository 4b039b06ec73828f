// The rules of a subject as they are written (IP groups and tags by name), each with its place in the documents. What they mean
// is in the resolved policy; lint needs both, because a tag is advised against by its name and an IP group can be empty.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { findLayers, isPolicy, policyDocument } from '#compiler/policy-layers.ts';
import { type ResolveContext, World } from '#compiler/resolve-world.ts';
import { parseAzureFirewall } from '#model/firewall.ts';
import type { RuleCollection } from '#model/firewall-collections.ts';
import type { FirewallPolicy } from '#model/firewall-policy.ts';
import type { WrittenApplicationRule, WrittenNatRule, WrittenNetworkRule } from '#model/firewall-rules.ts';
import type { RuleRef } from '#model/rule-ref.ts';

interface Common {
  readonly ref: RuleRef;
  /** Id of the document. */
  readonly resource: string;
  /** Where in it. */
  readonly target: string;
}

export type WrittenNat = Common & {
  readonly pass: 'nat';
  readonly action: 'Allow';
  readonly rule: WrittenNatRule;
};
export type WrittenNetwork = Common & {
  readonly pass: 'network';
  readonly action: 'Allow' | 'Deny';
  readonly rule: WrittenNetworkRule;
};
export type WrittenApplication = Common & {
  readonly pass: 'application';
  readonly action: 'Allow' | 'Deny';
  readonly rule: WrittenApplicationRule;
};
export type PlacedRule = WrittenNat | WrittenNetwork | WrittenApplication;

export interface WrittenSubject {
  readonly rules: readonly PlacedRule[];
  /** Topmost parent first; empty for a firewall with rules of its own. */
  readonly policies: readonly FirewallPolicy[];
  /** The document whose settings count: the attached policy, or the firewall. */
  readonly settings: ArmDocument;
}

/** For a subject that `resolvePolicy` has taken without a fault. */
export function readWrittenRules(
  subject: ArmDocument,
  documents: Documents,
  context: ResolveContext,
): WrittenSubject {
  const world = new World(documents, context);
  if (isPolicy(subject)) return rulesOfPolicy(subject, documents, world);
  const { firewall } = parseAzureFirewall(subject, {
    ...world.ruleLookup,
    publicAddressOf: id => world.publicIp(id)?.address,
  });
  const attached =
    firewall?.firewallPolicyId === undefined
      ? undefined
      : policyDocument(documents, firewall.firewallPolicyId);
  if (attached) return rulesOfPolicy(attached, documents, world);
  const place = { policy: '', group: '' };
  const rules: PlacedRule[] = [
    ...placed(firewall?.natRuleCollections ?? [], 'nat', subject, 'natRuleCollections', place),
    ...placed(firewall?.networkRuleCollections ?? [], 'network', subject, 'networkRuleCollections', place),
    ...placed(
      firewall?.applicationRuleCollections ?? [],
      'application',
      subject,
      'applicationRuleCollections',
      place,
    ),
  ];
  return { rules, policies: [], settings: subject };
}

function rulesOfPolicy(attached: ArmDocument, documents: Documents, world: World): WrittenSubject {
  const { layers } = findLayers(attached, documents, () => world.ruleLookup);
  const rules = layers.flatMap(({ policy, groups }) =>
    groups.flatMap((group): PlacedRule[] => {
      const document = documents.get(group.id) ?? attached;
      const place = { policy: policy.name, group: group.name };
      return [
        ...placed(group.natCollections, 'nat', document, 'ruleCollections', place),
        ...placed(group.networkCollections, 'network', document, 'ruleCollections', place),
        ...placed(group.applicationCollections, 'application', document, 'ruleCollections', place),
      ];
    }),
  );
  return { rules, policies: layers.map(({ policy }) => policy), settings: attached };
}

function placed<P extends PlacedRule['pass']>(
  collections: readonly RuleCollection<string, { readonly name: string }>[],
  pass: P,
  document: ArmDocument,
  member: string,
  place: Pick<RuleRef, 'policy' | 'group'>,
): PlacedRule[] {
  return collections.flatMap(({ name: collection, action, rules }) =>
    rules.map(
      rule =>
        ({
          ref: { ...place, collection, rule: rule.name },
          pass,
          action: action === 'Deny' ? 'Deny' : 'Allow',
          rule,
          resource: document.id,
          target: pathOf(document, member, collection, rule.name),
        }) as PlacedRule,
    ),
  );
}

/** Classic collections carry their rules in `properties`, those of a group beside their name. */
function pathOf({ properties }: ArmDocument, member: string, collection: string, rule: string): string {
  const collections = listOf(properties[member]);
  const at = collections.findIndex(item => isObject(item) && item.name === collection);
  if (at < 0) return '';
  const path = `properties.${member}[${at}]`;
  const found = collections[at];
  if (!isObject(found)) return path;
  const inner = isObject(found.properties) ? found.properties : undefined;
  const index = listOf(inner?.rules ?? found.rules).findIndex(item => isObject(item) && item.name === rule);
  if (index < 0) return path;
  return `${path}${inner?.rules === undefined ? '' : '.properties'}.rules[${index}]`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
