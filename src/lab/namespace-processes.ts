// Ends the programs that still run in a namespace that is about to go; without it they would live on, unseen, in a
// network that nothing leads to.

import { readdirSync, readlinkSync, statSync } from 'node:fs';

/** Sends SIGKILL to every process whose network is this namespace; how many there were. */
export function killProcessesIn(namespace: string): number {
  const inode = statSync(`/run/netns/${namespace}`, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return 0;
  const link = `net:[${inode}]`;
  let count = 0;
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== link) continue;
      process.kill(Number(pid), 'SIGKILL');
      count++;
    } catch {
      // It has ended meanwhile.
    }
  }
  return count;
}
