// The long differential run: a million decisions of the kernel, each a packet or a real request, compared with `decide` and the
// oracle on random policies, half of them classic, half policies with groups and parents. Writes what was covered to
// RESULTS.md beside it; ends with 1 and the smallest documents on a disagreement.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readArguments, refuse } from '../../scripts/read-arguments.ts';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { classicQuestions, policyQuestions } from './documents.ts';
import { Harness } from './harness.ts';
import { newTally, ThreeJudges } from './three-judges.ts';

const WHOLE_RUN = 1_000_000;
const USAGE = `Usage: npm run test:long [-- [DECISIONS [SEED]]]

Compares decisions of the kernel with those of decide and of the oracle, on random policies: a million, which writes
test/differential/RESULTS.md, or at least as many as are named. A seed repeats an earlier run.
Status 0: all agreed; 1: the smallest policy and flow that they disagree on is printed; 2: nothing was compared.
`;

const [decisions = String(WHOLE_RUN), seedText = String(Date.now() & 0x7fffffff), ...beyond] = readArguments(
  USAGE,
  { allowPositionals: true },
).positionals;
if (beyond.length > 0) refuse(USAGE, `test:long: unexpected argument '${beyond[0]}'.`);
const WANTED = Number(decisions);
const SEED = Number(seedText);
if (!/^[1-9]\d*$/.test(decisions)) refuse(USAGE, `test:long: '${decisions}' is no number of decisions.`);
if (!/^\d+$/.test(seedText) || SEED > 0x7fffffff)
  refuse(USAGE, `test:long: '${seedText}' is no seed: a number from 0 to ${0x7fffffff}.`);
const BUDGET = { packets: 400, requests: 24 };
/** Applying a policy is mostly waiting for the kernel, so some are under way at once. */
const HARNESSES = Math.max(2, Math.min(4, availableParallelism() + 1));
/** Policies between two looks at the count. */
const ROUND = 20;
const RESULTS = join(import.meta.dirname, 'RESULTS.md');

const unavailable = await namespacesUnavailable();
if (unavailable !== undefined) {
  console.error(unavailable);
  process.exit(1);
}
console.log(`${WANTED} decisions, seed ${SEED}`);
const tally = newTally();
const total = () => tally.packets + tally.requests;
const started = performance.now();
const seconds = () => (performance.now() - started) / 1000;
let round = 0;

async function work(number: number): Promise<void> {
  const harness = await Harness.open();
  try {
    while (total() < WANTED) {
      const seed = SEED + round++;
      const judges = new ThreeJudges(harness, BUDGET, tally);
      await fc.assert(
        fc.asyncProperty(
          number % 2 === 0 ? classicQuestions : policyQuestions,
          fc.nat(),
          (question, flowSeed) => judges.judge(question, flowSeed),
        ),
        { seed, numRuns: ROUND },
      );
      console.log(`${total()} decisions, ${tally.policies} policies, ${seconds().toFixed(0)} s`);
    }
  } finally {
    await harness.close();
  }
}

try {
  await Promise.all(Array.from({ length: HARNESSES }, (_, number) => work(number)));
} catch (error) {
  const { message, cause } = error as Error;
  console.error(`${cause instanceof Error ? cause.message : ''}\n${message.split('\n', 2).join('\n')}`);
  process.exit(1);
}
if (WANTED >= WHOLE_RUN) writeFileSync(RESULTS, report());
else console.log(report());

function report(): string {
  const took = seconds();
  const rows = [...tally.kinds]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `| ${kind.replace(': ', ' | ')} | ${count} |`);
  const counted = (number: number) => number.toLocaleString('en-US');
  return `# Long differential run

Written by \`npm run test:long\` (long-run.ts). Every decision is one packet or one real TLS, HTTP or SQL Server request that the kernel's
loaded ruleset judged, read from where it came out, and compared with \`decide\` and with the oracle. All agreed.

- Date: ${new Date().toISOString().slice(0, 10)}, commit ${commit()}
- Seed: ${SEED}, in rounds of ${ROUND} policies: round n has seed ${SEED} + n
- Decisions: ${counted(total())}: ${counted(tally.packets)} packets and ${counted(tally.requests)} requests, over ${counted(tally.policies)} policies
- Repeats (a burst that the machine was too slow for, judged again): ${counted(tally.repeats)}
- Time: ${took.toFixed(0)} s, ${counted(Math.round(total() / took))} decisions a second
- Machine: ${availableParallelism()} processors (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}

| What was sent | What became of it | Decisions |
| --- | --- | ---: |
${rows.join('\n')}
`;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    }).trim();
  } catch {
    return 'unknown';
  }
}
