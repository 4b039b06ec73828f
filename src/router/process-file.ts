// Which process runs this router: `<state>/router/pid` holds its id and start time, so that a process that later got the
// same id is not taken for it. Nothing else decides whether the router is up.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot. */
  readonly startTicks: string;
}

export function writeProcessFile(path: string): void {
  writeFileSync(path, `${process.pid} ${startTicksOf(process.pid)}\n`, { mode: 0o600 });
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

function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces; fields are counted after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
