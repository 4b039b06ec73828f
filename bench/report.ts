// What the bench says: the machine, and a table that reads well in a terminal and is Markdown too.

import { cpus, totalmem, type } from 'node:os';
import type { Bars, Result } from './runner.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
}

export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8 ?? 'unknown',
  };
}

export function formatMachine({ processor, cores, memoryGib, system, node, v8 }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGib} GiB, ${system}; Node ${node}, V8 ${v8}`;
}

const HEAD = ['what', 'subject', 'yardstick', 'ratio (rounds)', 'kept: subject, yardstick', 'bar'];

export function formatResults(results: readonly Result[]): string {
  return formatTable([
    HEAD,
    ...results.map(({ what, unit, subject, yardstick, ratio, ratios, bars, missed }) => [
      what,
      `${formatTime(subject.nanoseconds)} per ${unit} (${subject.name})`,
      `${formatTime(yardstick.nanoseconds)} (${yardstick.name})`,
      `${formatRatio(ratio)} (${formatRatio(ratios[0])} to ${formatRatio(ratios[1])})`,
      `${formatBytes(subject.keptBytes)}, ${formatBytes(yardstick.keptBytes)}`,
      missed.length === 0 ? formatBars(bars) : `MISSED: ${missed.join('; ')}`,
    ]),
  ]);
}

function formatBars({ timesAsFast, atMostMs, atMostBytes }: Bars): string {
  const bars = [
    ...(timesAsFast === undefined ? [] : [`at least ${timesAsFast} times`]),
    ...(atMostMs === undefined ? [] : [`at most ${atMostMs} ms`]),
    ...(atMostBytes === undefined ? [] : [`at most ${formatBytes(atMostBytes)}`]),
  ];
  return bars.length === 0 ? '-' : `held: ${bars.join(', ')}`;
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], filler = ' ') =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, filler)).join(' | ')} |`;
  const [head = [], ...others] = rows;
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...others.map(row => line(row)),
  ].join('\n');
}

function formatTime(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} us`;
  return nanoseconds < 1e9 ? `${(nanoseconds / 1e6).toFixed(1)} ms` : `${(nanoseconds / 1e9).toFixed(2)} s`;
}

function formatRatio(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2);
}

function formatBytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
