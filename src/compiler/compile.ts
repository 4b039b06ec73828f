// From what the rules mean to what a gateway has to know: `compile(policy)` is pure, and its result is plain data that can
// be printed, compared and sent. Its size grows with rules plus addresses, never with their products.

import { createHash } from 'node:crypto';
import { applicationPortsOf, tlsPortsOf } from '#ir/decide.ts';
import type { AddressSet, NatRule, NetworkRule, ResolvedPolicy } from '#ir/policy.ts';
import type { DestinationSet, NatClause, NetworkClause, Program, ProgramDecision } from '#ir/program.ts';
import { mergeRanges } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import { AddressSets } from './address-sets.ts';
import { numberDecisions } from './decision-ids.ts';

export interface CompileOptions {
  /** Public address to the local address behind it, where a 1:1 NAT stands in front of the gateway. */
  readonly localAddressOf?: Readonly<Record<number, number>>;
  /** The program in force: rules that it has keep their decision ids. */
  readonly previous?: Pick<Program, 'decisions'>;
}

export function compile(policy: ResolvedPolicy, options: CompileOptions = {}): Program {
  const { localAddressOf = {}, previous } = options;
  const sets = new AddressSets();
  const toLocal = (address: number) => localAddressOf[address] ?? address;

  // Rules that cannot match need no clause and no number.
  const natRules = policy.natRules.filter(rule => rule.sources.length > 0);
  const networkRules = policy.networkRules.filter(canMatch);
  const { ids, decisions } = numberDecisions(
    [...natRules.map(toNatDecision), ...networkRules.map(toNetworkDecision)],
    previous,
  );
  const idOf = (index: number) => ids[index] ?? 0;
  const boundPorts = policy.bindNetworkFqdns ? [...tlsPortsOf(policy)].sort((a, b) => a - b) : [];

  const content: Omit<Program, 'revision'> = {
    firewallId: policy.firewallId,
    netfilter: {
      natClauses: natRules.flatMap((rule, index) => toNatClauses(rule, idOf(index), sets, toLocal)),
      networkClauses: networkRules.map((rule, index) =>
        toNetworkClause(rule, idOf(natRules.length + index), sets, isBoundRule(rule) ? boundPorts : []),
      ),
      addressSets: sets.toRecord(),
      applicationPorts: applicationPortsOf(policy),
      privateRanges: policy.privateRanges,
      privateAddress: policy.privateAddress,
      snatAddresses: [...new Set(policy.publicIps.map(({ address }) => toLocal(address)))],
    },
    decisions,
    applicationRules: policy.applicationRules,
    infrastructureRules: policy.infrastructureRules,
    boundRules: policy.bindNetworkFqdns ? networkRules.filter(isBoundRule) : [],
    threatIntel: policy.threatIntel,
    watchedFqdns: watchedFqdnsOf(natRules, networkRules),
    dns: policy.dns,
    privateAddress: policy.privateAddress,
    publicIps: policy.publicIps,
  };
  return { revision: digestOf(content), ...content };
}

function canMatch({ sources, destinations, destinationFqdns }: NetworkRule): boolean {
  return sources.length > 0 && (destinations.some(set => set.length > 0) || destinationFqdns.length > 0);
}

function toNatDecision({ ref }: NatRule): ProgramDecision {
  return { rule: ref, kind: 'nat', action: 'Allow' };
}

function toNetworkDecision({ ref, action }: NetworkRule): ProgramDecision {
  return { rule: ref, kind: 'network', action };
}

/** Rules that allow by the names of an address. */
function isBoundRule({ action, destinationFqdns }: NetworkRule): boolean {
  return action === 'Allow' && destinationFqdns.length > 0;
}

function toNetworkClause(
  rule: NetworkRule,
  decision: number,
  sets: AddressSets,
  boundPorts: readonly number[],
): NetworkClause {
  const ports = mergePorts(rule.destinationPorts);
  const destinations = toDestinationSets(rule.destinations, rule.destinationFqdns, sets);
  return {
    decision,
    action: rule.action,
    protocols: rule.protocols,
    ...named('sources', sets.nameOf(rule.sources)),
    ...(destinations && { destinations }),
    ...(ports && { ports }),
    ...(destinations && boundPorts.length > 0 && { boundPorts }),
  };
}

/** Undefined means any destination. */
function toDestinationSets(
  addresses: readonly AddressSet[],
  fqdns: readonly string[],
  sets: AddressSets,
): DestinationSet[] | undefined {
  const found: DestinationSet[] = [];
  for (const part of addresses) {
    if (part.length === 0) continue;
    const set = sets.nameOf(part);
    if (set === undefined) return undefined;
    found.push({ kind: 'addresses', set });
  }
  return [...found, ...fqdns.map((fqdn): DestinationSet => ({ kind: 'fqdn', fqdn }))];
}

/** One clause for each protocol, address of the firewall and range of ports. */
function toNatClauses(
  rule: NatRule,
  decision: number,
  sets: AddressSets,
  toLocal: (address: number) => number,
): NatClause[] {
  const sources = named('sources', sets.nameOf(rule.sources));
  const target =
    rule.translatedFqdn === undefined
      ? { address: rule.translatedAddress ?? 0 }
      : { fqdn: rule.translatedFqdn };
  return rule.protocols.flatMap(protocol =>
    addressesOf(rule.destinations).flatMap(destination =>
      mergeRanges(rule.destinationPorts).map(ports => ({
        decision,
        protocol,
        ...sources,
        destination: toLocal(destination),
        ports,
        target,
        targetPort: rule.translatedPort,
      })),
    ),
  );
}

/** NAT destinations are the firewall's own addresses, 250 at most, so single ones can be listed. */
function addressesOf(set: AddressSet): number[] {
  return set.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

/** Sorted and disjoint; undefined for all ports. */
function mergePorts(ports: readonly PortRange[]): PortRange[] | undefined {
  const merged = mergeRanges(ports);
  const [only] = merged;
  return only?.first === ALL_PORTS.first && only.last === ALL_PORTS.last ? undefined : merged;
}

function watchedFqdnsOf(natRules: readonly NatRule[], networkRules: readonly NetworkRule[]): string[] {
  const names = new Set<string>();
  for (const { translatedFqdn } of natRules) if (translatedFqdn !== undefined) names.add(translatedFqdn);
  for (const rule of networkRules) for (const fqdn of rule.destinationFqdns) names.add(fqdn);
  return [...names].sort();
}

function named<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: string });
}

/** By content, however the lists in it are shared. Shared lists are hashed once, and sets are named by digests already. */
function digestOf(content: Omit<Program, 'revision'>): string {
  const { addressSets, ...netfilter } = content.netfilter;
  const digests = new Map<unknown, string>();
  const digest = (list: unknown): string => {
    const known = digests.get(list) ?? sha256(JSON.stringify(list ?? null));
    digests.set(list, known);
    return known;
  };
  const applicationRules = content.applicationRules.map(rule => ({
    ...rule,
    sources: digest(rule.sources),
    destinations: digest(rule.destinations),
    targets: digest(rule.targets),
  }));
  const described = {
    ...content,
    applicationRules,
    netfilter: { ...netfilter, addressSets: Object.keys(addressSets) },
  };
  return sha256(JSON.stringify(described)).slice(0, 32);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
