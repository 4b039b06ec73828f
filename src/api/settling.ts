// Waiting for gateways. A write that changes what a firewall enforces is held until the gateway has it, for a bounded
// time; after that the answer carries an operation to poll, whose state is the firewall's provisioning state.

import type { Context } from 'hono';
import { ArmError } from '#arm/arm-error.ts';
import { formatOperationName, type OperationBody, parseOperationName } from '#arm/async-operation.ts';
import { apiVersionOf, originOf } from './http.ts';
import { SETTLE_TIMEOUT_MS, type Settled } from './options.ts';
import type { KindContext } from './resource-kind.ts';

/** Waits for all of them together; the ids of those that are not in force. */
export async function settleFirewalls(ids: readonly string[], context: KindContext): Promise<string[]> {
  const timeoutMs = context.options.settleTimeoutMs ?? SETTLE_TIMEOUT_MS;
  const unsettled = await Promise.all(
    ids.map(async id => ((await settleOne(id, timeoutMs, context)) ? [] : [id])),
  );
  return unsettled.flat();
}

async function settleOne(id: string, timeoutMs: number, context: KindContext): Promise<boolean> {
  const { store } = context;
  const revision = store.get(id)?.revision;
  const settled = await bounded(context.options.settle(id, timeoutMs), timeoutMs);
  // Who settles writes the state; where only the answer came (nothing else has written since), it is written here.
  const stored = store.get(id);
  if (stored && stored.revision === revision && stored.document.properties.provisioningState === 'Updating') {
    const provisioningState = { Applied: 'Succeeded', Failed: 'Failed', Pending: 'Updating' }[settled.state];
    if (provisioningState !== 'Updating')
      store.put({ ...stored.document, properties: { ...stored.document.properties, provisioningState } });
  }
  return settled.state === 'Applied';
}

async function bounded(settled: Promise<Settled>, timeoutMs: number): Promise<Settled> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Settled>(resolve => {
    timer = setTimeout(() => resolve({ state: 'Pending' }), timeoutMs);
  });
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Names the operation in the headers of an answer to a write. */
export function announceOperation(
  http: Context,
  firewallIds: readonly string[],
  { store, options }: KindContext,
): void {
  const name = formatOperationName(firewallIds);
  const location = store.get(firewallIds[0] ?? '')?.document.location ?? 'global';
  const path = `/subscriptions/${options.subscription.id}/providers/Microsoft.Network/locations/${location}/operations/${name}`;
  http.header(
    'Azure-AsyncOperation',
    `${originOf(http.req.raw)}${path}?api-version=${apiVersionOf(http.req.raw)}`,
  );
  http.header('Retry-After', '1');
}

/** What a poll answers: failed if any firewall failed, done when all are in force or gone. */
export async function describeOperation(name: string, context: KindContext): Promise<OperationBody> {
  const ids = parseOperationName(name);
  if (ids === undefined)
    throw new ArmError(404, 'OperationNotFound', `There is no operation '${name.slice(0, 100)}'.`);
  const states = ids.map(id => context.store.get(id)?.document.properties.provisioningState ?? 'Succeeded');
  const failed = ids[states.indexOf('Failed')];
  if (failed !== undefined) {
    const settled = await bounded(context.options.settle(failed, 0), 100);
    const message =
      settled.state === 'Failed' ? settled.message : `The firewall ${failed} could not apply its rules.`;
    return {
      id: name,
      name,
      status: 'Failed',
      error: { code: 'AzureFirewallUpdateFailed', message, details: [] },
    };
  }
  return { id: name, name, status: states.includes('Updating') ? 'InProgress' : 'Succeeded' };
}
