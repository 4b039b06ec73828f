// What a firewall's rules come to all together, held against Azure's limits. The same count for classic rules and for a policy
// with its parents: both end up in one firewall.

import { CODES } from './firewall-codes.ts';
import type { Diagnostic } from './firewall-reader.ts';
import type { WrittenApplicationRule, WrittenNatRule, WrittenNetworkRule } from './firewall-rules.ts';
import type { Limits } from './limits.ts';

/** All rules of one firewall, in any order. */
export interface WrittenRules {
  readonly collections: number;
  readonly nat: readonly WrittenNatRule[];
  readonly network: readonly WrittenNetworkRule[];
  readonly application: readonly WrittenApplicationRule[];
}

/** Targets are members of the document's `properties`; `natRules` is what the document calls its NAT rules. */
export function faultsOfCounts(
  rules: WrittenRules,
  publicIps: number,
  limits: Limits,
  natRules: string,
): Diagnostic[] {
  const faults: Diagnostic[] = [];
  const check = (count: number, { most }: { readonly most: number }, target: string, what: string) => {
    if (count > most)
      faults.push({ code: CODES.limit, target, message: `${count} ${what}, at most ${most}.` });
  };
  check(rules.collections, limits.ruleCollections, 'properties', 'rule collections');
  check(publicIps, limits.publicIps, 'properties.ipConfigurations', 'public IPs');
  check(
    publicIps + natDestinationsOf(rules.nat),
    limits.publicIpsAndNatDestinations,
    natRules,
    'public IPs and unique NAT destinations together',
  );
  const groups = new Set(ipGroupsOf(rules).map(id => id.toLowerCase()));
  check(groups.size, limits.ipGroups, 'properties', 'IP groups');
  return faults;
}

/** What Azure advises against and accepts. */
export function adviceOfCounts({ network }: WrittenRules, limits: Limits): Diagnostic[] {
  const advice: Diagnostic[] = [];
  const fqdns = new Set(network.flatMap(rule => rule.destinationFqdns)).size;
  if (fqdns > limits.networkFqdns.most)
    advice.push({
      code: 'NetworkFqdnsAboveAdvice',
      target: 'properties',
      message: `${fqdns} FQDNs in network rules; Azure advises to keep to ${limits.networkFqdns.most}.`,
    });
  // Microsoft's pages disagree on whether ports count, so both sums are told.
  let pairs = 0;
  let withPorts = 0;
  for (const rule of network) {
    const product = sizeOf(rule.sources) * (sizeOf(rule.destinations) + new Set(rule.destinationFqdns).size);
    pairs += product;
    withPorts += product * rule.destinationPorts.length;
  }
  const { most } = limits.sourcesTimesDestinations;
  if (pairs > most || withPorts > most)
    advice.push({
      code: 'NetworkRulesAboveAdvice',
      target: 'properties',
      message:
        `Network rules have ${pairs} pairs of a unique source and a unique destination, or ${withPorts} counted with ports; ` +
        `above ${most} Azure's latency suffers.`,
    });
  return advice;
}

/** An IP group and a service tag count as one address each, whatever they hold. */
function sizeOf({ ranges, serviceTags, ipGroups }: WrittenNetworkRule['sources']): number {
  const written = new Set(ranges.map(({ first, last }) => `${first}-${last}`));
  return written.size + new Set(serviceTags).size + new Set(ipGroups.map(id => id.toLowerCase())).size;
}

/** Ids of all IP groups that the rules name, as written and with repetitions. */
export function ipGroupsOf({ nat, network, application }: WrittenRules): string[] {
  return [
    ...nat.flatMap(rule => rule.sources.ipGroups),
    ...network.flatMap(rule => [...rule.sources.ipGroups, ...rule.destinations.ipGroups]),
    ...application.flatMap(rule => rule.sources.ipGroups),
  ];
}

function natDestinationsOf(rules: readonly WrittenNatRule[]): number {
  const targets = new Set<string>();
  for (const rule of rules)
    for (const protocol of rule.protocols)
      for (const address of rule.destinations)
        for (const { first, last } of rule.destinationPorts)
          targets.add(`${protocol} ${address} ${first}-${last}`);
  return targets.size;
}
