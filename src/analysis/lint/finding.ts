// What lint finds, and the table of all it can find. A code never changes its meaning: people switch it off by name.

import type { RuleRef } from '#model/rule-ref.ts';

export const SEVERITIES = ['error', 'warning', 'note'] as const;
/** `error`: it does not do what it says. `warning`: it does more, or less, than it should. `note`: worth knowing. */
export type Severity = (typeof SEVERITIES)[number];

interface Code {
  /** The usual severity; a finding can have a lower one. */
  readonly severity: Severity;
  readonly what: string;
}

export const LINT_CODES = {
  shadowed: { severity: 'error', what: 'a rule never decides, since earlier rules do otherwise' },
  contradictory: {
    severity: 'error',
    what: 'a rule matches exactly what an earlier one matches, with the other action',
  },
  redundant: { severity: 'warning', what: 'without the rule every flow would be treated the same' },
  'matches-nothing': { severity: 'warning', what: 'no flow can match the rule' },
  'bypassed-by-network-rule': {
    severity: 'error',
    what: 'an application rule never decides, since network rules do before it',
  },
  'fqdn-filtering-off': {
    severity: 'warning',
    what: 'a network rule lets web traffic pass before application rules can look at names',
  },
  'not-examined': { severity: 'note', what: 'a check was not finished, since the rules are too different' },
  'allow-everything': { severity: 'error', what: 'a rule allows every port of the whole Internet' },
  'allow-internet': { severity: 'warning', what: 'a network rule allows a large part of the Internet' },
  'any-source': { severity: 'note', what: 'a rule allows every source' },
  'broad-service-tag': {
    severity: 'warning',
    what: "a rule allows a service tag that other tenants' machines belong to",
  },
  'any-name': { severity: 'warning', what: 'an application rule allows every name' },
  'quic-not-filtered': { severity: 'warning', what: 'UDP on web ports passes without a look at names' },
  'network-fqdn-web': {
    severity: 'warning',
    what: 'a network rule has FQDNs for HTTP, HTTPS or SQL, where Microsoft advises application rules',
  },
  'shared-address': { severity: 'warning', what: 'other names share an address with one of a network rule' },
  'network-fqdn-dns': {
    severity: 'note',
    what: 'clients must use the firewall as their DNS server for network rules with FQDNs',
  },
  'suffix-without-dot': {
    severity: 'warning',
    what: "'*contoso.com' matches 'evilcontoso.com' too",
  },
  'dnat-any-source': { severity: 'warning', what: 'a DNAT rule has source *' },
  'dnat-and-network-deny': {
    severity: 'note',
    what: 'a network Deny has no effect on what a DNAT rule lets in',
  },
  'dnat-near-limit': { severity: 'warning', what: 'public IPs and DNAT destinations come near the limit' },
  'snat-ports': { severity: 'warning', what: 'too few SNAT ports for the stated connections' },
  'registry-incomplete': {
    severity: 'warning',
    what: 'an image registry is allowed without the hosts that it sends clients to',
  },
  'icmp-to-internet': { severity: 'warning', what: 'ICMP is allowed where it cannot go' },
  'any-with-port': { severity: 'note', what: 'protocol Any with a port means TCP and UDP only' },
  'empty-ip-group': { severity: 'warning', what: 'a rule names an IP group without addresses' },
  'tls-by-address': { severity: 'warning', what: 'an application rule is meant for TLS without a name' },
  'threat-intel-muted': {
    severity: 'note',
    what: 'names on web ports are not held against threat intelligence, because of a network rule',
  },
  'threat-intel-off': { severity: 'note', what: 'threat intelligence is off' },
  'dns-not-inherited': { severity: 'warning', what: 'a child policy lacks the DNS settings of its parent' },
  'snat-not-inherited': {
    severity: 'warning',
    what: 'a child policy lacks the private ranges of its parent',
  },
  'threat-intel-of-parent': {
    severity: 'note',
    what: 'the stricter threat-intelligence mode of a parent counts',
  },
  'equal-priorities': { severity: 'warning', what: 'the order of two groups or collections is not defined' },
  'above-advice': { severity: 'warning', what: 'more than Azure advises' },
  'public-ip-without-address': {
    severity: 'note',
    what: 'a public IP has no address yet, or no file describes it',
  },
  'settings-not-used': { severity: 'warning', what: 'settings of a firewall that its policy overrides' },
  'private-ranges': {
    severity: 'warning',
    what: 'private ranges without IANAPrivateRanges, or the whole Internet among them',
  },
  'aks-required': { severity: 'error', what: 'an AKS cluster needs it and the policy denies it' },
  'aks-partly': { severity: 'warning', what: 'an AKS cluster needs it and the policy allows part of it' },
  'aks-conditional': { severity: 'warning', what: 'some AKS clusters need it and the policy denies it' },
  'aks-recommended': { severity: 'note', what: 'recommended for AKS and denied' },
  'aks-api-server-by-ip': {
    severity: 'warning',
    what: 'pods that call the API server by its address are denied',
  },
  'aks-source-assumed': { severity: 'note', what: 'for which sources the needs of AKS were judged' },
  'aks-not-judged': { severity: 'note', what: 'a need of AKS that cannot be judged without more details' },
  'aks-public-ips': { severity: 'note', what: 'fewer public IPs than Microsoft advises for AKS' },
} as const satisfies Record<string, Code>;

export type LintCode = keyof typeof LINT_CODES;

export interface LintFinding {
  readonly code: LintCode;
  readonly severity: Severity;
  /** null where it is not about a rule. */
  readonly rule: RuleRef | null;
  /** Id of the document it stands in, and where: a path such as `properties.ruleCollections[0].rules[1]`, or empty. */
  readonly resource: string;
  readonly target: string;
  readonly reason: string;
  readonly fix: string;
  readonly related: readonly RuleRef[];
}

export function isAtLeast(severity: Severity, bound: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(bound);
}

/** Order of severity, most severe first. */
export function bySeverity(a: LintFinding, b: LintFinding): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}
