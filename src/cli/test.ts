// `postern test`: policy tests out of YAML files, run against the rules that they name. Offline and unprivileged, with an exit
// code that a build can act on.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type CaseResult, runPolicyTests } from '#analysis/policy-tests/policy-tests.ts';
import { type PolicyTestFile, parsePolicyTests } from '#analysis/policy-tests/policy-tests-file.ts';
import {
  type FileOutcome,
  formatOutcomes,
  toJson,
  toJunit,
  totalsOf,
} from '#analysis/policy-tests/policy-tests-report.ts';
import { fileFault, writeFault } from '#state/file-fault.ts';
import { describeFlowFault } from './flow-options.ts';
import { noticesOf } from './notices.ts';
import {
  begin,
  type CommandWorld,
  ERROR,
  OUTPUT_FLAGS,
  outputFaults,
  REAL_WORLD,
  USAGE,
  type ValuesOf,
} from './offline-command.ts';
import { readAtMost } from './policy-files.ts';
import {
  POLICY_INPUT_FLAGS,
  POLICY_INPUT_HELP,
  type PolicyInputResult,
  readPolicyInput,
} from './policy-input.ts';

const HELP = `Usage: postern test FILE|FOLDER... [OPTIONS]

Runs policy tests; a folder stands for every *.test.yaml in it and below. Exit code 0 all passed, 3 some failed, 1 error, 2 usage. A file:

  policy: policies                # what --policy takes, relative to this file; or a list
  parameters: {region: westeurope}
  resolve:
    ghcr.io: 140.82.121.33        # addresses of names, for network rules
  tests:
    - name: nodes pull images
      from: 10.42.1.5             # or a list
      to: [mcr.microsoft.com:443, ghcr.io:443]
      expect: allow
    - name: what only nodes may
      table:
        columns: [from, to, expect, by]
        rows:
          - [10.42.1.5, archive.ubuntu.com:80, allow, aks-fqdn/packages]
          - [10.42.9.9, archive.ubuntu.com:80, deny, none]

A test has from, to, expect, and may have proto, sni, host, outside (as postern decide) and by (the end of
POLICY/GROUP/COLLECTION/RULE, or none), reason, path, snat, translated. A file may have firewall, firewall-policy,
subscription, resource-group, location and options, whose keys are the flags below.

  --filter TEXT              only tests whose name holds TEXT
  --junit FILE               writes the outcome for build servers, too
  --verbose                  names tests that passed, too
  -o, --output json|text     default text
${POLICY_INPUT_HELP}`;

const OPTIONS = {
  ...POLICY_INPUT_FLAGS,
  filter: { type: 'string' },
  junit: { type: 'string' },
  verbose: { type: 'boolean' },
  ...OUTPUT_FLAGS,
} as const;

const PASSED = 0;
const FAILED = 3;

/** Test files are written by hand. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface TestWorld extends CommandWorld {
  /** Milliseconds from any instant on. */
  readonly now: () => number;
}

type Values = ValuesOf<typeof OPTIONS>;

export async function runTest(
  args: readonly string[],
  world: TestWorld = { ...REAL_WORLD, now: () => performance.now() },
): Promise<number> {
  const begun = begin(args, world, { command: 'test', help: HELP, options: OPTIONS, positionals: true });
  if (begun.ended !== undefined) return begun.ended;
  const { values, positionals: paths, refuse } = begun;
  const { output = 'text', filter = '', junit, verbose = false } = values;
  if (paths.length === 0) return refuse(USAGE, 'name a file of tests. postern test --help shows one.');
  const unknown = outputFaults(output);
  if (unknown.length > 0) return refuse(USAGE, ...unknown);

  const runner = new Runner(values, world);
  const outcomes: FileOutcome[] = [];
  for (const path of paths)
    for (const file of testFilesAt(path)) outcomes.push(await runner.run(file, filter));
  for (const fault of outcomes.flatMap(({ faults }) => faults)) refuse(ERROR, fault);
  const { tests, failed, broken } = totalsOf(outcomes);
  if (tests === 0 && broken === 0) return refuse(ERROR, `no name of a test holds '${filter}'.`);
  world.out(output === 'json' ? `${JSON.stringify(toJson(outcomes))}\n` : formatOutcomes(outcomes, verbose));
  // They may explain what is not as expected; what is needs no explanation.
  if (!values.quiet && (verbose || failed + broken > 0)) refuse(ERROR, ...(await runner.notices()));
  if (junit !== undefined) {
    try {
      writeFileSync(junit, toJunit(outcomes));
    } catch (error) {
      return refuse(ERROR, `${junit} was not written: ${writeFault(error)}.`);
    }
  }
  return broken > 0 ? ERROR : failed > 0 ? FAILED : PASSED;
}

/** Those in a folder and below, by their names; anything else is a file, or said not to be one where it is read. */
function testFilesAt(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.test\.ya?ml$/.test(name) && !name.includes('node_modules'))
    .sort();
  return files.length === 0 ? [path] : files.map(name => join(path, name));
}

const NO_POLICY: PolicyInputResult = {
  faults: [
    "'policy' is missing: it names the file or folder that holds the rules, relative to this file. --policy names one on the command line.",
  ],
  usage: true,
};

/** Runs files; rules that several of them name in the same words are read once. */
class Runner {
  readonly #values: Values;
  readonly #world: TestWorld;
  readonly #inputs = new Map<string, Promise<PolicyInputResult>>();

  constructor(values: Values, world: TestWorld) {
    this.#values = values;
    this.#world = world;
  }

  async run(file: string, filter: string): Promise<FileOutcome> {
    const startedAt = this.#world.now();
    const { results, faults } = await this.#judge(file, filter);
    return { file, results, faults, seconds: (this.#world.now() - startedAt) / 1000 };
  }

  /** On all the rules that were read. */
  async notices(): Promise<string[]> {
    const read = await Promise.all(this.#inputs.values());
    return noticesOf(...read.flatMap(({ input }) => input ?? []));
  }

  async #judge(
    file: string,
    filter: string,
  ): Promise<{ readonly results: readonly CaseResult[]; readonly faults: readonly string[] }> {
    const broken = (faults: readonly string[]) => ({ results: [], faults });
    let text: string;
    try {
      if (statSync(file).isDirectory()) throw new Error('the folder holds no *.test.yaml');
      text = readAtMost(file, MOST_BYTES).toString('utf8');
    } catch (error) {
      return broken([`${file}: ${fileFault(error)}.`]);
    }
    const { file: tests, faults: unread = [] } = parsePolicyTests(text);
    const told = unread.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}.`);
    if (!tests) return broken(told);
    const read = await this.#input(file, tests);
    if (read.faults) return broken([...told, ...read.faults.map(fault => `${file}: ${fault}`)]);
    const wanted = tests.cases.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
    const { results, faults } = runPolicyTests(tests, wanted, read.input.policy);
    const unclear = faults.map(({ test, fault }) => {
      const { line, column } = test.placeOf[fault.field] ?? test.place;
      return `${file}:${line}:${column}: ${describeFlowFault(fault)}`;
    });
    return { results, faults: [...told, ...unclear] };
  }

  #input(file: string, { flags }: PolicyTestFile): Promise<PolicyInputResult> {
    const values = inputValues(file, flags, this.#values);
    if (values.policy === undefined) return Promise.resolve(NO_POLICY);
    const key = JSON.stringify(values);
    let input = this.#inputs.get(key);
    if (!input) {
      input = readPolicyInput(values, this.#world);
      this.#inputs.set(key, input);
    }
    return input;
  }
}

/** What the command line says wins over what the file says; its paths are relative to where the command runs. */
function inputValues(
  file: string,
  { policy, parameters, ...flags }: PolicyTestFile['flags'],
  values: Values,
): Readonly<Record<string, unknown>> {
  const beside = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path));
  const names = new Set(Object.keys(POLICY_INPUT_FLAGS));
  const given = Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
  return {
    ...flags,
    ...(policy === undefined
      ? {}
      : { policy: listOf(policy).map(path => (path === 'store' ? path : beside(path))) }),
    ...given,
    parameters: [
      ...listOf(parameters).map(word => (/^[A-Za-z_][\w-]*=/.test(word) ? word : beside(word))),
      ...listOf(given.parameters),
    ],
  };
}

function listOf(value: unknown): string[] {
  return [value ?? []].flat().map(String);
}
