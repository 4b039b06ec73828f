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
import { filtered } from './list-filter.ts';
import type { KindContext } from './resource-kind.ts';
import { patchTags } from './resource-writes.ts';
import { settleFirewalls } from './settling.ts';

export function resourceGroupRoutes(context: KindContext, lock: KeyLock): Hono {
  const { store } = context;
  const routes = new Hono();
  const nameOf = (http: Context): string => pathSegments(http.req.raw)[3] ?? '';

  routes.get('/subscriptions/:s/resourcegroups', http =>
    http.json({ value: filtered(listGroups(context), http.req.raw).map(showGroup) }),
  );
  const listResources = (http: Context, resources: readonly StoredResource[]) => {
    const shown = resources.filter(({ document }) => isTracked(document.type));
    return http.json({ value: filtered(shown, http.req.raw).flatMap(summarize) });
  };
  routes.get('/subscriptions/:s/resources', http => listResources(http, store.list()));
  routes.get('/subscriptions/:s/resourcegroups/:g/resources', http => {
    const group = findGroup(nameOf(http), context);
    return listResources(http, store.list({ resourceGroup: group.document.name }));
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

/**
 * Resources that configuration files describe come without their group; it exists by holding them, and like them it
 * can only be changed in the files.
 */
export function findGroup(name: string, { store, options }: KindContext): StoredResource {
  const id = `/subscriptions/${options.subscription.id}/resourceGroups/${name}`;
  // A slash, which a caller can encode, would lead to the id of something inside a group.
  const isName = !name.includes('/');
  const group = isName ? store.get(id) : undefined;
  if (group) return group;
  const [inside] = isName ? store.list({ resourceGroup: name }) : [];
  if (!inside)
    throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  return groupOf(inside);
}

function groupOf({ document, origin }: StoredResource): StoredResource {
  const [, , subscription, , name = ''] = document.id.split('/');
  const id = `/subscriptions/${subscription}/resourceGroups/${name}`;
  const properties = { provisioningState: 'Succeeded' };
  const location = document.location === undefined ? {} : { location: document.location };
  return { document: { id, name, type: RESOURCE_GROUP_TYPE, ...location, properties }, revision: 0, origin };
}

function listGroups({ store }: KindContext): StoredResource[] {
  const groups = new Map<string, StoredResource>();
  for (const resource of store.list({ type: RESOURCE_GROUP_TYPE }))
    groups.set(idKey(resource.document.id), resource);
  for (const resource of store.list()) {
    if (resource.document.type === RESOURCE_GROUP_TYPE) continue;
    const group = groupOf(resource);
    if (!groups.has(idKey(group.document.id))) groups.set(idKey(group.document.id), group);
  }
  return [...groups.values()].sort((a, b) => (idKey(a.document.id) < idKey(b.document.id) ? -1 : 1));
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

/** Lists of all types leave out what lives below another resource, as Azure's do. */
function isTracked(type: string): boolean {
  const kind = kindOfType(type);
  return kind !== undefined && kind.parentType === undefined;
}

/** A resource as lists of all types show it: without properties. */
function summarize({ document }: StoredResource): Json[] {
  const { id, name, type, location, tags, sku, zones } = document;
  const kind = kindOfType(type);
  return kind ? [{ id, name, type: kind.type, location, tags, sku, zones }] : [];
}
