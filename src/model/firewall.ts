// A firewall (Microsoft.Network/azureFirewalls), with classic rules or with a policy attached, read from the JSON that ARM carries into values:
// after this nobody splits a string to find a prefix, a port or a name. Every fault of the document is reported in
// one answer; a property that Postern does not act on is refused by name. Whether the subnet and the public IPs
// exist and are free is left to the API, which knows the other resources.

import { parseResourceId } from '#arm/resource-id.ts';
import type { FirewallLookup, RuleLookup } from './firewall-addresses.ts';
import { CODES } from './firewall-codes.ts';
import { type RuleCollection, readCollections } from './firewall-collections.ts';
import { type Diagnostic, isResourceName, ObjectReader, readWhole } from './firewall-reader.ts';
import {
  readApplicationRule,
  readNetworkRule,
  type WrittenApplicationRule,
  type WrittenNatRule,
  type WrittenNetworkRule,
} from './firewall-rules.ts';
import { type ClassicSettings, readSettings } from './firewall-settings.ts';
import { type Limits, limitsOf } from './limits.ts';
import { readNatRule } from './nat-rule.ts';
import { faultsOfCounts, type WrittenRules } from './rule-counts.ts';

export type { FirewallLookup, RuleLookup } from './firewall-addresses.ts';
export type { Diagnostic } from './firewall-reader.ts';

export const FIREWALL_TYPE = 'Microsoft.Network/azureFirewalls';

export interface FirewallIpConfiguration {
  readonly name: string;
  /** Id of the subnet; the first configuration has one, later ones only add public addresses. */
  readonly subnetId?: string;
  readonly publicIpId: string;
}

export interface AzureFirewall extends ClassicSettings {
  /** Empty in a document that has not been stored yet. */
  readonly id: string;
  readonly name: string;
  readonly tier: 'Basic' | 'Standard' | 'Premium';
  readonly threatIntelMode: 'Off' | 'Alert' | 'Deny';
  /** The policy attached; its rules and settings count then, and the firewall has no rule collections of its own. */
  readonly firewallPolicyId?: string;
  readonly ipConfigurations: readonly FirewallIpConfiguration[];
  /** As written; the order of judgement is made by lowering. */
  readonly natRuleCollections: readonly RuleCollection<'Dnat', WrittenNatRule>[];
  readonly networkRuleCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenNetworkRule>[];
  readonly applicationRuleCollections: readonly RuleCollection<'Allow' | 'Deny', WrittenApplicationRule>[];
}

export type ParsedFirewall =
  | { readonly firewall: AzureFirewall; readonly diagnostics?: undefined }
  | { readonly firewall?: undefined; readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]] };

export const UNSUPPORTED_FIREWALL_PROPERTIES: Readonly<Record<string, string>> = {
  virtualHub: 'firewalls stand in a virtual network here, not in a virtual hub',
  hubIPAddresses: 'firewalls stand in a virtual network here, not in a virtual hub',
  managementIpConfiguration: 'there is no management interface and no forced tunnelling',
  autoscaleConfiguration: 'a gateway does not scale by itself',
  extendedLocation: 'there are no edge zones',
};

export function parseAzureFirewall(document: unknown, lookup: FirewallLookup): ParsedFirewall {
  const { value: firewall, diagnostics } = readWhole(document, 'Firewall', (reader, name) =>
    readFirewall(reader, name, lookup),
  );
  return firewall ? { firewall } : { diagnostics };
}

function readFirewall(reader: ObjectReader, name: string, lookup: FirewallLookup): AzureFirewall {
  const limits = limitsOf(lookup);
  reader.refuseOthers(
    ['id', 'name', 'type', 'location', 'tags', 'zones', 'etag', 'sku', 'properties'],
    UNSUPPORTED_FIREWALL_PROPERTIES,
  );
  const { most } = limits.firewallNameLength;
  if (name !== '' && !isResourceName(name, most))
    reader.fault(
      CODES.name,
      'name',
      `name '${name}' must be ${Number.isFinite(most) ? `1 to ${most}` : '1 or more'} letters, digits, '_', '.' or '-', ` +
        `begin with a letter or digit and end with a letter, digit or '_'.`,
    );
  reader.texts('zones');
  const properties = reader.part('properties');
  properties.refuseOthers(
    [
      ...['natRuleCollections', 'networkRuleCollections', 'applicationRuleCollections', 'ipConfigurations'],
      ...[
        'threatIntelMode',
        'sku',
        'additionalProperties',
        'provisioningState',
        'ipGroups',
        'firewallPolicy',
      ],
    ],
    UNSUPPORTED_FIREWALL_PROPERTIES,
  );

  const ipConfigurations = readIpConfigurations(properties, limits);
  const addresses = ipConfigurations.map(({ publicIpId }) => lookup.publicAddressOf(publicIpId));
  const natAddresses = addresses.every(address => address !== undefined) ? addresses : undefined;
  const firewallPolicyId = readReference(properties, 'firewallPolicy');
  const firewall: AzureFirewall = {
    id: reader.text('id')?.value ?? '',
    name,
    tier: readTier(properties.child('sku') ?? reader.child('sku')),
    threatIntelMode: properties.word('threatIntelMode', ['Off', 'Alert', 'Deny']) ?? 'Alert',
    ...readSettings(properties, limits),
    ...(firewallPolicyId !== undefined && { firewallPolicyId }),
    ipConfigurations,
    natRuleCollections: readCollections(properties, 'nat', ['Dnat'], limits, (rule, ruleName) =>
      readNatRule(rule, ruleName, { ...ruleLookupOf(lookup), natAddresses }),
    ),
    networkRuleCollections: readCollections(
      properties,
      'network',
      ['Allow', 'Deny'],
      limits,
      (rule, ruleName) => readNetworkRule(rule, ruleName, lookup),
    ),
    applicationRuleCollections: readCollections(
      properties,
      'application',
      ['Allow', 'Deny'],
      limits,
      (rule, ruleName) => readApplicationRule(rule, ruleName, lookup),
    ),
  };
  checkTogether(firewall, properties, limits);
  return firewall;
}

function readTier(sku: ObjectReader | undefined): AzureFirewall['tier'] {
  sku?.refuseOthers(['name', 'tier']);
  if (sku?.word('name', ['AZFW_VNet', 'AZFW_Hub']) === 'AZFW_Hub')
    sku.fault(
      CODES.unsupported,
      'name',
      `SKU 'AZFW_Hub' is not supported: ${UNSUPPORTED_FIREWALL_PROPERTIES.virtualHub}.`,
    );
  return sku?.word('tier', ['Basic', 'Standard', 'Premium']) ?? 'Standard';
}

function readIpConfigurations(properties: ObjectReader, limits: Limits): FirewallIpConfiguration[] {
  const names = new Set<string>();
  return properties.list('ipConfigurations').flatMap((item, index) => {
    const unnamed = ObjectReader.of(item, 'IP configuration', properties.faults);
    if (!unnamed) return [];
    const name = unnamed.text('name')?.value ?? '';
    const reader = unnamed.labelled(`IP configuration '${name}'`);
    reader.refuseOthers(['id', 'name', 'type', 'etag', 'properties']);
    if (!isResourceName(name, limits.collectionNameLength.most))
      reader.fault(CODES.name, 'name', `name '${name}' is not a resource name.`);
    if (names.has(name.toLowerCase()))
      reader.fault(CODES.duplicateName, 'name', `name '${name}' is used by another IP configuration.`);
    names.add(name.toLowerCase());
    const inner = reader.part('properties');
    inner.refuseOthers([
      'subnet',
      'publicIPAddress',
      'privateIPAddress',
      'privateIPAllocationMethod',
      'provisioningState',
    ]);
    const subnetId = readReference(inner, 'subnet');
    const publicIpId = readReference(inner, 'publicIPAddress');
    if (publicIpId === undefined && !inner.has('publicIPAddress'))
      inner.fault(CODES.format, 'publicIPAddress', "'publicIPAddress' is missing.");
    if (index === 0 && !inner.has('subnet'))
      inner.fault(CODES.format, 'subnet', "'subnet' is missing; the first IP configuration names it.");
    if (index > 0 && inner.has('subnet'))
      inner.fault(CODES.request, 'subnet', "only the first IP configuration names a 'subnet'.");
    return [{ name, ...(subnetId !== undefined && { subnetId }), publicIpId: publicIpId ?? '' }];
  });
}

function readReference(reader: ObjectReader, name: string): string | undefined {
  const reference = reader.child(name);
  if (!reference) return undefined;
  const id = reference.text('id')?.value;
  if (id !== undefined && parseResourceId(id)) return id;
  return reference.fault(CODES.format, 'id', `'${name}.id' is not a resource id.`);
}

/** What only the whole document can tell. */
function checkTogether(firewall: AzureFirewall, properties: ObjectReader, limits: Limits): void {
  const rules = rulesOfFirewall(firewall);
  if (firewall.firewallPolicyId !== undefined && rules.collections > 0)
    properties.fault(
      CODES.policyAndRules,
      'firewallPolicy',
      `a firewall has rule collections or a policy, and this one has both (${rules.collections} collections beside ` +
        `'${firewall.firewallPolicyId}'): move them into the policy, or leave 'firewallPolicy' out.`,
    );
  if (firewall.firewallPolicyId === undefined) checkNames(firewall, properties);
  const natRules = 'properties.natRuleCollections';
  for (const fault of faultsOfCounts(rules, firewall.ipConfigurations.length, limits, natRules))
    properties.faults.add(fault.code, fault.target, `${properties.label}: ${fault.message}`);
}

export function rulesOfFirewall(firewall: AzureFirewall): WrittenRules {
  const { natRuleCollections, networkRuleCollections, applicationRuleCollections } = firewall;
  return {
    collections:
      natRuleCollections.length + networkRuleCollections.length + applicationRuleCollections.length,
    nat: natRuleCollections.flatMap(({ rules }) => rules),
    network: networkRuleCollections.flatMap(({ rules }) => rules),
    application: applicationRuleCollections.flatMap(({ rules }) => rules),
  };
}

/** Names in network rules are resolved by the firewall, so the DNS proxy must be on; Basic has none. */
function checkNames(firewall: AzureFirewall, properties: ObjectReader): void {
  const { dns, tier } = firewall;
  if (tier === 'Basic' && (dns.enableProxy || dns.servers.length > 0))
    properties.fault(
      CODES.request,
      'additionalProperties',
      'tier Basic has no DNS proxy and no DNS servers.',
    );
  firewall.networkRuleCollections.forEach((collection, at) => {
    collection.rules.forEach((rule, index) => {
      if (rule.destinationFqdns.length === 0) return;
      const field = `networkRuleCollections[${at}].properties.rules[${index}].destinationFqdns`;
      const label = `network rule '${collection.name}/${rule.name}'`;
      if (tier === 'Basic')
        properties.fault(
          CODES.request,
          field,
          `${label} has 'destinationFqdns', which tier Basic does not have.`,
        );
      else if (!dns.enableProxy && dns.requireProxyForNetworkRules)
        properties.fault(
          CODES.dnsProxy,
          field,
          `${label} has 'destinationFqdns', for which the DNS proxy must be enabled (Network.DNS.EnableProxy).`,
        );
    });
  });
}

/** The methods of a lookup as a plain object, so that more can stand beside them. */
export function ruleLookupOf(lookup: RuleLookup): RuleLookup {
  return {
    serviceTagName: name => lookup.serviceTagName(name),
    fqdnTagName: name => lookup.fqdnTagName(name),
    hasIpGroup: id => lookup.hasIpGroup(id),
    ...(lookup.azureLimits !== undefined && { azureLimits: lookup.azureLimits }),
  };
}
