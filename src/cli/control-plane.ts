// What the control plane whose state lies in a folder says of its resources, asked over its socket.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '#arm/json-reader.ts';
import { createTransport, type Transport } from './az/transport.ts';

const API_VERSION = '2024-05-01';

/**
 * The resources of these types, such as `azureFirewalls`, in the whole subscription; after them the rule collection groups of
 * the policies among them. Throws where the control plane does not answer.
 */
export async function askControlPlane(folder: string, types: readonly string[]): Promise<unknown[]> {
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
  const resources: unknown[] = [];
  for (const type of types)
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
