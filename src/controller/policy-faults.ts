// What keeps a firewall or a policy from being put in force together with everything that it refers to. The API asks it of
// documents that are not stored yet, so that nothing is stored that cannot be compiled.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { type Finding, resolvePolicy } from '#compiler/resolve-policy.ts';
import type { Facts } from '#facts/facts.ts';
import type { PolicyOptions } from '#model/policy-options.ts';

export interface PolicyFaultsOptions {
  readonly facts: Facts;
  readonly options: PolicyOptions;
}

/** Empty when the subject can be compiled. */
export function faultsOfPolicy(
  subject: ArmDocument,
  documents: Documents,
  context: PolicyFaultsOptions,
): readonly Finding[] {
  return resolvePolicy(subject, documents, context).faults ?? [];
}
