// The one meaning of the rules: `decide(policy, flow, context)` says what becomes of a new connection and why. The
// kernel program, the L7 engine, the explainer and the logs must agree with it; nothing here knows how they do it.
//
// Order (https://learn.microsoft.com/azure/firewall/rule-processing): threat intelligence, NAT, network, application,
// infrastructure, then deny. The first match in each pass is final. Rules stand in the policy in the order in which they are judged.

import type { RuleRef } from '#model/rule-ref.ts';
import { matchesFqdn } from '#net/fqdn.ts';
import { includesAddress, isIanaPrivate, isNeverATarget } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';
import type { Decision, Flow, IpProtocol, NamesOfAddress, ReasonCode, SnatClass } from './decision.ts';
import type {
  ApplicationProtocol,
  ApplicationRule,
  NatRule,
  NetworkRule,
  ResolvedPolicy,
  ThreatIntelSettings,
} from './policy.ts';
import { matchesTargets } from './target-index.ts';

/** What is on a threat-intelligence feed; the data plane's `ThreatLookup` fits. */
export interface ThreatListing {
  ofAddress(address: number): string | undefined;
  ofName(fqdn: string): string | undefined;
}

export interface DecisionContext {
  readonly namesOfAddress: NamesOfAddress;
  /** Absent means an empty feed. */
  readonly threats?: ThreatListing;
  /** Says whether the name of a NAT target resolves; absent means that every name does. */
  readonly resolves?: (fqdn: string) => boolean;
}

/** Ports on which the L7 engine answers whatever the rules say (https://learn.microsoft.com/azure/firewall/firewall-faq). */
const ALWAYS_APPLICATION_PORTS = [80, 443, 1433] as const;

const DNS_PORT = 53;
const HTTPS_PORT = 443;

export function decide(policy: ResolvedPolicy, asked: Flow, context: DecisionContext): Decision {
  const flow = { ...asked, protocol: namedProtocol(asked.protocol) };
  const listed = findThreat(
    policy.threatIntel,
    // The far end of the flow: the feed lists what is on the Internet.
    {
      addresses: [flow.from === 'inside' ? flow.destination : flow.source],
      ...(flow.claim && { fqdn: flow.claim.fqdn }),
    },
    context.threats,
  );
  if (listed?.action === 'Deny') return deny('ThreatIntel');

  const nat = policy.natRules.find(rule => matchesNatRule(rule, flow, context));
  if (nat) return translate(nat);
  if (flow.from === 'outside') return deny('NoNatRule');
  if (isDnsQuery(policy, flow)) return { action: 'Allow', rule: null, reason: 'DnsProxy', path: 'local' };
  // Nothing behind the firewall stands at the firewall's own addresses, so there is nowhere to forward to; nobody has the
  // other ones.
  if (isOwnAddress(policy, flow.destination) || isOwnAddress(policy, flow.source))
    return deny('ForbiddenAddress');
  if (isNeverATarget(flow.destination) || isNeverATarget(flow.source)) return deny('ForbiddenAddress');

  const network = policy.networkRules.find(rule => matchesNetworkRule(rule, flow, context.namesOfAddress));
  if (network?.action === 'Deny') return deny('RuleMatched', network.ref);
  if (network && isBound(policy, network, flow)) return decideBound(network, flow.claim);
  if (network) {
    const snat = snatOf(policy, flow.destination);
    if (snat === 'PublicIp' && flow.protocol !== 'TCP' && flow.protocol !== 'UDP')
      return deny('ProtocolNotTranslated', network.ref);
    return { action: 'Allow', rule: network.ref, reason: 'RuleMatched', path: 'forward', snat };
  }

  if (flow.protocol !== 'TCP') return deny('DefaultAction');
  if (!applicationPortsOf(policy).includes(flow.destinationPort)) return deny('DefaultAction');
  if (!flow.claim) return { action: 'Pending', reason: 'AwaitingName' };
  return decideApplication(policy, {
    source: flow.source,
    destination: flow.destination,
    port: flow.destinationPort,
    claim: flow.claim,
  });
}

export interface ApplicationQuery {
  readonly source: number;
  readonly destination: number;
  readonly port: number;
  /** SNI or Host, normalized; undefined when the client sent none. */
  readonly claim: { readonly protocol: ApplicationProtocol; readonly fqdn: string | undefined };
}

export type ApplicationDecision =
  | Extract<Decision, { path: 'proxy' }>
  | Extract<Decision, { action: 'Deny' }>;

/** The application pass alone, for the L7 engine: the other passes are over when it asks. */
export function decideApplication(rules: NamedRules, query: ApplicationQuery): ApplicationDecision {
  const { fqdn } = query.claim;
  // Even a rule for `*` needs a name (https://learn.microsoft.com/azure/firewall/firewall-known-issues).
  if (fqdn === undefined) return deny(query.claim.protocol === 'Http' ? 'HostMissing' : 'SniMissing');
  const matches = (rule: ApplicationRule) =>
    rule.protocols.some(({ protocol, port }) => protocol === query.claim.protocol && port === query.port) &&
    includesAddress(rule.sources, query.source) &&
    (rule.destinations === undefined || includesAddress(rule.destinations, query.destination)) &&
    matchesTargets(rule.targets, fqdn);
  const rule = rules.applicationRules.find(matches) ?? rules.infrastructureRules.find(matches);
  if (!rule) return deny('DefaultAction');
  if (rule.action === 'Deny') return deny('RuleMatched', rule.ref);
  return { action: 'Allow', rule: rule.ref, reason: 'RuleMatched', path: 'proxy' };
}

/** The rules that look at names. */
export type NamedRules = Pick<ResolvedPolicy, 'applicationRules' | 'infrastructureRules'>;

/** TCP ports the L7 engine answers on: 80, 443, 1433 and every port an application rule names, in order. */
export function applicationPortsOf({ applicationRules, infrastructureRules }: NamedRules): number[] {
  const ports = new Set<number>(ALWAYS_APPLICATION_PORTS);
  for (const rule of [...applicationRules, ...infrastructureRules])
    for (const { port } of rule.protocols) ports.add(port);
  return [...ports].sort((a, b) => a - b);
}

/** What threat intelligence says about a flow or a name; undefined when it has nothing to say. */
export function findThreat(
  settings: ThreatIntelSettings,
  asked: { readonly addresses?: readonly number[]; readonly fqdn?: string | undefined },
  threats: ThreatListing | undefined,
): { readonly action: 'Alert' | 'Deny'; readonly description: string } | undefined {
  const { mode } = settings;
  if (mode === 'Off' || !threats) return undefined;
  const { fqdn } = asked;
  if (fqdn !== undefined) {
    if (settings.allowedFqdns.some(pattern => matchesFqdn(pattern, fqdn))) return undefined;
    const description = threats.ofName(fqdn);
    if (description !== undefined) return { action: mode, description };
  }
  for (const address of asked.addresses ?? []) {
    if (includesAddress(settings.allowedAddresses, address)) continue;
    const description = threats.ofAddress(address);
    if (description !== undefined) return { action: mode, description };
  }
  return undefined;
}

/** Addresses of the firewall itself: the private one and the public ones. */
export function isOwnAddress(
  policy: Pick<ResolvedPolicy, 'privateAddress' | 'publicIps'>,
  address: number,
): boolean {
  return address === policy.privateAddress || policy.publicIps.some(ip => ip.address === address);
}

/** A query to the firewall's DNS proxy, which any workload may ask (https://learn.microsoft.com/azure/firewall/dns-settings). */
export function isDnsQuery(policy: Pick<ResolvedPolicy, 'dns' | 'privateAddress'>, flow: Flow): boolean {
  return (
    policy.dns.enableProxy &&
    flow.destination === policy.privateAddress &&
    flow.destinationPort === DNS_PORT &&
    (flow.protocol === 'TCP' || flow.protocol === 'UDP')
  );
}

/** The three protocols that rules can name have names, whichever way they were written. */
function namedProtocol(protocol: IpProtocol): IpProtocol {
  switch (protocol) {
    case 1:
      return 'ICMP';
    case 6:
      return 'TCP';
    case 17:
      return 'UDP';
    default:
      return protocol;
  }
}

/**
 * Private ranges keep the client's address; other private space gets the firewall's, since no public address is routed
 * there; the Internet sees a public one (https://learn.microsoft.com/azure/firewall/snat-private-range).
 */
function snatOf({ privateRanges }: ResolvedPolicy, destination: number): SnatClass {
  if (includesAddress(privateRanges, destination)) return 'None';
  return isIanaPrivate(destination) ? 'PrivateIp' : 'PublicIp';
}

/** Ports on which a bound network rule looks for an SNI: 443, and those that application rules name for Https. */
export function tlsPortsOf({ applicationRules, infrastructureRules }: NamedRules): ReadonlySet<number> {
  const ports = new Set<number>([HTTPS_PORT]);
  for (const rule of [...applicationRules, ...infrastructureRules])
    for (const { protocol, port } of rule.protocols) if (protocol === 'Https') ports.add(port);
  return ports;
}

/** A rule that matched by the names of an address alone, where the owner wants the client to say the name too. */
function isBound(policy: ResolvedPolicy, rule: NetworkRule, flow: Flow): boolean {
  return (
    policy.bindNetworkFqdns &&
    flow.protocol === 'TCP' &&
    tlsPortsOf(policy).has(flow.destinationPort) &&
    !rule.destinations.some(set => includesAddress(set, flow.destination))
  );
}

/** Judges what a client says against the network FQDN rule that it is bound to. */
export function decideBound({ ref, destinationFqdns }: NetworkRule, claim: Flow['claim']): Decision {
  if (!claim) return { action: 'Pending', reason: 'AwaitingName' };
  if (claim.fqdn === undefined) return deny('SniMissing', ref);
  if (claim.protocol !== 'Https' || !destinationFqdns.includes(claim.fqdn)) return deny('SniMismatch', ref);
  return { action: 'Allow', rule: ref, reason: 'RuleMatched', path: 'proxy' };
}

function matchesNatRule(rule: NatRule, flow: Flow, { resolves = () => true }: DecisionContext): boolean {
  return (
    rule.protocols.some(protocol => protocol === flow.protocol) &&
    includesAddress(rule.sources, flow.source) &&
    includesAddress(rule.destinations, flow.destination) &&
    includesPort(rule.destinationPorts, flow.destinationPort) &&
    (rule.translatedFqdn === undefined || resolves(rule.translatedFqdn))
  );
}

function translate(rule: NatRule): Decision {
  return {
    action: 'Allow',
    rule: rule.ref,
    reason: 'RuleMatched',
    path: 'nat',
    ...(rule.translatedAddress !== undefined && { translatedAddress: rule.translatedAddress }),
    ...(rule.translatedFqdn !== undefined && { translatedFqdn: rule.translatedFqdn }),
    translatedPort: rule.translatedPort,
  };
}

function matchesNetworkRule(rule: NetworkRule, flow: Flow, namesOfAddress: NamesOfAddress): boolean {
  return (
    matchesService(rule, flow) &&
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
function matchesService(rule: NetworkRule, flow: Flow): boolean {
  const everyPort = rule.destinationPorts.some(({ first, last }) => first === 0 && last === 65535);
  switch (flow.protocol) {
    case 'TCP':
    case 'UDP':
      return (
        (rule.protocols.includes(flow.protocol) || rule.protocols.includes('Any')) &&
        (everyPort || includesPort(rule.destinationPorts, flow.destinationPort))
      );
    case 'ICMP':
      return rule.protocols.includes('ICMP') || (rule.protocols.includes('Any') && everyPort);
    default:
      return rule.protocols.includes('Any') && everyPort;
  }
}

function deny(reason: ReasonCode, rule: RuleRef | null = null): Extract<Decision, { action: 'Deny' }> {
  return { action: 'Deny', rule, reason };
}
