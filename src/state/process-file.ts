// Which process runs a router or a gateway: a file holds its id and start time, so that a process that later got the
// same id is not taken for it. Nothing else decides whether it is up.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;

export interface RunningProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot. */
  readonly startTicks: string;
}

export function writeProcessFile(path: string, pid: number = process.pid): void {
  writeFileSync(path, `${pid} ${startTicksOf(pid)}\n`, { mode: 0o600 });
}

export function removeProcessFile(path: string): void {
  rmSync(path, { force: true });
}

/** The process that wrote the file, if it still runs. */
export function readProcessFile(path: string): RunningProcess | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const [pid = '', startTicks = ''] = text.trim().split(' ');
  const running = startTicksOf(Number(pid));
  return running !== undefined && running === startTicks ? { pid: Number(pid), startTicks } : undefined;
}

/** Asks the process that wrote the file to end, and kills it when it does not; false when it could not be ended. */
export async function endProcess(path: string, patienceMs: number): Promise<boolean> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const running = readProcessFile(path);
    if (!running) return true;
    process.kill(running.pid, signal);
    for (let waited = 0; waited < patienceMs && readProcessFile(path); waited += LOOK_MS)
      await sleep(LOOK_MS);
  }
  return readProcessFile(path) === undefined;
}

function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces; fields are counted after it. The first is the state.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
