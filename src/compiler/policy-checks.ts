// What only a policy with all its parents, and the firewall it is attached to, can tell: faults, and warnings of what its owner
// may not expect.

import type { AzureFirewall } from '#model/firewall.ts';
import { CODES } from '#model/firewall-codes.ts';
import type { RuleCollection } from '#model/firewall-collections.ts';
import type { FirewallPolicy } from '#model/firewall-policy.ts';
import { limitsOf } from '#model/limits.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import { adviceOfCounts, faultsOfCounts, type WrittenRules } from '#model/rule-counts.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { AZURE_DNS, formatRange, IANA_PRIVATE_RANGES, type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import { type Finding, inResource } from './finding.ts';
import { type PolicyLayer, strictest } from './lower-policy.ts';

type Layers = readonly [PolicyLayer, ...PolicyLayer[]];

/** Tiers of firewalls that a policy of a tier can be attached to (https://learn.microsoft.com/azure/firewall-manager/policy-overview). */
const FITS = { Basic: ['Basic'], Standard: ['Standard', 'Premium'], Premium: ['Premium'] } as const;

/** `natAddresses` are those of the firewall, where they are known. */
export function faultsOfPolicy(
  layers: Layers,
  options: PolicyOptions,
  firewall: (AzureFirewall & { readonly id: string }) | undefined,
  natAddresses?: readonly number[],
): Finding[] {
  const { policy } = attachedOf(layers);
  const faults: Finding[] = [];
  const tiers: readonly string[] = FITS[policy.tier];
  if (firewall && !tiers.includes(firewall.tier))
    faults.push({
      resource: firewall.id,
      code: CODES.policyTier,
      target: 'properties.firewallPolicy',
      message: `Firewall '${firewall.name}' has tier ${firewall.tier}; policy '${policy.name}' of tier ${policy.tier} goes with firewalls of tier ${tiers.join(' or ')}.`,
    });
  faults.push(...faultsOfParents(layers), ...faultsOfNames(layers));
  const publicIps = firewall?.ipConfigurations.length ?? 0;
  const rules = rulesOfLayers(layers, options);
  // NAT rules that a parent has for other firewalls do not count here.
  const nat = rules.nat.filter(
    ({ destinations }) => !natAddresses || destinations.some(address => natAddresses.includes(address)),
  );
  const counts = faultsOfCounts({ ...rules, nat }, publicIps, limitsOf(options), 'properties');
  return [
    ...faults,
    ...inResource(policy.id, counts).map(fault => ({
      ...fault,
      message: `Firewall policy '${policy.name}'${layers.length > 1 ? ' with its parents' : ''}: ${fault.message}`,
    })),
  ];
}

/** A parent must fit its child as a policy fits a firewall. */
function faultsOfParents(layers: Layers): Finding[] {
  return layers.slice(1).flatMap(({ policy }, index) => {
    const parent = (layers[index] as PolicyLayer).policy;
    const tiers: readonly string[] = FITS[parent.tier];
    if (tiers.includes(policy.tier)) return [];
    return {
      resource: policy.id,
      code: CODES.policyTier,
      target: 'properties.basePolicy',
      message: `Firewall policy '${policy.name}' of tier ${policy.tier} cannot inherit from '${parent.name}': a policy of tier ${parent.tier} goes with tier ${tiers.join(' or ')}.`,
    };
  });
}

/** Names in network rules are resolved by the firewall, so the DNS proxy must be on; Basic has none. */
function faultsOfNames(layers: Layers): Finding[] {
  const { dns, tier, name } = attachedOf(layers).policy;
  if (tier !== 'Basic' && (dns.enableProxy || !dns.requireProxyForNetworkRules)) return [];
  const inherited = layers.slice(0, -1).some(({ policy }) => policy.dns.enableProxy);
  return layers.flatMap(({ policy, groups }) =>
    groups.flatMap(group =>
      group.networkCollections.flatMap(({ name: collection, rules }) =>
        rules.flatMap(rule => {
          if (rule.destinationFqdns.length === 0) return [];
          const target = formatRuleRef({
            policy: policy.name,
            group: group.name,
            collection,
            rule: rule.name,
          });
          const label = `Network rule '${target}' has 'destinationFqdns'`;
          return tier === 'Basic'
            ? {
                resource: group.id,
                code: CODES.request,
                target,
                message: `${label}, which tier Basic does not have.`,
              }
            : {
                resource: group.id,
                code: CODES.dnsProxy,
                target,
                message:
                  `${label}, for which the DNS proxy must be enabled (dnsSettings.enableProxy) in policy '${name}'` +
                  `${inherited ? ', which does not inherit the DNS settings of its parent' : ''}.`,
              };
        }),
      ),
    ),
  );
}

export function warningsOfPolicy(layers: Layers, options: PolicyOptions): Finding[] {
  const { policy } = attachedOf(layers);
  const parents = layers.slice(0, -1).map(layer => layer.policy);
  const warn = (code: string, target: string, message: string): Finding => ({
    resource: policy.id,
    code,
    target,
    message: `Firewall policy '${policy.name}': ${message}`,
  });
  const warnings: Finding[] = [];
  const resolver = parents.findLast(({ dns }) => dns.enableProxy || dns.servers.length > 0);
  if (resolver && !isDefaultDns(resolver.dns) && !policy.dns.enableProxy && policy.dns.servers.length === 0)
    warnings.push(
      warn(
        'DnsSettingsNotInherited',
        'properties.dnsSettings',
        `it does not inherit the DNS settings of its parent '${resolver.name}' and has none: set 'dnsSettings' here too.`,
      ),
    );
  const translator = parents.findLast(parent => parent.privateRanges !== undefined);
  if (translator && policy.privateRanges === undefined && !isDefaultSnat(translator.privateRanges))
    warnings.push(
      warn(
        'SnatNotInherited',
        'properties.snat',
        `it does not inherit the private ranges of its parent '${translator.name}' and has none, so IANAPrivateRanges count: set 'snat' here too.`,
      ),
    );
  const mode = strictest(parents.map(parent => parent.threatIntelMode));
  if (parents.length > 0 && strictest([mode, policy.threatIntelMode]) !== policy.threatIntelMode)
    warnings.push(
      warn(
        'ThreatIntelModeOfParent',
        'properties.threatIntelMode',
        `its mode ${policy.threatIntelMode} is less strict than ${mode} of its parent, which counts.`,
      ),
    );
  warnings.push(...layers.flatMap(warningsOfOrder));
  return [
    ...warnings,
    ...inResource(policy.id, adviceOfCounts(rulesOfLayers(layers, options), limitsOf(options))),
  ];
}

/** What holds without DNS settings, however it is written. */
function isDefaultDns({ enableProxy, servers }: FirewallPolicy['dns']): boolean {
  return !enableProxy && servers.every(server => server === AZURE_DNS);
}

function isDefaultSnat(ranges: readonly Ipv4Range[] = []): boolean {
  const text = (list: readonly Ipv4Range[]) => mergeRanges(list).map(formatRange).join();
  return text(ranges) === text(IANA_PRIVATE_RANGES);
}

/** Microsoft does not say which of two equal priorities runs first. */
function warningsOfOrder({ policy, groups }: PolicyLayer): Finding[] {
  const code = 'EqualPriorities';
  const twinGroups = twinsOf(groups).map(({ first, second }) => ({
    resource: second.id,
    code,
    target: 'properties.priority',
    message: `Rule collection groups '${first.name}' and '${second.name}' of policy '${policy.name}' have priority ${second.priority}; Azure does not say which runs first, here it is the one whose name comes first.`,
  }));
  const collections = groups.flatMap(group =>
    [group.natCollections, group.networkCollections, group.applicationCollections]
      .flatMap((list: readonly RuleCollection<string, unknown>[]) => twinsOf(list))
      .map(({ first, second }) => ({
        resource: group.id,
        code,
        target: `${policy.name}/${group.name}/${second.name}`,
        message: `Rule collections '${first.name}' and '${second.name}' of group '${group.name}' have priority ${second.priority}; Azure does not say which runs first, here it is the one written first.`,
      })),
  );
  return [...twinGroups, ...collections];
}

function twinsOf<T extends { readonly priority: number }>(list: readonly T[]): { first: T; second: T }[] {
  const holders = new Map<number, T>();
  return list.flatMap(second => {
    const first = holders.get(second.priority);
    if (!first) holders.set(second.priority, second);
    return first ? [{ first, second }] : [];
  });
}

/** All rules that run. */
export function rulesOfLayers(layers: Layers, { inheritNatRules }: PolicyOptions): WrittenRules {
  const groups = layers.flatMap(layer => layer.groups);
  const natGroups = inheritNatRules ? groups : attachedOf(layers).groups;
  const nat = natGroups.flatMap(group => group.natCollections);
  const network = groups.flatMap(group => group.networkCollections);
  const application = groups.flatMap(group => group.applicationCollections);
  return {
    collections: nat.length + network.length + application.length,
    nat: nat.flatMap(({ rules }) => rules),
    network: network.flatMap(({ rules }) => rules),
    application: application.flatMap(({ rules }) => rules),
  };
}

function attachedOf(layers: Layers): PolicyLayer {
  return layers.at(-1) as PolicyLayer;
}
