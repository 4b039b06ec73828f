// Children that live inside their parent's document: subnets of a network, routes of a table. Each is `{name, properties}`,
// written alone under its own path or in the list of its parent.

import { isObject, type Json, JsonReader } from '#arm/json-reader.ts';
import { faultOfName } from './names.ts';

export interface StoredChild {
  readonly name: string;
  readonly properties: Json;
}

/** `nameInPath` stands for a missing name where the child is written alone. Faults go to the reader. */
export function readChild(
  reader: JsonReader,
  type: string,
  readProperties: (properties: JsonReader) => Json,
  nameInPath?: string,
): StoredChild {
  const name = reader.text('name') ?? nameInPath;
  reader.readOnly('id', 'etag', 'type');
  const properties =
    reader.object('properties') ?? new JsonReader({}, reader.at('properties'), reader.faults);
  reader.finish();
  if (name === undefined) reader.missing('name');
  const fault = name === undefined ? undefined : faultOfName(type, name, reader.at('name'));
  if (fault) reader.faults.list.push(fault);
  return { name: name ?? '', properties: readProperties(properties) };
}

/** The children that a stored parent holds; members that are none (a hand-written file) are left out. */
export function childrenIn(list: unknown): StoredChild[] {
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap(child =>
    isObject(child) && typeof child.name === 'string'
      ? { name: child.name, properties: isObject(child.properties) ? child.properties : {} }
      : [],
  );
}
