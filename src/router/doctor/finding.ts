// What the doctor says of one thing: fine, missing (the gateway cannot run) or worth knowing, and the command that helps.

export interface Finding {
  readonly state: 'ok' | 'missing' | 'warning';
  readonly subject: string;
  readonly text: string;
  /** A command to type, where one helps. */
  readonly help?: string;
}

export const ok = (subject: string, text: string): Finding => ({ state: 'ok', subject, text });

export const missing = (subject: string, text: string, help?: string): Finding => ({
  state: 'missing',
  subject,
  text,
  ...(help !== undefined && { help }),
});

export const warning = (subject: string, text: string, help?: string): Finding => ({
  state: 'warning',
  subject,
  text,
  ...(help !== undefined && { help }),
});

/** Runs a program to its end and gives what it said. Never rejects: status 127 when it cannot be run. */
export type Run = (
  command: readonly string[],
  input?: string,
) => Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }>;

/** A file's text; undefined when it cannot be read. */
export type Read = (path: string) => string | undefined;
