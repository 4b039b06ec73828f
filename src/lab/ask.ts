// A question to a lab that should be up, with an error for people when it is not.

import { LabError, type LabFiles } from './lab-files.ts';
import { requireUp } from './lab-process.ts';
import { askLab, type LabRequest } from './lab-socket.ts';

export async function ask(files: LabFiles, request: LabRequest): Promise<unknown> {
  requireUp(files);
  try {
    return await askLab(files.socket, request);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw new LabError(`The lab '${files.name}' does not answer: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
