// What a firewall's refusal means for its owner, and what to change: one finding for each reason.

import type { Flow, ReasonCode } from '#ir/decision.ts';
import { formatIpv4, isIanaPrivate } from '#net/ipv4.ts';
import { describeReason } from '../answer.ts';
import { nameOfProtocol } from '../question.ts';
import * as commands from './commands.ts';
import type { Firewall } from './network.ts';
import type { Finding, Packet } from './steps.ts';

export function threatAlert(description: string, firewall: Firewall): Finding {
  return {
    code: 'threat-intel',
    severity: 'warning',
    text: `Threat intelligence lists this flow (${description}); firewall ${firewall.name} only alerts.`,
    fix: [commands.denyThreats(firewall)],
  };
}

export function refusal(
  firewall: Firewall,
  side: 'inside' | 'outside',
  packet: Packet,
  flow: Flow,
  reason: ReasonCode,
  name: string | undefined,
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
  if (side === 'outside' && reason === 'NoNatRule')
    return {
      code: 'no-nat-rule',
      severity: 'error',
      text: `Firewall ${firewall.name} has no NAT rule for ${nameOfProtocol(packet.protocol)} ${destination}:${packet.port}, and nothing else lets a flow in.`,
      fix: [commands.translate(firewall, { protocol, destination, port: packet.port, target: 'ADDRESS' })],
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
  if (flow.protocol === 'UDP' && flow.destinationPort === 443)
    return denied(`Firewall ${firewall.name} denies QUIC (UDP 443); clients then fall back to TCP.`, [
      byAddress,
    ]);
  if (flow.protocol === 'ICMP' && !isIanaPrivate(packet.destination)) return icmpToInternet(firewall);
  const text = `Firewall ${firewall.name} denies it: ${describeReason(reason)}.`;
  if (reason === 'RuleMatched')
    return denied(text, ['Change the rule that denies it, or put a rule before it.']);
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

function icmpToInternet({ name }: Firewall): Finding {
  return {
    code: 'icmp-to-internet',
    severity: 'error',
    text: `Firewall ${name} lets no ICMP out to the Internet: only TCP and UDP can leave with a public address, whatever a rule says.`,
    fix: ['Test with TCP: curl, or nc -vz HOST PORT.'],
  };
}
