// An index over application rules: which rule is the first whose source, destination, protocol and port, and name all match.

import { ALL_IPV4 } from '#net/ipv4.ts';
import type { ApplicationQuery } from '../decision.ts';
import type { AddressSet, ApplicationProtocol, ApplicationRule, ApplicationTarget } from '../policy.ts';
import { NameIndex } from './name-index.ts';
import { RangeIndex } from './range-index.ts';
import { type RuleBits, RuleSpace } from './rule-bits.ts';
import { SharedValues } from './rule-lists.ts';

const PROTOCOL_NUMBERS: Readonly<Record<ApplicationProtocol, number>> = { Http: 0, Https: 1, Mssql: 2 };
/** The destinations of a rule that names none. */
const ANYWHERE: AddressSet = [ALL_IPV4];

interface NumberRange {
  readonly first: number;
  readonly last: number;
}

export class ApplicationRuleIndex {
  readonly #rules: readonly ApplicationRule[];
  readonly #space: RuleSpace;
  readonly #sources: RangeIndex;
  readonly #destinations: RangeIndex;
  readonly #services: RangeIndex;
  readonly #names: NameIndex;
  readonly #named: RuleBits;

  constructor(rules: readonly ApplicationRule[]) {
    this.#rules = rules;
    this.#space = new RuleSpace(rules.length);
    const sources = new SharedValues<AddressSet>();
    const destinations = new SharedValues<AddressSet>();
    const services = new SharedValues<readonly NumberRange[]>();
    const targets = new SharedValues<readonly ApplicationTarget[]>();
    const written = new Map<string, readonly NumberRange[]>();
    for (const [number, rule] of rules.entries()) {
      sources.use(rule.sources, number);
      destinations.use(rule.destinations ?? ANYWHERE, number);
      targets.use(rule.targets, number);
      const service = rule.protocols.map(({ protocol, port }) => numberOfService(protocol, port));
      const text = service.join();
      const ranges = written.get(text) ?? service.map(point => ({ first: point, last: point }));
      written.set(text, ranges);
      services.use(ranges, number);
    }
    this.#sources = new RangeIndex(this.#space, sources);
    this.#destinations = new RangeIndex(this.#space, destinations);
    this.#services = new RangeIndex(this.#space, services);
    this.#names = new NameIndex(this.#space, targets);
    this.#named = this.#space.empty();
  }

  first(query: ApplicationQuery, fqdn: string): ApplicationRule | undefined {
    const named = this.#named.fill(0);
    this.#names.addRulesOf(fqdn, named);
    if (this.#space.isEmpty(named)) return undefined;
    const services = this.#services.rulesAt(numberOfService(query.claim.protocol, query.port));
    if (!this.#space.mayMeet(named, services)) return undefined;
    const sources = this.#sources.rulesAt(query.source);
    if (!this.#space.mayMeet(named, sources)) return undefined;
    const destinations = this.#destinations.rulesAt(query.destination);
    const rule = this.#space.first(named, services, sources, destinations);
    return this.#rules[rule];
  }
}

function numberOfService(protocol: ApplicationProtocol, port: number): number {
  return PROTOCOL_NUMBERS[protocol] * 0x10000 + port;
}
