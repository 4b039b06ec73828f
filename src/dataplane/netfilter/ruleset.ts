// The table in the kernel and what this process knows of it. A policy change is three steps, so that no packet
// meets a rule whose set is not filled yet: create the new sets and the new rules in chains that nothing leads to,
// switch the policy chains over to them in one small transaction, delete what nobody uses any more.

import { randomBytes } from 'node:crypto';
import { printCommands } from '#nft/print.ts';
import { NftError, type NftRunner } from '#nft/runner.ts';
import { goto, type NftCommand, type NftRule, type NftSet } from '#nft/tree.ts';
import { TABLE } from './names.ts';
import type { RulesetPlan } from './plan.ts';
import { POLICY_CHAINS, type PolicyChain, type SkeletonOptions, skeletonCommands } from './skeleton.ts';

/**
 * Size of one batch, counted in elements. The commit lock is held meanwhile, and an address that the DNS engine adds
 * has to wait for it. An unprivileged process is also limited to what fits a socket buffer (208 kB by default).
 */
const BATCH_COST = 2_000;
/** A rule or a set costs the kernel's message as much as some elements. */
const RULE_COST = 8;
const SET_COST = 3;

/** Rules of one policy chain as they stand in the kernel: in a chain of their own. */
interface Body {
  readonly chain: string;
  readonly rules: readonly NftRule[];
  /** The rules as text, to see whether they changed. */
  readonly text: string;
}

export class Ruleset {
  readonly #runner: NftRunner;
  readonly #onProblem: (message: string) => void;
  readonly #sets = new Set<string>();
  readonly #chains = new Set<string>();
  /** What the rules in force are made of. */
  #bodies: ReadonlyMap<PolicyChain, Body> = new Map();
  #planned: ReadonlySet<string> = new Set();
  /** Distinguishes our chains from those that an earlier process left. */
  readonly #token = randomBytes(3).toString('hex');
  #serial = 0;

  constructor(runner: NftRunner, onProblem: (message: string) => void) {
    this.#runner = runner;
    this.#onProblem = onProblem;
  }

  /** Installs the closed ruleset in place of whatever table of that name there was. */
  async install(options: SkeletonOptions): Promise<void> {
    await this.#runner.run(printCommands(skeletonCommands(options)));
    this.#forget();
  }

  /**
   * Replaces the table that an earlier process left by this one's, skeleton, sets and policy, in one transaction:
   * what that process allowed goes on without a gap, and a failure leaves its rules in force.
   */
  async takeOver(options: SkeletonOptions, plan: RulesetPlan): Promise<void> {
    const bodies = this.#bodiesOf(plan, new Map());
    const commands = [
      ...skeletonCommands(options),
      ...creation(plan.sets, bodies.values()),
      ...switching(bodies),
    ];
    try {
      await this.#runner.run(printCommands(commands));
    } catch (error) {
      if (!(error instanceof NftError) || !error.output.includes('Message too long')) throw error;
      // Too much for one transaction of an unprivileged process: packets wait for as long as a swap takes.
      await this.install(options);
      return this.swap(plan);
    }
    this.#forget();
    this.#remember(plan, bodies);
  }

  /** Rejects with nothing changed for packets. */
  async swap(plan: RulesetPlan): Promise<void> {
    const bodies = this.#bodiesOf(plan, this.#bodies);
    const sets = plan.sets.filter(({ name }) => !this.#sets.has(name));
    const changed = new Map([...bodies].filter(([name, body]) => this.#bodies.get(name) !== body));
    try {
      for (const batch of inBatches(creation(sets, changed.values()))) {
        await this.#runner.run(printCommands(batch));
        for (const command of batch) this.#created(command);
      }
      if (changed.size > 0) await this.#runner.run(printCommands(switching(changed)));
    } catch (error) {
      await this.#deleteUnused();
      throw error;
    }
    this.#remember(plan, bodies);
    await this.#deleteUnused();
  }

  async remove(): Promise<void> {
    await this.#runner.run(
      printCommands([
        { kind: 'add table', table: TABLE },
        { kind: 'delete table', table: TABLE },
      ]),
    );
    this.#forget();
  }

  #forget(): void {
    this.#sets.clear();
    this.#chains.clear();
    this.#bodies = new Map();
    this.#planned = new Set();
  }

  #remember(plan: RulesetPlan, bodies: ReadonlyMap<PolicyChain, Body>): void {
    this.#bodies = bodies;
    this.#planned = new Set(plan.sets.map(({ name }) => name));
    for (const name of this.#planned) this.#sets.add(name);
    for (const { chain } of bodies.values()) this.#chains.add(chain);
  }

  #created(command: NftCommand): void {
    if (command.kind === 'add set') this.#sets.add(command.set.name);
    if (command.kind === 'add chain') this.#chains.add(command.chain.name);
  }

  /** Bodies of a plan; one that did not change keeps its chain. */
  #bodiesOf(plan: RulesetPlan, previous: ReadonlyMap<PolicyChain, Body>): Map<PolicyChain, Body> {
    const bodies = new Map<PolicyChain, Body>();
    for (const name of POLICY_CHAINS) {
      const rules = plan.chains[name];
      const text = printCommands([{ kind: 'add rules', table: TABLE, chain: { name, rules } }]);
      const same = previous.get(name);
      if (same?.text === text) {
        bodies.set(name, same);
        continue;
      }
      this.#serial += 1;
      bodies.set(name, { chain: `body_${this.#token}_${this.#serial}`, text, rules });
    }
    return bodies;
  }

  /** What is unused costs memory only; what could not be deleted is tried again after the next swap. */
  async #deleteUnused(): Promise<void> {
    const used = new Set([...this.#bodies.values()].map(({ chain }) => chain));
    const oldChains = [...this.#chains].filter(name => !used.has(name));
    const oldSets = [...this.#sets].filter(name => !this.#planned.has(name));
    const commands: NftCommand[] = [
      ...oldChains.map((name): NftCommand => ({ kind: 'delete chain', table: TABLE, name })),
      ...oldSets.map((name): NftCommand => ({ kind: 'delete set', table: TABLE, name })),
    ];
    if (commands.length === 0) return;
    try {
      await this.#runner.run(printCommands(commands));
      for (const name of oldChains) this.#chains.delete(name);
      for (const name of oldSets) this.#sets.delete(name);
    } catch (error) {
      this.#onProblem(`unused rules stay: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function creation(sets: Iterable<NftSet>, bodies: Iterable<Body>): NftCommand[] {
  const commands: NftCommand[] = [];
  for (const set of sets) commands.push(...setCommands(set));
  for (const { chain: name, rules } of bodies) {
    commands.push({ kind: 'add chain', table: TABLE, chain: { name, rules: [] } });
    for (const rule of rules)
      commands.push({ kind: 'add rules', table: TABLE, chain: { name, rules: [rule] } });
  }
  return commands;
}

/** A large set comes in parts, since a batch has its limit; nothing uses it yet. */
function setCommands(set: NftSet): NftCommand[] {
  if (set.kind !== 'intervals') return [{ kind: 'add set', table: TABLE, set }];
  const part = BATCH_COST - SET_COST;
  const commands: NftCommand[] = [
    { kind: 'add set', table: TABLE, set: { ...set, ranges: set.ranges.slice(0, part) } },
  ];
  for (let start = part; start < set.ranges.length; start += part)
    commands.push({
      kind: 'add elements',
      table: TABLE,
      name: set.name,
      ranges: set.ranges.slice(start, start + part),
    });
  return commands;
}

function switching(bodies: Iterable<readonly [PolicyChain, Body]>): NftCommand[] {
  return [...bodies].flatMap(([name, { chain }]): NftCommand[] => [
    { kind: 'flush chain', table: TABLE, name },
    { kind: 'add rules', table: TABLE, chain: { name, rules: [[goto(chain)]] } },
  ]);
}

function costOf(command: NftCommand): number {
  switch (command.kind) {
    case 'add set':
      return SET_COST + ('ranges' in command.set ? command.set.ranges.length : 0);
    case 'add elements':
      return command.ranges.length;
    default:
      return RULE_COST;
  }
}

function inBatches(commands: readonly NftCommand[]): NftCommand[][] {
  const batches: NftCommand[][] = [];
  let cost = Number.POSITIVE_INFINITY;
  for (const command of commands) {
    if (cost + costOf(command) > BATCH_COST) {
      batches.push([]);
      cost = 0;
    }
    batches.at(-1)?.push(command);
    cost += costOf(command);
  }
  return batches;
}
