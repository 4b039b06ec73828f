// A decision as it is shown: the JSON form that scripts read, the words that people read, and what a person should know about a
// rule that decided by the names of an address. Pure.

import { decide } from '#ir/decide.ts';
import type { Decision, Flow, ReasonCode, SnatClass } from '#ir/decision.ts';
import type { NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { formatIpv4, includesAddress } from '#net/ipv4.ts';
import { formatList, missesOfNetworkRule } from './misses.ts';
import { type Asked, nameOfProtocol } from './question.ts';

/** What `-o json` prints, in this order. */
export interface DecisionJson {
  readonly action: 'Allow' | 'Deny';
  readonly rule: {
    readonly policy: string;
    readonly group: string;
    readonly collection: string;
    readonly name: string;
  } | null;
  readonly reason: ReasonCode;
  /** Null where nothing is translated by a rule: denied, answered, or connected anew by the firewall. */
  readonly nat:
    | { readonly snat: SnatClass }
    | { readonly translatedAddress: string; readonly translatedPort: number; readonly snat?: SnatClass }
    | { readonly translatedFqdn: string; readonly translatedPort: number }
    | null;
  readonly path: 'forward' | 'proxy' | 'nat' | 'local' | null;
}

export type Settled = Exclude<Decision, { action: 'Pending' }>;

/** Of several addresses one that is denied, if any is. */
export interface Answer extends Judged {
  /** How many of the addresses are denied. */
  readonly denied: number;
}

export interface Judged {
  readonly flow: Flow;
  readonly decision: Settled;
}

/** In the order of the addresses. */
export function decideAll(
  policy: ResolvedPolicy,
  { flows: [first, ...others], namesOfAddress }: Asked,
): readonly [Judged, ...Judged[]] {
  const judge = (flow: Flow): Judged => ({
    flow,
    decision: settled(decide(policy, flow, { namesOfAddress })),
  });
  return [judge(first), ...others.map(judge)];
}

export function answer(policy: ResolvedPolicy, asked: Asked): Answer {
  const answers = decideAll(policy, asked);
  const denials = answers.filter(({ decision }) => decision.action === 'Deny');
  return { ...(denials[0] ?? answers[0]), denied: denials.length };
}

function settled(decision: Decision): Settled {
  if (decision.action === 'Pending') throw new Error('a client says its name wherever one is asked for');
  return decision;
}

export function toDecisionJson(decision: Settled): DecisionJson {
  const { action, rule, reason } = decision;
  const path = decision.action === 'Allow' ? decision.path : null;
  return { action, rule: rule && toRuleJson(rule), reason, nat: natOf(decision), path };
}

export function toRuleJson({ policy, group, collection, rule }: RuleRef): NonNullable<DecisionJson['rule']> {
  return { policy, group, collection, name: rule };
}

function natOf(decision: Settled): DecisionJson['nat'] {
  if (decision.action === 'Deny') return null;
  if (decision.path === 'forward') return { snat: decision.snat };
  if (decision.path !== 'nat') return null;
  const { translatedAddress, translatedFqdn, translatedPort, snat } = decision;
  if (translatedFqdn !== undefined) return { translatedFqdn, translatedPort };
  return { translatedAddress: formatIpv4(translatedAddress ?? 0), translatedPort, ...(snat && { snat }) };
}

/** Whose address a server sees; undefined where the decision leaves it open. */
export function snatOf(decision: Settled): SnatClass | undefined {
  return decision.action === 'Allow' && 'snat' in decision ? decision.snat : undefined;
}

/** Of what `decide` answers; the others are said by the engines alone, which see more of a connection. */
const REASONS: Readonly<Partial<Record<ReasonCode, string>>> = {
  RuleMatched: 'the rule matched',
  DefaultAction: 'no rule matched, and what no rule allows is denied',
  ThreatIntel: 'the threat intelligence feed lists it',
  SniMissing: 'the client sends no name (SNI), which application rules need',
  SniMismatch: 'the client names another host than those of the rule',
  ProtocolNotTranslated: 'the rule allows it, but only TCP and UDP can leave with a public address',
  HostMissing: 'the request has no Host, which application rules need',
  HostPortMismatch: 'the Host header names another port than the one connected to',
  ForbiddenAddress:
    'nothing is behind this address: it is one of the firewall itself, or one that no host can have',
  NoNatRule: 'no NAT rule matched, and from outside only they let anything in',
  DnsProxy: "it is a query to the firewall's own DNS proxy, which needs no rule",
};

/** The reasons that `decide` gives. */
export const ANSWER_REASONS = Object.keys(REASONS) as ReasonCode[];

export function describeReason(reason: ReasonCode): string {
  return REASONS[reason] ?? reason;
}

export function describePath(decision: Settled): string {
  if (decision.action === 'Deny') return 'dropped';
  switch (decision.path) {
    case 'forward':
      return `forwarded, ${SNAT[decision.snat]}`;
    case 'proxy':
      return 'the firewall resolves the name itself and connects there from an address of its own';
    case 'nat': {
      const target = decision.translatedFqdn ?? formatIpv4(decision.translatedAddress ?? 0);
      const source = decision.snat === undefined ? '' : `, ${SNAT[decision.snat]}`;
      return `translated to ${target}:${decision.translatedPort}${source}`;
    }
    case 'local':
      return 'answered by the firewall itself';
  }
}

const SNAT: Readonly<Record<SnatClass, string>> = {
  None: 'with the address of the client',
  PrivateIp: 'from the private address of the firewall',
  PublicIp: 'from a public address of the firewall',
};

export function describeRule(rule: RuleRef | null): string {
  return rule === null ? 'none' : formatRuleRef(rule);
}

export function describeFlow(
  { protocol, source, destination, destinationPort, from, claim }: Flow,
  name: string | undefined,
): string {
  const address = formatIpv4(destination);
  const port = destinationPort === 0 ? '' : `:${destinationPort}`;
  const target = name === undefined ? `${address}${port}` : `${name}${port}`;
  const said =
    claim === undefined
      ? ''
      : claim.fqdn === undefined
        ? `, ${claim.protocol === 'Http' ? 'without a Host' : 'TLS without SNI'}`
        : claim.fqdn === name
          ? `, ${claim.protocol}`
          : `, ${claim.protocol} for ${claim.fqdn}`;
  return `${formatIpv4(source)}${from === 'outside' ? ' (outside)' : ''} to ${target}, ${nameOfProtocol(protocol)}${said}`;
}

/** What a person who asks should know besides, each in a sentence. */
export function remarksOn(
  policy: ResolvedPolicy,
  asked: Asked,
  { flow, decision, denied }: Answer,
): string[] {
  const remarks: string[] = [];
  const { name, standIn, unread, flows } = asked;
  if (unread !== undefined)
    remarks.push(
      flow.from === 'outside'
        ? `Nobody reads that the client names '${unread}': connections from outside go by NAT rules alone.`
        : `Nobody reads that the client names '${unread}': no rule goes by names on port ${flow.destinationPort}.`,
    );
  if (denied > 0 && denied < flows.length)
    remarks.push(
      `${name} has ${flows.length} addresses, of which ${denied} ${denied === 1 ? 'is' : 'are'} denied; this is ${formatIpv4(flow.destination)}.`,
    );
  const elsewhere = standIn === undefined ? [] : decidersElsewhere(policy, asked, flow, decision);
  if (elsewhere.length > 0)
    remarks.push(
      `Nobody said which address ${name} has (--resolve ${name}=ADDRESS), so it stands at one that no rule names; at another ${formatList(elsewhere)} may decide.`,
    );
  const rule = policy.networkRules.find(({ ref }) => ref === decision.rule);
  if (rule && decidesByName(rule, flow)) remarks.push(...remarksOnNames(rule, asked, flow, policy));
  return remarks;
}

/** Network rules that only the address keeps from deciding. */
function decidersElsewhere(
  { networkRules }: ResolvedPolicy,
  { namesOfAddress }: Asked,
  flow: Flow,
  { rule, reason }: Settled,
): string[] {
  // These come before all network rules.
  if (flow.from === 'outside' || reason === 'ThreatIntel') return [];
  const decisive = networkRules.findIndex(({ ref }) => ref === rule);
  return networkRules
    .slice(0, decisive < 0 ? networkRules.length : decisive)
    .filter(candidate => candidate.destinations.some(set => set.length > 0))
    .filter(candidate => {
      const [miss, ...others] = missesOfNetworkRule(candidate, flow, namesOfAddress);
      return miss?.field === 'destination' && others.length === 0;
    })
    .map(({ ref }) => formatRuleRef(ref));
}

function decidesByName({ destinations, destinationFqdns }: NetworkRule, { destination }: Flow): boolean {
  return destinationFqdns.length > 0 && !destinations.some(set => includesAddress(set, destination));
}

/** Network FQDN rules are address rules (https://learn.microsoft.com/azure/firewall/fqdn-filtering-network-rules). */
function remarksOnNames(
  { destinationFqdns }: NetworkRule,
  { namesOfAddress }: Asked,
  { destination, destinationPort }: Flow,
  { bindNetworkFqdns }: ResolvedPolicy,
): string[] {
  const known = namesOfAddress(destination);
  const [own = ''] = destinationFqdns.filter(fqdn => known.has(fqdn));
  const others = destinationFqdns.filter(fqdn => fqdn !== own);
  const neighbours = [...known].filter(fqdn => !destinationFqdns.includes(fqdn));
  const port = destinationPort === 0 ? '' : ` on port ${destinationPort}`;
  return [
    ...(bindNetworkFqdns
      ? []
      : [
          `The rule knows ${own} by its addresses: every name on such an address passes${port}, whatever the client asks for.`,
        ]),
    ...(others.length > 0 ? [`The rule is for the addresses of ${formatList(others)}, too.`] : []),
    ...(neighbours.length > 0 ? [`On this address are also ${formatList(neighbours)}.`] : []),
  ];
}
