// Finds and reads a policy, its parents and the rule collection groups of each. What is named and not there, what runs in a
// circle and what cannot be read is reported, each with the document that it stands in.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { normalizeLocation } from '#arm/locations.ts';
import { idKey } from '#arm/resource-id.ts';
import { CODES } from '#model/firewall-codes.ts';
import { FIREWALL_POLICY_TYPE, parseFirewallPolicy } from '#model/firewall-policy.ts';
import { limitsOf } from '#model/limits.ts';
import {
  type GroupLookup,
  parseRuleCollectionGroup,
  RULE_COLLECTION_GROUP_TYPE,
  type RuleCollectionGroup,
} from '#model/rule-collection-group.ts';
import { type Finding, inResource } from './finding.ts';
import type { PolicyLayer } from './lower-policy.ts';

export interface FoundLayers {
  /** Topmost parent first. Without faults there is at least one. */
  readonly layers: readonly PolicyLayer[];
  readonly faults: readonly Finding[];
}

/** `lookupOf` says how the groups of a policy are read; `isAttached` is false for parents. */
export function findLayers(
  attached: ArmDocument,
  documents: Documents,
  lookupOf: (isAttached: boolean) => GroupLookup,
): FoundLayers {
  const faults: Finding[] = [];
  const layers: PolicyLayer[] = [];
  const seen = new Set<string>();
  for (let document: ArmDocument | undefined = attached; document; ) {
    if (seen.has(idKey(document.id))) {
      faults.push({
        resource: attached.id,
        code: CODES.basePolicy,
        target: 'properties.basePolicy.id',
        message: `Firewall policy '${attached.name}': its parents run in a circle, which comes back to '${document.id}'.`,
      });
      break;
    }
    seen.add(idKey(document.id));
    const lookup = lookupOf(document === attached);
    const parsed = parseFirewallPolicy(document, lookup);
    faults.push(...inResource(document.id, parsed.diagnostics ?? []));
    const groups = readGroups(document, documents, lookup, faults);
    if (parsed.policy) layers.unshift({ policy: { ...parsed.policy, id: document.id }, groups });
    // Behind a policy that cannot be read there may be more to report.
    document = parentOf(document, parsed.policy?.basePolicyId ?? writtenParent(document), documents, faults);
  }
  return { layers, faults };
}

/** https://learn.microsoft.com/azure/firewall-manager/policy-overview. A template need not say where its resources lie. */
function sameRegion(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || normalizeLocation(a) === normalizeLocation(b);
}

function parentOf(
  { id, name, location }: ArmDocument,
  basePolicyId: string | undefined,
  documents: Documents,
  faults: Finding[],
): ArmDocument | undefined {
  if (basePolicyId === undefined) return undefined;
  const parent = policyDocument(documents, basePolicyId);
  if (!parent)
    faults.push({
      resource: id,
      code: CODES.reference,
      target: 'properties.basePolicy.id',
      message: `Firewall policy '${name}': there is no firewall policy '${basePolicyId}', which it names as its parent.`,
    });
  else if (!sameRegion(location, parent.location))
    faults.push({
      resource: id,
      code: CODES.basePolicy,
      target: 'properties.basePolicy.id',
      message: `Firewall policy '${name}' is in ${location}, its parent '${parent.name}' in ${parent.location}: both must be in the same region.`,
    });
  return parent;
}

export function policyDocument(documents: Documents, id: string): ArmDocument | undefined {
  const document = documents.get(id);
  return document && isPolicy(document) ? document : undefined;
}

export function isPolicy({ type }: ArmDocument): boolean {
  return type.toLowerCase() === FIREWALL_POLICY_TYPE.toLowerCase();
}

function readGroups(
  policy: ArmDocument,
  documents: Documents,
  lookup: GroupLookup,
  faults: Finding[],
): RuleCollectionGroup[] {
  const prefix = `${idKey(policy.id)}/rulecollectiongroups/`;
  const found = documents.ofType(RULE_COLLECTION_GROUP_TYPE).filter(({ id }) => idKey(id).startsWith(prefix));
  const { most } = limitsOf(lookup).groupsPerPolicy;
  if (found.length > most)
    faults.push({
      resource: policy.id,
      code: CODES.limit,
      target: 'properties.ruleCollectionGroups',
      message: `Firewall policy '${policy.name}': ${found.length} rule collection groups, at most ${most}.`,
    });
  const known = new Set(found.map(({ id }) => idKey(id)));
  for (const [index, id] of listedGroups(policy))
    if (!known.has(idKey(id)))
      faults.push({
        resource: policy.id,
        code: CODES.reference,
        target: `properties.ruleCollectionGroups[${index}]`,
        message: `Firewall policy '${policy.name}': there is no rule collection group '${id}', which it lists.`,
      });
  return found.flatMap(document => {
    const { group, diagnostics } = parseRuleCollectionGroup(document, lookup);
    faults.push(...inResource(document.id, diagnostics ?? []));
    return group ? [{ ...group, id: document.id, name: document.name }] : [];
  });
}

function writtenParent({ properties }: ArmDocument): string | undefined {
  const { id } = (properties.basePolicy ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' ? id : undefined;
}

/** The groups that Azure says the policy has, where the document comes from Azure: without them its rules would be missing. */
function listedGroups({ properties }: ArmDocument): (readonly [index: number, id: string])[] {
  const { ruleCollectionGroups } = properties;
  const list = Array.isArray(ruleCollectionGroups) ? (ruleCollectionGroups as unknown[]) : [];
  return list.flatMap((item, index) => {
    const { id } = (item ?? {}) as { readonly id?: unknown };
    return typeof id === 'string' ? [[index, id] as const] : [];
  });
}
