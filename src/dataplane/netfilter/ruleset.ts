// The table in the kernel and what this process knows of it. A policy change is three steps, so that no packet
// meets a rule whose set is not filled yet: create the new sets, switch all policy chains in one transaction,
// delete the sets nobody uses any more.

import { printCommands } from '#nft/print.ts';
import type { NftRunner } from '#nft/runner.ts';
import type { NftCommand, NftSet } from '#nft/tree.ts';
import { TABLE } from './names.ts';
import type { RulesetPlan } from './plan.ts';
import { POLICY_CHAINS, type PolicyChain, type SkeletonOptions, skeletonCommands } from './skeleton.ts';

/**
 * Elements that one batch creates. The commit lock is held meanwhile, and an address that the DNS engine adds has
 * to wait for it.
 */
const BATCH_ELEMENTS = 1_000;

export class Ruleset {
  readonly #runner: NftRunner;
  readonly #onProblem: (message: string) => void;
  readonly #sets = new Set<string>();
  /** Chain to its text, so that an unchanged chain is left alone. */
  readonly #chains = new Map<string, string>();

  constructor(runner: NftRunner, onProblem: (message: string) => void) {
    this.#runner = runner;
    this.#onProblem = onProblem;
  }

  /** Installs the closed ruleset in place of whatever table of that name there was. */
  async install(options: SkeletonOptions): Promise<void> {
    await this.#runner.run(printCommands(skeletonCommands(options)));
    this.#sets.clear();
    this.#chains.clear();
  }

  /**
   * Replaces the table that an earlier process left by this one's, skeleton, sets and policy, in one transaction:
   * what that process allowed goes on without a gap, and a failure leaves its rules in force.
   */
  async takeOver(options: SkeletonOptions, plan: RulesetPlan): Promise<void> {
    const sets = plan.sets.map((set): NftCommand => ({ kind: 'add set', table: TABLE, set }));
    const chains = new Map(POLICY_CHAINS.map(name => [name, printChain(name, plan)]));
    const skeleton = printCommands(skeletonCommands(options));
    await this.#runner.run(`${skeleton}${printCommands(sets)}${[...chains.values()].join('')}`);
    this.#sets.clear();
    this.#chains.clear();
    for (const { name } of plan.sets) this.#sets.add(name);
    for (const [name, text] of chains) this.#chains.set(name, text);
  }

  /** Rejects with nothing changed for packets. */
  async swap(plan: RulesetPlan): Promise<void> {
    const missing = plan.sets.filter(({ name }) => !this.#sets.has(name));
    const created: string[] = [];
    const switched = new Map<string, string>();
    try {
      for (const batch of inBatches(missing)) {
        await this.#runner.run(
          printCommands(batch.map((set): NftCommand => ({ kind: 'add set', table: TABLE, set }))),
        );
        created.push(...batch.map(({ name }) => name));
      }
      let script = '';
      for (const name of POLICY_CHAINS) {
        const text = printChain(name, plan);
        if (this.#chains.get(name) === text) continue;
        switched.set(name, text);
        script += text;
      }
      if (script !== '') await this.#runner.run(script);
    } catch (error) {
      await this.#deleteSets(created);
      throw error;
    }
    for (const [name, text] of switched) this.#chains.set(name, text);
    for (const name of created) this.#sets.add(name);
    const used = new Set(plan.sets.map(({ name }) => name));
    await this.#deleteSets([...this.#sets].filter(name => !used.has(name)));
  }

  async remove(): Promise<void> {
    await this.#runner.run(
      printCommands([
        { kind: 'add table', table: TABLE },
        { kind: 'delete table', table: TABLE },
      ]),
    );
    this.#sets.clear();
    this.#chains.clear();
  }

  /** Unused sets cost memory only; what could not be deleted is tried again after the next swap. */
  async #deleteSets(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const commands = names.map((name): NftCommand => ({ kind: 'delete set', table: TABLE, name }));
    try {
      await this.#runner.run(printCommands(commands));
      for (const name of names) this.#sets.delete(name);
    } catch (error) {
      for (const name of names) this.#sets.add(name);
      this.#onProblem(`unused sets stay: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function printChain(name: PolicyChain, plan: RulesetPlan): string {
  const commands: NftCommand[] = [{ kind: 'flush chain', table: TABLE, name }];
  const rules = plan.chains[name];
  if (rules.length > 0) commands.push({ kind: 'add rules', table: TABLE, chain: { name, rules } });
  return printCommands(commands);
}

function inBatches(sets: readonly NftSet[]): NftSet[][] {
  const batches: NftSet[][] = [];
  let elements = Number.POSITIVE_INFINITY;
  for (const set of sets) {
    const size = set.kind === 'intervals' ? set.ranges.length : 1;
    if (elements + size > BATCH_ELEMENTS) {
      batches.push([]);
      elements = 0;
    }
    batches.at(-1)?.push(set);
    elements += size;
  }
  return batches;
}
