// Plants each mutant (test/mutants) in a copy of the checkout and runs the tests that ought to notice: those beside the
// source, then the oracle, then the kernel, the last two with a fixed seed and a small budget. Prints who killed whom and writes
// test/mutants/RESULTS.md, unless only some were asked for; ends with 1 if a mutant survives.

import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MUTANTS } from '../test/mutants/all.ts';
import { AREAS, type Mutant } from '../test/mutants/mutant.ts';
import { readArguments, refuse } from './read-arguments.ts';

const USAGE = `Usage: npm run mutate [-- [--list] [--differential] [AREA | TEXT ...]]

Plants bugs in copies of the checkout and runs the tests that ought to notice. Without words all of them, and
test/mutants/RESULTS.md is written; with words those of the areas named, and those with a text in their name.

  --list           prints what would be planted, and plants nothing
  --differential   leaves the tests beside the sources out

Areas: ${AREAS.join(', ')}.
Status 0: all were killed; 1: some survived; 2: nothing was planted.
`;

const root = join(import.meta.dirname, '..');
const RESULTS = 'test/mutants/RESULTS.md';
const SEED = '20260501';
const STEP_MS = 240_000;
const WORKERS = Math.min(4, availableParallelism());

interface Step {
  readonly name: string;
  readonly files: readonly string[];
  readonly policies?: number;
}

const oracle: Step = { name: 'oracle', files: ['test/differential/judges.test.ts'], policies: 60 };
const kernel: Step = { name: 'kernel', files: ['test/differential/kernel.test.ts'], policies: 30 };

/** Folders whose tests ought to notice a bug in a file, beside those of its own folder. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'src/net': ['src/ir', 'src/compiler'],
  'src/compiler': ['src/ir'],
};

/** Tests of size and speed, which notice no bug in meaning. */
const SLOW = /\/(size|bench)\.test\.ts$/;

function stepsFor({ file }: Mutant): Step[] {
  const folder = dirname(file);
  const folders = [folder.replace(/\/search$/, ''), ...(ALSO[folder] ?? [])];
  const files = folders.flatMap(name => globSync(`${name}/**/*.test.ts`, { cwd: root })).sort();
  const quick = files.filter(name => !SLOW.test(name));
  return [...(withoutUnits ? [] : [{ name: folder, files: quick }]), oracle, kernel];
}

interface Verdict {
  readonly mutant: Mutant;
  /** Undefined: it survived. */
  readonly killedBy: string | undefined;
  readonly seconds: number;
}

const {
  values: { list, differential: withoutUnits },
  positionals: words,
} = readArguments(USAGE, {
  options: {
    list: { type: 'boolean', default: false },
    differential: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const chosen = choose(words);
if (list) {
  for (const { area, name } of chosen) console.log(`${area}: ${name}`);
  process.exit(0);
}
const copies: string[] = [];
process.on('exit', () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
for (let worker = 0; worker < WORKERS; worker++) makeCopy();
process.exit(await main());

/** All without words. A word that chooses nothing is refused. */
function choose(words: readonly string[]): readonly Mutant[] {
  if (words.length === 0) return MUTANTS;
  const wanted = new Set(
    words.flatMap(word => {
      const text = word.toLowerCase();
      const area = AREAS.find(name => name.toLowerCase() === text);
      const found = MUTANTS.filter(mutant =>
        area === undefined
          ? `${mutant.area} ${mutant.name}`.toLowerCase().includes(text)
          : mutant.area === area,
      );
      return found.length > 0 ? found : refuse(USAGE, `mutate: no area and no mutant has '${word}' in it.`);
    }),
  );
  return MUTANTS.filter(mutant => wanted.has(mutant));
}

async function main(): Promise<number> {
  const steps = new Map(chosen.flatMap(mutant => stepsFor(mutant).map(step => [step.name, step])));
  console.log(`Without a mutant: ${[...steps.keys()].join(', ')}`);
  const healthy = await inTurn([...steps.values()], async (copy, step) => ({
    step,
    failed: await run(copy, step),
  }));
  for (const { step, failed } of healthy)
    if (failed !== undefined) {
      console.error(`The tests of ${step.name} fail without any mutant: ${failed}`);
      return 1;
    }
  const verdicts = await inTurn(chosen, plant);
  const survivors = verdicts.filter(({ killedBy }) => killedBy === undefined);
  const table = report(verdicts);
  console.log(`\n${table}`);
  if (words.length === 0 && !withoutUnits) writeFileSync(join(root, RESULTS), table);
  console.log(survivors.length === 0 ? 'All were killed.' : `${survivors.length} survived.`);
  return survivors.length === 0 ? 0 : 1;
}

async function plant(copy: string, mutant: Mutant): Promise<Verdict> {
  const started = performance.now();
  const path = join(copy, mutant.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(mutant.find).length !== 2) throw new Error(`'${mutant.name}' cannot be planted`);
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  let killedBy: string | undefined;
  try {
    for (const step of stepsFor(mutant)) {
      const failed = await run(copy, step);
      if (failed === undefined) continue;
      killedBy = `${step.name}: ${failed}`;
      break;
    }
  } finally {
    writeFileSync(path, source);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${killedBy === undefined ? 'SURVIVED' : 'killed'} ${seconds.toFixed(0).padStart(4)} s  ${mutant.area}: ${mutant.name}`,
  );
  return { mutant, killedBy, seconds };
}

/** The first test that failed; undefined when all passed. */
function run(copy: string, { files, policies }: Step): Promise<string | undefined> {
  if (files.length === 0) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const child = spawn(join(copy, 'scripts/node'), ['--test', '--test-reporter=tap', ...files], {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: {
        ...process.env,
        POSTERN_SEED: SEED,
        POSTERN_SHRINK: 'no',
        ...(policies !== undefined && { POSTERN_DIFFERENTIAL_POLICIES: String(policies) }),
      },
    });
    let output = '';
    const timer = setTimeout(() => {
      output = 'not ok 1 - time-out\n';
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, STEP_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(timer);
      const failed = /^ *not ok \d+ - (.*)$/m.exec(output)?.[1];
      resolve(code === 0 ? undefined : (failed ?? `status ${code}`));
    });
  });
}

/** Each item once, by whichever copy is free. */
async function inTurn<T, R>(items: readonly T[], work: (copy: string, item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    copies.map(async copy => {
      for (let index = next++; index < items.length; index = next++)
        results[index] = await work(copy, items[index] as T);
    }),
  );
  return results;
}

/** What git knows and does not ignore, and the packages by a link. */
function makeCopy(): void {
  const copy = mkdtempSync(join(tmpdir(), 'postern-mutants-'));
  copies.push(copy);
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter(name => name !== '' && name !== 'node_modules')) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}

function report(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ mutant: { area, name, file }, killedBy }) =>
      `| ${area} | ${name} | ${file} | ${(killedBy ?? '**survived**').replaceAll('|', '/')} |`,
  );
  const killed = verdicts.filter(({ killedBy }) => killedBy !== undefined).length;
  return `# Mutants

Written by \`npm run mutate\` (scripts/mutate.ts) on ${new Date().toISOString().slice(0, 10)}: ${killed} of ${verdicts.length} were killed. The first
test that failed is named; \`oracle\` and \`kernel\` are the differential tests.

| Area | Planted bug | File | Killed by |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
