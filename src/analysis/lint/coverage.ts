// Which rules never decide, and which could go without any flow being treated otherwise. Exact by set algebra over the
// policy's clauses: what earlier rules hold is taken away from what a rule holds, and what is left is followed through the
// rules behind it. Which address has which name is not known, so any address may have any of the names that rules write; a
// rule is called superfluous only if it is for all of them. Feeds of threat intelligence count as empty.

import type { ApplicationRule, ResolvedPolicy } from '#ir/policy.ts';
import type { RuleRef } from '#model/rule-ref.ts';
import { type Clause, DENIED, type Outcome, toClauses } from '../diff/clauses.ts';
import { type Box, ClauseBoxes, contains, NAMES, TooComplex, type WorkBounds } from './region.ts';

export type Pass = 'nat' | 'network' | 'application' | 'infrastructure';

/** A rule that decides before another, or the firewall itself (its own addresses, addresses that nobody has): null. */
export interface Coverer {
  readonly rule: RuleRef | null;
  readonly pass: Pass | undefined;
  readonly action: 'Allow' | 'Deny';
  readonly path: string;
}

export interface RuleVerdict {
  readonly rule: RuleRef;
  readonly pass: Pass;
  readonly action: 'Allow' | 'Deny';
  readonly path: string;
  readonly reach:
    | 'Decides'
    /** Earlier rules, or the firewall itself, decide all it could. */
    | 'Never'
    /** It holds no flow at all. */
    | 'HoldsNothing'
    /** A bound was exceeded; nothing is known. */
    | 'NotExamined';
  /** With `Never`: what decides instead. */
  readonly coveredBy: readonly Coverer[];
  /** With `Never`: one earlier rule holds exactly the same flows. */
  readonly sameMatch: boolean;
  /** Whether every flow is treated the same without the rule. */
  readonly removable: boolean;
  /** With `Decides` and `removable`: the rules that then decide; none where the default does. */
  readonly followers: readonly RuleRef[];
  /** False where a bound was exceeded: what else is said is true, and whether the rule is superfluous is not known. */
  readonly finished: boolean;
}

/** Some tenths of a second for one rule, some seconds for all. */
const BOUNDS: WorkBounds = { maxWork: 100_000_000, maxWorkInAll: 4_000_000_000 };

/** One verdict for each rule, in the order in which they are judged; infrastructure rules have none. */
export function examineCoverage(policy: ResolvedPolicy, bounds: WorkBounds = BOUNDS): RuleVerdict[] {
  return new Examination(policy, bounds).run();
}

interface Rule {
  readonly ref: RuleRef;
  readonly pass: Pass;
  readonly clauses: number[];
}

class Examination {
  readonly #policy: ResolvedPolicy;
  readonly #clauses: readonly Clause[];
  readonly #sets: ClauseBoxes;
  readonly #rules: readonly Rule[];
  /** Rule of each clause; undefined for what the firewall does by itself. */
  readonly #ruleOf: (Rule | undefined)[] = [];
  readonly #actions = new Map<RuleRef, 'Allow' | 'Deny'>();
  /** NAT rules to a name: they do not match while it does not resolve, so nothing may be built upon them. */
  readonly #uncertain: ReadonlySet<RuleRef>;
  /** Rules behind the one looked at that can go. */
  readonly #gone = new Set<Rule>();

  constructor(policy: ResolvedPolicy, bounds: WorkBounds) {
    this.#policy = policy;
    this.#clauses = toClauses(policy, { withSnat: false });
    this.#sets = new ClauseBoxes(this.#clauses, bounds);
    const rules = new Map<RuleRef, Rule>();
    const add = (pass: Pass, ref: RuleRef, action: 'Allow' | 'Deny') => {
      if (!rules.has(ref)) rules.set(ref, { ref, pass, clauses: [] });
      this.#actions.set(ref, action);
    };
    for (const { ref } of policy.natRules) add('nat', ref, 'Allow');
    for (const { ref, action } of policy.networkRules) add('network', ref, action);
    for (const { ref, action } of policy.applicationRules) add('application', ref, action);
    for (const { ref, action } of policy.infrastructureRules) add('infrastructure', ref, action);
    this.#clauses.forEach(({ outcome }, clause) => {
      const rule = outcome.rule ? rules.get(outcome.rule) : undefined;
      this.#ruleOf[clause] = rule;
      if (this.#sets.boxes[clause]) rule?.clauses.push(clause);
    });
    this.#uncertain = new Set(
      policy.natRules.flatMap(({ ref, translatedFqdn }) => (translatedFqdn === undefined ? [] : [ref])),
    );
    this.#rules = [...rules.values()].filter(({ pass }) => pass !== 'infrastructure');
  }

  run(): RuleVerdict[] {
    // From behind, so that of two rules which make each other superfluous only one is called so.
    return [...this.#rules]
      .reverse()
      .map(rule => {
        const verdict = this.#examine(rule);
        // A rule that never decides may have to stay all the same, and would then decide what others left.
        if (verdict.removable) this.#gone.add(rule);
        return verdict;
      })
      .reverse();
  }

  #examine(rule: Rule): RuleVerdict {
    const { ref, pass, clauses } = rule;
    const action = this.#actions.get(ref) ?? 'Deny';
    const path = action === 'Deny' ? 'none' : PATHS[pass];
    const verdict: RuleVerdict = {
      ...{ rule: ref, pass, action, path, coveredBy: [], sameMatch: false },
      ...{ reach: 'HoldsNothing', removable: !this.#opensPort(rule), followers: [], finished: true },
    };
    if (clauses.length === 0) return verdict;
    let reached = false;
    this.#sets.ask();
    try {
      const covers = new Set<number>();
      let needed = false;
      const followers = new Set<RuleRef>();
      for (const clause of clauses) {
        needed ||= this.#search(clause, rule, covers, left => {
          reached = true;
          return (
            !verdict.removable ||
            !this.#fallsTheSame(rule, clause, left, new Set([rule]), new Set()) ||
            // Without the other superfluous rules, too: they may all be taken out together.
            !this.#fallsTheSame(rule, clause, left, new Set([...this.#gone, rule]), followers)
          );
        });
      }
      if (!reached)
        return {
          ...verdict,
          reach: 'Never',
          coveredBy: this.#coverersOf(covers),
          sameMatch: this.#matchesTheSame(clauses, covers),
        };
      return {
        ...verdict,
        reach: 'Decides',
        removable: !needed,
        followers: needed ? [] : [...followers],
      };
    } catch (error) {
      if (!(error instanceof TooComplex)) throw error;
      return { ...verdict, reach: reached ? 'Decides' : 'NotExamined', removable: false, finished: false };
    } finally {
      this.#sets.done();
    }
  }

  /**
   * Goes through the parts of a clause that nothing before it decides, until `found` has seen enough. Clauses of other rules
   * that take a part are added to `covers`.
   */
  #search(clause: number, rule: Rule, covers: Set<number>, found: (left: Box) => boolean): boolean {
    const box = this.#sets.boxes[clause] as Box;
    const before: number[] = [];
    for (let earlier = 0; earlier < clause; earlier++) {
      const other = this.#sets.boxes[earlier];
      if (!other || this.#isUncertain(earlier) || !this.#sets.meet(earlier, clause)) continue;
      if (this.#ruleOf[earlier] !== rule && contains(other, box)) {
        covers.add(earlier);
        return false;
      }
      before.push(earlier);
    }
    // Depth first: where a clause is needed, a part that shows it is found soon.
    const parts: { readonly box: Box; readonly from: number }[] = [{ box, from: 0 }];
    for (let part = parts.pop(); part; part = parts.pop()) {
      let at = part.from;
      for (; at < before.length; at++) {
        const taken = this.#sets.boxes[before[at] as number] as Box;
        if (!this.#sets.overlap(part.box, taken)) continue;
        for (const rest of this.#sets.subtract(part.box, taken)) parts.push({ box: rest, from: at + 1 });
        if (this.#ruleOf[before[at] as number] !== rule) covers.add(before[at] as number);
        break;
      }
      if (at === before.length && found(part.box)) return true;
    }
    return false;
  }

  #coverersOf(covers: Iterable<number>): Coverer[] {
    const coverers = new Map<string, Coverer>();
    for (const clause of covers) {
      const { outcome } = this.#clauses[clause] as Clause;
      const rule = this.#ruleOf[clause];
      const index = rule ? this.#rules.indexOf(rule) : -1;
      coverers.set(`${index} ${outcome.action}`, {
        rule: outcome.rule,
        pass: rule?.pass,
        action: outcome.action,
        path: outcome.path.kind,
      });
    }
    return [...coverers.values()];
  }

  /** Whether one other rule holds the same as these clauses, each in one clause of its own. */
  #matchesTheSame(clauses: readonly number[], covers: ReadonlySet<number>): boolean {
    const owners = new Set([...covers].map(cover => this.#ruleOf[cover]));
    return (
      owners.size === 1 &&
      clauses.every(clause =>
        [...covers].some(cover => this.#sets.space.keys.every(keys => keys[cover] === keys[clause])),
      )
    );
  }

  /** Whether what a clause leaves has the same outcome when the rules in `gone` are not there. */
  #fallsTheSame(
    rule: Rule,
    clause: number,
    left: Box,
    gone: ReadonlySet<Rule>,
    followers: Set<RuleRef>,
  ): boolean {
    const { outcome, names } = this.#clauses[clause] as Clause;
    let rest: readonly Box[] = [left];
    for (let later = rule.clauses[0] ?? 0; later < this.#clauses.length && rest.length > 0; later++) {
      const box = this.#sets.boxes[later];
      const owner = this.#ruleOf[later];
      if (!box || owner === rule || (owner && gone.has(owner))) continue;
      const follower = this.#clauses[later] as Clause;
      const same = isSame(outcome, follower.outcome);
      if (same && this.#isUncertain(later)) continue;
      // An address that has a name of the rule may have another one too, by which this clause takes it.
      const anyName = !same && names !== undefined && follower.names !== undefined;
      if (!this.#sets.meet(later, clause, anyName ? NAMES : -1)) continue;
      const wide = anyName ? withAnyName(box) : box;
      if (!rest.some(part => this.#sets.overlap(part, wide))) continue;
      if (!same) return false;
      if (follower.outcome.rule) followers.add(follower.outcome.rule);
      rest = rest.flatMap(part => (this.#sets.overlap(part, box) ? this.#sets.subtract(part, box) : [part]));
    }
    return rest.length === 0 || isSame(outcome, DENIED);
  }

  #isUncertain(clause: number): boolean {
    const { rule } = (this.#clauses[clause] as Clause).outcome;
    return rule !== null && this.#uncertain.has(rule);
  }

  /** Where network rules are bound to names, an application rule makes its ports TLS ports for them. */
  #opensPort(rule: Rule): boolean {
    const { bindNetworkFqdns, networkRules, applicationRules, infrastructureRules } = this.#policy;
    if (!bindNetworkFqdns || rule.pass !== 'application') return false;
    if (!networkRules.some(({ destinationFqdns }) => destinationFqdns.length > 0)) return false;
    const tlsPorts = (rules: readonly ApplicationRule[]) =>
      rules.flatMap(({ protocols }) =>
        protocols.flatMap(({ protocol, port }) => (protocol === 'Https' ? [port] : [])),
      );
    const own = tlsPorts(applicationRules.filter(({ ref }) => ref === rule.ref));
    const gone = new Set([rule, ...this.#gone].map(({ ref }) => ref));
    const others = new Set([
      443,
      ...tlsPorts([...applicationRules, ...infrastructureRules].filter(({ ref }) => !gone.has(ref))),
    ]);
    return own.some(port => !others.has(port));
  }
}

const PATHS: Readonly<Record<Pass, string>> = {
  nat: 'nat',
  network: 'forward',
  application: 'proxy',
  infrastructure: 'proxy',
};

/** The same but for the rule that says it. */
function isSame(a: Outcome, b: Outcome): boolean {
  if (a.action !== b.action || a.path.kind !== b.path.kind) return false;
  return a.path.kind !== 'nat' || b.path.kind !== 'nat' || a.path.target === b.path.target;
}

function withAnyName(box: Box): Box {
  return box.map((bits, index) => (index === NAMES ? new Uint32Array(bits.length).fill(0xffffffff) : bits));
}
