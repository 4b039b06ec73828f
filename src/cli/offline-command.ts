// What the offline commands have in common: what they need of the world, so that a test can give them another one, how they
// begin and complain, and the exit codes of complaints.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
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

type Parsed<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: boolean }>
>;
export type ValuesOf<O extends ParseArgsOptionsConfig> = Parsed<O>['values'];

/** What was asked, or the exit code where there is nothing more to do. */
type Begun<O extends ParseArgsOptionsConfig> =
  | (Parsed<O> & { readonly refuse: Refuse; readonly ended?: undefined })
  | { readonly ended: number };

/** Reads the command line; answers one that makes no sense, and `--help`. */
export function begin<O extends ParseArgsOptionsConfig & typeof OUTPUT_FLAGS>(
  args: readonly string[],
  world: CommandWorld,
  {
    command,
    help,
    options,
    positionals = false,
  }: {
    readonly command: string;
    readonly help: string;
    readonly options: O;
    readonly positionals?: boolean;
  },
): Begun<O> {
  const refuse: Refuse = (code, ...messages) => {
    for (const message of messages) world.error(`postern ${command}: ${plainLine(message)}\n`);
    return code;
  };
  let parsed: Parsed<O>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: positionals });
  } catch (error) {
    // Node adds advice that is of no use here.
    const message = (error as Error).message.replace(/\. To specify .*$/s, '');
    return { ended: refuse(USAGE, `${message}. postern ${command} --help says more.`) };
  }
  const { help: isAsked } = parsed.values as { readonly help?: boolean };
  if (!isAsked) return { ...parsed, refuse };
  world.out(help);
  return { ended: 0 };
}
