// Which of the documents a command is about: the one firewall, or else the one policy that is nobody's parent. Where there are
// several, the user names one; nothing is guessed. Pure.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { idKey } from '#arm/resource-id.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { FIREWALL_POLICY_TYPE } from '#model/firewall-policy.ts';

export interface SubjectWish {
  /** Names or ids, in any case. */
  readonly firewall?: string | undefined;
  readonly firewallPolicy?: string | undefined;
}

export type PickedSubject =
  | { readonly subject: ArmDocument; readonly fault?: undefined }
  | { readonly subject?: undefined; readonly fault: string };

/** `isStore`: the documents are those of a store, where what is missing is created, not saved. */
export function pickSubject(
  documents: Documents,
  { firewall, firewallPolicy }: SubjectWish,
  isStore = false,
): PickedSubject {
  const firewalls = documents.ofType(FIREWALL_TYPE);
  const policies = documents.ofType(FIREWALL_POLICY_TYPE);
  if (firewall !== undefined) return pickNamed(firewall, firewalls, 'firewall', '--firewall');
  if (firewallPolicy !== undefined)
    return pickNamed(firewallPolicy, policies, 'firewall policy', '--firewall-policy');
  if (firewalls.length === 0 && policies.length === 0)
    return {
      fault: isStore
        ? 'there is no firewall and no firewall policy yet. Create one: az network firewall create -g GROUP -n NAME, or az network firewall policy create -g GROUP -n NAME'
        : 'there is no firewall and no firewall policy. Save one: az network firewall show -g GROUP -n NAME -o json > firewall.json, or az network firewall policy show -g GROUP -n NAME -o json > policy.json',
    };
  if (firewalls.length > 0) return pickOnly(firewalls, 'firewalls', '--firewall');
  const parents = new Set(policies.flatMap(({ properties: { basePolicy } }) => parentOf(basePolicy)));
  const leaves = policies.filter(({ id }) => !parents.has(idKey(id)));
  // Policies that are each other's parents: whichever is picked, resolving it says so.
  return pickOnly(leaves.length > 0 ? leaves : policies, 'firewall policies', '--firewall-policy');
}

/** Whether there is anything of the name that is wished for. */
export function hasSubject(documents: Documents, { firewall, firewallPolicy }: SubjectWish): boolean {
  const isCalled = (type: string, wish = '') =>
    documents.ofType(type).some(document => isNamed(document, wish));
  return isCalled(FIREWALL_TYPE, firewall) || isCalled(FIREWALL_POLICY_TYPE, firewallPolicy);
}

function isNamed({ id, name }: ArmDocument, wish: string): boolean {
  return [idKey(id), name.toLowerCase()].includes(idKey(wish));
}

function parentOf(reference: unknown): string[] {
  return isObject(reference) && typeof reference.id === 'string' ? [idKey(reference.id)] : [];
}

function pickOnly(candidates: readonly ArmDocument[], what: string, flag: string): PickedSubject {
  const [first, ...others] = candidates;
  if (first && others.length === 0) return { subject: first };
  return { fault: `there are ${candidates.length} ${what}; name one with ${flag}: ${namesOf(candidates)}` };
}

function pickNamed(
  wish: string,
  candidates: readonly ArmDocument[],
  what: string,
  flag: string,
): PickedSubject {
  const [first, ...others] = candidates.filter(candidate => isNamed(candidate, wish));
  if (first && others.length === 0) return { subject: first };
  if (first)
    return {
      fault: `several are called '${wish}'; name one by its id with ${flag}: ${[first, ...others].map(({ id }) => id).join(', ')}`,
    };
  const there = candidates.length === 0 ? 'there is none' : `there is ${namesOf(candidates)}`;
  return { fault: `there is no ${what} '${wish}'; ${there}` };
}

/** Ids where two have the same name. */
function namesOf(candidates: readonly ArmDocument[]): string {
  const names = candidates.map(({ name }) => name);
  const unique = new Set(names.map(name => name.toLowerCase())).size === names.length;
  return (unique ? names : candidates.map(({ id }) => id)).join(', ');
}
