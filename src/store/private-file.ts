// Files and folders that only their owner may read: the state folder, the database, keys and tokens. Writing is
// atomic, so that a reader (or a crash) never meets half a file.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/**
 * Makes the folder (mode 0700) or narrows one we own. A shared folder such as `/tmp`, or one of another user, is
 * refused rather than changed.
 */
export function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  if (uid !== process.getuid?.())
    throw new Error(`${folder} belongs to another user (uid ${uid}); name a state folder of your own`);
  if ((mode & 0o1000) !== 0)
    throw new Error(`${folder} is a folder shared by several users; name one of your own`);
  if ((mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** Creates an empty file of mode 0600, or narrows the one there. */
export function ensurePrivateFile(path: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
}

/** Replaces the whole file, mode 0600; afterwards either the old or the new text is there, also after a power cut. */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } catch (cause) {
    unlinkSync(temporary);
    throw new Error(`cannot write ${path}`, { cause });
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
