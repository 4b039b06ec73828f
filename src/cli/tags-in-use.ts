// Which service tags the firewalls of this machine's control planes name. A control plane that does not answer may use
// any of them, so it is reported and the caller decides.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from './az/transport.ts';

export interface TagsInUse {
  /** As the rules write them, in any case, with repetitions; also addresses, which are no tags. */
  readonly destinations: readonly string[];
  /** Folders of control planes that have been started and do not answer now. */
  readonly silent: readonly string[];
}

const API_VERSION = '2024-05-01';

export async function findTagsInUse(stateFolder: string): Promise<TagsInUse> {
  const destinations: string[] = [];
  const silent: string[] = [];
  for (const folder of controlPlanesIn(stateFolder)) {
    try {
      destinations.push(...destinationsOf(await listFirewalls(folder)));
    } catch {
      silent.push(folder);
    }
  }
  return { destinations, silent };
}

function controlPlanesIn(stateFolder: string): string[] {
  const labs = join(stateFolder, 'labs');
  const names = existsSync(labs) ? readdirSync(labs) : [];
  return [join(stateFolder, 'router'), ...names.map(name => join(labs, name))].filter(folder =>
    existsSync(join(folder, 'api.json')),
  );
}

async function listFirewalls(folder: string): Promise<unknown> {
  const { subscription, tenant, url, ca } = JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8'));
  const send = createTransport({
    subscription,
    tenant,
    url,
    caPath: ca,
    // HTTPS is on the loopback of the control plane's own namespace; the socket is reachable from here.
    socketPath: join(folder, 'api.sock'),
    tokenPath: join(folder, 'token'),
  });
  const path = `/subscriptions/${subscription}/providers/Microsoft.Network/azureFirewalls?api-version=${API_VERSION}`;
  const { status, body } = await send({ method: 'GET', path });
  if (status !== 200) throw new Error(`status ${status}`);
  return body;
}

/** Every string under a `destinationAddresses` anywhere in the answer: names of tags stand nowhere else. */
export function destinationsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([name, value]) =>
    name === 'destinationAddresses' && Array.isArray(value)
      ? value.filter(item => typeof item === 'string')
      : destinationsOf(value),
  );
}
