// The options of commands that are asked about one flow, `decide` and `explain`: who connects where, and how names resolve.

import { parseResolved, type QuestionFault } from '#analysis/question.ts';

export const FLOW_FLAGS = {
  from: { type: 'string' },
  to: { type: 'string' },
  proto: { type: 'string' },
  sni: { type: 'string' },
  host: { type: 'string' },
  resolve: { type: 'string', multiple: true },
} as const;

/** What `--resolve NAME=ADDRESS[,ADDRESS]...` says, given any number of times. */
export function readResolved(texts: readonly string[] = []): {
  readonly names: Map<string, readonly number[]>;
  readonly faults: readonly string[];
} {
  const names = new Map<string, readonly number[]>();
  const faults: string[] = [];
  for (const text of texts) {
    const pair = parseResolved(text);
    if (typeof pair === 'string') faults.push(`--resolve: ${pair}.`);
    else names.set(pair[0], [...(names.get(pair[0]) ?? []), ...pair[1]]);
  }
  return { names, faults };
}

/** A fault of a question, after the name that its flag has, which is also its key in a file of tests. */
export function describeFlowFault({ field, message }: QuestionFault): string {
  return `${field === 'protocol' ? 'proto' : field}: ${message}.`;
}
