// What one firewall does with one packet: `decide` says it; here it becomes a step with its rule and reason, the packet as it goes
// on, and the findings that its reason calls for.

import { type DecisionContext, decide, findThreat, snatOfTarget } from '#ir/decide.ts';
import type { Flow, NamesOfAddress, SnatClass, ThreatListing } from '#ir/decision.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { describePath, describeReason, describeRule, type Settled, toDecisionJson } from '../answer.ts';
import { type ResolvedNames, type Target, understand } from '../question.ts';
import { nearestRules, skippedInstead, type TraceStep, trace } from '../trace.ts';
import { groupsToFill, withFilledGroups } from './fill-groups.ts';
import type { Firewall } from './network.ts';
import { refusal, threatAlert } from './refusal.ts';
import type { Finding, Hop, Packet, Step } from './steps.ts';

/** What a firewall may be asked with: the flow in the words of the user, names, feeds. */
export interface FirewallJudge {
  readonly target: Target;
  readonly sni: string | undefined;
  readonly host: string | undefined;
  readonly resolved: ResolvedNames;
  /** What the running gateway of this firewall knows; undefined where nobody could ask it. */
  readonly namesInForce: (firewall: Firewall) => NamesOfAddress | undefined;
  readonly threats: ThreatListing | undefined;
}

export interface Judgement {
  readonly step: Step;
  readonly findings: readonly Finding[];
  readonly onward: 'denied' | 'answered' | Onward;
}

export interface Onward {
  readonly packet: Packet;
  readonly hop: Hop;
  /** A NAT target given by a name that nobody has resolved. */
  readonly unknownTarget: boolean;
}

export function judgeAtFirewall(
  firewall: Firewall,
  side: 'inside' | 'outside',
  packet: Packet,
  judge: FirewallJudge,
): Judgement {
  const { policy } = firewall;
  const { flow, context } = ask(firewall, side, packet, judge);
  const decision = decide(policy, flow, context);
  if (decision.action === 'Pending') throw new Error('a client says its name wherever one is asked for');
  const fqdn = flow.claim?.fqdn;
  const threat = findThreat(
    policy.threatIntel,
    { addresses: [side === 'inside' ? packet.destination : packet.source], fqdn },
    judge.threats,
  );
  const onward = decision.action === 'Deny' ? 'denied' : goOn(firewall, packet, decision, judge);
  const nearestRule = nearestOf(firewall, flow, context, decision);
  const nearest = nearestRule && tellNearest(nearestRule);
  const why =
    decision.reason === 'RuleMatched' ? '' : ` (${decision.reason}: ${describeReason(decision.reason)})`;
  const rule = decision.rule === null ? '' : ` by ${describeRule(decision.rule)}`;
  const sources = typeof onward === 'string' || onward.hop.kind === 'inbound' ? [] : onward.hop.sources;
  const seen = sources.length === 0 ? '' : ` (${sources.map(formatIpv4).join(' or ')})`;
  const where = `firewall ${firewall.name} (${formatIpv4(policy.privateAddress)}), from ${side}`;
  const claim = flow.claim
    ? `, ${flow.claim.protocol} ${fqdn === undefined ? 'without a name' : `for ${fqdn}`}`
    : '';
  const step: Step = {
    way: 'there',
    kind: 'firewall',
    ok: decision.action === 'Allow',
    text: [
      `${where}${claim}: ${decision.action}${rule}${why}; ${describePath(decision)}${seen}`,
      ...(nearest === undefined ? [] : [`nearest rule ${nearest.rule}: ${nearest.why}`]),
      ...(threat ? [`threat intelligence (${threat.action}): ${threat.description}`] : []),
    ].join('; '),
    details: {
      firewall: firewall.name,
      side,
      decision: toDecisionJson(decision),
      sourceSeen: sources.map(formatIpv4),
      nearest: nearest ?? null,
      threatIntel: { mode: policy.threatIntel.mode, listed: threat?.description ?? null },
      names: [...context.namesOfAddress(packet.destination)],
      namesFrom: judge.namesInForce(firewall) ? 'gateway' : 'given',
    },
  };
  const findings = [
    ...(decision.action === 'Deny'
      ? [
          refusal(firewall, side, packet, {
            flow,
            decision,
            nearest:
              nearestRule && helps(nearestRule, firewall, side, packet, judge) ? nearestRule : undefined,
            name: judge.target.name,
          }),
        ]
      : []),
    ...(threat && decision.action === 'Allow' ? [threatAlert(threat.description, firewall)] : []),
  ];
  return { step, findings, onward };
}

function ask(
  firewall: Firewall,
  side: 'inside' | 'outside',
  packet: Packet,
  { target, sni, host, resolved, namesInForce, threats }: FirewallJudge,
): { readonly flow: Flow; readonly context: DecisionContext } {
  const port = packet.port === 0 ? '' : `:${packet.port}`;
  const names =
    target.name === undefined ? resolved : new Map([...resolved, [target.name, [packet.destination]]]);
  const { asked, faults } = understand(
    {
      from: formatIpv4(packet.source),
      to: `${target.name ?? formatIpv4(packet.destination)}${port}`,
      protocol: typeof packet.protocol === 'number' ? String(packet.protocol) : packet.protocol,
      sni,
      host,
      outside: side === 'outside',
    },
    firewall.policy,
    names,
  );
  if (!asked) throw new Error(faults.map(({ message }) => message).join(' '));
  return {
    flow: asked.flows[0],
    context: {
      namesOfAddress: namesInForce(firewall) ?? asked.namesOfAddress,
      ...(threats && { threats }),
    },
  };
}

function goOn(
  { policy, ...firewall }: Firewall,
  packet: Packet,
  decision: Extract<Settled, { action: 'Allow' }>,
  { resolved }: FirewallJudge,
): 'answered' | Onward {
  const hop = (snat: SnatClass): Hop => ({
    kind: 'firewall',
    firewall: { ...firewall, policy },
    snat,
    before: packet.source,
    sources:
      snat === 'None'
        ? [packet.source]
        : snat === 'PrivateIp'
          ? [policy.privateAddress]
          : policy.publicIps.map(({ address }) => address),
  });
  const onward = (snat: SnatClass, next: Packet, unknownTarget = false): Onward => {
    const made = hop(snat);
    const [source = packet.source] = made.kind === 'inbound' ? [] : made.sources;
    return { packet: { ...next, source }, hop: made, unknownTarget };
  };
  switch (decision.path) {
    case 'local':
      return 'answered';
    case 'forward':
      return onward(decision.snat, packet);
    case 'proxy':
      return onward(snatOfTarget(policy, packet.destination), packet);
    case 'nat': {
      const { translatedFqdn, translatedPort: port } = decision;
      const [byName] = translatedFqdn === undefined ? [] : (resolved.get(translatedFqdn) ?? []);
      const destination = decision.translatedAddress ?? byName ?? 0;
      return onward(snatOfTarget(policy, destination), { ...packet, destination, port }, destination === 0);
    }
  }
}

/** The rule that came closest where none decided, and one that only an empty IP group keeps from allowing it. */
function nearestOf(
  { policy }: Firewall,
  flow: Flow,
  context: DecisionContext,
  { action, reason }: Settled,
): TraceStep | undefined {
  if (action === 'Allow') return undefined;
  const skipped = skippedInstead(trace(policy, flow, context));
  if (skipped || (reason !== 'DefaultAction' && reason !== 'NoNatRule')) return skipped;
  const wanted = reason === 'NoNatRule' ? 'DNAT' : 'Allow';
  const [nearest] = nearestRules(policy, flow, context, candidate => candidate.action === wanted);
  return nearest && nearest.misses.length <= 2 ? nearest : undefined;
}

/** Whether the flow is allowed once the IP groups that a skipped rule lacks are filled: another rule may deny it even then. */
function helps(
  step: TraceStep,
  firewall: Firewall,
  side: 'inside' | 'outside',
  packet: Packet,
  judge: FirewallJudge,
): boolean {
  const groups = groupsToFill(step, packet);
  if (!groups) return true;
  const filled = { ...firewall, policy: withFilledGroups(firewall.policy, groups) };
  const { flow, context } = ask(filled, side, packet, judge);
  return decide(filled.policy, flow, context).action === 'Allow';
}

function tellNearest({ rule, misses }: TraceStep): { readonly rule: string; readonly why: string } {
  return { rule: formatRuleRef(rule), why: misses.map(({ text }) => text).join(', ') };
}
