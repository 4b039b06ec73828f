// What the offline commands need of the world, so that a test can give them another one.

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

/** What Node's `parseArgs` complains about, without its advice, which is of no use here. */
export function usageFault(error: unknown, command: string): string {
  const message = (error as Error).message.replace(/\. To specify .*$/s, '');
  return `${message}. postern ${command} --help says more.`;
}
