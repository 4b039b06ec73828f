// Which policy a firewall can run, and which parent a policy can have (learn.microsoft.com/azure/firewall-manager/policy-overview,
// 2023): a Standard policy fits Standard and Premium, the others their own tier only.

import { isObject } from '#arm/json-reader.ts';
import type { ArmDocument } from '#store/resource-store.ts';

/** Of a firewall or a policy; Standard where nothing is said. A firewall out of a template has its SKU beside the properties. */
export function tierOf({ properties, sku }: ArmDocument): string {
  const said = isObject(properties.sku) ? properties.sku.tier : sku?.tier;
  const tier = typeof said === 'string' ? said : 'Standard';
  return ['Basic', 'Standard', 'Premium'].find(name => name.toLowerCase() === tier.toLowerCase()) ?? tier;
}

export function tierFits(policyTier: string, userTier: string): boolean {
  return policyTier === userTier || (policyTier === 'Standard' && userTier === 'Premium');
}
