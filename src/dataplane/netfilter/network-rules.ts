// Network clauses as rules: allowed flows are forwarded, denied ones end, and what is allowed by name alone goes to the L7 engine on
// the ports where that asks for the name. Pure.

import type { NetworkClause, Program } from '#ir/program.ts';
import { IANA_PRIVATE_RANGES, mergeRanges } from '#net/ipv4.ts';
import { ALL_PORTS } from '#net/ports.ts';
import { goto, match, type NftRule, type NftStatement, setMark } from '#nft/tree.ts';
import { CLASS_ALLOW, CLASS_CUT, markOf } from './marks.ts';
import { type PlanSets, PORTS_PROTOCOLS, rangesOf } from './plan-sets.ts';

export function networkRules(
  clause: NetworkClause,
  program: Program,
  generation: number,
  sets: PlanSets,
): NftRule[] {
  const sources = sets.addresses('ip saddr', rangesOf(program, clause.sources));
  if (sources === undefined) return [];
  const services = serviceMatches(clause, sets);
  const bound = boundService(clause, sets);
  const markClass = clause.action === 'Allow' ? CLASS_ALLOW : CLASS_CUT;
  const mark = setMark('meta mark', markOf(markClass, generation, clause.decision));
  const rulesTo = (destination: readonly NftStatement[]): NftRule[] =>
    services.map(({ matches, end }): NftRule => [...sources, ...destination, ...matches, mark, goto(end)]);
  if (clause.destinations === undefined) return rulesTo([]);
  const byAddress: NftRule[] = [];
  const byName: NftRule[] = [];
  for (const destination of clause.destinations) {
    if (destination.kind === 'fqdn') {
      const named = sets.fqdn('ip daddr', destination.fqdn);
      if (bound) byName.push([...sources, ...named, ...bound, goto('app_port')]);
      byName.push(...rulesTo(named));
    } else {
      const matches = sets.addresses('ip daddr', rangesOf(program, destination.set));
      if (matches !== undefined) byAddress.push(...rulesTo(matches));
    }
  }
  // An address that the rule names itself needs no name.
  return [...byAddress, ...byName];
}

interface Service {
  readonly matches: readonly NftStatement[];
  /** The chain that ends the judgement of such a packet. */
  readonly end: 'allow' | 'allow_any_protocol' | 'denied';
}

/** One for each way a packet can fit the protocols and ports of a clause. */
function serviceMatches(
  { action, protocols, ports = [ALL_PORTS] }: NetworkClause,
  sets: PlanSets,
): Service[] {
  const [end, endOfAny] =
    action === 'Allow' ? (['allow', 'allow_any_protocol'] as const) : (['denied', 'denied'] as const);
  const onPorts = sets.ports(ports);
  if (protocols.includes('Any') && onPorts.length === 0) return [{ matches: [], end: endOfAny }];
  const withPorts = protocols.includes('Any')
    ? ['tcp', 'udp']
    : ['tcp', 'udp'].filter(name => protocols.some(protocol => protocol.toLowerCase() === name));
  const services: Service[] = [];
  if (withPorts.length > 0)
    services.push({ matches: [match.words('meta l4proto', withPorts), ...onPorts], end });
  if (protocols.includes('ICMP'))
    services.push({ matches: [match.words('meta l4proto', ['icmp'])], end: endOfAny });
  return services;
}

/** What of a clause's TCP the L7 engine judges by name; undefined when that is nothing. */
function boundService({ protocols, ports = [ALL_PORTS], boundPorts = [] }: NetworkClause, sets: PlanSets) {
  if (!protocols.includes('TCP') && !protocols.includes('Any')) return undefined;
  const bound = boundPorts.filter(port => ports.some(({ first, last }) => first <= port && port <= last));
  if (bound.length === 0) return undefined;
  return [
    match.words('meta l4proto', ['tcp']),
    ...sets.ports(bound.map(port => ({ first: port, last: port }))),
  ];
}

/** Only TCP and UDP get a public address; what else a rule allows ends where one would be needed. */
export function anyProtocolRules({ netfilter }: Program, sets: PlanSets): NftRule[] {
  const untranslated = sets.addresses('ip daddr', [...netfilter.privateRanges, ...IANA_PRIVATE_RANGES]);
  return [
    [PORTS_PROTOCOLS, goto('allow')],
    [...(untranslated ?? []), goto('allow')],
    [goto('not_translated')],
  ];
}

export function applicationRules({ netfilter }: Program, sets: PlanSets): NftRule[] {
  const ports = mergeRanges(netfilter.applicationPorts.map(port => ({ first: port, last: port })));
  if (ports.length === 0) return [];
  return [[match.words('meta l4proto', ['tcp']), ...sets.ports(ports), goto('app_port')]];
}
