// Files to ARM documents: what `az` prints of a resource or a list of them, ARM's own JSON, templates and exports. Every
// document remembers where it stands, so that whoever judges it can say so. All faults are collected; resources that say
// nothing about a firewall are listed, never dropped unseen. Pure: text comes in.

import type { ArmDocument } from '#arm/arm-document.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import { idKey, parseResourceId } from '#arm/resource-id.ts';
import { isPolicyType, toArmDocument, typeOfResource } from './arm-shape.ts';
import { type JsonText, parseJsonText, pathOf, type TextPosition } from './json-text.ts';
import { faultsOfUnreadRules, leaveAside } from './left-aside.ts';
import { isTemplate, parameterNamesOf, readTemplate } from './read-template.ts';
import type { TemplateSite } from './template-ids.ts';
import { type GivenParameter, isParameterFile } from './template-parameters.ts';

export interface DocumentFile {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
  /** Written for this moment, as by a control plane that was asked: nobody can look up a place in it. */
  readonly isMade?: boolean;
}

export interface DocumentPlace extends TextPosition {
  readonly file: string;
  /** JSON path in the file; empty for the whole of it. */
  readonly path: string;
}

export interface PlacedDocument {
  readonly document: ArmDocument;
  readonly place: DocumentPlace;
  /** Where a member of the document stands, such as `properties.priority`, or else the nearest one above it; in no file where it was made. */
  readonly locate: (target: string) => DocumentPlace | undefined;
}

export interface DocumentFault {
  readonly place: DocumentPlace;
  readonly message: string;
}

/** A resource, or a whole file, that was understood and says nothing about what a firewall does. */
export interface IgnoredResource {
  readonly place: DocumentPlace;
  /** Such as `Microsoft.Compute/virtualMachines`, or words for a file. */
  readonly type: string;
  readonly name: string;
}

export interface ReadDocuments {
  readonly documents: readonly PlacedDocument[];
  readonly faults: readonly DocumentFault[];
  readonly ignored: readonly IgnoredResource[];
  /** Parameters that were given and that no template has. */
  readonly unknownParameters: readonly string[];
}

export interface ReadOptions {
  /** Where templates are meant to be deployed. */
  readonly site?: TemplateSite;
  /** Values for the parameters of templates. */
  readonly parameters?: readonly (readonly [name: string, parameter: GivenParameter])[];
  /** Types that are read besides, in lower case, where they are printed; templates are read for a firewall's alone. */
  readonly alsoTypes?: readonly string[];
}

/** Ids in templates begin with these unless somebody says where they are to be deployed. */
export const NO_SITE: TemplateSite = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'template',
  location: undefined,
};

/** As commands take it; a word to fill in where it is not known, or made up since nobody said where a template goes. */
export function resourceGroupFor(id: string): string {
  const group = parseResourceId(id)?.resourceGroup;
  return group === undefined || group === '' || group === NO_SITE.resourceGroup ? 'GROUP' : group;
}

/** `policy.json:12:3: resources[2]: message`. */
export function formatDocumentFault({ place, message }: DocumentFault): string {
  const { file, line, column, path } = place;
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

export function readDocuments(
  files: readonly DocumentFile[],
  { site = NO_SITE, parameters = [], alsoTypes = [] }: ReadOptions = {},
): ReadDocuments {
  const found: Found = { documents: [], faults: [], ignored: [], parameterNames: new Set() };
  const given = new Map(parameters.map(([name, parameter]) => [name.toLowerCase(), parameter]));
  for (const file of files) readFile(file, { site, given }, alsoTypes, found);
  const seen = new Map<string, DocumentPlace>();
  for (const { document, place } of found.documents) {
    const other = seen.get(idKey(document.id));
    if (other)
      found.faults.push({
        place,
        message: `${document.id} is described a second time; the first is in ${other.file}:${other.line}`,
      });
    else seen.set(idKey(document.id), place);
  }
  found.faults.push(...faultsOfUnreadRules(found.ignored));
  const { documents, aside } = leaveAside(found.documents);
  const made = new Set(files.filter(({ isMade }) => isMade).map(({ file }) => file));
  const unknownParameters = parameters
    .map(([name]) => name)
    .filter(name => !found.parameterNames.has(name.toLowerCase()));
  return {
    documents: documents.map(document =>
      made.has(document.place.file) ? { ...document, locate: () => undefined } : document,
    ),
    faults: found.faults,
    ignored: [...found.ignored, ...aside],
    unknownParameters: [...new Set(unknownParameters)],
  };
}

interface Found {
  readonly documents: PlacedDocument[];
  readonly faults: DocumentFault[];
  readonly ignored: IgnoredResource[];
  /** Of all templates, in lower case. */
  readonly parameterNames: Set<string>;
}

type Deployment = Parameters<typeof readTemplate>[1];

function readFile(
  { file, text }: DocumentFile,
  deployment: Deployment,
  alsoTypes: readonly string[],
  found: Found,
): void {
  const { json, faults } = parseJsonText(text);
  if (!json) {
    for (const { message, ...position } of faults)
      found.faults.push({ place: { file, path: '', ...position }, message });
    return;
  }
  const at = (path: string): DocumentPlace => ({ file, path, ...json.positionOf(path) });
  const { value } = json;
  if (isTemplate(value)) addTemplate(value, deployment, at, found);
  else if (isParameterFile(value)) found.ignored.push({ place: at(''), type: 'parameter file', name: file });
  else readValue(json, at, alsoTypes, found);
}

function addTemplate(
  template: Json,
  deployment: Deployment,
  at: (path: string) => DocumentPlace,
  found: Found,
): void {
  for (const name of parameterNamesOf(template)) found.parameterNames.add(name.toLowerCase());
  const { resources, ignored, faults } = readTemplate(template, deployment);
  // A fault inside a loop comes back in every round, and a missing value wherever it is used.
  const told = new Set<string>();
  for (const { path, message } of faults) {
    const key = /parameter '[^']*' has no value/.exec(message)?.[0] ?? `${path} ${message}`;
    if (told.has(key)) continue;
    told.add(key);
    found.faults.push({ place: at(path), message });
  }
  for (const { path, type, name } of ignored) found.ignored.push({ place: at(path), type, name });
  // A resource with a fault in it is no document.
  if (faults.length === 0)
    for (const { path, value } of resources) found.documents.push(placed(toArmDocument(value), path, at));
}

function readValue(
  { value }: JsonText,
  at: (path: string) => DocumentPlace,
  alsoTypes: readonly string[],
  found: Found,
): void {
  const [list, parent] = Array.isArray(value)
    ? [value as unknown[], '']
    : isObject(value) && Array.isArray(value.value) && value.id === undefined
      ? [value.value as unknown[], 'value']
      : [undefined, ''];
  if (!list) readResource(value, '', at, alsoTypes, found);
  for (const [index, item] of list?.entries() ?? [])
    readResource(item, pathOf(parent, index), at, alsoTypes, found);
}

function placed(document: ArmDocument, path: string, at: (path: string) => DocumentPlace): PlacedDocument {
  const locate = (target: string): DocumentPlace =>
    at(path === '' || target === '' ? `${path}${target}` : `${path}.${target}`);
  return { document, place: at(path), locate };
}

function readResource(
  value: unknown,
  path: string,
  at: (path: string) => DocumentPlace,
  alsoTypes: readonly string[],
  found: Found,
): void {
  const place = at(path);
  const type = isObject(value) ? typeOfPrinted(value) : '';
  if (type !== '' && !isPolicyType(type) && !alsoTypes.includes(type.toLowerCase())) {
    const { name, id } = value as Json;
    found.ignored.push({ place, type, name: String(name ?? id ?? '') });
    return;
  }
  try {
    found.documents.push(placed(toArmDocument(value, alsoTypes), path, at));
  } catch (error) {
    found.faults.push({ place, message: (error as Error).message });
  }
}

/** By its id, which says more than `type`. */
function typeOfPrinted({ id, type }: Json): string {
  if (typeof id === 'string') return typeOfResource(id) || (typeof type === 'string' ? type : '');
  return '';
}
