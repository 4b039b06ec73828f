// What the L7 engine decides, apart from how it moves bytes: which protocol a port speaks, and what becomes of a
// connection whose client claims a name. Pure, so that a path that lets the kernel forward after the hello
// has been judged can ask the very same questions. The meaning of the rules is `decideApplication`'s alone.

import { type ApplicationDecision, decideApplication, findThreat, type ThreatListing } from '#ir/decide.ts';
import type { ApplicationProtocol } from '#ir/policy.ts';
import type { Program } from '#ir/program.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import type { ClientHello } from '#wire/tls.ts';

/** The part of a program that the L7 engine obeys. */
export type L7Rules = Pick<
  Program,
  'applicationRules' | 'infrastructureRules' | 'threatIntel' | 'privateAddress' | 'publicIps'
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
  /** Listed on a feed; with `Deny` the decision is a refusal for that reason. */
  readonly threat?: Threat;
}

/**
 * Threat intelligence first, then the application rules. `serverAddresses` are those the name resolved to, as far
 * as they are known: the kernel judged only the address that the client chose.
 */
export function judge(
  rules: L7Rules,
  ends: Ends,
  claim: Claim,
  threats: ThreatListing | undefined,
  serverAddresses: readonly number[] = [],
): Judgement {
  const literal = claim.fqdn === undefined ? undefined : parseIpv4(claim.fqdn);
  const addresses = literal === undefined ? serverAddresses : [literal, ...serverAddresses];
  const threat = findThreat(rules.threatIntel, { fqdn: claim.fqdn, addresses }, threats);
  if (threat?.action === 'Deny')
    return { decision: { action: 'Deny', rule: null, reason: 'ThreatIntel' }, threat };
  const decision = decideApplication(rules, {
    source: ends.source,
    destination: ends.destination,
    port: ends.destinationPort,
    claim,
  });
  return threat ? { decision, threat } : { decision };
}

export function claimOfHello(hello: ClientHello): Claim {
  return { protocol: 'Https', fqdn: hello.sni };
}

/** Protocols that rules name for a port. 80 and 443 always have theirs, as in Azure. */
export function protocolsOfPort(rules: L7Rules, port: number): ReadonlySet<ApplicationProtocol> {
  const protocols = new Set<ApplicationProtocol>();
  if (port === 80) protocols.add('Http');
  if (port === 443) protocols.add('Https');
  for (const rule of rules.applicationRules)
    for (const named of rule.protocols) if (named.port === port) protocols.add(named.protocol);
  return protocols;
}
