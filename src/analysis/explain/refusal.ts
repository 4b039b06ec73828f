// What a firewall's refusal means for its owner, and what to change: one finding for each reason.

import type { Flow } from '#ir/decision.ts';
import { formatRuleRef, type RuleRef } from '#model/rule-ref.ts';
import { formatIpv4, isIanaPrivate } from '#net/ipv4.ts';
import { describeReason, type Settled } from '../answer.ts';
import { nameOfProtocol } from '../question.ts';
import type { TraceStep } from '../trace.ts';
import * as commands from './commands.ts';
import { groupsToFill } from './fill-groups.ts';
import type { Firewall } from './network.ts';
import type { Finding, Packet } from './steps.ts';

const QUIC_PORT = 443;

export function threatAlert(description: string, firewall: Firewall): Finding {
  return {
    code: 'threat-intel',
    severity: 'warning',
    text: `Threat intelligence lists this flow (${description}); firewall ${firewall.name} only alerts.`,
    fix: [commands.denyThreats(firewall)],
  };
}

export interface Refused {
  readonly flow: Flow;
  readonly decision: Extract<Settled, { action: 'Deny' }>;
  /** The rule that came closest; none where filling its IP groups would leave the flow denied. */
  readonly nearest: TraceStep | undefined;
  /** What the user asked for. */
  readonly name: string | undefined;
}

export function refusal(
  firewall: Firewall,
  side: 'inside' | 'outside',
  packet: Packet,
  { flow, decision: { reason, rule }, nearest, name }: Refused,
): Finding {
  const destination = formatIpv4(packet.destination);
  const protocol = typeof packet.protocol === 'number' ? 'Any' : packet.protocol;
  const wanted = { protocol, source: formatIpv4(packet.source), destination, port: packet.port };
  const byAddress = commands.allowByAddress(firewall, wanted);
  const fqdn = flow.claim?.fqdn ?? name;
  const denied = (text: string, fix: readonly string[]): Finding => ({
    code: 'denied',
    severity: 'error',
    text,
    fix,
  });
  const refill = nearest && refillOf(nearest, packet);
  if (side === 'outside' && reason === 'NoNatRule')
    return {
      code: 'no-nat-rule',
      severity: 'error',
      text: `Firewall ${firewall.name} has no NAT rule for ${nameOfProtocol(packet.protocol)} ${destination}:${packet.port}, and nothing else lets a flow in${refill?.why ?? ''}.`,
      fix: refill?.fix ?? [
        commands.translate(firewall, { protocol, destination, port: packet.port, target: 'ADDRESS' }),
      ],
    };
  switch (reason) {
    case 'ThreatIntel':
      return {
        code: 'threat-intel',
        severity: 'error',
        text: `Threat intelligence denies it before any rule is asked.`,
        fix: [
          'If it is no threat:',
          commands.trustAddress(firewall, side === 'inside' ? destination : wanted.source),
        ],
      };
    case 'SniMissing':
      return {
        code: 'no-sni',
        severity: 'error',
        text: `The client's TLS names no host (SNI), as with https://${destination}, so no application rule can match, not even one for *.`,
        fix: ['Ask by the name of the host, or allow the address by a network rule:', byAddress],
      };
    case 'ProtocolNotTranslated':
      return icmpToInternet(firewall);
  }
  if (flow.protocol === 'ICMP' && !isIanaPrivate(packet.destination)) return icmpToInternet(firewall);
  const decided = rule && { rule, pass: passOf(firewall, rule) };
  const why =
    decided && reason === 'RuleMatched'
      ? `${decided.pass} rule ${formatRuleRef(decided.rule)} matched`
      : describeReason(reason);
  if (refill) return denied(`Firewall ${firewall.name} denies it: ${why}${refill.why}.`, refill.fix);
  if (isQuic(flow) && (reason === 'RuleMatched' || reason === 'DefaultAction'))
    return quicDenied(firewall, why);
  const text = `Firewall ${firewall.name} denies it: ${why}.`;
  if (decided && reason === 'RuleMatched') return denied(text, changesOf(firewall, decided, byAddress));
  if (reason === 'ForbiddenAddress')
    return denied(text, ['Ask for the address of a host, not one of the firewall.']);
  const named = flow.claim?.protocol;
  return denied(text, [
    named !== undefined && fqdn !== undefined
      ? commands.allowByName(firewall, {
          source: wanted.source,
          fqdn,
          protocol: named.toLowerCase(),
          port: packet.port,
        })
      : byAddress,
  ]);
}

/** HTTP/3 goes over UDP, where names are never read (https://learn.microsoft.com/azure/firewall/firewall-known-issues). */
export function isQuic({
  protocol,
  destination,
  destinationPort,
}: Pick<Flow, 'protocol' | 'destination' | 'destinationPort'>): boolean {
  return protocol === 'UDP' && destinationPort === QUIC_PORT && !isIanaPrivate(destination);
}

function quicDenied({ name }: Firewall, why: string): Finding {
  return {
    code: 'quic',
    severity: 'error',
    text: `Firewall ${name} denies QUIC (UDP 443), which no firewall can filter by name: ${why}.`,
    fix: ['Leave UDP 443 denied: clients fall back to TCP 443, where application rules judge the name.'],
  };
}

type Pass = 'network' | 'application';

function passOf({ policy }: Firewall, rule: RuleRef): Pass {
  return policy.networkRules.some(({ ref }) => ref === rule) ? 'network' : 'application';
}

/**
 * Where a rule that denies can be changed or preceded: within a type the rules of a parent come first
 * (https://learn.microsoft.com/azure/firewall/rule-processing).
 */
function changesOf(
  { name, policyResource }: Firewall,
  { rule, pass }: { readonly rule: RuleRef; readonly pass: Pass },
  byAddress: string,
): string[] {
  const home = policyResource ? `policy ${rule.policy}` : `firewall ${name}`;
  const change = `Change ${pass} rule ${formatRuleRef(rule)}, or put ${pass === 'network' ? 'a' : 'an'} ${pass} rule before it in ${home}`;
  if (!policyResource || policyResource.name.toLowerCase() === rule.policy.toLowerCase())
    return [`${change}.`];
  const child = `policy ${policyResource.name}`;
  const parent = `${change}: those of ${child} come after those of its parent, whatever their priority.`;
  return pass === 'network'
    ? [parent]
    : [`${parent} Only a network rule of ${child} comes before it, and goes by the address:`, byAddress];
}

/** What fills the IP groups of a rule that is skipped and would otherwise match; undefined where these are not what it lacks. */
function refillOf(
  step: TraceStep,
  packet: Packet,
): { readonly why: string; readonly fix: readonly string[] } | undefined {
  const { rule, pass, misses } = step;
  const groups = groupsToFill(step, packet);
  const [miss] = misses;
  if (!miss || !groups) return undefined;
  return {
    why: `; ${pass === 'nat' ? 'NAT' : pass} rule ${formatRuleRef(rule)} is ${miss.text.replace(': ', ', since ')}`,
    fix: groups.flatMap(({ group, address }) => [
      `Fill IP group ${group.split('/').at(-1)}:`,
      commands.fillIpGroup(group, formatIpv4(address)),
    ]),
  };
}

function icmpToInternet({ name }: Firewall): Finding {
  return {
    code: 'icmp-to-internet',
    severity: 'error',
    text: `Firewall ${name} lets no ICMP out to the Internet: only TCP and UDP can leave with a public address, whatever a rule says.`,
    fix: ['Test with TCP: curl, or nc -vz HOST PORT.'],
  };
}
