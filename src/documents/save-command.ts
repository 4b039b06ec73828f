// How to save what no file describes: the command that prints the resource with an id, and the line that a finding about a
// reference to nothing ends with. Pure.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { parseResourceId } from '#arm/resource-id.ts';
import { showCommandOf, typeOfResource } from './arm-shape.ts';
import { NO_SITE } from './read-documents.ts';

export interface SaveCommand {
  /** `az network ip-group show -g rg -n office -o json`. */
  readonly command: string;
  /** A name for the file. */
  readonly file: string;
}

/** Undefined for an id of a type that no file here is about. */
export function saveCommandOf(id: string): SaveCommand | undefined {
  const show = showCommandOf(typeOfResource(id));
  const { subscriptionId, resourceGroup, segments = [] } = parseResourceId(id) ?? {};
  if (show === undefined) return undefined;
  const [parent] = segments;
  const name = segments.at(-1)?.name ?? '';
  // Made up, of a template that nobody said where to deploy.
  const known = subscriptionId !== NO_SITE.subscriptionId || resourceGroup !== NO_SITE.resourceGroup;
  const group = known && resourceGroup ? resourceGroup : 'GROUP';
  const policy = segments.length > 1 && parent ? ` --policy-name ${parent.name}` : '';
  return { command: `az ${show} -g ${group}${policy} -n ${name} -o json`, file: `${name}.json` };
}

/** What a finding ends with whose place is a reference to what `documents` does not hold; empty for any other. */
export function adviceToSave(
  { resource, target }: { readonly resource: string; readonly target: string },
  documents: Documents,
): string {
  const document = documents.get(resource);
  const id = document && referenceAt(document, target);
  if (id === undefined || documents.get(id)) return '';
  const save = saveCommandOf(id);
  return save ? ` Save it, and name its file too: ${save.command} > ${save.file}` : '';
}

/** The id at a path such as `properties.basePolicy.id` or `properties.ipConfigurations[0].properties.publicIPAddress`. */
function referenceAt({ properties }: ArmDocument, target: string): string | undefined {
  let value: unknown = { properties };
  for (const [step] of target.matchAll(/[^.[\]]+/g))
    value = (isObject(value) || Array.isArray(value)) && (value as Record<string, unknown>)[step];
  const id = isObject(value) ? value.id : value;
  return typeof id === 'string' && id.startsWith('/subscriptions/') ? id : undefined;
}
