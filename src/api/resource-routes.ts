// Routes of resources inside a group, and lists of them: `.../providers/{namespace}/{type}[/{name}[/{child}[/{name}]]]`.

import { type Context, Hono } from 'hono';
import { ArmError } from '#arm/arm-error.ts';
import type { EtagConditions } from '#arm/etag.ts';
import type { Json } from '#arm/json-reader.ts';
import { idKey, sameId } from '#arm/resource-id.ts';
import type { StoredResource } from '#store/resource-store.ts';
import { BODY_LIMIT_BYTES, pathSegments, readJson, UNLIMITED_BODY_BYTES } from './http.ts';
import type { KeyLock } from './key-lock.ts';
import { KINDS, kindOfType, providerNamed } from './kinds.ts';
import { policyOptionsOf } from './options.ts';
import { findGroup } from './resource-groups.ts';
import type { ChildKind, KindContext, ResourceKind } from './resource-kind.ts';
import {
  deleteChild,
  deleteResource,
  parentIdOf,
  patchTags,
  putChild,
  putResource,
  sameName,
  type Written,
} from './resource-writes.ts';
import { announceOperation, settleFirewalls } from './settling.ts';
import { shownChildren, showResource } from './show.ts';

export function resourceRoutes(context: KindContext, lock: KeyLock): Hono {
  const routes = new Hono();
  routes.get('/subscriptions/:s/providers/:namespace/:type', http => {
    const [, , , namespace = '', type = ''] = pathSegments(http.req.raw);
    const kind = findKind(namespace, [type]);
    return http.json({ value: listOf(kind, context) });
  });
  routes.all('/subscriptions/:s/resourcegroups/:g/providers/*', async http => {
    const [, , , group = '', , namespace = '', ...words] = pathSegments(http.req.raw);
    const kind = findKind(
      namespace,
      words.filter((_, index) => index % 2 === 0),
    );
    const resourceGroup = findGroup(group, context);
    const [, name, childList, childName] = words;
    const [provider, type, partType] = kind.type.split('/');
    const id = `${resourceGroup.document.id}/providers/${provider}/${type}/${name ?? ''}`;
    if (name === undefined) return listResources(http, kind, group, context);
    if (kind.parentType !== undefined) {
      const owner = context.store.get(id)?.document.id ?? id;
      if (childName === undefined) return listParts(http, kind, owner, context);
      const target = { id: `${owner}/${partType}/${childName}`, name: childName, group };
      return await oneResource(http, kind, target, context, lock);
    }
    const child = childList === undefined ? undefined : kind.child;
    const parent = context.store.get(id)?.document.id ?? id;
    if (child === undefined) return await oneResource(http, kind, { id, name, group }, context, lock);
    if (childName === undefined) return listChildren(http, kind, child, parent, context);
    return await oneChild(http, kind, child, parent, childName, context, lock);
  });
  return routes;
}

function listOf(kind: ResourceKind, context: KindContext, resourceGroup?: string): Json[] {
  const filter = { type: kind.type, ...(resourceGroup === undefined ? {} : { resourceGroup }) };
  return context.store.list(filter).map(resource => showResource(resource, kind, context));
}

function listResources(http: Context, kind: ResourceKind, group: string, context: KindContext): Response {
  if (!isRead(http)) throw methodNotAllowed(http, 'GET');
  return http.json({ value: listOf(kind, context, group) });
}

function listParts(http: Context, kind: ResourceKind, ownerId: string, context: KindContext): Response {
  if (!isRead(http)) throw methodNotAllowed(http, 'GET');
  findResource(ownerId, context);
  const value = context.store
    .list({ type: kind.type })
    .filter(({ document }) => sameId(parentIdOf(document.id), ownerId))
    .map(resource => showResource(resource, kind, context));
  return http.json({ value });
}

function listChildren(
  http: Context,
  kind: ResourceKind,
  child: ChildKind,
  parentId: string,
  context: KindContext,
): Response {
  if (!isRead(http)) throw methodNotAllowed(http, 'GET');
  const parent = findResource(parentId, context);
  return http.json({ value: shownChildren(showResource(parent, kind, context), child.list) });
}

async function oneResource(
  http: Context,
  kind: ResourceKind,
  target: { readonly id: string; readonly name: string; readonly group: string },
  context: KindContext,
  lock: KeyLock,
): Promise<Response> {
  switch (http.req.method) {
    case 'HEAD':
    case 'GET':
      return answer(http, 200, showResource(findResource(target.id, context), kind, context));
    case 'PUT': {
      const body = await readJson(http.req.raw, bodyLimitOf(context));
      return await lock.run(lockKeyOf(kind, target.id), async () => {
        // Again: while this write was waiting, the group may have been deleted.
        findGroup(target.group, context);
        const written = putResource(kind, target, body, conditionsOf(http), context);
        return await answerWritten(http, kind, written, context, shown => shown);
      });
    }
    case 'PATCH': {
      if (kind.parentType !== undefined) throw methodNotAllowed(http, 'GET, PUT, DELETE');
      const body = await readJson(http.req.raw);
      const patched = patchTags(findResource(target.id, context), body, context);
      return answer(http, 200, showResource(patched, kind, context));
    }
    case 'DELETE':
      return await lock.run(lockKeyOf(kind, target.id), async () => {
        const deleted = deleteResource(kind, target.id, conditionsOf(http), context);
        if (!deleted) return http.body(null, 204);
        const unsettled = await settleFirewalls(deleted.firewalls, context);
        // Of a firewall that is gone nothing can be asked any more; of one that others have changed its state can.
        const polled = unsettled.filter(id => context.store.get(id) !== undefined);
        if (polled.length === 0) return http.body(null, 200);
        announceOperation(http, polled, context);
        return http.body(null, 202);
      });
    default:
      throw methodNotAllowed(http, 'GET, PUT, PATCH, DELETE');
  }
}

function bodyLimitOf({ options }: KindContext): number {
  return policyOptionsOf(options).azureLimits ? BODY_LIMIT_BYTES : UNLIMITED_BODY_BYTES;
}

/** Writes of resources below one parent, and of the parent itself, wait for each other. */
function lockKeyOf(kind: ResourceKind, id: string): string {
  return idKey(kind.parentType === undefined ? id : parentIdOf(id));
}

async function oneChild(
  http: Context,
  kind: ResourceKind,
  child: ChildKind,
  parentId: string,
  name: string,
  context: KindContext,
  lock: KeyLock,
): Promise<Response> {
  const pick = (shown: Json): Json => {
    const found = shownChildren(shown, child.list).find(candidate => sameName(String(candidate.name), name));
    if (!found) throw new ArmError(404, 'NotFound', `Resource ${parentId}/${child.list}/${name} not found.`);
    return found;
  };
  switch (http.req.method) {
    case 'HEAD':
    case 'GET':
      return answer(http, 200, pick(showResource(findResource(parentId, context), kind, context)));
    case 'PUT': {
      const body = await readJson(http.req.raw);
      return await lock.run(idKey(parentId), async () => {
        const written = putChild(kind, child, parentId, name, body, conditionsOf(http), context);
        return await answerWritten(http, kind, written, context, pick);
      });
    }
    case 'DELETE':
      return await lock.run(idKey(parentId), async () =>
        http.body(null, deleteChild(child, parentId, name, conditionsOf(http), context) ? 200 : 204),
      );
    default:
      throw methodNotAllowed(http, 'GET, PUT, DELETE');
  }
}

/** Waits for the firewalls, then answers with what is stored now, which may hold their verdict. */
async function answerWritten(
  http: Context,
  kind: ResourceKind,
  written: Written,
  context: KindContext,
  pick: (shown: Json) => Json,
): Promise<Response> {
  const { document } = written.resource;
  const unsettled = await settleFirewalls(written.firewalls, context);
  const resource = context.store.get(document.id) ?? written.resource;
  let shown = pick(showResource(resource, kind, context));
  if (unsettled.length > 0) {
    announceOperation(http, unsettled, context);
    shown = { ...shown, properties: { ...(shown.properties as Json), provisioningState: 'Updating' } };
  }
  return answer(http, written.created ? 201 : 200, shown);
}

function answer(http: Context, status: 200 | 201, shown: Json): Response {
  if (typeof shown.etag === 'string') http.header('ETag', shown.etag);
  return http.json(shown, status);
}

function conditionsOf(http: Context): EtagConditions {
  return { ifMatch: http.req.header('If-Match'), ifNoneMatch: http.req.header('If-None-Match') };
}

function isRead(http: Context): boolean {
  return http.req.method === 'GET' || http.req.method === 'HEAD';
}

function methodNotAllowed(http: Context, allowed: string): ArmError {
  http.header('Allow', allowed);
  return new ArmError(
    405,
    'HttpMethodNotAllowed',
    `The method ${http.req.method} is not allowed here; it takes ${allowed}.`,
  );
}

function findResource(id: string, { store }: KindContext): StoredResource {
  const resource = store.get(id);
  if (resource) return resource;
  const [, , , , group = '', , provider, ...words] = id.split('/');
  throw new ArmError(
    404,
    'ResourceNotFound',
    `The Resource '${provider}/${words.join('/')}' under resource group '${group}' was not found.`,
  );
}

/** `types` are the type words of the path: one for a resource, two for its children. */
function findKind(namespace: string, types: readonly string[]): ResourceKind {
  const provider = providerNamed(namespace);
  const type = [namespace, ...types].join('/');
  if (!provider)
    throw new ArmError(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider was found for the type '${type}'. This API answers for ${KINDS.map(kind => kind.type).join(', ')}.`,
    );
  const [first = '', second, ...rest] = types;
  const part = kindOfType(type);
  if (part) return part;
  const kind = kindOfType(`${namespace}/${first}`);
  const fits =
    kind && (second === undefined || (kind.child !== undefined && sameName(kind.child.list, second)));
  if (!fits || rest.length > 0)
    throw new ArmError(
      404,
      'InvalidResourceType',
      `The resource type '${types.join('/')}' could not be found in the namespace '${provider[0]}'. It has ${provider[1].join(', ')}.`,
    );
  return kind;
}
