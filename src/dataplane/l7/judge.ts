// What the L7 engine decides, apart from how it moves bytes: which protocol a port speaks, and what becomes of a
// connection whose client claims a name. Pure, so that a path that lets the kernel forward after the hello
// has been judged can ask the very same questions. The meaning of the rules is `decideApplication`'s alone.

import {
  type ApplicationDecision,
  decideApplication,
  decideBound,
  findThreat,
  type ThreatListing,
  tlsPortsOf,
} from '#ir/decide.ts';
import type { ApplicationProtocol, NetworkRule } from '#ir/policy.ts';
import type { Program } from '#ir/program.ts';
import { includesAddress, parseIpv4 } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';
import type { HasName } from '../data-plane.ts';

/** The part of a program that the L7 engine obeys. */
export type L7Rules = Pick<
  Program,
  'boundRules' | 'applicationRules' | 'infrastructureRules' | 'threatIntel' | 'privateAddress' | 'publicIps'
>;

/** One client connection: where it comes from and where the client thinks it goes. */
export interface Ends {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** The name a client claims: SNI of its hello, or Host of one request. */
export interface Claim {
  readonly protocol: ApplicationProtocol;
  /** Normalized name or, for HTTP, an IPv4 literal; undefined when it sent none. */
  readonly fqdn: string | undefined;
}

export interface Threat {
  readonly action: 'Alert' | 'Deny';
  readonly description: string;
}

export interface Judgement {
  readonly decision: ApplicationDecision;
  /** Whose rule it is: a network rule that is bound to names, or the application rules. */
  readonly by: 'network' | 'application';
  /** Listed on a feed; with `Deny` the decision is a refusal for that reason. */
  readonly threat?: Threat;
}

export interface JudgeContext {
  readonly threats: ThreatListing | undefined;
  /** What network rules know of addresses at this instant. */
  readonly hasName: HasName;
  /** Those the name resolved to, as far as they are known: the kernel judged only the address that the client chose. */
  readonly serverAddresses?: readonly number[];
}

/** Threat intelligence first, then the network rules that are bound to names, then the application rules. */
export function judge(
  rules: L7Rules,
  ends: Ends,
  claim: Claim,
  { threats, hasName, serverAddresses = [] }: JudgeContext,
): Judgement {
  const literal = claim.fqdn === undefined ? undefined : parseIpv4(claim.fqdn);
  const addresses = literal === undefined ? serverAddresses : [literal, ...serverAddresses];
  const threat = findThreat(rules.threatIntel, { fqdn: claim.fqdn, addresses }, threats);
  if (threat?.action === 'Deny')
    return { decision: { action: 'Deny', rule: null, reason: 'ThreatIntel' }, by: 'application', threat };
  const bound = findBoundRule(rules, ends, hasName);
  const decision = bound
    ? (decideBound(bound, claim) as ApplicationDecision)
    : decideApplication(rules, {
        source: ends.source,
        destination: ends.destination,
        port: ends.destinationPort,
        claim,
      });
  return { decision, by: bound ? 'network' : 'application', ...(threat && { threat }) };
}

/**
 * The network rule that sent a connection here: the first that names its address now. One that lists the address itself would
 * have had it forwarded.
 */
function findBoundRule(rules: L7Rules, ends: Ends, hasName: HasName): NetworkRule | undefined {
  const { source, destination, destinationPort } = ends;
  if (rules.boundRules.length === 0 || !tlsPortsOf(rules).has(destinationPort)) return undefined;
  return rules.boundRules.find(
    rule =>
      (rule.protocols.includes('TCP') || rule.protocols.includes('Any')) &&
      includesPort(rule.destinationPorts, destinationPort) &&
      includesAddress(rule.sources, source) &&
      rule.destinationFqdns.some(fqdn => hasName(fqdn, destination)),
  );
}

/** Worked out once for a set of rules, since every connection asks. */
const protocolsByPort = new WeakMap<L7Rules, ReadonlyMap<number, ReadonlySet<ApplicationProtocol>>>();

/** Protocols that rules name for a port. 80, 443 and 1433 always have theirs, as in Azure. */
export function protocolsOfPort(rules: L7Rules, port: number): ReadonlySet<ApplicationProtocol> {
  let byPort = protocolsByPort.get(rules);
  if (!byPort) {
    byPort = namedProtocols(rules);
    protocolsByPort.set(rules, byPort);
  }
  return byPort.get(port) ?? new Set();
}

function namedProtocols(rules: L7Rules): Map<number, Set<ApplicationProtocol>> {
  const byPort = new Map<number, Set<ApplicationProtocol>>([
    [80, new Set(['Http'])],
    [443, new Set(['Https'])],
    [1433, new Set(['Mssql'])],
  ]);
  for (const rule of [...rules.applicationRules, ...rules.infrastructureRules]) {
    for (const { protocol, port } of rule.protocols) {
      const protocols = byPort.get(port);
      if (protocols) protocols.add(protocol);
      else byPort.set(port, new Set([protocol]));
    }
  }
  return byPort;
}
