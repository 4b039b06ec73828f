// An ARM template, or an export, to the documents that its deployment would make: names and ids are evaluated, loops run,
// conditions judged, nested resources and inline nested deployments opened. What cannot be evaluated is a fault with its JSON
// path, but only where it says something about a firewall: a virtual machine's password is nobody's business here.

import { isObject, type Json } from '#arm/json-reader.ts';
import { isPolicyType } from './arm-shape.ts';
import { pathOf } from './json-text.ts';
import { isLeftAside } from './left-aside.ts';
import {
  DEPLOYMENT_TYPE,
  type NestedTemplate,
  openDeployment,
  withDeployments,
} from './template-deployments.ts';
import { evaluateText, evaluateTree, inLoop, loopCount, type TemplateScope } from './template-evaluator.ts';
import { TemplateError } from './template-expression.ts';
import { asBoolean, asText } from './template-functions.ts';
import { providerPath, type TemplateSite } from './template-ids.ts';
import type { GivenParameter } from './template-parameters.ts';
import { scopeOf } from './template-values.ts';
import { STEP, TemplateExhausted, TemplateWork } from './template-work.ts';

/** A resource as ARM would hold it. */
export interface TemplateResource {
  readonly path: string;
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly value: Json;
}

export interface ReadTemplate {
  readonly resources: readonly TemplateResource[];
  readonly ignored: readonly { readonly path: string; readonly type: string; readonly name: string }[];
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}

export function isTemplate(value: unknown): value is Json {
  if (!isObject(value)) return false;
  const { $schema: schema } = value;
  if (typeof schema === 'string') return /deploymentTemplate\.json/i.test(schema);
  return 'contentVersion' in value && 'resources' in value;
}

/** The names of the parameters that a template declares. */
export function parameterNamesOf(template: Json): string[] {
  return isObject(template.parameters) ? Object.keys(template.parameters) : [];
}

export function readTemplate(
  template: Json,
  { site, given }: { readonly site: TemplateSite; readonly given: ReadonlyMap<string, GivenParameter> },
): ReadTemplate {
  const found: Found = { resources: [], ignored: [], faults: [] };
  const scope = withDeployments(
    template,
    scopeOf({ template, site, given, work: new TemplateWork(template) }),
  );
  try {
    readLevel({ template, site, scope }, '', found);
  } catch (error) {
    if (!(error instanceof TemplateExhausted)) throw error;
    return { resources: [], ignored: [], faults: [{ path: '', message: error.message }] };
  }
  const faults = found.faults.map(({ path, message }) => ({ path, message: shortened(message) }));
  return { ...found, faults };
}

/** A message may show a value, and names all functions around it. */
const LONGEST_MESSAGE = 1000;

function shortened(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}...` : message;
}

interface Found {
  readonly resources: TemplateResource[];
  readonly ignored: { path: string; type: string; name: string }[];
  readonly faults: { path: string; message: string }[];
}

interface Parent {
  readonly type: string;
  readonly name: string;
}

function readLevel({ template, site, scope }: NestedTemplate, base: string, found: Found): void {
  const list = template.resources;
  const path = pathOf(base, 'resources');
  // Templates of language version 2.0 name their resources: {"resources": {"symbol": {...}}}.
  const entries: [string | number, unknown][] = Array.isArray(list)
    ? [...(list as unknown[]).entries()]
    : Object.entries(isObject(list) ? list : {});
  for (const [key, resource] of entries)
    readResource(resource, { site, scope, path: pathOf(path, key), parent: undefined }, found);
}

interface ResourcePlace {
  readonly site: TemplateSite;
  readonly scope: TemplateScope;
  readonly path: string;
  readonly parent: Parent | undefined;
}

/** Every step that may fail is a fault of its own member. */
function readResource(resource: unknown, place: ResourcePlace, found: Found): void {
  const { path } = place;
  if (!isObject(resource) || typeof resource.type !== 'string') {
    found.faults.push({ path, message: "a resource must be an object with a 'type'" });
    return;
  }
  if (!mattersAnywhere(resource, place.parent)) {
    found.ignored.push({
      path,
      type: fullType(resource.type, place.parent),
      name: nameForPeople(resource.name, place.scope),
    });
    return;
  }
  const scopes = attempt(found, pathOf(path, 'copy'), () => roundsOf(resource.copy, place.scope));
  for (const scope of scopes ?? []) readRound(resource, { ...place, scope }, found);
}

/** As written where it cannot be evaluated. */
function nameForPeople(name: unknown, scope: TemplateScope): string {
  try {
    return String(evaluated(name ?? '', scope));
  } catch (error) {
    if (error instanceof TemplateError) return String(name);
    throw error;
  }
}

/** The scopes in which a resource is made: one, or those of its loop. */
function roundsOf(copy: unknown, scope: TemplateScope): readonly TemplateScope[] {
  if (copy === undefined || copy === null) return [scope];
  if (!isObject(copy) || typeof copy.name !== 'string')
    throw new TemplateError("a loop needs 'name' and 'count'");
  return inLoop(copy.name, loopCount(copy.count, scope), scope);
}

function readRound(resource: Json, place: ResourcePlace, found: Found): void {
  const { path, scope, parent } = place;
  scope.work.spend(STEP);
  const type = fullType(String(resource.type), parent);
  const wanted = attempt(found, pathOf(path, 'condition'), () =>
    resource.condition === undefined ? true : asBoolean(evaluated(resource.condition, scope)),
  );
  if (wanted === undefined) return;
  const name = attempt(found, pathOf(path, 'name'), () =>
    fullName(asText(evaluated(resource.name, scope)), resource, parent),
  );
  if (name === undefined) return;
  if (!wanted || resource.existing === true) {
    found.ignored.push({
      path,
      type,
      name: `${name} (${wanted ? 'made elsewhere' : 'its condition is false'})`,
    });
  } else if (type.toLowerCase() === DEPLOYMENT_TYPE) {
    readDeployment(resource, place, found);
  } else if (isPolicyType(type)) {
    addResource(resource, { type, name }, place, found);
  }
  // A condition says nothing about the children.
  const children = Array.isArray(resource.resources) ? (resource.resources as unknown[]) : [];
  for (const [index, child] of children.entries())
    readResource(
      child,
      { ...place, path: pathOf(pathOf(path, 'resources'), index), parent: { type, name } },
      found,
    );
}

function addResource(resource: Json, { type, name }: Parent, place: ResourcePlace, found: Found): void {
  const { path, scope, site } = place;
  const id = attempt(
    found,
    pathOf(path, 'name'),
    () =>
      `/subscriptions/${site.subscriptionId}/resourceGroups/${site.resourceGroup}${providerPath([type, name])}`,
  );
  if (id === undefined) return;
  const member = (key: string): unknown =>
    evaluateTree(resource[key], scope, (steps, message) =>
      found.faults.push({ path: steps.reduce<string>(pathOf, pathOf(path, key)), message }),
    );
  // Where it lies and what it is labelled with says nothing about what it does: without a value they are left out.
  const aside = (key: string): Json => {
    let known = true;
    const value = evaluateTree(resource[key], scope, () => {
      known = false;
    });
    return known && value !== undefined ? { [key]: value } : {};
  };
  // What is left aside need not be known.
  const properties = (): unknown => {
    const faults: { readonly steps: readonly (string | number)[]; readonly message: string }[] = [];
    const known = evaluateTree(resource.properties, scope, (steps, message) =>
      faults.push({ steps, message }),
    );
    for (const { steps, message } of faults) {
      const [first] = steps;
      if (typeof first === 'string' && isObject(known) && isLeftAside(type, first, known[first])) continue;
      found.faults.push({ path: steps.reduce<string>(pathOf, pathOf(path, 'properties')), message });
    }
    return known;
  };
  const leaf = name.split('/').at(-1) ?? name;
  const value = {
    id,
    name: leaf,
    type,
    ...aside('location'),
    ...aside('tags'),
    ...aside('zones'),
    // Listed as left aside, whoever it is.
    ...(isObject(resource.identity) && { identity: aside('identity').identity ?? {} }),
    ...(resource.sku === undefined ? {} : { sku: member('sku') }),
    properties: properties() ?? {},
  };
  found.resources.push({ path, id, name: leaf, type, value });
}

/** A deployment has a world of its own, which takes time to make. */
const DEPLOYMENT = 50 * STEP;

function readDeployment(resource: Json, place: ResourcePlace, found: Found): void {
  const { scope, path } = place;
  scope.work.spend(DEPLOYMENT);
  const nested = attempt(found, path, () => openDeployment(resource, scope));
  if (nested) readLevel(nested, pathOf(pathOf(path, 'properties'), 'template'), found);
}

/** Whether a resource, or one inside it, can say something about a firewall. */
function mattersAnywhere(resource: Json, parent: Parent | undefined): boolean {
  const type = fullType(String(resource.type), parent);
  if (isPolicyType(type) || type.toLowerCase() === DEPLOYMENT_TYPE) return true;
  const children = Array.isArray(resource.resources) ? (resource.resources as unknown[]) : [];
  return children.some(child => isObject(child) && mattersAnywhere(child, { type, name: '' }));
}

/** A nested child's type may be written in full or as the last word alone. */
function fullType(type: string, parent: Parent | undefined): string {
  return parent === undefined || type.includes('/') ? type : `${parent.type}/${type}`;
}

function fullName(name: string, resource: Json, parent: Parent | undefined): string {
  const words = String(resource.type).split('/').length - 1;
  return parent === undefined || name.split('/').length === words ? name : `${parent.name}/${name}`;
}

function evaluated(value: unknown, scope: TemplateScope): unknown {
  return typeof value === 'string' ? evaluateText(value, scope) : value;
}

function attempt<T>(found: Found, path: string, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    found.faults.push({ path, message: error.message });
    return undefined;
  }
}
