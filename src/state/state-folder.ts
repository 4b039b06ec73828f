// Where Postern keeps its state, as docs/architecture.md lays it out: one place that turns the environment into
// paths. Nothing is created or read here.

import { homedir } from 'node:os';
import { join } from 'node:path';

export interface StateFolderOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Wins over the environment; what `--state FOLDER` gives. */
  readonly override?: string | undefined;
  /** Whether the process is root; asked of the process if absent. */
  readonly root?: boolean;
  /** Home folder; asked of the system if absent. */
  readonly home?: string;
}

export const DEFAULT_LAB = 'postern';

/** `$POSTERN_STATE`, else `/var/lib/postern` as root, else `${XDG_STATE_HOME:-~/.local/state}/postern`. */
export function stateFolder(options: StateFolderOptions = {}): string {
  const { env = process.env, override, root = process.geteuid?.() === 0 } = options;
  if (override) return override;
  if (env.POSTERN_STATE) return env.POSTERN_STATE;
  if (root) return '/var/lib/postern';
  const home = options.home ?? env.HOME ?? homedir();
  return join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'postern');
}

/** The name of the lab meant when none is given on the command line. */
export function labName(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.POSTERN_LAB || DEFAULT_LAB;
}

export function labFolder(name: string, options: StateFolderOptions = {}): string {
  return join(stateFolder(options), 'labs', name);
}

export function routerFolder(options: StateFolderOptions = {}): string {
  return join(stateFolder(options), 'router');
}
