// Runs the checks and the tests: `unit` is what stands beside the sources, `lab` what needs namespaces, `all` both after
// formatting, lint and types. Ends with the slowest tests. In CI a skipped test is a failure: there, everything must run.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { readArguments, refuse } from './read-arguments.ts';

const SLOWEST = 12;
/** No single test file may take longer, milliseconds. */
const FILE_TIMEOUT_MS = 8 * 60_000;

interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly ms: number;
}

function check(): boolean {
  for (const [title, command, ...args] of [
    ['formatting and lint', 'node_modules/.bin/biome', 'check', '--reporter=summary', '.'],
    ['types', 'node_modules/.bin/tsc', '--noEmit'],
  ] as const) {
    const started = performance.now();
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    console.log(
      `${status === 0 ? 'ok' : 'FAILED'}: ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
    );
    if (status !== 0) return false;
  }
  return true;
}

const UNIT = ['src/**/*.test.ts'];
const LAB = ['test/**/*.test.ts'];
const KINDS: Readonly<Record<string, readonly string[]>> = {
  all: [...UNIT, ...LAB],
  unit: UNIT,
  lab: LAB,
  'real-az': ['test/real-az/*.check.ts'],
};
const USAGE = `Usage: npm test [-- FILE ...]              every test, after formatting, lint and types; or these files
       npm run test:unit [-- FILE ...]     what stands beside the sources
       npm run test:lab [-- FILE ...]      what needs namespaces
       npm run test:real-az [-- FILE ...]  the real Azure CLI against Postern

Status 0: all passed; 1: some failed, or none ran; 2: nothing was run.
`;

const [kind = 'all', ...wanted] = readArguments(USAGE, { allowPositionals: true }).positionals;
const patterns = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
if (!patterns) refuse(USAGE, `test: there is no kind '${kind}'.`);
const absent = wanted.find(file => !existsSync(file));
if (absent !== undefined) refuse(USAGE, `test: there is no file '${absent}'.`);
const files = wanted.length > 0 ? wanted : patterns.flatMap(pattern => globSync(pattern).sort());

if (kind === 'all' && wanted.length === 0 && !check()) process.exit(1);

const outcomes: Outcome[] = [];
const failures: Outcome[] = [];
const skips: { name: string; file: string; reason: string }[] = [];
const started = performance.now();

const stream = run({
  files,
  concurrency: 2,
  timeout: FILE_TIMEOUT_MS,
  execArgv: ['--disable-warning=ExperimentalWarning'],
});
stream.on('test:pass', data => {
  const file = data.file ?? '';
  if (data.skip !== undefined) skips.push({ name: data.name, file, reason: String(data.skip) });
  else if (data.details.type !== 'suite')
    outcomes.push({ name: data.name, file, ms: data.details.duration_ms });
});
stream.on('test:fail', data => {
  failures.push({ name: data.name, file: data.file ?? '', ms: data.details.duration_ms });
});
stream.on('end', () => {
  const short = (file: string) => file.replace(`${process.cwd()}/`, '');
  console.log('\nSlowest tests:');
  for (const { name, file, ms } of outcomes.sort((a, b) => b.ms - a.ms).slice(0, SLOWEST)) {
    console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${name}  (${short(file)})`);
  }
  for (const { name, file, reason } of skips) console.log(`Skipped: ${name} (${short(file)}): ${reason}`);
  for (const { name, file } of failures) console.log(`FAILED: ${name} (${short(file)})`);
  console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s in all.`);
  if (failures.length > 0) process.exitCode = 1;
  if (skips.length > 0 && process.env.CI !== undefined) {
    console.log('In CI no test may be skipped.');
    process.exitCode = 1;
  }
  if (outcomes.length === 0) {
    console.log('No test ran.');
    process.exitCode = 1;
  }
});
stream.compose(new spec()).pipe(process.stdout);
