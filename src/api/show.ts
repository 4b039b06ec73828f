// How stored resources look in answers: canonical ids, etags, and the read-only members that the service adds.

import { formatEtag } from '#arm/etag.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import type { StoredResource } from '#store/resource-store.ts';
import type { ChildKind, KindContext, ResourceKind } from './resource-kind.ts';

export function showResource(resource: StoredResource, kind: ResourceKind, context: KindContext): Json {
  const { id, name, location, tags, sku, zones } = resource.document;
  return {
    name,
    id,
    etag: formatEtag(resource.revision),
    type: kind.type,
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    ...(sku === undefined ? {} : { sku }),
    ...(zones === undefined ? {} : { zones }),
    properties: { provisioningState: 'Succeeded', ...kind.showProperties(resource, context) },
  };
}

/** Children share their parent's etag, as in Azure: they change together. */
export function showChildren(
  parent: StoredResource,
  child: Pick<ChildKind, 'list' | 'type'> | undefined,
  children: readonly { readonly name: string; readonly properties: Json }[],
): Json[] {
  return children.map(({ name, properties }) => ({
    name,
    id: `${parent.document.id}/${child?.list}/${name}`,
    etag: formatEtag(parent.revision),
    type: child?.type,
    properties: { provisioningState: 'Succeeded', ...properties },
  }));
}

/** The children of a shown parent. */
export function shownChildren(shownParent: Json, list: string): Json[] {
  const properties = isObject(shownParent.properties) ? shownParent.properties : {};
  const children = properties[list];
  return Array.isArray(children) ? children.filter(isObject) : [];
}
