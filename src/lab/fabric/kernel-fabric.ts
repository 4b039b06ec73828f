// Brings the kernel to a plan, and remembers what it brought about, so that the next plan costs only its differences.
// A namespace in which something failed is given up and made anew with the next plan: half a network is worse than none.

import type { CommandRunner } from './commands.ts';
import { diffPlans, EMPTY_PLAN, type FabricSteps, withoutNamespaces } from './diff.ts';
import { type FabricPlan, INTERNET, type NamespacePlan, WORKSTATION } from './plan.ts';

/** These two are as old as the lab and end with it. */
const PERMANENT: ReadonlySet<string> = new Set([WORKSTATION, INTERNET]);

export class KernelFabric {
  readonly #runner: CommandRunner;
  #applied: FabricPlan = EMPTY_PLAN;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  /** One call at a time. What failed, in words; empty when the kernel is as planned. */
  async apply(plan: FabricPlan): Promise<string[]> {
    const steps = diffPlans(this.#applied, plan);
    const faults = new Faults();
    await this.#remove(steps, faults);
    await this.#create(steps, faults);
    await Promise.all(
      steps.namespaces.map(async ({ name, add, nft }) => {
        if (add.length > 0) await this.#ip(name, add, fault => faults.of(name, fault));
        if (nft === '') return;
        const { status, stderr } = await this.#runner.run([...inside(name), 'nft', '-f', '-'], nft);
        if (status !== 0) faults.of(name, `nft: ${stderr}`);
      }),
    );
    const broken = new Set([...faults.namespaces].filter(name => !PERMANENT.has(name)));
    for (const name of broken) await this.#runner.run(['ip', 'netns', 'del', name], '');
    this.#applied = withoutNamespaces(plan, broken);
    return faults.messages;
  }

  async #remove({ deleteNamespaces, namespaces }: FabricSteps, faults: Faults): Promise<void> {
    if (deleteNamespaces.length > 0)
      await this.#ip(
        undefined,
        deleteNamespaces.map(name => `netns del ${name}`),
        fault => faults.note(fault),
      );
    for (const { name, remove } of namespaces)
      if (remove.length > 0) await this.#ip(name, remove, fault => faults.note(`${name}: ${fault}`));
  }

  async #create({ createNamespaces, links }: FabricSteps, faults: Faults): Promise<void> {
    const made = createNamespaces.filter(({ role }) => role !== 'workstation');
    if (made.length > 0)
      await this.#ip(
        undefined,
        made.map(({ name }) => `netns add ${name}`),
        (fault, line) => faults.of(made[line]?.name ?? '', fault),
      );
    await Promise.all(
      createNamespaces.map(async plan => {
        const script = settingsScript(plan);
        if (script === '') return;
        const { status, stderr } = await this.#runner.run([...inside(plan.name), 'sh', '-e'], script);
        if (status !== 0) faults.of(plan.name, `settings: ${stderr}`);
      }),
    );
    if (links.length > 0)
      await this.#ip(undefined, links, (fault, line) => {
        const namespace = / netns (\S+) /.exec(links[line] ?? '')?.[1] ?? '';
        faults.of(namespace, `${links[line]}: ${fault}`);
      });
  }

  /** One `ip -batch`; every failing line is told with its index. */
  async #ip(
    namespace: string | undefined,
    lines: readonly string[],
    onFault: (fault: string, line: number) => void,
  ): Promise<void> {
    const where = namespace === undefined ? [] : ['-n', namespace];
    const { status, stderr } = await this.#runner.run(
      ['ip', ...where, '-force', '-batch', '-'],
      `${lines.join('\n')}\n`,
    );
    if (status === 0) return;
    let said = '';
    let found = false;
    for (const text of stderr.split('\n')) {
      const line = /^Command failed -:(\d+)$/.exec(text)?.[1];
      if (line === undefined) said = text;
      else {
        found = true;
        const index = Number(line) - 1;
        onFault(`ip ${lines[index]}: ${said}`, index);
      }
    }
    if (!found) onFault(`ip ${where.join(' ')}: ${stderr}`, 0);
  }
}

function inside(namespace: string): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}

/** A setting that this kernel does not have (IPv6 switched off) needs no value. */
function settingsScript({ settings }: NamespacePlan): string {
  return Object.entries(settings)
    .map(([file, value]) => `if [ -e /proc/sys/${file} ]; then echo ${value} > /proc/sys/${file}; fi\n`)
    .join('');
}

class Faults {
  readonly messages: string[] = [];
  readonly namespaces = new Set<string>();

  note(message: string): void {
    this.messages.push(message);
  }

  of(namespace: string, message: string): void {
    this.namespaces.add(namespace);
    this.messages.push(`${namespace}: ${message}`);
  }
}
