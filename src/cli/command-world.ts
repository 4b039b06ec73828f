// What the offline commands have in common: what they need of the world, so that a test can give them another one, how they
// complain, and the exit codes of complaints.

import { plainLine } from '#analysis/plain-line.ts';

export interface CommandWorld {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const REAL_WORLD: CommandWorld = {
  out: text => process.stdout.write(text),
  error: text => process.stderr.write(text),
  env: process.env,
};

/** The answer is 0 for yes and 3 for no; these two are for no answer. */
export const ERROR = 1;
export const USAGE = 2;

export const OUTPUT_FLAGS = {
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What is wrong with `--output`, for commands that know these two. */
export function outputFaults(output: string): string[] {
  return output === 'json' || output === 'text' ? [] : [`--output ${output}: json or text.`];
}

/** Says each message on a line of its own, and hands back the exit code. */
export type Refuse = (code: number, ...messages: readonly string[]) => number;

export function refuserOf(command: string, world: CommandWorld): Refuse {
  return (code, ...messages) => {
    for (const message of messages) world.error(`postern ${command}: ${plainLine(message)}\n`);
    return code;
  };
}

/** What Node's `parseArgs` complains about, without its advice, which is of no use here. */
export function usageFault(error: unknown, command: string): string {
  const message = (error as Error).message.replace(/\. To specify .*$/s, '');
  return `${message}. postern ${command} --help says more.`;
}
