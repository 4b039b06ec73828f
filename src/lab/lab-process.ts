// The one process whose end is the end of a lab: the `unshare` that holds its namespaces. Its child, process 1 of the
// lab, is where commands enter.

import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandName } from '#state/command-name.ts';
import { labsUp } from '#state/labs.ts';
import { readProcessFile } from '#state/process-file.ts';
import { DEFAULT_LAB } from '#state/state-folder.ts';
import { INSIDE_VARIABLE } from './lab-environment.ts';
import { LabError, type LabFiles, labFiles } from './lab-files.ts';

const LOOK_MS = 10;

/** Whether we are a program of this lab, so that its namespaces are ours already. */
export function isInside({ name }: LabFiles): boolean {
  return process.env[INSIDE_VARIABLE] === name;
}

export function requireUp(files: LabFiles): void {
  if (isInside(files) || readProcessFile(files.processFile)) return;
  throw new LabError(
    `The lab '${files.name}' is not up. Start it: ${commandName()} lab up${nameOption(files)}${otherLabs(files)}`,
  );
}

/** Words for a command line that reaches this lab. */
export function nameOption({ name }: LabFiles): string {
  return name === DEFAULT_LAB ? '' : ` --name ${name}`;
}

/** The labs that are up, as further lines of a message; empty when there are none. */
export function otherLabs({ name }: LabFiles): string {
  const others = labsUp().filter(other => other !== name);
  if (others.length === 0) return '';
  return `\nThese labs are up: ${others.map(other => `${other} (${commandName()} lab status${nameOption(labFiles(other))})`).join(', ')}`;
}

/** Arguments of nsenter(1) into the namespaces of the lab; empty inside it. */
export function entry(files: LabFiles): string[] {
  if (isInside(files)) return [];
  requireUp(files);
  const holder = readProcessFile(files.processFile);
  const init = holder && childOf(holder.pid);
  if (init === undefined) throw new LabError(`The lab '${files.name}' is just ending.`);
  const isUser = readlinkSync(`/proc/${init}/ns/user`) !== readlinkSync('/proc/self/ns/user');
  const user = isUser ? ['--user', '--preserve-credentials'] : [];
  return ['nsenter', '--target', String(init), ...user, '--mount', '--net', '--pid', '--'];
}

export function childOf(pid: number): number | undefined {
  return childrenOf(pid)[0];
}

function childrenOf(pid: number): number[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  } catch {
    text = childrenByParent(pid);
  }
  return text === '' ? [] : text.split(' ').map(Number);
}

/** For kernels without lists of children: field 4 of /proc/PID/stat (proc(5)). */
function childrenByParent(parent: number): string {
  const isChild = (pid: string) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && isChild(name))
    .join(' ');
}

/** Waits until the lab's process has ended; false if it has not after `patienceMs`. */
export async function hasEnded(files: LabFiles, patienceMs: number): Promise<boolean> {
  for (let waited = 0; waited < patienceMs; waited += LOOK_MS) {
    if (!readProcessFile(files.processFile)) return true;
    await sleep(LOOK_MS);
  }
  return readProcessFile(files.processFile) === undefined;
}

/** Kills what is left of a lab and removes its folder. */
export async function removeLab(files: LabFiles): Promise<void> {
  const holder = readProcessFile(files.processFile);
  if (holder) {
    // A holder that is killed before it has tied its child to its own life would leave it behind.
    for (const pid of [...childrenOf(holder.pid), holder.pid]) kill(pid);
    if (!(await hasEnded(files, 5000)))
      throw new LabError(`Process ${holder.pid} of the lab cannot be ended.`);
  }
  removeFolder(files);
  // A state folder that the user named is the user's.
  if (!process.env.POSTERN_STATE) removeIfEmpty(files.stateFolder);
}

/** With keys and tokens in it. It is out of the way at once, so that a lab of this name can be built meanwhile. */
export function removeFolder({ folder }: LabFiles): void {
  const labs = dirname(folder);
  const mark = `.${basename(folder)}-`;
  const doomed = join(labs, `${mark}${process.pid}`);
  try {
    renameSync(folder, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (!existsSync(labs)) return;
  // The kernel ends the last processes of a PID namespace in its own time; they may still write. What another removal
  // was killed over goes, too.
  for (const name of readdirSync(labs).filter(name => name.startsWith(mark)))
    rmSync(join(labs, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  removeIfEmpty(labs);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another lab, imported tags or a router are in it.
  }
}
