// Resource groups: create, show, list, whether one exists, tags, what is in it, and deletion of all of it.

import { type Context, Hono } from 'hono';
import { ArmError, refuseFaults } from '#arm/arm-error.ts';
import { formatOperationName, parseOperationName } from '#arm/async-operation.ts';
import { Faults, type Json } from '#arm/json-reader.ts';
import { idKey, RESOURCE_GROUP_TYPE } from '#arm/resource-id.ts';
import { faultOfGroupName } from '#model/names.ts';
import { readResourceGroup } from '#model/resource-group.ts';
import type { StoredResource } from '#store/resource-store.ts';
import { deleteGroup, refuseDescribed } from './deletion.ts';
import { apiVersionOf, originOf, pathSegments, readJson } from './http.ts';
import type { KeyLock } from './key-lock.ts';
import { kindOfType } from './kinds.ts';
import type { KindContext } from './resource-kind.ts';
import { patchTags } from './resource-writes.ts';
import { settleFirewalls } from './settling.ts';

export function resourceGroupRoutes(context: KindContext, lock: KeyLock): Hono {
  const { store } = context;
  const routes = new Hono();
  const nameOf = (http: Context): string => pathSegments(http.req.raw)[3] ?? '';

  routes.get('/subscriptions/:s/resourcegroups', http =>
    http.json({ value: store.list({ type: RESOURCE_GROUP_TYPE }).map(showGroup) }),
  );
  routes.get('/subscriptions/:s/resources', http => http.json({ value: store.list().flatMap(summarize) }));
  routes.get('/subscriptions/:s/resourcegroups/:g/resources', http => {
    const group = findGroup(nameOf(http), context);
    return http.json({ value: store.list({ resourceGroup: group.document.name }).flatMap(summarize) });
  });

  routes.get('/subscriptions/:s/resourcegroups/:g', http => {
    // Azure answers a HEAD, by which clients ask whether the group exists, with 204 or 404.
    const group = findGroup(nameOf(http), context);
    return http.req.method === 'HEAD' ? http.body(null, 204) : http.json(showGroup(group));
  });

  routes.put('/subscriptions/:s/resourcegroups/:g', async http => {
    const { group, created } = putGroup(nameOf(http), await readJson(http.req.raw), context);
    return http.json(showGroup(group), created ? 201 : 200);
  });

  routes.patch('/subscriptions/:s/resourcegroups/:g', async http => {
    const body = await readJson(http.req.raw);
    return http.json(showGroup(patchTags(findGroup(nameOf(http), context), body, context)));
  });

  routes.delete('/subscriptions/:s/resourcegroups/:g', async http => {
    const group = findGroup(nameOf(http), context);
    return await lock.run(idKey(group.document.id), async () => {
      const firewalls = deleteGroup(findGroup(nameOf(http), context), context);
      const path = `/subscriptions/${context.options.subscription.id}/operationresults/${formatOperationName(firewalls)}`;
      pollAt(http, `${originOf(http.req.raw)}${path}?api-version=${apiVersionOf(http.req.raw)}`);
      return http.body(null, 202);
    });
  });

  routes.get('/subscriptions/:s/operationresults/:operation', async http => {
    const firewalls = parseOperationName(pathSegments(http.req.raw)[3] ?? '');
    if (!firewalls) throw new ArmError(404, 'OperationNotFound', 'There is no such operation.');
    const remaining = await settleFirewalls(
      firewalls.filter(id => store.get(id) === undefined),
      context,
    );
    if (remaining.length === 0) return http.body(null, 200);
    pollAt(http, http.req.url);
    return http.body(null, 202);
  });
  return routes;
}

function pollAt(http: Context, url: string): void {
  http.header('Location', url);
  http.header('Retry-After', '1');
}

function putGroup(
  name: string,
  body: Json,
  context: KindContext,
): { group: StoredResource; created: boolean } {
  const { store, options } = context;
  return store.transaction(() => {
    const id = `/subscriptions/${options.subscription.id}/resourceGroups/${name}`;
    const before = store.get(id);
    if (before) refuseDescribed(before);
    const faults = new Faults();
    const nameFault = faultOfGroupName(name);
    if (nameFault) faults.list.push(nameFault);
    const { location, tags } = readResourceGroup(body, name, faults);
    if (before && location !== '' && before.document.location !== location)
      throw new ArmError(
        409,
        'InvalidResourceGroupLocation',
        `Invalid resource group location '${location}'. The resource group '${before.document.name}' already exists in location '${before.document.location}'.`,
      );
    refuseFaults(faults.list);
    const group = store.put({
      id,
      name,
      type: RESOURCE_GROUP_TYPE,
      location,
      ...(tags === undefined ? {} : { tags }),
      properties: { provisioningState: 'Succeeded' },
    });
    return { group, created: before === undefined };
  });
}

export function findGroup(name: string, { store, options }: KindContext): StoredResource {
  const group = store.get(`/subscriptions/${options.subscription.id}/resourceGroups/${name}`);
  if (group) return group;
  throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
}

function showGroup({ document }: StoredResource): Json {
  const { id, name, location, tags } = document;
  return {
    id,
    name,
    type: RESOURCE_GROUP_TYPE,
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { provisioningState: 'Succeeded' },
  };
}

/** A resource as lists of all types show it: without properties. */
function summarize({ document }: StoredResource): Json[] {
  const { id, name, type, location, tags, sku, zones } = document;
  const kind = kindOfType(type);
  return kind ? [{ id, name, type: kind.type, location, tags, sku, zones }] : [];
}
