// Network rules on the ports of application rules: they are judged first and by address, so what application rules say of names
// does not count for them (https://learn.microsoft.com/azure/firewall/fqdn-filtering-network-rules).

import type { NetworkRule } from '#ir/policy.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { formatIpv4, intersectRanges } from '#net/ipv4.ts';
import { aboutResource, aboutRule, type LintContext, resolvedOf } from './context.ts';
import { listed } from './coverage-findings.ts';
import type { LintFinding } from './finding.ts';
import { hasPublicAddress, holdsPort, isEveryPort, shareOfInternet } from './internet.ts';
import { webPortsOf } from './over-broad.ts';
import type { WrittenNetwork } from './written-rules.ts';

/** Some thousand addresses: below, the places that are meant may well be known one by one. */
const SMALL_SHARE = 1e-6;

export function checkNetworkFqdns(context: LintContext): LintFinding[] {
  const ports = webPortsOf(context);
  const rules = context.rules.filter(rule => rule.pass === 'network');
  const named = rules.filter(({ rule }) => rule.destinationFqdns.length > 0);
  return [
    ...rules.flatMap(rule => [
      ...(rule.action === 'Allow' ? onWebPorts(rule, ports, context) : []),
      ...sharedAddresses(rule, context),
    ]),
    ...dnsOf(named, context),
  ];
}

function onWebPorts(rule: WrittenNetwork, ports: readonly number[], context: LintContext): LintFinding[] {
  const { protocols, destinationFqdns, destinationPorts } = rule.rule;
  if (!protocols.includes('TCP') && !protocols.includes('Any')) return [];
  const taken = ports.filter(port => holdsPort(destinationPorts, port));
  if (taken.length === 0) return [];
  const where = isEveryPort(destinationPorts)
    ? 'all web ports'
    : `port ${taken.slice(0, 4).join(', ')}${taken.length > 4 ? ' and more' : ''}`;
  const resolved = resolvedOf(context, 'network', rule.ref);
  const sets = resolved.flatMap(({ destinations }) => destinations);
  const isPublic = hasPublicAddress(sets);
  const share = shareOfInternet(sets);
  const findings: LintFinding[] = [];
  if (destinationFqdns.length > 0)
    findings.push(
      aboutRule('network-fqdn-web', rule, {
        reason:
          `${listed(destinationFqdns)} on ${where}: a network rule goes by the addresses that the names have, so every other name on these addresses passes too` +
          `${context.policy.bindNetworkFqdns ? ' but for TLS, where the name is checked' : ', and shared addresses of a CDN carry many'}.`,
        fix: `Make it an application rule with these names as target FQDNs and protocol ${protocolOf(taken)}.`,
      }),
    );
  if (isPublic || destinationFqdns.length > 0) {
    const silenced = isPublic ? silencedBy(resolved, taken, context) : [];
    if (silenced.length > 0)
      findings.push(
        aboutRule('fqdn-filtering-off', rule, {
          severity: share < SMALL_SHARE ? 'note' : 'warning',
          reason: `Network rules are judged first, whatever the priorities: on ${where} to these destinations no name is looked at, and application rules such as ${listed(silenced.map(formatRuleRef))} have no say.`,
          fix: 'Take the web ports out of it, or narrow its destinations, and allow names by application rules.',
          related: silenced,
        }),
      );
    if (context.policy.threatIntel.mode === 'Alert')
      findings.push(
        aboutRule('threat-intel-muted', rule, {
          reason: `Threat intelligence is in mode Alert, and what this rule lets pass on ${where} is held against it by address only.`,
          fix: 'Use application rules for web traffic, or set the mode to Deny.',
        }),
      );
  }
  return findings;
}

function protocolOf(ports: readonly number[]): string {
  const words = ports.map(port => (port === 80 ? 'Http:80' : port === 1433 ? 'Mssql:1433' : `Https:${port}`));
  return words.slice(0, 3).join(' or ');
}

/** Application rules that share sources and a port with a network rule. */
function silencedBy(network: readonly NetworkRule[], ports: readonly number[], { policy }: LintContext) {
  const found = policy.applicationRules.filter(
    ({ protocols, sources, destinations }) =>
      protocols.some(({ port }) => ports.includes(port)) &&
      network.some(
        rule =>
          intersectRanges(rule.sources, sources).length > 0 &&
          (!destinations || rule.destinations.some(set => intersectRanges(set, destinations).length > 0)),
      ),
  );
  return [...new Set(found.map(({ ref }) => ref))];
}

/** What `--resolve` says of addresses that names of a rule share with others. */
function sharedAddresses(rule: WrittenNetwork, { names }: LintContext): LintFinding[] {
  return rule.rule.destinationFqdns.flatMap(name =>
    (names.get(name) ?? []).flatMap(address => {
      const others = [...names]
        .filter(
          ([other, addresses]) =>
            other !== name && addresses.includes(address) && !rule.rule.destinationFqdns.includes(other),
        )
        .map(([other]) => other);
      if (others.length === 0) return [];
      const passes = rule.action === 'Allow' ? 'pass by this rule, too' : 'are denied by this rule, too';
      return [
        aboutRule('shared-address', rule, {
          reason: `${listed(others)} ${others.length > 1 ? 'have' : 'has'} the address ${formatIpv4(address)} of '${name}', and ${passes}.`,
          fix: 'Use an application rule, which tells names apart.',
        }),
      ];
    }),
  );
}

function dnsOf(named: readonly WrittenNetwork[], { policy, settings }: LintContext): LintFinding[] {
  const [first, ...others] = named;
  if (!first) return [];
  const rules = [first, ...others].map(({ ref }) => ref);
  const which = `${listed(rules.map(formatRuleRef))} ${others.length > 0 ? 'go' : 'goes'} by the addresses that the firewall gets for the names`;
  if (!policy.dns.enableProxy)
    return [
      aboutResource('network-fqdn-dns', settings, {
        severity: 'warning',
        reason: `${which}, and the DNS proxy is off: clients that get other addresses elsewhere are denied, now and then.`,
        fix: 'Enable the DNS proxy and make the firewall the DNS server of the virtual networks.',
        related: rules,
      }),
    ];
  return [
    aboutResource('network-fqdn-dns', settings, {
      reason: `${which}. The DNS proxy is on, which is half of it: clients that ask another server can get other addresses and are denied.`,
      fix: "Set the virtual networks' DNS server to the firewall's private address and restart the machines.",
      related: rules,
    }),
  ];
}
