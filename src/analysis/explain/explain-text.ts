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

const WIDTH = 120;
const KIND_WIDTH = 9;
const INDENT = ' '.repeat(6);

function stepLines(title: string, steps: readonly Step[], first: number): string[] {
  return [
    title,
    ...steps.flatMap(({ kind, text, ok }, index) => {
      const head = `  ${String(first + index).padStart(2)} ${ok ? ' ' : 'x'} ${kind.padEnd(KIND_WIDTH)}  `;
      return wrapped(head, text);
    }),
  ];
}

function findingLines({ code, severity, text, fix }: Finding): string[] {
  return [
    `  ${severity} ${code}`,
    ...wrapped(INDENT, text),
    // A command stays one line, to be copied.
    ...fix.flatMap(line => (line.startsWith('az ') ? [`${INDENT}$ ${line}`] : wrapped(INDENT, line))),
  ];
}

/** Lines of a text behind its head, indented alike. */
function wrapped(head: string, text: string): string[] {
  const [first = '', ...words] = text.split(' ');
  const lines = [first];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (head.length + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line, index) => `${index === 0 ? head : ' '.repeat(head.length)}${line}`);
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
