// The properties that Azure has and the reader refuses by name, out of the tables that it reads by.

import { UNSUPPORTED_FIREWALL_PROPERTIES } from '#model/firewall.ts';
import { UNSUPPORTED_POLICY_MEMBERS, UNSUPPORTED_POLICY_PROPERTIES } from '#model/firewall-policy.ts';
import { UNSUPPORTED_APPLICATION_FIELDS } from '#model/firewall-rules.ts';
import { UNSUPPORTED_SETTINGS } from '#model/firewall-settings.ts';
import { UNSUPPORTED_PUBLIC_IP_PROPERTIES } from '#model/public-ip.ts';
import { UNSUPPORTED_NETWORK_PROPERTIES, UNSUPPORTED_SUBNET_PROPERTIES } from '#model/virtual-network.ts';
import { table } from './feature.ts';

export interface Refusal {
  readonly resource: string;
  readonly property: string;
  readonly reason: string;
  /** The error says it in these words. */
  readonly isReasonOfReader: boolean;
}

const NETWORK_REASON = "the lab's network does not have it";

const all = (resource: string, reasons: Readonly<Record<string, string>>): Refusal[] =>
  Object.entries(reasons).map(([property, reason]) => ({
    resource,
    property,
    reason,
    isReasonOfReader: true,
  }));
const listed = (resource: string, properties: readonly string[], reason: string): Refusal[] =>
  properties.map(property => ({ resource, property, reason, isReasonOfReader: false }));

export const REFUSALS: readonly Refusal[] = [
  ...all('firewall', UNSUPPORTED_FIREWALL_PROPERTIES),
  ...all('firewall, `additionalProperties`', UNSUPPORTED_SETTINGS),
  ...all('firewall policy', { ...UNSUPPORTED_POLICY_MEMBERS, ...UNSUPPORTED_POLICY_PROPERTIES }),
  {
    resource: 'firewall policy',
    property: 'sql.allowSqlRedirect',
    reason: 'a network rule with the service tag Sql allows redirection',
    isReasonOfReader: true,
  },
  {
    resource: 'firewall policy',
    property: 'snat.autoLearnPrivateRanges',
    reason: 'private ranges are not learned from a route server',
    isReasonOfReader: true,
  },
  ...all('application rule', UNSUPPORTED_APPLICATION_FIELDS),
  ...listed(
    'virtual network',
    [
      ...UNSUPPORTED_NETWORK_PROPERTIES,
      ...['enableDdosProtection', 'enableVmProtection', 'privateEndpointVNetPolicies'],
      'addressSpace.ipamPoolPrefixAllocations',
    ],
    NETWORK_REASON,
  ),
  ...listed('subnet', UNSUPPORTED_SUBNET_PROPERTIES, NETWORK_REASON),
  ...listed('subnet', ['defaultOutboundAccess'], 'it is always true'),
  ...listed(
    'public IP address',
    [
      ...UNSUPPORTED_PUBLIC_IP_PROPERTIES,
      ...['migrationPhase', 'ddosSettings.protectionMode', 'ddosSettings.ddosProtectionPlan'],
    ],
    NETWORK_REASON,
  ),
];

export function refusalsTable(): string {
  return table(
    ['Resource', 'Property', 'Reason'],
    REFUSALS.map(({ resource, property, reason }) => [
      resource,
      `\`${property}\``,
      property === 'destinationAddresses' ? `in classic rules: ${reason}` : reason,
    ]),
  );
}
