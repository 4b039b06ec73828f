// Runs comparisons and says whether they hold. A comparison sets a subject beside a yardstick in one process and takes turns
// between them, so that what the machine does meanwhile meets both; only their ratio is a promise, since the times
// are this machine's alone. What is compared stands under rows/.

import { setTimeout } from 'node:timers/promises';

export interface Side {
  readonly name: string;
  /** Does the work once; `units` says how many decisions or documents that is. What it returns is what memory is weighed of. */
  readonly run: () => unknown;
  readonly units: number;
}

export interface Comparison {
  /** One word or two, to pick it by. */
  readonly name: string;
  readonly what: string;
  /** What one unit is, such as `decision`. */
  readonly unit: string;
  /** Makes both sides ready, outside of the clock. */
  readonly prepare: (size: Size) => { readonly subject: Side; readonly yardstick: Side };
  readonly bars?: Bars;
  /** Makes what the subject is weighed by, where that is not the result of its run. */
  readonly keeps?: (size: Size) => () => unknown;
}

export interface Bars {
  /** How many times as fast as the yardstick the subject must be. */
  readonly timesAsFast?: number;
  readonly atMostMs?: number;
  readonly atMostBytes?: number;
}

/** `quick` makes runs short: good for seeing that everything works, too short to quote. */
export interface Size {
  readonly quick: boolean;
}

export interface Result {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly rounds: number;
  readonly subject: SideResult;
  readonly yardstick: SideResult;
  /** Yardstick's median over the subject's: above 1 the subject is quicker. */
  readonly ratio: number;
  /** Lowest and highest ratio of one round. */
  readonly ratios: readonly [number, number];
  readonly bars: Bars;
  /** Bars that were missed, each as a sentence. */
  readonly missed: readonly string[];
}

export interface SideResult {
  readonly name: string;
  /** Median, nanoseconds a unit. */
  readonly nanoseconds: number;
  readonly keptBytes: number;
}

const ROUNDS = 7;
const QUICK_ROUNDS = 5;
const SETTLING_ROUNDS = 3;
const SETTLING_MS = 20;

export async function compare(comparison: Comparison, size: Size): Promise<Result> {
  const { name, what, unit, bars = {} } = comparison;
  const kept = await weigh(comparison.keeps?.(size) ?? comparison.prepare(size).subject.run);
  const { subject, yardstick } = comparison.prepare(size);
  const yardstickKept = await weigh(yardstick.run);
  const rounds = size.quick ? QUICK_ROUNDS : ROUNDS;
  // Once each beforehand: the compiler of the engine has then seen the code.
  subject.run();
  const times: { readonly subject: number; readonly yardstick: number }[] = [];
  for (let round = 0; round < rounds; round++)
    times.push({ subject: clock(subject), yardstick: clock(yardstick) });
  const ratios = times.map(time => time.yardstick / time.subject);
  const subjectMedian = median(times.map(time => time.subject));
  const yardstickMedian = median(times.map(time => time.yardstick));
  const result = {
    name,
    what,
    unit,
    rounds,
    subject: { name: subject.name, nanoseconds: subjectMedian, keptBytes: kept },
    yardstick: { name: yardstick.name, nanoseconds: yardstickMedian, keptBytes: yardstickKept },
    ratio: yardstickMedian / subjectMedian,
    ratios: [Math.min(...ratios), Math.max(...ratios)] as const,
  };
  return { ...result, bars, missed: missedBars(result, bars) };
}

function missedBars(
  { ratio, subject }: Pick<Result, 'ratio' | 'subject'>,
  { timesAsFast, atMostMs, atMostBytes }: Bars,
): string[] {
  const missed: string[] = [];
  if (timesAsFast !== undefined && ratio < timesAsFast)
    missed.push(`${ratio.toFixed(1)} times as fast, not ${timesAsFast}`);
  if (atMostMs !== undefined && subject.nanoseconds > atMostMs * 1e6)
    missed.push(`${(subject.nanoseconds / 1e6).toFixed(0)} ms, not at most ${atMostMs} ms`);
  if (atMostBytes !== undefined && subject.keptBytes > atMostBytes)
    missed.push(
      `keeps ${(subject.keptBytes / 1e6).toFixed(1)} MB, not at most ${(atMostBytes / 1e6).toFixed(0)} MB`,
    );
  return missed;
}

/** Nanoseconds a unit. */
function clock({ run, units }: Side): number {
  collectGarbage();
  const started = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - started) / units;
}

/** Bytes that stay in use while the result of `make` is held. */
async function weigh(make: () => unknown): Promise<number> {
  await settle();
  const before = usedBytes();
  const kept = [make()];
  await settle();
  const used = usedBytes() - before;
  // Held up to here.
  kept.length = 0;
  return Math.max(0, used);
}

function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Buffers are given back a while after the garbage collection that finds them unused. */
async function settle(): Promise<void> {
  for (let round = 0; round < SETTLING_ROUNDS; round++) {
    collectGarbage();
    await setTimeout(SETTLING_MS);
  }
}

function collectGarbage(): void {
  if (!globalThis.gc)
    throw new Error('the bench weighs memory: run it with --expose-gc, as `npm run bench` does');
  globalThis.gc();
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
