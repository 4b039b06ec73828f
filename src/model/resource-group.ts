// Resource groups: a name, a location and tags.

import { type Faults, type Json, JsonReader } from '#arm/json-reader.ts';
import { LOCATIONS, normalizeLocation } from '#arm/locations.ts';

export interface ResourceGroupRequest {
  /** Empty only beside a fault. */
  readonly location: string;
  readonly tags: Readonly<Record<string, string>> | undefined;
}

export function readResourceGroup(body: Json, name: string, faults: Faults): ResourceGroupRequest {
  const reader = new JsonReader(body, '', faults);
  const location = readLocation(reader, 'LocationNotAvailableForResourceGroup');
  const tags = readTags(reader);
  checkSpelling(reader, 'name', name);
  reader.readOnly('id', 'type');
  reader.object('properties')?.readOnly('provisioningState');
  reader.unsupported(['managedBy']);
  reader.finish();
  return { location, tags };
}

/** A region's name, `eastus` for `East US` too; reports one that is missing or that Azure does not have. */
export function readLocation(reader: JsonReader, code = 'LocationNotAvailableForResourceType'): string {
  const text = reader.text('location');
  if (text === undefined) {
    reader.fault('LocationRequired', 'location', "The 'location' property is required for this resource.");
    return '';
  }
  const location = normalizeLocation(text);
  if (!LOCATIONS.has(location))
    reader.fault(
      code,
      'location',
      `'${text}' is not a region of Azure; az account list-locations names them.`,
    );
  return location;
}

/** Azure's limits on tags: 50 a resource, names up to 512 and values up to 256 characters. */
export function readTags(reader: JsonReader): Record<string, string> | undefined {
  const tags = reader.dictionary('tags');
  const entries = Object.entries(tags ?? {});
  if (entries.length > 50)
    reader.fault('TooManyTags', 'tags', `A resource has at most 50 tags, not ${entries.length}.`);
  for (const [name, value] of entries) {
    if (name === '' || name.length > 512 || /[<>%&\\?/]/.test(name))
      reader.fault(
        'InvalidTagNameCharacters',
        'tags',
        `'${name.slice(0, 100)}' cannot be the name of a tag.`,
      );
    if (value.length > 256)
      reader.fault('InvalidTagValueLength', `tags.${name}`, 'The value of a tag has at most 256 characters.');
  }
  return tags;
}

/** A member that repeats what the path says must say the same. */
export function checkSpelling(reader: JsonReader, key: string, expected: string): void {
  const text = reader.text(key);
  if (text !== undefined && text.toLowerCase() !== expected.toLowerCase())
    reader.fault(
      'InvalidRequestContent',
      key,
      `'${key}' is '${text}' in the body and '${expected}' in the path.`,
    );
}
