// Small builders for the documents that commands send: only what the command line gave goes into them.

import type { ArmObject } from '../arm.ts';
import { isRecord, UsageError } from '../errors.ts';
import type { Values } from '../spec.ts';

/** Without the entries that are undefined. */
export function given(fields: Readonly<Record<string, unknown>>): ArmObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The `properties` of a document that was read, as a fresh object. */
export function propertiesOf(resource: ArmObject): ArmObject {
  return isRecord(resource.properties) ? { ...resource.properties } : {};
}

/**
 * The `tags` of a network resource after an update: as with Azure's CLI, those given are added to those there are, and
 * `key=null` takes one away. Given as `""`, all are gone.
 */
export function updatedTags(
  resource: ArmObject,
  tags: Readonly<Record<string, string>> | undefined,
): ArmObject {
  if (tags === undefined) return {};
  if (Object.keys(tags).length === 0) return { tags: {} };
  const all = Object.entries({ ...(isRecord(resource.tags) ? resource.tags : {}), ...tags });
  return { tags: Object.fromEntries(all.filter(([, value]) => value !== 'null')) };
}

/** A list of named things inside a document. */
export function namedItems(value: unknown): ArmObject[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function sameName(item: ArmObject, name: string): boolean {
  return String(item.name).toLowerCase() === name.toLowerCase();
}

/** `""` and `null` take a reference away, as they do in Azure's CLI. */
export function isNothing(text: string): boolean {
  return text === '' || text === 'null';
}

/** A list given as the word `null` goes back to what a resource has that says nothing. */
export function isNullWord(value: unknown): boolean {
  return Array.isArray(value) && value.length === 1 && value[0] === 'null';
}

/** An update that changes nothing is a mistake worth telling. */
export function requireChange(changes: ArmObject, flags: string): ArmObject {
  if (Object.keys(changes).length === 0) throw new UsageError(`nothing to update: give one of ${flags}`);
  return changes;
}

/** The same for a command that takes `--set`, `--add` and `--remove` too. */
export function requireUpdate(values: Values, changes: ArmObject, flags: string): void {
  requireChange({ ...changes, ...given({ updates: values.updates() }) }, `${flags}, --set, --add, --remove`);
}
