// The rules that Postern itself holds, for `--policy store`: asked of the control plane over its socket where it runs, which
// locks its database, and read from the database where it does not. Nothing is written either way.

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isPolicyType } from '#documents/arm-shape.ts';
import type { DocumentFile } from '#documents/read-documents.ts';
import { labNames, labsUp } from '#state/labs.ts';
import { missingPackage } from '#state/missing-package.ts';
import { nearest } from '#state/nearest-word.ts';
import { labFolder, routerFolder, type StateFolderOptions } from '#state/state-folder.ts';
import { askControlPlane } from './control-plane.ts';

const TYPES = [
  'azureFirewalls',
  'firewallPolicies',
  'ipGroups',
  'publicIPAddresses',
  'virtualNetworks',
  'routeTables',
];

/**
 * The folder of the lab that is named, or of the router; where nothing is, of the lab of `$POSTERN_LAB`, else of the only one that
 * is up, else of the router. Throws where several labs are up.
 */
export function storeFolder(
  wish: { readonly lab: string | undefined; readonly router: boolean },
  env: Readonly<Record<string, string | undefined>>,
  override: string | undefined,
): string {
  const where = { env, override };
  if (wish.router && wish.lab !== undefined) throw new Error('--name and --router exclude each other');
  if (wish.router) return routerFolder(where);
  const named = wish.lab ?? env.POSTERN_LAB;
  if (named) return labFolder(named, where);
  const [lab, ...others] = labsUp(where);
  if (others.length > 0)
    throw new Error(
      `several labs are up: ${[lab, ...others].join(', ')}. Name the one that is meant with --name, or the router with --router`,
    );
  if (lab !== undefined) return labFolder(lab, where);
  const router = routerFolder(where);
  const kept = existsSync(databaseIn(router))
    ? []
    : labNames(where).filter(name => existsSync(databaseIn(labFolder(name, where))));
  if (kept.length > 0)
    throw new Error(
      `no lab is up, and the router has no store. What these labs held is still there: ${kept.join(', ')}. Name one with --name`,
    );
  return router;
}

/**
 * `folder` is that of a lab or of the router. The answer is a list of documents in ARM's shape. Throws with what to do; `where` says
 * which labs there are besides.
 */
export async function readStore(folder: string, where: StateFolderOptions): Promise<DocumentFile> {
  const database = databaseIn(folder);
  if (!existsSync(database))
    throw new Error(
      `there is no store; postern lab up or postern up makes one (--name says which lab is meant)${labsInstead(folder, where)}`,
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

/** Which labs there are, where the one that is meant has no store. */
function labsInstead(folder: string, where: StateFolderOptions): string {
  const meant = basename(folder);
  const isLab = dirname(folder) === dirname(labFolder('any', where));
  const others = labNames(where).filter(
    name => name !== meant && existsSync(databaseIn(labFolder(name, where))),
  );
  if (!isLab || others.length === 0) return '';
  const up = labsUp(where);
  const near = nearest(meant, others);
  const told = others.map(name => (up.includes(name) ? `${name} (up)` : name)).join(', ');
  return `. Labs that have one: ${told}${near === undefined ? '' : `. Did you mean '${near}'?`}`;
}

function databaseIn(folder: string): string {
  return join(folder, 'store.db');
}

function made(file: string, documents: readonly unknown[]): DocumentFile {
  return { file, text: JSON.stringify(documents), isMade: true };
}

async function readDatabase(path: string): Promise<unknown[]> {
  // Node says that its SQLite is experimental wherever it is loaded.
  const { DatabaseSync } = await import('node:sqlite').catch((error: unknown) => {
    throw new Error(missingPackage(error) ?? String(error), { cause: error });
  });
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
