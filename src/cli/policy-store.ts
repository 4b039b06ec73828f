// The rules that Postern itself holds, for `--policy store`: asked of the control plane over its socket where it runs, which
// locks its database, and read from the database where it does not. Nothing is written either way.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '#arm/json-reader.ts';
import { isPolicyType } from '#documents/arm-shape.ts';
import type { DocumentFile } from '#documents/read-documents.ts';
import { createTransport, type Transport } from './az/transport.ts';

const API_VERSION = '2024-05-01';
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
      return { file: join(folder, 'api.sock'), text: JSON.stringify(await askControlPlane(folder)) };
    } catch (cause) {
      // A socket may outlive its process: then nobody locks the database.
      try {
        return { file: database, text: JSON.stringify(await readDatabase(database)) };
      } catch {
        throw cause;
      }
    }
  }
  return { file: database, text: JSON.stringify(await readDatabase(database)) };
}

async function askControlPlane(folder: string): Promise<unknown[]> {
  const { subscription, tenant, url, ca } = JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8'));
  const send = createTransport({
    subscription,
    tenant,
    url,
    caPath: ca,
    socketPath: join(folder, 'api.sock'),
    tokenPath: join(folder, 'token'),
  });
  const resources: unknown[] = [];
  for (const type of TYPES)
    resources.push(
      ...(await list(send, `/subscriptions/${subscription}/providers/Microsoft.Network/${type}`)),
    );
  for (const policy of resources.filter(resource => /\/firewallPolicies\/[^/]+$/i.test(idOf(resource))))
    resources.push(...(await list(send, `${idOf(policy)}/ruleCollectionGroups`)));
  return resources;
}

async function list(send: Transport, path: string): Promise<unknown[]> {
  const { status, body } = await send({ method: 'GET', path: `${path}?api-version=${API_VERSION}` });
  if (status !== 200 || !isObject(body) || !Array.isArray(body.value))
    throw new Error(`the control plane answers ${path} with status ${status}`);
  return body.value;
}

function idOf(resource: unknown): string {
  return isObject(resource) && typeof resource.id === 'string' ? resource.id : '';
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
