// Bodies of requests on their way into the store: without what clients send for "nothing", and without what the service
// itself adds to answers.

import { isObject, type Json } from '#arm/json-reader.ts';

/** Clients send null for what they do not know; stored, it would come back as a value. */
function withoutNulls(value: Json): Json {
  const clean = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.filter(member => member !== null).map(clean);
    return isObject(item) ? withoutNulls(item) : item;
  };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, clean(member)]),
  );
}

/** The properties of a body without nulls and without the named members, which are read-only. */
export function writtenProperties(body: Json, readOnly: readonly string[]): Json {
  const given = isObject(body.properties) ? withoutNulls(body.properties) : {};
  return Object.fromEntries(Object.entries(given).filter(([key]) => !readOnly.includes(key)));
}

export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
