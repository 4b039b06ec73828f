// Address translation: DNAT rules that do more than they seem to, how near they come to Azure's limit, and whether there are
// SNAT ports enough.

import { AZURE_LIMITS } from '#model/limits.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatIpv4, includesAddress, intersectRanges } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';
import { aboutResource, aboutRule, type LintContext, resolvedOf } from './context.ts';
import { listed } from './coverage-findings.ts';
import type { LintFinding } from './finding.ts';
import { isEverySource } from './internet.ts';
import type { WrittenNat } from './written-rules.ts';

/** A limit is worth a word from nine tenths of it on. */
const NEAR = 0.9;
/** https://learn.microsoft.com/azure/firewall/firewall-known-issues */
const SNAT_PORTS_PER_ADDRESS = 2_496;

export function checkDnat(context: LintContext): LintFinding[] {
  const rules = context.rules.filter(rule => rule.pass === 'nat');
  return [
    ...rules.flatMap(rule => [...anySource(rule, context), ...networkDeny(rule, context)]),
    ...nearLimit(rules, context),
  ];
}

function anySource(rule: WrittenNat, context: LintContext): LintFinding[] {
  if (!isEverySource(resolvedOf(context, 'nat', rule.ref).map(({ sources }) => sources))) return [];
  return [
    aboutRule('dnat-any-source', rule, {
      reason:
        'Everybody on the Internet may connect; and in Azure a DNAT rule with source * also matches flows between virtual networks, whose source address it hides.',
      fix: 'Name the addresses that may connect. Where everybody must, put a web application firewall before it.',
    }),
  ];
}

/** Older pages let a network Deny stop what DNAT lets in; the newest says that DNAT is final. */
function networkDeny(rule: WrittenNat, context: LintContext): LintFinding[] {
  const { translatedAddress, translatedPort, protocols } = rule.rule;
  if (translatedAddress === undefined) return [];
  const sources = resolvedOf(context, 'nat', rule.ref).map(found => found.sources);
  const denies = context.policy.networkRules.filter(
    network =>
      network.action === 'Deny' &&
      network.protocols.some(
        protocol => protocol === 'Any' || (protocol !== 'ICMP' && protocols.includes(protocol)),
      ) &&
      includesPort(network.destinationPorts, translatedPort) &&
      network.destinations.some(set => includesAddress(set, translatedAddress)) &&
      sources.some(set => intersectRanges(set, network.sources).length > 0),
  );
  const related = [...new Set(denies.map(({ ref }) => ref))];
  if (related.length === 0) return [];
  return [
    aboutRule('dnat-and-network-deny', rule, {
      reason: `${listed(related.map(formatRuleRef))} would deny ${formatIpv4(translatedAddress)}:${translatedPort}, and is not asked: a DNAT match is final. Older pages of Microsoft said otherwise.`,
      fix: 'Say in the sources of the DNAT rule who may connect.',
      related,
    }),
  ];
}

function nearLimit(rules: readonly WrittenNat[], { policy, settings, options }: LintContext): LintFinding[] {
  const targets = new Set(
    rules.flatMap(({ rule }) =>
      rule.protocols.flatMap(protocol =>
        rule.destinations.flatMap(address =>
          rule.destinationPorts.map(({ first, last }) => `${protocol} ${address} ${first}-${last}`),
        ),
      ),
    ),
  );
  const { most } = AZURE_LIMITS.publicIpsAndNatDestinations;
  const count = targets.size + policy.publicIps.length;
  if (count < most * NEAR || targets.size === 0 || (count > most && !options.azureLimits)) return [];
  return [
    aboutResource('dnat-near-limit', settings, {
      reason: `${policy.publicIps.length} public IPs and ${targets.size} DNAT destinations (address, port, protocol) are ${count} of the ${most} that Azure allows together.`,
      fix: 'Let one port lead to a load balancer or gateway that tells hosts apart, or spread the rules over several firewalls.',
      related: [],
    }),
  ];
}

export interface StatedConnections {
  /** At the same time to one destination address, port and protocol. */
  readonly connections: number;
  readonly instances: number;
}

export function checkSnatPorts(
  { policy, subject }: LintContext,
  stated: StatedConnections | undefined,
): LintFinding[] {
  if (!stated) return [];
  const { connections, instances } = stated;
  const addresses = policy.publicIps.length;
  const each = SNAT_PORTS_PER_ADDRESS * instances;
  const needed = Math.ceil(connections / each);
  if (addresses === 0)
    return [
      aboutResource('snat-ports', subject, {
        severity: 'note',
        reason: `No public IP is known here. ${connections} connections to one destination need ${needed} (${SNAT_PORTS_PER_ADDRESS} ports each on ${instances} instances).`,
        fix: 'Give the firewall and its public IPs with --policy, or compare the number.',
      }),
    ];
  if (connections <= each * addresses) return [];
  return [
    aboutResource('snat-ports', subject, {
      reason: `${connections} connections at the same time to one destination, and ${addresses} public IP${addresses > 1 ? 's' : ''} with ${SNAT_PORTS_PER_ADDRESS} ports on each of ${instances} instances, which is ${each * addresses}: the others fail.`,
      fix: `Attach ${needed - addresses} more public IP${needed - addresses > 1 ? 's' : ''} (${needed} in all), or a NAT gateway (64,512 ports an address) to AzureFirewallSubnet.`,
      target: 'properties.ipConfigurations',
    }),
  ];
}
