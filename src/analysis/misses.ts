// What keeps a rule from matching a flow, field by field, in words: what the flow has and what the rule has. A rule without a
// miss matches; the tests hold that against the predicates that `decide` uses. Pure.

import type { ApplicationQuery, DecisionContext, Flow, IpProtocol, NamesOfAddress } from '#ir/decision.ts';
import { canTranslate, matchesNatService, matchesService } from '#ir/matches.ts';
import type { AddressSet, ApplicationRule, NatRule, NetworkRule, SkippedRule } from '#ir/policy.ts';
import { matchesTargets } from '#ir/target-index.ts';
import { formatFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, formatRange, includesAddress } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import { nameOfProtocol } from './question.ts';

export interface Miss {
  readonly field: 'protocol' | 'port' | 'source' | 'destination' | 'name' | 'translation';
  /** `source 10.42.1.5 is not in 10.43.0.0/16`. */
  readonly text: string;
}

/** Of a list in a message; an IP group can hold thousands. */
const MOST_SHOWN = 4;

export function missesOfNatRule(rule: NatRule, flow: Flow, context: DecisionContext): Miss[] {
  return [
    ...missOfNatService(rule, flow),
    ...missOfSource(rule.sources, flow.source),
    ...missOfDestination(rule.destinations, flow.destination),
    ...(canTranslate(rule, context)
      ? []
      : [{ field: 'translation', text: `its target ${rule.translatedFqdn} does not resolve` } as const]),
  ];
}

/** The first is why it is skipped; the others would keep it from matching all the same. */
export function missesOfSkipped(
  { causes }: Pick<SkippedRule, 'causes'>,
  others: readonly Miss[],
): readonly [Miss, ...Miss[]] {
  const [{ field }] = causes;
  const empty = causes.map(cause => cause.field);
  // Without its names a rule has no protocols and ports either.
  const unknown: readonly Miss['field'][] = empty.includes('name') ? [...empty, 'protocol', 'port'] : empty;
  return [
    { field, text: `skipped: ${describeCauses(causes)}` },
    ...others.filter(miss => !unknown.includes(miss.field)),
  ];
}

function describeCauses(causes: SkippedRule['causes']): string {
  const groups = [...new Set(causes.flatMap(({ ipGroups }) => ipGroups))];
  const tags = [...new Set(causes.flatMap(cause => cause.tags))];
  return [
    ...(groups.length > 0
      ? [
          `IP group${plural(groups)} ${joinedNames(groups.map(nameOfId))} ${groups.length > 1 ? 'are' : 'is'} empty`,
        ]
      : []),
    ...(tags.length > 0
      ? [`tag${plural(tags)} ${joinedNames(tags)} ${tags.length > 1 ? 'stand' : 'stands'} for nothing`]
      : []),
  ].join(', ');
}

const plural = (list: readonly unknown[]): string => (list.length > 1 ? 's' : '');
const nameOfId = (id: string): string => id.split('/').at(-1) ?? id;

function joinedNames(names: readonly string[]): string {
  return names.length > 1 && names.length <= MOST_SHOWN
    ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
    : formatList(names);
}

function missOfNatService(rule: NatRule, { protocol, destinationPort }: Flow): Miss[] {
  const named = byName(protocol);
  if (matchesNatService(rule, named, destinationPort)) return [];
  if (!rule.protocols.some(candidate => candidate === named)) return [protocolMiss(named, rule.protocols)];
  return [portMiss(destinationPort, rule.destinationPorts)];
}

export function missesOfNetworkRule(rule: NetworkRule, flow: Flow, namesOfAddress: NamesOfAddress): Miss[] {
  return [
    ...missOfService(rule, flow),
    ...missOfSource(rule.sources, flow.source),
    ...missOfNetworkDestination(rule, flow.destination, namesOfAddress(flow.destination)),
  ];
}

function missOfService(rule: NetworkRule, { protocol, destinationPort }: Flow): Miss[] {
  const named = byName(protocol);
  if (matchesService(rule, named, destinationPort)) return [];
  const ported = named === 'TCP' || named === 'UDP';
  if (ported && (rule.protocols.includes(named) || rule.protocols.includes('Any')))
    return [portMiss(destinationPort, rule.destinationPorts)];
  if (rule.protocols.includes('Any'))
    return [
      {
        field: 'protocol',
        text: `${nameOfProtocol(named)} is not covered by Any, which with ports (${formatPorts(rule.destinationPorts)}) means TCP and UDP only`,
      },
    ];
  return [protocolMiss(named, rule.protocols)];
}

function missOfNetworkDestination(
  rule: NetworkRule,
  destination: number,
  names: ReadonlySet<string>,
): Miss[] {
  const { destinations, destinationFqdns } = rule;
  if (destinations.some(set => includesAddress(set, destination))) return [];
  if (destinationFqdns.some(fqdn => names.has(fqdn))) return [];
  const known = names.size === 0 ? '' : ` (${formatList([...names])})`;
  const address = `destination ${formatIpv4(destination)}${known}`;
  const parts = [
    ...(destinations.length > 0 ? [`is not in ${formatSets(destinations)}`] : []),
    ...(destinationFqdns.length > 0 ? [`is no address of ${formatList(destinationFqdns)}`] : []),
  ];
  if (parts.length === 0) return [{ field: 'destination', text: NOTHING('destinations') }];
  return [{ field: 'destination', text: `${address} ${parts.join(' and ')}` }];
}

/** `query` is undefined for a flow that names nothing because the firewall does not listen there. */
export function missesOfApplicationRule(
  rule: ApplicationRule,
  flow: Flow,
  query: ApplicationQuery | undefined,
): Miss[] {
  const misses: Miss[] = [];
  const port = flow.destinationPort;
  const wanted = formatList(rule.protocols.map(named => `${named.protocol}:${named.port}`));
  if (!query) {
    const named = byName(flow.protocol);
    if (named !== 'TCP')
      misses.push({ field: 'protocol', text: `${nameOfProtocol(named)} is not ${wanted}` });
    else if (!rule.protocols.some(candidate => candidate.port === port))
      misses.push({ field: 'port', text: `port ${port} is not in ${wanted}` });
  } else if (!rule.protocols.some(named => named.protocol === query.claim.protocol && named.port === port)) {
    const isPort = !rule.protocols.some(named => named.port === port);
    misses.push({
      field: isPort ? 'port' : 'protocol',
      text: `${query.claim.protocol}:${port} is not ${wanted}`,
    });
  }
  misses.push(...missOfSource(rule.sources, flow.source));
  if (rule.destinations !== undefined) misses.push(...missOfDestination(rule.destinations, flow.destination));
  if (!query) misses.push({ field: 'name', text: 'the firewall asks no name here' });
  else {
    const { fqdn } = query.claim;
    if (fqdn === undefined) misses.push({ field: 'name', text: 'the client names no host' });
    else if (!matchesTargets(rule.targets, fqdn))
      misses.push({ field: 'name', text: `name ${fqdn} is not ${formatTargets(rule)}` });
  }
  return misses;
}

function missOfSource(sources: AddressSet, source: number): Miss[] {
  if (includesAddress(sources, source)) return [];
  const text =
    sources.length === 0
      ? NOTHING('sources')
      : `source ${formatIpv4(source)} is not in ${formatSets([sources])}`;
  return [{ field: 'source', text }];
}

function missOfDestination(destinations: AddressSet, destination: number): Miss[] {
  if (includesAddress(destinations, destination)) return [];
  const text =
    destinations.length === 0
      ? NOTHING('destinations')
      : `destination ${formatIpv4(destination)} is not in ${formatSets([destinations])}`;
  return [{ field: 'destination', text }];
}

/** A rule whose IP groups are all empty is skipped (https://learn.microsoft.com/azure/firewall/ip-groups). */
const NOTHING = (what: string): string => `its ${what} are empty, so it matches nothing`;

function protocolMiss(protocol: IpProtocol, wanted: readonly string[]): Miss {
  return { field: 'protocol', text: `${nameOfProtocol(protocol)} is not ${formatList(wanted)}` };
}

function portMiss(port: number, wanted: readonly PortRange[]): Miss {
  return { field: 'port', text: `port ${port} is not in ${formatPorts(wanted)}` };
}

function byName(protocol: IpProtocol): IpProtocol {
  return protocol === 1 ? 'ICMP' : protocol === 6 ? 'TCP' : protocol === 17 ? 'UDP' : protocol;
}

function formatPorts(ranges: readonly PortRange[]): string {
  return formatList(
    ranges.map(({ first, last }) =>
      first === ALL_PORTS.first && last === ALL_PORTS.last
        ? '*'
        : first === last
          ? `${first}`
          : `${first}-${last}`,
    ),
  );
}

function formatSets(sets: readonly AddressSet[]): string {
  const total = sets.reduce((sum, set) => sum + set.length, 0);
  const shown = sets.flatMap(set => set.slice(0, MOST_SHOWN)).slice(0, MOST_SHOWN);
  return withRest(shown.map(formatRange), total);
}

/** FQDN tags by their name and not by their thousands of names. */
function formatTargets({ targets }: ApplicationRule): string {
  const words = new Set(
    targets.map(({ pattern, tag }) => (tag === '' ? formatFqdnPattern(pattern) : `a name of ${tag}`)),
  );
  return formatList([...words]);
}

export function formatList(words: readonly string[]): string {
  return withRest(words.slice(0, MOST_SHOWN), words.length);
}

function withRest(shown: readonly string[], total: number): string {
  const more = total - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
