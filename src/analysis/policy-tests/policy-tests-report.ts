// The outcome of policy tests as people, scripts and build servers read it: text, JSON and JUnit's XML. Pure.

import xmlbuilder from 'xmlbuilder';
import type { DecisionJson } from '../answer.ts';
import { plainLine } from '../plain-line.ts';
import { type CaseResult, describeExpectation } from './policy-tests.ts';

/** One file: its results, and why it, or a part of it, could not be run. */
export interface FileOutcome {
  readonly file: string;
  readonly results: readonly CaseResult[];
  /** Complete lines; with any of them the file counts as broken. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

export interface Totals {
  readonly files: number;
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  /** Files that could not be run, or not all of which could. */
  readonly broken: number;
  readonly seconds: number;
}

export function totalsOf(outcomes: readonly FileOutcome[]): Totals {
  const results = outcomes.flatMap(outcome => outcome.results);
  const failed = results.filter(({ failure }) => failure).length;
  return {
    files: outcomes.length,
    tests: results.length,
    passed: results.length - failed,
    failed,
    broken: outcomes.filter(({ faults }) => faults.length > 0).length,
    seconds: outcomes.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** Failures in full; tests that passed by name only where `verbose`. Broken files are told elsewhere. */
export function formatOutcomes(outcomes: readonly FileOutcome[], verbose: boolean): string {
  const lines = [...outcomes.flatMap(outcome => formatFile(outcome, verbose)), summary(outcomes)];
  return `${lines.map(plainLine).join('\n')}\n`;
}

function formatFile({ file, results, faults }: FileOutcome, verbose: boolean): string[] {
  const failed = results.filter(({ failure }) => failure).length;
  if (faults.length > 0 && results.length === 0) return [`✖ ${file}: could not be run`];
  const counts = [
    count(results.length, 'test'),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(faults.length > 0 ? ['others could not be run'] : []),
  ].join(', ');
  const shown = results.filter(({ failure }) => verbose || failure);
  return [
    `${failed + faults.length === 0 ? '✔' : '✖'} ${file} (${counts})`,
    ...shown.flatMap(result => formatCase(file, result)),
  ];
}

function formatCase(file: string, { test, failure }: CaseResult): string[] {
  if (!failure) return [`    ✔ ${test.name}`];
  return [
    `    ✖ ${test.name}`,
    `        flow      ${failure.flow}`,
    `        expected  ${failure.expected}`,
    `        got       ${failure.got}`,
    ...failure.hints.map(hint => `        why       ${hint}`),
    `        at        ${file}:${test.place.line}:${test.place.column}`,
  ];
}

function summary(outcomes: readonly FileOutcome[]): string {
  const { files, tests, passed, failed, broken, seconds } = totalsOf(outcomes);
  const inFull = outcomes.some(({ faults, results }) => faults.length > 0 && results.length > 0)
    ? ' in full'
    : '';
  const parts = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : [])];
  const unable = broken > 0 ? `; ${count(broken, 'file')} could not be run${inFull}` : '';
  return `${count(files, 'file')}, ${count(tests, 'test')}: ${parts.join(', ')}${unable} (${seconds.toFixed(2)} s)`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

interface CaseJson {
  readonly name: string;
  readonly line: number;
  readonly from: string;
  readonly to: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly decision: DecisionJson;
  readonly got?: string;
  readonly hints?: readonly string[];
}

export function toJson(outcomes: readonly FileOutcome[]): object {
  return {
    ...totalsOf(outcomes),
    results: outcomes.map(({ file, results, faults, seconds }) => ({
      file,
      seconds,
      faults,
      tests: results.map(toCaseJson),
    })),
  };
}

function toCaseJson({ test, decision, failure }: CaseResult): CaseJson {
  return {
    name: test.name,
    line: test.place.line,
    from: test.question.from,
    to: test.question.to,
    passed: failure === undefined,
    expected: describeExpectation(test.expected),
    decision,
    ...(failure && { got: failure.got, hints: failure.hints }),
  };
}

/** JUnit's XML as build servers read it: a suite for a file, a case for a test, an error for a file that could not be run. */
export function toJunit(outcomes: readonly FileOutcome[]): string {
  const { tests, failed, broken, seconds } = totalsOf(outcomes);
  const root = xmlbuilder.create('testsuites', { encoding: 'UTF-8', invalidCharReplacement: '\uFFFD' }).att({
    name: 'postern test',
    tests: tests + broken,
    failures: failed,
    errors: broken,
    time: seconds.toFixed(3),
  });
  for (const { file, results, faults, seconds: time } of outcomes) {
    const errors = faults.length > 0 ? 1 : 0;
    const suite = root.ele('testsuite', {
      name: file,
      tests: results.length + errors,
      failures: results.filter(({ failure }) => failure).length,
      errors,
      time: time.toFixed(3),
    });
    if (errors > 0)
      suite
        .ele('testcase', { classname: file, name: 'the file can be run', time: '0.000' })
        .ele('error', { message: faults[0] })
        .txt(faults.join('\n'));
    for (const { test, failure } of results) {
      const element = suite.ele('testcase', {
        classname: file,
        name: test.name,
        file,
        line: test.place.line,
        time: (time / results.length).toFixed(3),
      });
      if (failure)
        element
          .ele('failure', { message: `expected ${failure.expected}, got ${failure.got}` })
          .txt([failure.flow, ...failure.hints].join('\n'));
    }
  }
  return `${root.end({ pretty: true })}\n`;
}
