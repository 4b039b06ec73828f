// From rules as they are written to what they mean, the same for classic rules and for policies: service tags and IP groups
// as addresses, FQDN tags as names. Equal address lists become one and the same array, so a thousand rules for one service
// tag hold its ranges once. In which order rules are judged is left to the callers.

import type {
  AddressSet,
  ApplicationRule,
  ApplicationTarget,
  NatRule,
  NetworkRule,
  PublicIp,
  ResolvedPolicy,
} from '#ir/policy.ts';
import type { AddressList } from '#model/firewall-addresses.ts';
import type { WrittenApplicationRule, WrittenNatRule, WrittenNetworkRule } from '#model/firewall-rules.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { type FqdnPattern, formatFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4, type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import { causesOf, emptyList, joined, SkippedRules } from './skipped-rules.ts';

/** What tags stand for; `Facts` fits. */
export interface TagLookup {
  /** Merged IPv4 ranges. */
  serviceTag(name: string): readonly Ipv4Range[] | undefined;
  fqdnTag(name: string):
    | readonly {
        readonly protocol: 'Http' | 'Https';
        readonly port: number;
        readonly pattern: FqdnPattern;
      }[]
    | undefined;
}

export interface LoweringContext {
  readonly facts: TagLookup;
  /** Members of an IP group by its id, in any order; undefined if there is no such group. */
  readonly ipGroups: (id: string) => readonly Ipv4Range[] | undefined;
  readonly privateAddress: number;
  readonly publicIps: readonly PublicIp[];
  /** Absent means the defaults. */
  readonly options?: Pick<PolicyOptions, 'bindNetworkFqdns' | 'infrastructureFqdns' | 'inheritNatRules'>;
  /** Told of a tag or group that a rule names and nobody knows any more; the rule then does without it. */
  readonly onMissing?: (kind: 'service tag' | 'FQDN tag' | 'IP group', name: string, rule: RuleRef) => void;
}

/** Ranges from which on a tag or a group is a set of its own: below, one merged set is less work for each packet. */
const LARGE = 64;

export class Lowering {
  readonly #context: LoweringContext;
  /** Lists that mean the same are one array; lives as long as one lowering. */
  readonly #sets = new Map<string, AddressSet>();
  readonly #groups = new Map<string, AddressSet>();
  readonly #skipped = new SkippedRules();
  readonly #targets = new Map<string, readonly ApplicationTarget[]>();

  constructor(context: LoweringContext) {
    this.#context = context;
  }

  networkRule(rule: WrittenNetworkRule, action: 'Allow' | 'Deny', ref: RuleRef): readonly NetworkRule[] {
    const { protocols, destinationFqdns, destinationPorts } = rule;
    const sources = this.#addressSets(rule.sources, ref);
    const destinations = this.#addressSets(rule.destinations, ref);
    const common = { ref, action, protocols, destinations, destinationFqdns, destinationPorts };
    const causes = causesOf(
      emptyList('source', rule.sources, sources),
      destinationFqdns.length > 0 ? undefined : emptyList('destination', rule.destinations, destinations),
    );
    if (causes)
      return this.#skipped.skip({ pass: 'network', causes, rule: { ...common, sources: joined(sources) } });
    return this.#skipped.judge(
      'network',
      sources.map(set => ({ ...common, sources: set })),
    );
  }

  applicationRule(
    rule: WrittenApplicationRule,
    action: 'Allow' | 'Deny',
    ref: RuleRef,
  ): readonly ApplicationRule[] {
    const sources = this.#addressSets(rule.sources, ref);
    const destinations = rule.destinations && this.#addressSets(rule.destinations, ref);
    const services = this.#services(rule, ref);
    const causes = causesOf(
      emptyList('source', rule.sources, sources),
      rule.destinations && destinations && emptyList('destination', rule.destinations, destinations),
      services.length > 0 ? undefined : { field: 'name', ipGroups: [], tags: rule.fqdnTags },
    );
    if (causes) {
      const place = { sources: joined(sources), ...(destinations && { destinations: joined(destinations) }) };
      const protocols = services.flatMap(service => service.protocols);
      const targets = services.flatMap(service => service.targets);
      return this.#skipped.skip({
        pass: 'application',
        causes,
        rule: { ref, action, ...place, protocols, targets },
      });
    }
    const places = sources.flatMap(set =>
      destinations
        ? destinations.map(destination => ({ sources: set, destinations: destination }))
        : [{ sources: set }],
    );
    return this.#skipped.judge(
      'application',
      places.flatMap(place => services.map(service => ({ ref, action, ...place, ...service }))),
    );
  }

  natRule(rule: WrittenNatRule, ref: RuleRef): readonly NatRule[] {
    const { name: _name, destinations: written, sources: list, ...rest } = rule;
    const destinations = mergeRanges(written.map(address => ({ first: address, last: address })));
    const sources = this.#addressSets(list, ref);
    const causes = causesOf(emptyList('source', list, sources));
    if (causes)
      return this.#skipped.skip({ pass: 'nat', causes, rule: { ...rest, ref, sources: [], destinations } });
    return this.#skipped.judge(
      'nat',
      sources.map(set => ({ ...rest, ref, sources: set, destinations })),
    );
  }

  /** For the policy whose rules have been lowered, in the order in which they are judged. */
  skippedRules(): Pick<ResolvedPolicy, 'skippedRules'> {
    return this.#skipped.toMembers();
  }

  #services(rule: WrittenApplicationRule, ref: RuleRef): Pick<ApplicationRule, 'protocols' | 'targets'>[] {
    const written = rule.targetFqdns.map(pattern => ({ pattern, tag: '' }));
    if (rule.protocols.length > 0) {
      const tagged = this.#tagTargets(rule.fqdnTags, ref);
      const targets = written.length === 0 ? tagged : [...written, ...tagged];
      return [{ protocols: rule.protocols, targets }];
    }
    // The tag says which protocol and port each of its names goes with.
    const services = new Map<string, Pick<ApplicationRule, 'protocols' | 'targets'>>();
    for (const tag of rule.fqdnTags) {
      for (const { protocol, port } of this.#context.facts.fqdnTag(tag) ?? []) {
        const key = `${protocol}:${port}`;
        if (services.has(key)) continue;
        const targets = this.#tagTargets(rule.fqdnTags, ref, key);
        services.set(key, { protocols: [{ protocol, port }], targets });
      }
    }
    return [...services.values()];
  }

  /**
   * The list in as few sets as can be shared: what is large stays apart, so that rules which combine large tags and groups with
   * addresses of their own do not copy them. A rule has one set of sources, so it becomes one for each.
   *
   * A rule whose IP groups have been emptied comes out without any set and is skipped
   * (https://learn.microsoft.com/azure/firewall/create-ip-group); addresses beside an empty group stay.
   */
  #addressSets(list: AddressList, ref: RuleRef): readonly AddressSet[] {
    const large = new Set<AddressSet>();
    const small = (set: AddressSet): AddressSet => {
      if (set.length < LARGE) return set;
      large.add(set);
      return [];
    };
    const rest = [
      ...list.ranges,
      ...list.serviceTags.flatMap(name => small(this.#serviceTag(name, ref))),
      ...list.ipGroups.flatMap(id => small(this.#ipGroup(id, ref))),
    ];
    const own = this.#shared(mergeRanges(rest));
    if (own.length === 0) return [...large];
    return isEverything(own) ? [own] : [own, ...large];
  }

  /** The first of equal sets. */
  #shared(set: AddressSet): AddressSet {
    const key = set.map(({ first, last }) => `${first}-${last}`).join();
    const known = this.#sets.get(key);
    if (!known) this.#sets.set(key, set);
    return known ?? set;
  }

  #serviceTag(name: string, ref: RuleRef): AddressSet {
    return this.#context.facts.serviceTag(name) ?? this.#missing('service tag', name, ref);
  }

  #ipGroup(id: string, ref: RuleRef): AddressSet {
    const known = this.#groups.get(id.toLowerCase());
    if (known) return known;
    const members = this.#context.ipGroups(id);
    if (!members) return this.#missing('IP group', id, ref);
    const set = this.#shared(mergeRanges(members));
    this.#groups.set(id.toLowerCase(), set);
    return set;
  }

  /** Names of the tags, each once a tag; of one service, such as `Http:80`, or of all. */
  #tagTargets(tags: readonly string[], ref: RuleRef, service = ''): readonly ApplicationTarget[] {
    const key = [service, ...tags].join(' ');
    const known = this.#targets.get(key);
    if (known) return known;
    const found = tags.flatMap(tag => {
      const entries = this.#context.facts.fqdnTag(tag) ?? this.#missing('FQDN tag', tag, ref);
      const targets = new Map<string, ApplicationTarget>();
      for (const { protocol, port, pattern } of entries) {
        if (service === '' || service === `${protocol}:${port}`)
          targets.set(formatFqdnPattern(pattern), { pattern, tag });
      }
      return [...targets.values()];
    });
    this.#targets.set(key, found);
    return found;
  }

  #missing(kind: 'service tag' | 'FQDN tag' | 'IP group', name: string, ref: RuleRef): [] {
    this.#context.onMissing?.(kind, name, ref);
    return [];
  }
}

function isEverything([first]: AddressSet): boolean {
  return first?.first === ALL_IPV4.first && first.last === ALL_IPV4.last;
}
