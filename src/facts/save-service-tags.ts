// Puts an imported table where `loadFacts` looks for it. Whoever reads at that moment gets the old file or the new one,
// whole, also after a power cut: written beside, flushed, renamed, and the folder flushed.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { importedServiceTagsPath } from './facts.ts';
import { pack } from './gzip.ts';
import { printServiceTags, type ServiceTagTable } from './service-tag-table.ts';

/** Returns the path of the file. */
export function saveServiceTags(stateFolder: string, table: ServiceTagTable): string {
  const path = importedServiceTagsPath(stateFolder);
  const bytes = pack(printServiceTags(table));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}.tmp`;
  try {
    flushed(beside, 'w', file => {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  flushed(dirname(path), 'r', () => undefined);
  return path;
}

function flushed(path: string, flags: string, write: (file: number) => void): void {
  const file = openSync(path, flags, 0o600);
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
