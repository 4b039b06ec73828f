// The rules that Postern itself holds, for `--policy store`: asked of the control plane over its socket where it runs, which
// locks its database, and read from the database where it does not. Nothing is written either way.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isPolicyType } from '#documents/arm-shape.ts';
import type { DocumentFile } from '#documents/read-documents.ts';
import { askControlPlane } from './control-plane.ts';

const TYPES = [
  'azureFirewalls',
  'firewallPolicies',
  'ipGroups',
  'publicIPAddresses',
  'virtualNetworks',
  'routeTables',
];

/** `folder` is that of a lab or of the router. The answer is a list of documents in ARM's shape. Throws with what to do. */
export async function readStore(folder: string): Promise<DocumentFile> {
  const database = join(folder, 'store.db');
  if (!existsSync(database))
    throw new Error(
      'there is no store; postern lab up or postern up makes one (--name says which lab is meant)',
    );
  if (existsSync(join(folder, 'api.sock'))) {
    try {
      return made(join(folder, 'api.sock'), await askControlPlane(folder, TYPES));
    } catch (cause) {
      // A socket may outlive its process: then nobody locks the database.
      try {
        return made(database, await readDatabase(database));
      } catch {
        throw cause;
      }
    }
  }
  return made(database, await readDatabase(database));
}

function made(file: string, documents: readonly unknown[]): DocumentFile {
  return { file, text: JSON.stringify(documents), isMade: true };
}

async function readDatabase(path: string): Promise<unknown[]> {
  // Node says that its SQLite is experimental wherever it is loaded.
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare('SELECT type, document FROM resources ORDER BY key').all();
    return rows
      .filter(({ type }) => isPolicyType(String(type)))
      .map(({ document }) => JSON.parse(String(document)) as unknown);
  } finally {
    database.close();
  }
}
