// Runs a command in one of the lab's namespaces, as if it were started here: same terminal, input, signals and exit
// status; the namespace's own /etc, the lab's environment, the folder we are in.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.ts';
import { etcFolderOf } from './etc-folder.ts';
import { labEnvironment } from './lab-environment.ts';
import type { LabFiles } from './lab-files.ts';
import { childOf, entry, hasEnded, isInside } from './lab-process.ts';
import { pathWithSbin } from './preflight.ts';
import { caBundleOf, trustedFiles } from './trust.ts';

/** Arguments: the namespace's /etc, its name, our folder, its bundle of CAs with the number of files to lay it over, those
    files, and the command. The command dies with its `nsenter`. */
const ENTER = `
mount --bind "$1" /etc || exit 125
mount -t sysfs sysfs /sys 2>/dev/null
hostname "$2" 2>/dev/null
cd "$3" 2>/dev/null || cd "$HOME" || exit 125
bundle=$4 files=$5
shift 5
while [ "$files" -gt 0 ]; do
  mount --bind "$bundle" "$1" 2>/dev/null
  files=$((files - 1))
  shift
done
command -v -- "$1" >/dev/null 2>&1 || { echo "postern lab: there is no program '$1'" >&2; exit 127; }
exec setpriv --pdeathsig KILL -- "$@"
`;

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'];
/** The terminal sends these to the whole foreground group, the command included. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** The programs of a lab end a moment before the lab does. */
const ENDING_MS = 500;

export async function runInNamespace(
  files: LabFiles,
  namespace: string,
  command: readonly string[],
): Promise<number> {
  await ask(files, { command: 'enter', namespace });
  // Slave: namespaces that the lab makes later appear in /run/netns of a long-lived shell, too.
  const own = ['unshare', '--mount', '--propagation', 'slave', '--uts', '--'];
  const inside = ['nsenter', `--net=/run/netns/${namespace}`, '--', ...own];
  const trusted = trustedFiles();
  const bundle = [caBundleOf(files, namespace), String(trusted.length), ...trusted];
  const script = ['sh', '-c', ENTER, 'lab', etcFolderOf(namespace), namespace, process.cwd(), ...bundle];
  const chain = [...entry(files), ...inside, ...script, ...command];
  const environment = labEnvironment(files, namespace, { ...process.env, PATH: pathWithSbin() });
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...chain], {
    stdio: 'inherit',
    env: environment,
  });
  const onSignal = (signal: NodeJS.Signals) => {
    if (FROM_TERMINAL.has(signal) && process.stdin.isTTY) return;
    // nsenter waits between us and the command, and passes nothing on.
    const target = (child.pid !== undefined && childOf(child.pid)) || child.pid;
    if (target !== undefined) process.kill(target, signal);
  };
  for (const signal of FORWARDED) process.on(signal, onSignal);
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 1)));
    });
    if (status === 128 + constants.signals.SIGKILL && !isInside(files) && (await hasEnded(files, ENDING_MS)))
      process.stderr.write(`postern lab: the lab '${files.name}' went down, and with it what ran in it.\n`);
    return status;
  } finally {
    for (const signal of FORWARDED) process.off(signal, onSignal);
  }
}

/** Bash in the workstation: interactive without commands. The user's own start files are not read. */
export function shellCommand(files: LabFiles, commands: string | undefined): string[] {
  if (commands !== undefined) return ['bash', '--noprofile', '--norc', '-c', commands];
  const rc = join(files.home, '.bashrc');
  writeFileSync(rc, bashRc(files.name), { mode: 0o600 });
  return ['bash', '--noprofile', '--rcfile', rc];
}

function bashRc(lab: string): string {
  return `# The shell of this lab; written anew for each one.
PS1='\\[\\e[1;34m\\]${lab}\\[\\e[0m\\] workstation:\\[\\e[1m\\]\\w\\[\\e[0m\\]\\$ '
[ -e /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
`;
}
