// Lowers a program's kernel part to the policy chains and the sets they need. Rules stand in the order in which
// Azure judges: threat intelligence, DNAT, the firewall itself, network rules, application ports, default. Pure.

import type { NetworkClause, Program } from '#ir/program.ts';
import { ALL_IPV4, IANA_PRIVATE_RANGES, type Ipv4Range, mergeRanges, NEVER_A_TARGET } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import {
  accept,
  drop,
  goto,
  match,
  type NftRule,
  type NftSet,
  type NftStatement,
  setMark,
} from '#nft/tree.ts';
import {
  CLASS_ALLOW,
  CLASS_CUT,
  CLASS_LOCAL,
  CLASS_MASK,
  CLASS_NEW,
  DEFAULT_ACTION,
  GENERATION_MASK,
  markOf,
} from './marks.ts';
import { addressSetName, fqdnSetName, portSetName } from './names.ts';
import { isClass, isNew, log, logLimit, type PolicyChain } from './skeleton.ts';

const DNS_PORT: PortRange = { first: 53, last: 53 };
const DHCP_CLIENT_PORT: PortRange = { first: 68, last: 68 };
/** Addresses of one name; a full set refuses more, which then stay denied. */
const FQDN_SET_SIZE = 65_536;

export interface PlanOptions {
  readonly generation: number;
  /** Addresses on threat feeds, without the allow list; empty when the mode is Off. */
  readonly threatRanges: readonly Ipv4Range[];
  /** Current address of NAT targets that are names. */
  readonly natAddressOf: (fqdn: string) => number | undefined;
  readonly snatPorts: PortRange;
  /** Interfaces the gateway serves; nothing that leaves by another one is translated. */
  readonly servedInterfaces: readonly string[];
  /** The interface towards the Internet, where it is not an inside one too. */
  readonly outsideOnly?: string | undefined;
}

export interface RulesetPlan {
  readonly sets: readonly NftSet[];
  readonly chains: Readonly<Record<PolicyChain, readonly NftRule[]>>;
}

const PORTS_PROTOCOLS = match.words('meta l4proto', ['tcp', 'udp']);

/** Collects named sets while rules are written. */
class Sets {
  readonly used = new Map<string, NftSet>();

  /** A match on any of the ranges; empty for "any address", undefined for "no address at all". */
  addresses(key: 'ip saddr' | 'ip daddr', ranges: readonly Ipv4Range[]): NftStatement[] | undefined {
    const merged = mergeRanges(ranges);
    const [first] = merged;
    if (first === undefined) return undefined;
    if (first.first === ALL_IPV4.first && first.last === ALL_IPV4.last) return [];
    if (merged.length === 1) return [match.addresses(key, merged)];
    const name = addressSetName(merged);
    this.used.set(name, { kind: 'intervals', name, ranges: merged });
    return [match.set(key, name)];
  }

  /** As `addresses`, for destination ports. Named sets, since a rule with a set of its own is dear to load. */
  ports(ranges: readonly PortRange[]): NftStatement[] {
    const merged = mergeRanges(ranges);
    const [first] = merged;
    if (first?.first === ALL_PORTS.first && first.last === ALL_PORTS.last) return [];
    if (merged.length === 1) return [match.ports('th dport', merged)];
    const name = portSetName(merged);
    this.used.set(name, { kind: 'ports', name, ranges: merged });
    return [match.set('th dport', name)];
  }

  fqdn(key: 'ip daddr', fqdn: string): NftStatement[] {
    const name = fqdnSetName(fqdn);
    this.used.set(name, { kind: 'timeouts', name, size: FQDN_SET_SIZE });
    return [match.set(key, name)];
  }
}

export function planRuleset(program: Program, options: PlanOptions): RulesetPlan {
  const sets = new Sets();
  const { generation } = options;
  const nat = natRules(program, options, sets);
  const own = ownAddresses(program);
  const byDefault: NftRule = [
    setMark('meta mark', markOf(CLASS_CUT, generation, DEFAULT_ACTION)),
    goto('denied'),
  ];
  const inside: NftRule[] = [
    ...spoofedSources(options).map((matches): NftRule => [...matches, ...byDefault]),
    ...own.map((ranges): NftRule => [match.addresses('ip saddr', ranges), goto('refuse')]),
    ...threatRules(program, options, sets, 'ip daddr'),
    ...nat.classify,
    ...dnsRules(program, generation),
    ...own.map((ranges): NftRule => [match.addresses('ip daddr', ranges), goto('refuse')]),
    [match.words('fib daddr type', ['unicast'], true), goto('refuse')],
    [match.addresses('ip daddr', NEVER_A_TARGET), ...byDefault],
    ...program.netfilter.networkClauses.flatMap(clause => networkRules(clause, program, generation, sets)),
    ...applicationRules(program, sets),
    byDefault,
  ];
  const outside: NftRule[] = [
    ...own.map((ranges): NftRule => [match.addresses('ip saddr', ranges), goto('refuse')]),
    ...threatRules(program, options, sets, 'ip saddr'),
    ...nat.classify,
    [goto('refuse')],
  ];
  const stale: NftRule[] = [
    [match.mark('ct mark', markOf(0, generation, 0), GENERATION_MASK), accept],
    [goto('classify')],
  ];
  return {
    chains: {
      classify_inside: inside,
      classify_outside: outside,
      allow_any_protocol: anyProtocolRules(program, sets),
      stale,
      dnat_rules: nat.translate,
      snat_rules: snatRules(program, options, sets),
    },
    sets: [...sets.used.values()],
  };
}

function threatRules(
  program: Program,
  { generation, threatRanges }: PlanOptions,
  sets: Sets,
  key: 'ip saddr' | 'ip daddr',
): NftRule[] {
  const listed = program.threatIntel.mode === 'Off' ? undefined : sets.addresses(key, threatRanges);
  if (listed === undefined) return [];
  return program.threatIntel.mode === 'Deny'
    ? [
        [
          ...listed,
          setMark('meta mark', markOf(CLASS_CUT, generation, DEFAULT_ACTION)),
          goto('threat_denied'),
        ],
      ]
    : [[...listed, isNew, logLimit, log('threat-alert')]];
}

/**
 * Judgement and translation of NAT clauses. A flow that is judged again keeps its translation for life, so it
 * stays allowed only while the clause still leads where the flow goes; targets that are names may move.
 */
function natRules(
  program: Program,
  { generation, natAddressOf }: PlanOptions,
  sets: Sets,
): { classify: NftRule[]; translate: NftRule[] } {
  const classify: NftRule[] = [];
  const translate = new Map<string, NftRule>();
  for (const clause of program.netfilter.natClauses) {
    const address = 'address' in clause.target ? clause.target.address : natAddressOf(clause.target.fqdn);
    const sources = sets.addresses('ip saddr', rangesOf(program, clause.sources));
    if (address === undefined || sources === undefined) continue;
    const matches = [
      match.addresses('ip daddr', [{ first: clause.destination, last: clause.destination }]),
      match.words('meta l4proto', [clause.protocol.toLowerCase()]),
      ...sets.ports([clause.ports]),
      ...sources,
    ];
    const translated = match.words('ct status', ['dnat']);
    if ('address' in clause.target) {
      const here = { first: address, last: address };
      classify.push([
        ...matches,
        translated,
        match.addresses('ct reply ip saddr', [here], true),
        goto('refuse'),
      ]);
      classify.push([
        ...matches,
        translated,
        match.words('ct reply proto-src', [clause.targetPort], true),
        goto('refuse'),
      ]);
    }
    const mark = markOf(CLASS_ALLOW, generation, clause.decision);
    const allow = [setMark('meta mark', mark), goto('allow')];
    // What the firewall has answered itself so far cannot be translated in its middle.
    if (clause.destination === program.privateAddress)
      classify.push(
        [...matches, translated, ...allow],
        [...matches, isClass(CLASS_NEW, true), goto('refuse')],
      );
    classify.push([...matches, ...allow]);
    // The whole mark is compared, so a packet judged by an older policy is never translated by this one.
    translate.set(`${mark} ${address} ${clause.targetPort}`, [
      match.mark('ct mark', mark),
      PORTS_PROTOCOLS,
      { kind: 'dnat', address, port: clause.targetPort },
    ]);
  }
  return { classify, translate: [...translate.values()] };
}

function dnsRules(program: Program, generation: number): NftRule[] {
  if (!program.dns.enableProxy) return [];
  const here = { first: program.privateAddress, last: program.privateAddress };
  const query = [match.addresses('ip daddr', [here]), PORTS_PROTOCOLS, match.ports('th dport', [DNS_PORT])];
  return [
    // Its NAT rule is gone, and it cannot come here in its middle.
    [...query, match.words('ct status', ['dnat']), goto('refuse')],
    [...query, setMark('meta mark', markOf(CLASS_LOCAL, generation, DEFAULT_ACTION)), goto('admit')],
  ];
}

/** Sources that no host inside can have: nobody's, and public ones that our own route seeks on the Internet. */
function spoofedSources({ outsideOnly }: PlanOptions): NftStatement[][] {
  const spoofed: NftStatement[][] = [[match.addresses('ip saddr', NEVER_A_TARGET)]];
  if (outsideOnly !== undefined)
    spoofed.push([
      match.addresses('ip saddr', IANA_PRIVATE_RANGES, true),
      match.interfaces('fib saddr oifname', [outsideOnly]),
    ]);
  return spoofed;
}

/** The firewall's own addresses, behind which no rule but NAT and DNS may reach. */
function ownAddresses({ netfilter, privateAddress, publicIps }: Program): Ipv4Range[][] {
  const addresses = [privateAddress, ...netfilter.snatAddresses, ...publicIps.map(({ address }) => address)];
  const ranges = mergeRanges(addresses.map(address => ({ first: address, last: address })));
  return ranges.length === 0 ? [] : [ranges];
}

function networkRules(clause: NetworkClause, program: Program, generation: number, sets: Sets): NftRule[] {
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
function serviceMatches({ action, protocols, ports = [ALL_PORTS] }: NetworkClause, sets: Sets): Service[] {
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
function boundService({ protocols, ports = [ALL_PORTS], boundPorts = [] }: NetworkClause, sets: Sets) {
  if (!protocols.includes('TCP') && !protocols.includes('Any')) return undefined;
  const bound = boundPorts.filter(port => ports.some(({ first, last }) => first <= port && port <= last));
  if (bound.length === 0) return undefined;
  return [
    match.words('meta l4proto', ['tcp']),
    ...sets.ports(bound.map(port => ({ first: port, last: port }))),
  ];
}

/** Only TCP and UDP get a public address; what else a rule allows ends where one would be needed. */
function anyProtocolRules({ netfilter }: Program, sets: Sets): NftRule[] {
  const untranslated = sets.addresses('ip daddr', [...netfilter.privateRanges, ...IANA_PRIVATE_RANGES]);
  return [
    [PORTS_PROTOCOLS, goto('allow')],
    [...(untranslated ?? []), goto('allow')],
    [goto('not_translated')],
  ];
}

function applicationRules({ netfilter }: Program, sets: Sets): NftRule[] {
  const ports = mergeRanges(netfilter.applicationPorts.map(port => ({ first: port, last: port })));
  if (ports.length === 0) return [];
  return [[match.words('meta l4proto', ['tcp']), ...sets.ports(ports), goto('app_port')]];
}

/**
 * Source addresses by destination alone, for forwarded flows and for the L7 engine's own: a public one towards
 * public destinations, none of ours towards private ranges, where only DNATed flows need the private address so
 * that the answer comes back.
 */
function snatRules(program: Program, { snatPorts, servedInterfaces }: PlanOptions, sets: Sets): NftRule[] {
  const { privateRanges, privateAddress, snatAddresses } = program.netfilter;
  const toPrivateAddress: NftStatement = { kind: 'snat', addresses: [privateAddress] };
  const rules: NftRule[] = [[match.interfaces('oifname', servedInterfaces, true), accept]];
  const anyPrivate = sets.addresses('ip daddr', [...privateRanges, ...IANA_PRIVATE_RANGES]) ?? [];
  rules.push([match.words('ct status', ['dnat']), ...anyPrivate, toPrivateAddress]);
  const bypassed = sets.addresses('ip daddr', privateRanges);
  if (bypassed !== undefined) rules.push([...bypassed, accept]);
  const unlisted = sets.addresses('ip daddr', IANA_PRIVATE_RANGES) as NftStatement[];
  const forwarded = match.mark('ct mark', CLASS_NEW, CLASS_MASK, true);
  rules.push([...unlisted, forwarded, toPrivateAddress], [...unlisted, accept]);
  const own = match.mark('ct mark', CLASS_NEW, CLASS_MASK);
  rules.push([
    own,
    match.words('meta l4proto', ['udp']),
    match.ports('th sport', [DHCP_CLIENT_PORT]),
    accept,
  ]);
  const addresses = snatAddresses.length > 0 ? snatAddresses : [privateAddress];
  rules.push([PORTS_PROTOCOLS, { kind: 'snat', addresses, ports: snatPorts }]);
  // Other protocols were judged not to leave; this holds whatever the judgement says.
  rules.push([forwarded, drop]);
  return rules;
}

/** Absent means any address. A set that the program does not hold is the compiler's bug. */
export function rangesOf(program: Program, set: string | undefined): readonly Ipv4Range[] {
  if (set === undefined) return [ALL_IPV4];
  const ranges = program.netfilter.addressSets[set];
  if (ranges === undefined) throw new Error(`the program has no address set ${set}`);
  return ranges;
}
