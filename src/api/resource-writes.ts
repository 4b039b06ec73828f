// Creating, replacing and deleting one resource or one child of a resource. Everything is checked against everything
// stored, and written, in one step without waiting, so that nothing is half applied and no write is lost.

import { ArmError, refuseFaults } from '#arm/arm-error.ts';
import { checkEtag, type EtagConditions, formatEtag } from '#arm/etag.ts';
import { Faults, isObject, type Json, JsonReader } from '#arm/json-reader.ts';
import { groupKeyOf, idKey } from '#arm/resource-id.ts';
import { faultOfName } from '#model/names.ts';
import { PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { checkSpelling, readLocation, readTags } from '#model/resource-group.ts';
import { ROUTE_TABLE_TYPE } from '#model/route-table.ts';
import { VIRTUAL_NETWORK_TYPE } from '#model/virtual-network.ts';
import type { ArmDocument, StoredResource } from '#store/resource-store.ts';
import { refuseBlocked, refuseDescribed } from './deletion.ts';
import { hasDataPath } from './references.ts';
import type { ChildKind, KindContext, ResourceKind } from './resource-kind.ts';

/** Types whose properties have a `resourceGuid`, made once. */
const TYPES_WITH_GUID: ReadonlySet<string> = new Set([
  VIRTUAL_NETWORK_TYPE,
  PUBLIC_IP_TYPE,
  ROUTE_TABLE_TYPE,
]);

export interface Written {
  readonly resource: StoredResource;
  readonly created: boolean;
  /** Firewalls to wait for. */
  readonly firewalls: readonly string[];
}

export function putResource(
  kind: ResourceKind,
  target: { readonly id: string; readonly name: string },
  body: Json,
  conditions: EtagConditions,
  context: KindContext,
): Written {
  const { store } = context;
  return store.transaction(() => {
    // A configuration file that describes the parent says what is below it too.
    if (kind.parentType !== undefined)
      refuseDescribed(parentOf(parentIdOf(target.id), target.name, kind, context));
    const before = store.get(target.id);
    if (before) refuseDescribed(before);
    checkEtag(conditions, before && formatEtag(before.revision), target.id);
    const faults = new Faults();
    const name = before?.document.name ?? target.name;
    const nameFault = faultOfName(kind.type, name, 'name');
    if (nameFault) faults.list.push(nameFault);
    const reader = new JsonReader(body, '', faults);
    checkSpelling(reader, 'id', target.id);
    checkSpelling(reader, 'name', name);
    checkSpelling(reader, 'type', kind.type);
    reader.readOnly('etag');
    const located = kind.parentType === undefined;
    const location = located ? readLocation(reader) : undefined;
    const tags = located ? readTags(reader) : undefined;
    if (before && location && before.document.location !== location)
      throw new ArmError(
        409,
        'InvalidResourceLocation',
        `The resource '${name}' already exists in location '${before.document.location}'. A resource with the same name cannot be created in location '${location}'.`,
      );
    const envelope = {
      id: before?.document.id ?? target.id,
      name,
      type: kind.type,
      ...(location === undefined ? {} : { location }),
      ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags }),
    };
    const document = kind.read({ envelope, body, reader, before: before?.document }, context);
    kind.check(document, before?.document, faults, context);
    refuseFaults(withoutRepetitions(faults));
    return write(kind, document, before, context);
  });
}

/** Replaces or adds one child of a stored parent. */
export function putChild(
  kind: ResourceKind,
  child: ChildKind,
  parentId: string,
  nameInPath: string,
  body: Json,
  conditions: EtagConditions,
  context: KindContext,
): Written {
  const { store } = context;
  return store.transaction(() => {
    const parent = parentOf(parentId, nameInPath, child, context);
    refuseDescribed(parent);
    const children = childrenOf(parent.document, child);
    const index = children.findIndex(candidate => sameName(candidate.name, nameInPath));
    const id = `${parent.document.id}/${child.list}/${nameInPath}`;
    checkEtag(conditions, index < 0 ? undefined : formatEtag(parent.revision), id);
    const faults = new Faults();
    const reader = new JsonReader(body, '', faults);
    checkSpelling(reader, 'id', id);
    checkSpelling(reader, 'name', nameInPath);
    checkSpelling(reader, 'type', child.type);
    const read = child.read(reader, nameInPath);
    const written = { ...read, name: children[index]?.name ?? nameInPath };
    const others = children.filter((_, at) => at !== index);
    // The written child stands last while it is checked, so that faults name it and not its neighbours.
    const path = `properties.${child.list}[${others.length}].`;
    const listFaults = new Faults();
    child.checkList([...others, written], parent.document, listFaults);
    kind.check(
      withChildren(parent.document, child, [...others, written]),
      parent.document,
      listFaults,
      context,
    );
    for (const fault of listFaults.list)
      faults.list.push(
        fault.target.startsWith(path) ? { ...fault, target: fault.target.slice(path.length) } : fault,
      );
    refuseFaults(withoutRepetitions(faults));
    const next =
      index < 0 ? [...children, written] : children.map((old, at) => (at === index ? written : old));
    const result = write(kind, withChildren(parent.document, child, next), parent, context);
    return { ...result, created: index < 0 };
  });
}

/** Undefined if there was nothing to delete. */
export function deleteResource(
  kind: ResourceKind,
  id: string,
  conditions: EtagConditions,
  context: KindContext,
): { readonly firewalls: readonly string[] } | undefined {
  const { store } = context;
  return store.transaction(() => {
    const resource = store.get(id);
    checkEtag(conditions, resource && formatEtag(resource.revision), id);
    if (!resource) return undefined;
    refuseDescribed(resource);
    if (kind.parentType !== undefined) {
      const parent = store.get(parentIdOf(id));
      if (parent) refuseDescribed(parent);
    }
    refuseBlocked(kind.blockDeletion(resource.document, context), resource.document.id);
    const affected = kind.affectedByDeletion?.(resource.document, context) ?? [];
    for (const part of partsOf(resource.document, context)) store.delete(part.document.id);
    store.delete(id);
    const waiting = affected.filter(firewall => markUpdating(firewall, context));
    return { firewalls: hasDataPath(resource.document) ? [resource.document.id] : waiting };
  });
}

export function deleteChild(
  child: ChildKind,
  parentId: string,
  name: string,
  conditions: EtagConditions,
  context: KindContext,
): boolean {
  const { store } = context;
  return store.transaction(() => {
    const parent = store.get(parentId);
    const children = parent ? childrenOf(parent.document, child) : [];
    const index = children.findIndex(candidate => sameName(candidate.name, name));
    const id = `${parentId}/${child.list}/${name}`;
    checkEtag(conditions, parent && index >= 0 ? formatEtag(parent.revision) : undefined, id);
    if (!parent || index < 0) return false;
    refuseDescribed(parent);
    refuseBlocked(child.blockDeletion(`${parent.document.id}/${child.list}/${name}`, name, context), id);
    store.put(
      withChildren(
        parent.document,
        child,
        children.filter((_, at) => at !== index),
      ),
    );
    return true;
  });
}

/** Tags alone can be replaced without the rest (`az resource tag`). */
export function patchTags(resource: StoredResource, body: Json, context: KindContext): StoredResource {
  refuseDescribed(resource);
  const faults = new Faults();
  const reader = new JsonReader(body, '', faults);
  const tags = readTags(reader);
  reader.finish();
  refuseFaults(faults.list);
  const { tags: old, ...document } = resource.document;
  const kept = tags ?? old;
  return context.store.put(kept === undefined ? document : { ...document, tags: kept });
}

function write(
  kind: ResourceKind,
  document: ArmDocument,
  before: StoredResource | undefined,
  context: KindContext,
): Written {
  const properties = { ...document.properties };
  if (TYPES_WITH_GUID.has(kind.type))
    properties.resourceGuid = before?.document.properties.resourceGuid ?? crypto.randomUUID();
  const affected = kind.affectedFirewalls(document, before?.document, context);
  const itself = hasDataPath(document) || hasDataPath(before?.document) ? [document.id] : [];
  const resource = context.store.put({ ...document, properties });
  const waiting = affected.filter(id => markUpdating(id, context));
  return { resource, created: before === undefined, firewalls: [...itself, ...waiting] };
}

/**
 * Says of a firewall that what it runs has changed, until it is in force; after a failure this is what asks for another
 * try. False if it runs nothing.
 */
function markUpdating(firewallId: string, { store }: KindContext): boolean {
  const document = store.get(firewallId)?.document;
  if (!document || !hasDataPath(document)) return false;
  if (document.properties.provisioningState !== 'Updating')
    store.put({ ...document, properties: { ...document.properties, provisioningState: 'Updating' } });
  return true;
}

/** The resources that live below this one as entries of their own. */
function partsOf({ id }: ArmDocument, { store }: KindContext): StoredResource[] {
  const prefix = `${idKey(id)}/`;
  return store
    .list({ resourceGroup: groupKeyOf(id) })
    .filter(({ document }) => idKey(document.id).startsWith(prefix));
}

/** The id without its last type and name. */
export function parentIdOf(id: string): string {
  return id.split('/').slice(0, -2).join('/');
}

function parentOf(
  parentId: string,
  childName: string,
  child: Pick<ChildKind, 'type'>,
  { store }: KindContext,
): StoredResource {
  const parent = store.get(parentId);
  if (parent) return parent;
  throw new ArmError(
    404,
    'ParentResourceNotFound',
    `Failed to perform the requested operation on '${child.type}/${childName}': its parent ${parentId} was not found.`,
  );
}

export function childrenOf(document: ArmDocument, child: ChildKind): { name: string; properties: Json }[] {
  const list = document.properties[child.list];
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap(item =>
    isObject(item) && typeof item.name === 'string'
      ? { name: item.name, properties: isObject(item.properties) ? item.properties : {} }
      : [],
  );
}

function withChildren(parent: ArmDocument, child: ChildKind, children: readonly unknown[]): ArmDocument {
  return { ...parent, properties: { ...parent.properties, [child.list]: children } };
}

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Two checks may find the same fault: the first one's words stay. */
function withoutRepetitions(faults: Faults) {
  const seen = new Set<string>();
  return faults.list.filter(({ code, target }) => {
    const key = `${code} ${target}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
