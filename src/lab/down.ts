// `postern lab down`: asks the lab to end, makes it end if it does not, and removes its folder.

import { existsSync } from 'node:fs';
import { readProcessFile } from '#state/process-file.ts';
import { LabError, type LabFiles } from './lab-files.ts';
import { hasEnded, isInside, otherLabs, removeLab } from './lab-process.ts';
import { askLab } from './lab-socket.ts';

const STOP_MS = 8000;

/** What was done, in one sentence. */
export async function takeDown(files: LabFiles): Promise<string> {
  if (isInside(files))
    throw new LabError(`This is a shell of the lab '${files.name}': leave it (exit) before taking it down.`);
  const isUp = readProcessFile(files.processFile) !== undefined;
  if (!isUp && !existsSync(files.folder)) return `There is no lab '${files.name}'.${otherLabs(files)}`;
  if (isUp) {
    // One that does not answer is killed below.
    await askLab(files.socket, { command: 'stop' }).catch(() => {});
    await hasEnded(files, STOP_MS);
  }
  await removeLab(files);
  return isUp
    ? `The lab '${files.name}' is down: its processes, namespaces and ${files.folder} are gone.`
    : `The lab '${files.name}' was not up; what it had left in ${files.folder} is removed.`;
}
