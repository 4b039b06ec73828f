// What it means for one rule to match: a predicate for each kind of rule. Which rule of many is asked first is the business
// of a `RuleSearch`; an index over rules must find what these say.

import { includesAddress } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';
import type { ApplicationQuery, DecisionContext, Flow, IpProtocol, NamesOfAddress } from './decision.ts';
import type { ApplicationRule, NatRule, NetworkRule } from './policy.ts';
import { matchesTargets } from './target-index.ts';

/** Finds the first rule of a list that matches. The lists are those of a policy and never change. */
export interface RuleSearch {
  nat(rules: readonly NatRule[], flow: Flow, context: DecisionContext): NatRule | undefined;
  network(rules: readonly NetworkRule[], flow: Flow, namesOfAddress: NamesOfAddress): NetworkRule | undefined;
  /** The query names a host. */
  application(
    rules: readonly ApplicationRule[],
    query: ApplicationQuery,
    fqdn: string,
  ): ApplicationRule | undefined;
}

export function matchesNatRule(rule: NatRule, flow: Flow, context: DecisionContext): boolean {
  return (
    matchesNatService(rule, flow.protocol, flow.destinationPort) &&
    includesAddress(rule.sources, flow.source) &&
    includesAddress(rule.destinations, flow.destination) &&
    canTranslate(rule, context)
  );
}

export function matchesNatService(
  rule: Pick<NatRule, 'protocols' | 'destinationPorts'>,
  protocol: IpProtocol,
  port: number,
): boolean {
  return (
    rule.protocols.some(candidate => candidate === protocol) && includesPort(rule.destinationPorts, port)
  );
}

/** A name that does not resolve is no target (https://learn.microsoft.com/azure/firewall/destination-nat-rules). */
export function canTranslate(
  { translatedFqdn }: NatRule,
  { resolves = () => true }: DecisionContext,
): boolean {
  return translatedFqdn === undefined || resolves(translatedFqdn);
}

export function matchesNetworkRule(rule: NetworkRule, flow: Flow, namesOfAddress: NamesOfAddress): boolean {
  return (
    matchesService(rule, flow.protocol, flow.destinationPort) &&
    includesAddress(rule.sources, flow.source) &&
    (rule.destinations.some(set => includesAddress(set, flow.destination)) ||
      (rule.destinationFqdns.length > 0 &&
        isKnownAsOneOf(rule.destinationFqdns, namesOfAddress(flow.destination))))
  );
}

function isKnownAsOneOf(fqdns: readonly string[], names: ReadonlySet<string>): boolean {
  return fqdns.some(fqdn => names.has(fqdn));
}

/** Protocol and port together, because `Any` means TCP and UDP only as soon as a port is given. */
export function matchesService(
  rule: Pick<NetworkRule, 'protocols' | 'destinationPorts'>,
  protocol: IpProtocol,
  port: number,
): boolean {
  const everyPort = rule.destinationPorts.some(({ first, last }) => first === 0 && last === 65535);
  switch (protocol) {
    case 'TCP':
    case 'UDP':
      return (
        (rule.protocols.includes(protocol) || rule.protocols.includes('Any')) &&
        (everyPort || includesPort(rule.destinationPorts, port))
      );
    case 'ICMP':
      return rule.protocols.includes('ICMP') || (rule.protocols.includes('Any') && everyPort);
    default:
      return rule.protocols.includes('Any') && everyPort;
  }
}

export function matchesApplicationRule(
  rule: ApplicationRule,
  { source, destination, port, claim }: ApplicationQuery,
  fqdn: string,
): boolean {
  return (
    rule.protocols.some(named => named.protocol === claim.protocol && named.port === port) &&
    includesAddress(rule.sources, source) &&
    (rule.destinations === undefined || includesAddress(rule.destinations, destination)) &&
    matchesTargets(rule.targets, fqdn)
  );
}
