// A policy as one list of clauses, first match wins. A clause is a product: services times sources times destinations times
// names of the destination times names the client claims; everything it holds has the same outcome. What no clause holds is
// denied. This says what `decide` says in a form that can be compared without asking it about single flows; a property test
// holds the two together. Threat intelligence is left out: what is on a feed is not part of a policy.

import { snatOfTarget, tlsPortsOf } from '#ir/decide.ts';
import type { SnatClass } from '#ir/decision.ts';
import type {
  AddressSet,
  ApplicationProtocol,
  ApplicationRule,
  ApplicationTarget,
  NatRule,
  NetworkRule,
  ResolvedPolicy,
} from '#ir/policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { ALL_IPV4, formatIpv4, IANA_PRIVATE_RANGES, mergeRanges, NEVER_A_TARGET } from '#net/ipv4.ts';
import { ALL_PORTS, includesPort, type PortRange } from '#net/ports.ts';
import { complementOf } from './ranges.ts';

/** What becomes of a flow, as far as two policies are compared by it. Reasons without a rule are not. */
export interface Outcome {
  readonly action: 'Allow' | 'Deny';
  /** null where no rule decides: the default, the firewall's own addresses, its DNS proxy. */
  readonly rule: RuleRef | null;
  readonly path: Path;
}

export type Path =
  | { readonly kind: 'none' }
  | { readonly kind: 'forward'; readonly snat?: SnatClass }
  | { readonly kind: 'proxy' }
  | { readonly kind: 'local' }
  | { readonly kind: 'nat'; readonly target: string; readonly snat?: SnatClass };

export const DENIED: Outcome = { action: 'Deny', rule: null, path: { kind: 'none' } };

export type Side = 'inside' | 'outside';
export type ServiceProtocol = 'TCP' | 'UDP' | 'ICMP' | 'Other';

export interface ClauseService {
  readonly protocol: ServiceProtocol;
  /** Unused for ICMP and other protocols. */
  readonly ports: readonly PortRange[];
  /** Only flows whose client names a host in this protocol. Absent means all, with and without a name. */
  readonly claim?: ApplicationProtocol;
}

export interface Clause {
  readonly outcome: Outcome;
  readonly sides: readonly Side[];
  readonly services: readonly ClauseService[];
  readonly sources: AddressSet;
  /** Any of these sets, and within `zone` where there is one. */
  readonly destinations: readonly AddressSet[];
  readonly zone?: AddressSet;
  /** The destination must be known by one of these names. */
  readonly names?: readonly string[];
  /** The client must name one of these. Goes with services that have a `claim`. */
  readonly targets?: readonly ApplicationTarget[];
}

export interface ClauseOptions {
  /** Whether outcomes say from which address the server is reached; needed only where two policies may differ in it. */
  readonly withSnat: boolean;
}

const ANYWHERE: AddressSet = [ALL_IPV4];
const EVERY_PORT: readonly PortRange[] = [ALL_PORTS];
const EVERY_SERVICE: readonly ClauseService[] = [
  { protocol: 'TCP', ports: EVERY_PORT },
  { protocol: 'UDP', ports: EVERY_PORT },
  { protocol: 'ICMP', ports: [] },
  { protocol: 'Other', ports: [] },
];
const DNS_PORTS: readonly PortRange[] = [{ first: 53, last: 53 }];
const INSIDE: readonly Side[] = ['inside'];

export function toClauses(policy: ResolvedPolicy, options: ClauseOptions): Clause[] {
  const network = new NetworkClauses(policy, options);
  return [
    ...forgedSources(policy),
    ...policy.natRules.map(rule => natClause(rule, policy, options)),
    ...firewallClauses(policy),
    ...policy.networkRules.flatMap(rule => network.of(rule)),
    ...[...policy.applicationRules, ...policy.infrastructureRules].map(applicationClause),
  ].filter(
    ({ services, sources, destinations }) =>
      services.length > 0 && sources.length > 0 && destinations.some(set => set.length > 0),
  );
}

function natClause(rule: NatRule, policy: ResolvedPolicy, { withSnat }: ClauseOptions): Clause {
  const target =
    rule.translatedFqdn ?? (rule.translatedAddress === undefined ? '' : formatIpv4(rule.translatedAddress));
  return {
    outcome: {
      action: 'Allow',
      rule: rule.ref,
      path: {
        kind: 'nat',
        target: `${target}:${rule.translatedPort}`,
        ...(withSnat &&
          rule.translatedAddress !== undefined && { snat: snatOfTarget(policy, rule.translatedAddress) }),
      },
    },
    sides: ['inside', 'outside'],
    services: rule.protocols.map(protocol => ({ protocol, ports: rule.destinationPorts })),
    sources: rule.sources,
    destinations: [rule.destinations],
  };
}

const one = (address: number) => ({ first: address, last: address });

function ownAddresses({ privateAddress, publicIps }: ResolvedPolicy): AddressSet {
  return mergeRanges([one(privateAddress), ...publicIps.map(({ address }) => one(address))]);
}

const EVERYTHING: Omit<Clause, 'sides'> = {
  outcome: DENIED,
  services: EVERY_SERVICE,
  sources: ANYWHERE,
  destinations: [ANYWHERE],
};

/** Sources that nobody can have. */
function forgedSources(policy: ResolvedPolicy): Clause[] {
  return [
    { ...EVERYTHING, sides: ['inside', 'outside'], sources: ownAddresses(policy) },
    { ...EVERYTHING, sides: INSIDE, sources: mergeRanges(NEVER_A_TARGET) },
  ];
}

/** Queries to the DNS proxy, and destinations that nobody may use. */
function firewallClauses(policy: ResolvedPolicy): Clause[] {
  const { dns, privateAddress } = policy;
  const everything: Clause = { ...EVERYTHING, sides: INSIDE };
  const query: Clause = {
    ...everything,
    outcome: { action: 'Allow', rule: null, path: { kind: 'local' } },
    services: [
      { protocol: 'TCP', ports: DNS_PORTS },
      { protocol: 'UDP', ports: DNS_PORTS },
    ],
    destinations: [[one(privateAddress)]],
  };
  return [
    ...(dns.enableProxy && privateAddress !== 0 ? [query] : []),
    { ...everything, destinations: [mergeRanges([...NEVER_A_TARGET, ...ownAddresses(policy)])] },
  ];
}

function applicationClause(rule: ApplicationRule): Clause {
  const allowed = rule.action === 'Allow';
  return {
    outcome: { action: rule.action, rule: rule.ref, path: { kind: allowed ? 'proxy' : 'none' } },
    sides: INSIDE,
    services: rule.protocols.map(({ protocol, port }) => ({
      protocol: 'TCP',
      ports: [{ first: port, last: port }],
      claim: protocol,
    })),
    sources: rule.sources,
    destinations: [rule.destinations ?? ANYWHERE],
    targets: rule.targets,
  };
}

class NetworkClauses {
  readonly #zones: readonly { readonly snat: SnatClass; readonly addresses: AddressSet }[];
  readonly #notPublic: AddressSet;
  readonly #public: AddressSet;
  readonly #tlsPorts: readonly PortRange[];
  readonly #bound: boolean;
  readonly #withSnat: boolean;

  constructor(policy: ResolvedPolicy, { withSnat }: ClauseOptions) {
    const { privateRanges } = policy;
    this.#withSnat = withSnat;
    this.#bound = policy.bindNetworkFqdns;
    this.#notPublic = mergeRanges([...privateRanges, ...IANA_PRIVATE_RANGES]);
    this.#public = complementOf(this.#notPublic);
    const firewallOnly = complementOf(
      mergeRanges([...privateRanges, ...complementOf(mergeRanges(IANA_PRIVATE_RANGES))]),
    );
    this.#zones = [
      { snat: 'None', addresses: privateRanges },
      { snat: 'PrivateIp', addresses: firewallOnly },
      { snat: 'PublicIp', addresses: this.#public },
    ];
    this.#tlsPorts = [...tlsPortsOf(policy)].map(port => ({ first: port, last: port }));
  }

  of(rule: NetworkRule): Clause[] {
    const common = { sides: INSIDE, services: servicesOf(rule), sources: rule.sources };
    const { destinations, destinationFqdns: names } = rule;
    const byAddress = { ...common, destinations };
    // Where an address is named by number too, the name is not asked for: the clause above has taken it.
    const byName = { ...common, destinations: [ANYWHERE], names };
    if (rule.action === 'Deny') {
      const outcome: Outcome = { action: 'Deny', rule: rule.ref, path: { kind: 'none' } };
      return [{ ...byAddress, outcome }, ...(names.length > 0 ? [{ ...byName, outcome }] : [])];
    }
    const named = names.length === 0 ? [] : this.#bound ? this.#boundTo(byName, rule) : [byName];
    return [byAddress, ...named].flatMap(clause =>
      'outcome' in clause ? [clause] : this.#allowed(clause, rule),
    );
  }

  /** On TLS ports the client must name a host of the rule; whatever else it says ends here. */
  #boundTo<C extends Omit<Clause, 'outcome'>>(
    clause: C,
    { ref, destinationFqdns }: NetworkRule,
  ): (Clause | C)[] {
    const ports = clause.services
      .filter(({ protocol }) => protocol === 'TCP')
      .flatMap(service => this.#tlsPorts.filter(({ first }) => includesPort(service.ports, first)));
    if (ports.length === 0) return [clause];
    return [
      {
        ...clause,
        outcome: { action: 'Allow', rule: ref, path: { kind: 'proxy' } },
        services: [{ protocol: 'TCP', ports, claim: 'Https' }],
        targets: destinationFqdns.map(name => ({ pattern: { kind: 'exact', name }, tag: '' })),
      },
      {
        ...clause,
        outcome: { action: 'Deny', rule: ref, path: { kind: 'none' } },
        services: [{ protocol: 'TCP', ports }],
      },
      clause,
    ];
  }

  /** Only TCP and UDP can leave with a public address. */
  #allowed(clause: Omit<Clause, 'outcome'>, { ref }: NetworkRule): Clause[] {
    const allow = (snat?: SnatClass): Outcome => ({
      action: 'Allow',
      rule: ref,
      path: { kind: 'forward', ...(snat && this.#withSnat && { snat }) },
    });
    const deny: Outcome = { action: 'Deny', rule: ref, path: { kind: 'none' } };
    const translated = clause.services.filter(({ protocol }) => protocol === 'TCP' || protocol === 'UDP');
    const others = clause.services.filter(({ protocol }) => protocol === 'ICMP' || protocol === 'Other');
    if (this.#withSnat) {
      return this.#zones.flatMap(({ snat, addresses }): Clause[] => [
        { ...clause, outcome: allow(snat), services: translated, zone: addresses },
        { ...clause, outcome: snat === 'PublicIp' ? deny : allow(snat), services: others, zone: addresses },
      ]);
    }
    return [
      { ...clause, outcome: allow(), services: translated },
      { ...clause, outcome: allow(), services: others, zone: this.#notPublic },
      { ...clause, outcome: deny, services: others, zone: this.#public },
    ];
  }
}

/** Protocol and port together: `Any` means TCP and UDP only as soon as a port is given. */
function servicesOf({ protocols, destinationPorts: ports }: NetworkRule): ClauseService[] {
  const everyPort = ports.some(({ first, last }) => first === 0 && last === 65535);
  const any = protocols.includes('Any');
  const services: ClauseService[] = [];
  if (any || protocols.includes('TCP')) services.push({ protocol: 'TCP', ports });
  if (any || protocols.includes('UDP')) services.push({ protocol: 'UDP', ports });
  if ((any && everyPort) || protocols.includes('ICMP')) services.push({ protocol: 'ICMP', ports: [] });
  if (any && everyPort) services.push({ protocol: 'Other', ports: [] });
  return services;
}
