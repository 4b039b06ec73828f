// Rules that allow more than a rule should: the whole Internet, however it is written, every name, service tags that are not
// one service's, UDP on web ports.

import { applicationPortsOf } from '#ir/application-ports.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { aboutRule, type LintContext, resolvedOf } from './context.ts';
import { listed } from './coverage-findings.ts';
import type { LintFinding } from './finding.ts';
import {
  describePorts,
  hasPublicAddress,
  holdsPort,
  isEveryPort,
  isEverySource,
  shareOfInternet,
} from './internet.ts';
import type { WrittenApplication, WrittenNetwork } from './written-rules.ts';

/** From here on a destination is not a list of places any more. */
const LARGE_SHARE = 0.25;
/** Where a wide destination is what Microsoft itself names (DNS, NTP). */
const HARMLESS_PORTS = [53, 123];
/** With one of these, a tag of all of a region's customers is a way out for data. */
const DATA_PORTS = [20, 21, 22, 80, 443, 445, 1433, 3306, 5432, 8080, 8443];

export function checkOverBroad(context: LintContext): LintFinding[] {
  return context.rules.flatMap(rule => {
    if (rule.action !== 'Allow') return [];
    if (rule.pass === 'network')
      return [...wideNetwork(rule, context), ...tags(rule), ...quic(rule, context)];
    return rule.pass === 'application' ? names(rule, context) : [];
  });
}

function wideNetwork(rule: WrittenNetwork, context: LintContext): LintFinding[] {
  const resolved = resolvedOf(context, 'network', rule.ref);
  const share = shareOfInternet(resolved.flatMap(({ destinations }) => destinations));
  const anySource = isEverySource(resolved.map(({ sources }) => sources));
  const { destinationPorts: ports, protocols } = rule.rule;
  const from = anySource ? ' from every source' : '';
  if (protocols.every(protocol => protocol === 'ICMP')) return [];
  const findings: LintFinding[] = [];
  if (share >= LARGE_SHARE && isEveryPort(ports))
    findings.push(
      aboutRule('allow-everything', rule, {
        reason: `It allows all ports of ${describeShare(share)}${from}: behind it no rule filters anything.`,
        fix: 'Name the destinations and ports that are needed; for web traffic use application rules with names.',
      }),
    );
  else if (share >= LARGE_SHARE) {
    const harmless = ports.every(({ first, last }) => first === last && HARMLESS_PORTS.includes(first));
    findings.push(
      aboutRule('allow-internet', rule, {
        severity: harmless ? 'note' : 'warning',
        reason: `It allows ${describePorts(ports)} of ${describeShare(share)}${from}.`,
        fix: 'Name the destinations: addresses, service tags, or application rules with names for web traffic.',
      }),
    );
  } else if (anySource) findings.push(everySource(rule));
  return findings;
}

function describeShare(share: number): string {
  return share > 0.99 ? 'the whole Internet' : `${Math.round(share * 100)} % of the Internet`;
}

function everySource(rule: WrittenNetwork | WrittenApplication): LintFinding {
  return aboutRule('any-source', rule, {
    reason: 'Every subnet that is routed through the firewall may use it, also ones that come later.',
    fix: 'Name the subnets or an IP group.',
  });
}

function tags(rule: WrittenNetwork): LintFinding[] {
  const broad = rule.rule.destinations.serviceTags.filter(tag => /^AzureCloud(\.|$)/i.test(tag));
  if (broad.length === 0) return [];
  const { destinationPorts: ports } = rule.rule;
  const data = DATA_PORTS.some(port => holdsPort(ports, port));
  return [
    aboutRule('broad-service-tag', rule, {
      severity: data ? 'warning' : 'note',
      reason: `${listed(broad)} holds the public addresses of Azure there, machines of other tenants included, so data can leave to any of them on ${describePorts(ports)}.`,
      fix: data
        ? 'Use the tag of the service that is needed (Storage.<region>, AzureMonitor, ...) or application rules with names.'
        : 'Where the API server of the cluster is meant, name its address instead.',
    }),
  ];
}

function quic(rule: WrittenNetwork, context: LintContext): LintFinding[] {
  const { protocols, destinationPorts: ports } = rule.rule;
  if (!protocols.includes('UDP') && !protocols.includes('Any')) return [];
  if (isEveryPort(ports) || !(holdsPort(ports, 443) || holdsPort(ports, 80))) return [];
  const resolved = resolvedOf(context, 'network', rule.ref);
  if (!hasPublicAddress(resolved.flatMap(({ destinations }) => destinations))) return [];
  return [
    aboutRule('quic-not-filtered', rule, {
      reason:
        'HTTP/3 goes over UDP, where names are never read: a client of these destinations reaches every site on them.',
      fix: 'Leave UDP out; clients then fall back to TCP, where application rules see the name.',
    }),
  ];
}

function names(rule: WrittenApplication, context: LintContext): LintFinding[] {
  const findings: LintFinding[] = [];
  const { targetFqdns, protocols } = rule.rule;
  const everything = targetFqdns.filter(
    pattern => pattern.kind === 'suffix' && !pattern.suffix.slice(1).includes('.'),
  );
  // A rule for a single destination cannot name more than it, whatever the name.
  if (everything.length > 0 && !rule.rule.destinations) {
    const ports = protocols.map(({ protocol, port }) => `${protocol}:${port}`);
    const whole = everything.some(pattern => formatFqdnPattern(pattern) === '*');
    findings.push(
      aboutRule('any-name', rule, {
        reason: whole
          ? `It allows every name on ${ports.join(', ')}; it only keeps out clients that name none.`
          : `${listed(everything.map(formatFqdnPattern))} holds a whole top-level domain, in which anybody can register a name.`,
        fix: 'Name the hosts that are needed; --trace of postern decide and the logs show which are asked for.',
      }),
    );
  } else if (isEverySource(resolvedOf(context, 'application', rule.ref).map(({ sources }) => sources)))
    findings.push(everySource(rule));
  for (const pattern of targetFqdns) {
    if (pattern.kind !== 'suffix' || pattern.suffix.startsWith('.') || !pattern.suffix.includes('.'))
      continue;
    const { suffix } = pattern;
    findings.push(
      aboutRule('suffix-without-dot', rule, {
        reason: `'*${suffix}' matches 'evil${suffix}' too, which anybody can register.`,
        fix: `Write two names: '${suffix}' and '*.${suffix}'.`,
      }),
    );
  }
  return findings;
}

/** Ports on which network rules take web traffic away from application rules. */
export function webPortsOf({ policy }: Pick<LintContext, 'policy'>): readonly number[] {
  return applicationPortsOf(policy);
}
