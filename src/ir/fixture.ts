// Policies, flows and decisions in few words, for tests: `flow('tcp 10.42.1.5 > 1.2.3.4:443')`, `Deny - (DefaultAction)`.

import assert from 'node:assert/strict';
import { parseFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4, parseIpv4, parseRange } from '#net/ipv4.ts';
import { ALL_PORTS, parsePortRange } from '#net/ports.ts';
import { type DecisionContext, decide } from './decide.ts';
import type { Decision, Flow, IpProtocol } from './decision.ts';
import type {
  AddressSet,
  ApplicationProtocol,
  ApplicationRule,
  NatRule,
  NetworkRule,
  ResolvedPolicy,
} from './policy.ts';

export const ref = (rule: string) => ({ policy: '', group: '', collection: 'c', rule });
export const ip = (text: string): number => parseIpv4(text) ?? assert.fail(text);
export const ips = (...texts: string[]): AddressSet =>
  texts.map(text => (text === '*' ? ALL_IPV4 : (parseRange(text) ?? assert.fail(text))));
export const ports = (...texts: string[]) => texts.map(text => parsePortRange(text) ?? assert.fail(text));

export const network = (rule: string, rest: Partial<NetworkRule> = {}): NetworkRule => ({
  ref: ref(rule),
  action: 'Allow',
  protocols: ['TCP'],
  sources: [ALL_IPV4],
  destinations: [[ALL_IPV4]],
  destinationFqdns: [],
  destinationPorts: [ALL_PORTS],
  ...rest,
});

export const application = (
  rule: string,
  fqdns: string[],
  rest: Partial<ApplicationRule> = {},
): ApplicationRule => ({
  ref: ref(rule),
  action: 'Allow',
  sources: [ALL_IPV4],
  protocols: [
    { protocol: 'Http', port: 80 },
    { protocol: 'Https', port: 443 },
  ],
  targets: fqdns.map(text => ({ pattern: parseFqdnPattern(text) ?? assert.fail(text), tag: '' })),
  ...rest,
});

export const nat = (rule: string, rest: Partial<NatRule> = {}): NatRule => ({
  ref: ref(rule),
  protocols: ['TCP'],
  sources: [ALL_IPV4],
  destinations: ips('20.1.1.1'),
  destinationPorts: ports('80'),
  translatedAddress: ip('10.42.1.50'),
  translatedPort: 8080,
  ...rest,
});

export const policy = (rest: Partial<ResolvedPolicy> = {}): ResolvedPolicy => ({
  firewallId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/azureFirewalls/f',
  threatIntel: { mode: 'Alert', allowedAddresses: [], allowedFqdns: [] },
  natRules: [],
  networkRules: [],
  applicationRules: [],
  infrastructureRules: [],
  bindNetworkFqdns: false,
  dns: { enableProxy: true, servers: [] },
  privateRanges: ips('10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'),
  privateAddress: ip('10.42.2.4'),
  publicIps: [{ name: 'pip', address: ip('20.1.1.1') }],
  ...rest,
});

/** `tcp 10.42.1.5 > 1.2.3.4:443` and what the client claims. */
export function flow(text: string, rest: Partial<Flow> = {}): Flow {
  const [protocol = '', source = '', , target = ''] = text.split(' ');
  const [destination = '', port = '0'] = target.split(':');
  const number = Number(protocol);
  return {
    protocol: (Number.isNaN(number) ? protocol.toUpperCase() : number) as IpProtocol,
    source: ip(source),
    destination: ip(destination),
    destinationPort: Number(port),
    from: 'inside',
    ...rest,
  };
}

export const claim = (protocol: ApplicationProtocol, fqdn?: string) => ({ claim: { protocol, fqdn } });
export const unnamed: DecisionContext = { namesOfAddress: () => new Set<string>() };

const SNAT_WORDS = { None: 'plain', PrivateIp: 'private', PublicIp: 'snat' } as const;

/** A decision in one line: `Allow forward snat c/rule (RuleMatched)`. */
export function say(decision: Decision): string {
  if (decision.action === 'Pending') return `Pending (${decision.reason})`;
  const words: string[] = [decision.action];
  if (decision.action === 'Allow') words.push(decision.path);
  if (decision.action === 'Allow' && decision.path === 'forward') words.push(SNAT_WORDS[decision.snat]);
  words.push(decision.rule?.rule ?? '-', `(${decision.reason})`);
  return words.join(' ');
}

export function expect(
  rules: ResolvedPolicy,
  table: readonly (readonly [Flow, string])[],
  context = unnamed,
): void {
  for (const [asked, answer] of table) {
    assert.equal(say(decide(rules, asked, context)), answer, JSON.stringify(asked));
  }
}
