// An explanation for people: the verdict in one line, a line for each step there and back, and what to change. Pure.

import type { Explanation } from './explain.ts';
import type { Finding, Step } from './steps.ts';

export function explanationText({ findings, steps, ...explanation }: Explanation): string {
  const { from, to, protocol, works, arrives, symmetric } = explanation;
  const verdict = works
    ? `gets there and back${symmetric ? '' : ', by different ways'}`
    : arrives
      ? 'gets there, and the reply does not come back'
      : 'does not get there';
  const there = steps.filter(({ way }) => way === 'there');
  const back = steps.filter(({ way }) => way === 'back');
  return [
    `${works ? 'OK' : 'NO'}  ${from} to ${to}, ${protocol}: ${verdict}`,
    '',
    ...stepLines('There', there, 1),
    ...(back.length === 0 ? [] : stepLines('Back', back, there.length + 1)),
    ...(findings.length === 0 ? [] : ['', 'What to change', ...findings.flatMap(findingLines)]),
    '',
  ].join('\n');
}

const KIND_WIDTH = 9;

function stepLines(title: string, steps: readonly Step[], first: number): string[] {
  return [
    title,
    ...steps.map(
      ({ kind, text, ok }, index) =>
        `  ${String(first + index).padStart(2)} ${ok ? ' ' : 'x'} ${kind.padEnd(KIND_WIDTH)}  ${text}`,
    ),
  ];
}

function findingLines({ code, severity, text, fix }: Finding): string[] {
  return [`  ${severity} ${code}`, `      ${text}`, ...fix.map(line => `      > ${line}`)];
}

export function explanationJson(explanation: Explanation): object {
  return {
    ...explanation,
    steps: explanation.steps.map(({ way, kind, ok, text, details }) => ({
      way,
      step: kind,
      ok,
      text,
      ...details,
    })),
  };
}
