// Random settings of firewalls and policies, options of Postern, and the IP groups that rules name.

import fc from 'fast-check';
import type { ArmDocument } from '#arm/arm-document.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import { groupId, type Json, narrow, WIDE } from './rules.ts';

export const privateRanges = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ['IANAPrivateRanges'],
      ['0.0.0.0/0'],
      ['255.255.255.255/32'],
      ['10.0.0.0/8'],
      ['10.77.0.0/29', '10.42.0.0/16'],
      ['IANAPrivateRanges', '192.0.2.0/29'],
      ['192.0.2.1', '203.0.113.0/24'],
    ),
  },
);
export const threatMode = fc.constantFrom('Off', 'Alert', 'Deny', 'Deny');
export const threatAllowed = fc.record({
  ipAddresses: fc.uniqueArray(fc.constantFrom('198.51.100.66', '192.0.2.129', '10.77.0.0/24'), {
    maxLength: 2,
  }),
  fqdns: fc.uniqueArray(fc.constantFrom('bad.example.net', '*.example.net'), { maxLength: 1 }),
});

export const ipGroups = fc
  .record({
    empty: fc.constant<string[]>([]),
    few: fc.array(narrow, { minLength: 1, maxLength: 3 }),
    office: fc.array(fc.oneof(narrow, fc.constantFrom(...WIDE)), { maxLength: 4 }),
    large: fc.constantFrom('10.42.1', '192.0.2').map(net => every(net)),
  })
  .map(lists =>
    Object.entries(lists).map(
      ([name, ipAddresses]): ArmDocument =>
        document('Microsoft.Network/ipGroups', groupId(name), { ipAddresses }),
    ),
  );

/** More members than are copied into a rule's own set. */
function every(net: string): string[] {
  return Array.from({ length: 80 }, (_, index) => `${net}.${index * 3}-${net}.${index * 3 + 1}`);
}

export const options: fc.Arbitrary<PolicyOptions> = fc.record({
  azureLimits: fc.constant(DEFAULT_POLICY_OPTIONS.azureLimits),
  bindNetworkFqdns: fc.constantFrom(false, false, false, true),
  inheritNatRules: fc.constantFrom(true, true, false),
  infrastructureFqdns: fc.constantFrom<readonly string[]>(
    [],
    [],
    ['*.infra.example'],
    ['api.infra.example', 'example.org'],
    ['*.example.org'],
    ['*'],
  ),
});

export function document(
  type: string,
  id: string,
  properties: Json,
  more: Partial<ArmDocument> = {},
): ArmDocument {
  return { id, name: id.slice(id.lastIndexOf('/') + 1), type, location: 'eastus', properties, ...more };
}
