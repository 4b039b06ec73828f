// An index over network rules and one over NAT rules: which rule is the first whose source, destination, and protocol and
// port all match. Each field says which rules its value belongs to; the answer is what the fields have in common.

import type { DecisionContext, Flow, IpProtocol, NamesOfAddress } from '../decision.ts';
import { canTranslate, matchesNatService, matchesService } from '../matches.ts';
import type { AddressSet, NatRule, NetworkRule } from '../policy.ts';
import { RangeIndex } from './range-index.ts';
import { type RuleBits, RuleSpace } from './rule-bits.ts';
import { type Entries, RuleLists, SharedValues } from './rule-lists.ts';
import { numberOfService, rangesOfService } from './service-values.ts';

interface AddressRule {
  readonly protocols: readonly string[];
  readonly destinationPorts: NetworkRule['destinationPorts'];
  readonly sources: AddressSet;
}

/** Source, destination and service of rules. */
class AddressFields<R extends AddressRule> {
  readonly space: RuleSpace;
  readonly #sources: RangeIndex;
  readonly #destinations: RangeIndex;
  readonly #services: RangeIndex;

  constructor(
    rules: readonly R[],
    destinationsOf: (rule: R) => readonly AddressSet[],
    matches: (rule: R, protocol: IpProtocol, port: number) => boolean,
  ) {
    this.space = new RuleSpace(rules.length);
    const sources = new SharedValues<AddressSet>();
    const destinations = new SharedValues<AddressSet>();
    const services = new SharedValues<ReturnType<typeof rangesOfService>>();
    // Few combinations of protocols and ports occur, each in many rules.
    const written = new Map<string, ReturnType<typeof rangesOfService>>();
    for (const [number, rule] of rules.entries()) {
      sources.use(rule.sources, number);
      for (const set of destinationsOf(rule)) destinations.use(set, number);
      const text = serviceText(rule);
      let service = written.get(text);
      if (!service) {
        service = rangesOfService(rule.destinationPorts, (protocol, port) => matches(rule, protocol, port));
        written.set(text, service);
      }
      services.use(service, number);
    }
    this.#sources = new RangeIndex(this.space, sources);
    this.#destinations = new RangeIndex(this.space, destinations);
    this.#services = new RangeIndex(this.space, services);
  }

  sources(flow: Flow): RuleBits {
    return this.#sources.rulesAt(flow.source);
  }

  destinations(flow: Flow): RuleBits {
    return this.#destinations.rulesAt(flow.destination);
  }

  services(flow: Flow): RuleBits {
    return this.#services.rulesAt(numberOfService(flow.protocol, flow.destinationPort));
  }
}

function serviceText({ protocols, destinationPorts }: AddressRule): string {
  return `${protocols.join()} ${destinationPorts.map(({ first, last }) => `${first}-${last}`).join()}`;
}

export class NetworkRuleIndex {
  readonly #rules: readonly NetworkRule[];
  readonly #fields: AddressFields<NetworkRule>;
  /** Rules by the names whose addresses they cover; `#withNames` holds them all, and is absent when there are none. */
  readonly #listOfName = new Map<string, number>();
  readonly #rulesOfNames: RuleLists;
  readonly #withNames: RuleBits | undefined;
  readonly #scratch: RuleBits;

  constructor(rules: readonly NetworkRule[]) {
    this.#rules = rules;
    this.#fields = new AddressFields(rules, rule => rule.destinations, matchesService);
    const { space } = this.#fields;
    const named = space.empty();
    for (const [number, { destinationFqdns }] of rules.entries()) {
      if (destinationFqdns.length > 0) space.add(named, number);
      for (const fqdn of destinationFqdns)
        if (!this.#listOfName.has(fqdn)) this.#listOfName.set(fqdn, this.#listOfName.size);
    }
    const entries: Entries = put => {
      for (const [number, { destinationFqdns }] of rules.entries())
        for (const fqdn of destinationFqdns) put(this.#listOfName.get(fqdn) as number, number);
    };
    this.#rulesOfNames = new RuleLists(space, this.#listOfName.size, entries);
    this.#withNames = this.#listOfName.size > 0 ? named : undefined;
    this.#scratch = space.empty();
  }

  first(flow: Flow, namesOfAddress: NamesOfAddress): NetworkRule | undefined {
    const { space } = this.#fields;
    const services = this.#fields.services(flow);
    if (space.isEmpty(services)) return undefined;
    const sources = this.#fields.sources(flow);
    if (!space.mayMeet(sources, services)) return undefined;
    const destinations = this.#fields.destinations(flow);
    const byAddress = space.first(sources, services, destinations);
    if (!this.#withNames) return this.#rules[byAddress];
    const earliestByName = space.first(this.#withNames, sources, services);
    if (earliestByName < 0 || (byAddress >= 0 && byAddress <= earliestByName)) return this.#rules[byAddress];
    const names = namesOfAddress(flow.destination);
    if (names.size === 0) return this.#rules[byAddress];
    this.#scratch.set(destinations);
    for (const name of names) {
      const list = this.#listOfName.get(name);
      if (list !== undefined) this.#rulesOfNames.addTo(this.#scratch, list);
    }
    return this.#rules[space.first(sources, services, this.#scratch)];
  }
}

export class NatRuleIndex {
  readonly #rules: readonly NatRule[];
  readonly #fields: AddressFields<NatRule>;

  constructor(rules: readonly NatRule[]) {
    this.#rules = rules;
    this.#fields = new AddressFields(rules, rule => [rule.destinations], matchesNatService);
  }

  first(flow: Flow, context: DecisionContext): NatRule | undefined {
    const fields = this.#fields;
    const services = fields.services(flow);
    if (fields.space.isEmpty(services)) return undefined;
    const isTarget = (rule: number) => canTranslate(this.#rules[rule] as NatRule, context);
    return this.#rules[
      fields.space.first(fields.sources(flow), fields.destinations(flow), services, services, isTarget)
    ];
  }
}
