// The one meaning of the rules: `decide(policy, flow, context)` says what becomes of a new connection and why. The
// kernel program, the L7 engine, the explainer and the logs must agree with it; nothing here knows how they do it.
//
// Order (https://learn.microsoft.com/azure/firewall/rule-processing): threat intelligence, NAT, network, application,
// infrastructure, then deny. The first match in each pass is final. Rules stand in the policy in the order in which they are judged.

import type { RuleRef } from '#model/rule-ref.ts';
import { matchesFqdn } from '#net/fqdn.ts';
import { includesAddress, isIanaPrivate, isNeverATarget } from '#net/ipv4.ts';
import { isApplicationPort, type NamedRules, tlsPortsOf } from './application-ports.ts';
import type {
  ApplicationDecision,
  ApplicationQuery,
  Decision,
  DecisionContext,
  Flow,
  IpProtocol,
  ReasonCode,
  SnatClass,
  ThreatListing,
} from './decision.ts';
import type { RuleSearch } from './matches.ts';
import type { NatRule, NetworkRule, ResolvedPolicy, ThreatIntelSettings } from './policy.ts';
import { createIndexedSearch } from './search/indexed-search.ts';

export { applicationPortsOf, type NamedRules, tlsPortsOf } from './application-ports.ts';
export type {
  ApplicationDecision,
  ApplicationQuery,
  DecisionContext,
  ThreatListing,
} from './decision.ts';

const indexedSearch = createIndexedSearch();

const DNS_PORT = 53;

export function decide(policy: ResolvedPolicy, flow: Flow, context: DecisionContext): Decision {
  return decideWith(indexedSearch, policy, flow, context);
}

/** The same with another way of finding the first rule that matches. */
export function decideWith(
  search: RuleSearch,
  policy: ResolvedPolicy,
  asked: Flow,
  context: DecisionContext,
): Decision {
  const protocol = namedProtocol(asked.protocol);
  const flow = protocol === asked.protocol ? asked : { ...asked, protocol };
  // A source that nobody can have is not who it says it is, whatever the rules say.
  if (isOwnAddress(policy, flow.source)) return deny('ForbiddenAddress');
  if (flow.from === 'inside' && isNeverATarget(flow.source)) return deny('ForbiddenAddress');
  const listed = findThreat(
    policy.threatIntel,
    // The far end of the flow: the feed lists what is on the Internet.
    { addresses: [flow.from === 'inside' ? flow.destination : flow.source] },
    context.threats,
  );
  if (listed?.action === 'Deny') return deny('ThreatIntel');

  const nat = search.nat(policy.natRules, flow, context);
  if (nat) return translate(policy, nat);
  if (flow.from === 'outside') return deny('NoNatRule');
  if (isDnsQuery(policy, flow)) return { action: 'Allow', rule: null, reason: 'DnsProxy', path: 'local' };
  // Nothing behind the firewall stands at the firewall's own addresses, so there is nowhere to forward to; nobody has the
  // other ones.
  if (isOwnAddress(policy, flow.destination)) return deny('ForbiddenAddress');
  if (isNeverATarget(flow.destination)) return deny('ForbiddenAddress');

  const network = search.network(policy.networkRules, flow, context.namesOfAddress);
  if (network?.action === 'Deny') return deny('RuleMatched', network.ref);
  if (network && isBound(policy, network, flow))
    return saysListedName(policy, flow, context) ? deny('ThreatIntel') : decideBound(network, flow.claim);
  if (network) {
    const snat = snatOf(policy, flow.destination);
    if (snat === 'PublicIp' && flow.protocol !== 'TCP' && flow.protocol !== 'UDP')
      return deny('ProtocolNotTranslated', network.ref);
    return { action: 'Allow', rule: network.ref, reason: 'RuleMatched', path: 'forward', snat };
  }

  if (flow.protocol !== 'TCP') return deny('DefaultAction');
  if (!isApplicationPort(policy, flow.destinationPort)) return deny('DefaultAction');
  if (!flow.claim) return { action: 'Pending', reason: 'AwaitingName' };
  if (saysListedName(policy, flow, context)) return deny('ThreatIntel');
  const { source, destination, destinationPort: port, claim } = flow;
  return decideNamed(search, policy, { source, destination, port, claim });
}

/** The application pass alone, for the L7 engine: the other passes are over when it asks. */
export function decideApplication(rules: NamedRules, query: ApplicationQuery): ApplicationDecision {
  return decideNamed(indexedSearch, rules, query);
}

function decideNamed(search: RuleSearch, rules: NamedRules, query: ApplicationQuery): ApplicationDecision {
  const { claim, port } = query;
  const { fqdn } = claim;
  // Even a rule for `*` needs a name (https://learn.microsoft.com/azure/firewall/firewall-known-issues).
  if (fqdn === undefined) return deny(claim.protocol === 'Http' ? 'HostMissing' : 'SniMissing');
  if (claim.port !== undefined && claim.port !== port) return deny('HostPortMismatch');
  const rule =
    search.application(rules.applicationRules, query, fqdn) ??
    search.application(rules.infrastructureRules, query, fqdn);
  if (!rule) return deny('DefaultAction');
  if (rule.action === 'Deny') return deny('RuleMatched', rule.ref);
  return { action: 'Allow', rule: rule.ref, reason: 'RuleMatched', path: 'proxy' };
}

/** A name is read only by the L7 engine: what the kernel forwards is held against the feed by its address alone. */
function saysListedName(policy: ResolvedPolicy, { claim }: Flow, { threats }: DecisionContext): boolean {
  return findThreat(policy.threatIntel, { fqdn: claim?.fqdn }, threats)?.action === 'Deny';
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
    policy.privateAddress !== 0 &&
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

/** A DNATed flow always comes from the firewall (https://learn.microsoft.com/azure/firewall/destination-nat-rules). */
export function snatOfTarget(
  { privateRanges }: Pick<ResolvedPolicy, 'privateRanges'>,
  address: number,
): Exclude<SnatClass, 'None'> {
  return includesAddress(privateRanges, address) || isIanaPrivate(address) ? 'PrivateIp' : 'PublicIp';
}

function translate(policy: ResolvedPolicy, rule: NatRule): Decision {
  const { ref, translatedAddress, translatedFqdn, translatedPort } = rule;
  return {
    action: 'Allow',
    rule: ref,
    reason: 'RuleMatched',
    path: 'nat',
    ...(translatedAddress !== undefined && {
      translatedAddress,
      snat: snatOfTarget(policy, translatedAddress),
    }),
    ...(translatedFqdn !== undefined && { translatedFqdn }),
    translatedPort,
  };
}

function deny(reason: ReasonCode, rule: RuleRef | null = null): Extract<Decision, { action: 'Deny' }> {
  return { action: 'Deny', rule, reason };
}
