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
} from '#ir/policy.ts';
import type { AddressList } from '#model/firewall-addresses.ts';
import type { WrittenApplicationRule, WrittenNatRule, WrittenNetworkRule } from '#model/firewall-rules.ts';
import type { PolicyOptions } from '#model/policy-options.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { type FqdnPattern, formatFqdnPattern } from '#net/fqdn.ts';
import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';

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
  readonly #targets = new Map<string, readonly ApplicationTarget[]>();

  constructor(context: LoweringContext) {
    this.#context = context;
  }

  networkRule(rule: WrittenNetworkRule, action: 'Allow' | 'Deny', ref: RuleRef): NetworkRule[] {
    const sources = this.#addresses(rule.sources, ref);
    const destinations = this.#addressSets(rule.destinations, ref);
    if (sources.length === 0 || (destinations.length === 0 && rule.destinationFqdns.length === 0)) return [];
    const { protocols, destinationFqdns, destinationPorts } = rule;
    return [{ ref, action, protocols, sources, destinations, destinationFqdns, destinationPorts }];
  }

  applicationRule(rule: WrittenApplicationRule, action: 'Allow' | 'Deny', ref: RuleRef): ApplicationRule[] {
    const sources = this.#addresses(rule.sources, ref);
    const destinations = rule.destinations && this.#addresses(rule.destinations, ref);
    if (sources.length === 0 || destinations?.length === 0) return [];
    const common = { ref, action, sources, ...(destinations && { destinations }) };
    const written = rule.targetFqdns.map(pattern => ({ pattern, tag: '' }));
    if (rule.protocols.length > 0) {
      const tagged = this.#tagTargets(rule.fqdnTags, ref);
      const targets = written.length === 0 ? tagged : [...written, ...tagged];
      return [{ ...common, protocols: rule.protocols, targets }];
    }
    // The tag says which protocol and port each of its names goes with.
    const services = new Map<string, ApplicationRule>();
    for (const tag of rule.fqdnTags) {
      for (const { protocol, port } of this.#context.facts.fqdnTag(tag) ?? []) {
        const key = `${protocol}:${port}`;
        if (services.has(key)) continue;
        const targets = this.#tagTargets(rule.fqdnTags, ref, key);
        services.set(key, { ...common, protocols: [{ protocol, port }], targets });
      }
    }
    return [...services.values()];
  }

  natRule(rule: WrittenNatRule, ref: RuleRef): NatRule[] {
    const sources = this.#addresses(rule.sources, ref);
    if (sources.length === 0) return [];
    const { name: _name, destinations, ...rest } = rule;
    const addresses = mergeRanges(destinations.map(address => ({ first: address, last: address })));
    return [{ ...rest, ref, sources, destinations: addresses }];
  }

  /**
   * Everything in the list together. A rule whose IP groups have been emptied comes out with no address at all and is
   * skipped (https://learn.microsoft.com/azure/firewall/create-ip-group); addresses beside an empty group stay.
   */
  #addresses(list: AddressList, ref: RuleRef): AddressSet {
    if (list.ranges.length === 0 && list.ipGroups.length === 0 && list.serviceTags.length === 1)
      return this.#serviceTag(list.serviceTags[0] ?? '', ref);
    const key = JSON.stringify(list);
    const known = this.#sets.get(key);
    if (known) return known;
    const set = mergeRanges([
      ...list.ranges,
      ...list.serviceTags.flatMap(name => this.#serviceTag(name, ref)),
      ...list.ipGroups.flatMap(id => this.#ipGroup(id, ref)),
    ]);
    this.#sets.set(key, set);
    return set;
  }

  /** The same in several sets: what is large stays apart, so that rules which combine large lists do not copy them. */
  #addressSets(list: AddressList, ref: RuleRef): readonly AddressSet[] {
    const large: AddressSet[] = [];
    const small = (set: AddressSet): AddressSet => {
      if (set.length < LARGE) return set;
      large.push(set);
      return [];
    };
    const rest = mergeRanges([
      ...list.ranges,
      ...list.serviceTags.flatMap(name => small(this.#serviceTag(name, ref))),
      ...list.ipGroups.flatMap(id => small(this.#ipGroup(id, ref))),
    ]);
    if (rest.length > 0) large.unshift(rest);
    return [...new Set(large)];
  }

  #serviceTag(name: string, ref: RuleRef): AddressSet {
    return this.#context.facts.serviceTag(name) ?? this.#missing('service tag', name, ref);
  }

  #ipGroup(id: string, ref: RuleRef): AddressSet {
    const known = this.#groups.get(id);
    if (known) return known;
    const members = this.#context.ipGroups(id);
    if (!members) return this.#missing('IP group', id, ref);
    const set = mergeRanges(members);
    this.#groups.set(id, set);
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
