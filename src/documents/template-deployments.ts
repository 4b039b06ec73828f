// Deployments inside a template, as Bicep writes its modules: which template they hold, what its expressions see, and the outputs
// that other resources refer to.

import { isObject, type Json } from '#arm/json-reader.ts';
import { idKey } from '#arm/resource-id.ts';
import { evaluateText, evaluateTree, type TemplateScope } from './template-evaluator.ts';
import { TemplateError } from './template-expression.ts';
import { asText } from './template-functions.ts';
import type { TemplateSite } from './template-ids.ts';
import type { GivenParameter } from './template-parameters.ts';
import { scopeOf } from './template-values.ts';

export const DEPLOYMENT_TYPE = 'microsoft.resources/deployments';

/** Deployments may nest; Azure allows fewer. */
const DEEPEST = 10;

export interface NestedTemplate {
  readonly template: Json;
  /** Where its resources are made. */
  readonly site: TemplateSite;
  /** What its expressions see. */
  readonly scope: TemplateScope;
}

/** Throws `TemplateError` for one that holds no template. `scope` is that of the template around it. */
export function openDeployment(resource: Json, scope: TemplateScope): NestedTemplate {
  const properties = isObject(resource.properties) ? resource.properties : {};
  const { template } = properties;
  if (!isObject(template))
    throw new TemplateError(
      properties.templateLink === undefined
        ? 'a deployment needs a template'
        : 'a template behind a link (properties.templateLink) cannot be read; put it inline, or name its file too',
    );
  if (scope.depth >= DEEPEST) throw new TemplateError(`deployments nest deeper than ${DEEPEST}`);
  const depth = scope.depth + 1;
  const site = siteOf(resource, scope);
  const options = isObject(properties.expressionEvaluationOptions)
    ? properties.expressionEvaluationOptions
    : {};
  // Unless it says so, its expressions are those of the template around it, with its parameters, variables and place.
  if (String(options.scope).toLowerCase() !== 'inner')
    return { template, site, scope: withDeployments(template, { ...scope, depth }) };
  const given = new Map<string, GivenParameter>();
  const passed = isObject(properties.parameters) ? properties.parameters : {};
  for (const [name, parameter] of Object.entries(passed))
    given.set(name.toLowerCase(), passedParameter(parameter, scope));
  const inner = { ...scopeOf({ template, site, given, work: scope.work }), depth };
  return { template, site, scope: withDeployments(template, inner) };
}

/** Lets expressions refer to the outputs of the deployments of a template, by id or by symbolic name. */
export function withDeployments(template: Json, scope: TemplateScope): TemplateScope {
  const running = new Set<string>();
  const whole: TemplateScope = {
    ...scope,
    deployment: reference => {
      const key = idKey(reference);
      if (running.has(key)) throw new TemplateError(`'${reference}' is defined by itself`);
      running.add(key);
      try {
        const resource = findDeployment(template, reference, whole);
        return resource && { value: { outputs: outputsOf(openDeployment(resource, whole)) } };
      } finally {
        running.delete(key);
      }
    },
  };
  return whole;
}

function findDeployment({ resources }: Json, reference: string, scope: TemplateScope): Json | undefined {
  const entries: [string | number, unknown][] = Array.isArray(resources)
    ? [...(resources as unknown[]).entries()]
    : Object.entries(isObject(resources) ? resources : {});
  for (const [key, resource] of entries) {
    if (!isObject(resource) || String(resource.type).toLowerCase() !== DEPLOYMENT_TYPE) continue;
    if (key === reference) return resource;
    // One of a loop has a name in its loop only.
    if (resource.copy !== undefined) continue;
    if (idKey(reference) === idKey(idOfDeployment(resource, scope))) return resource;
  }
  return undefined;
}

function idOfDeployment(resource: Json, scope: TemplateScope): string {
  const { subscriptionId, resourceGroup } = siteOf(resource, scope);
  const name = asText(evaluated(resource.name, scope));
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Resources/deployments/${name}`;
}

/** Those that cannot be evaluated, such as an address that Azure gives out, are not there. */
function outputsOf({ template, scope }: NestedTemplate): Json {
  const outputs: [string, Json][] = [];
  for (const [name, output] of Object.entries(isObject(template.outputs) ? template.outputs : {})) {
    if (!isObject(output)) continue;
    let known = true;
    const value = evaluateTree(output.value, scope, () => {
      known = false;
    });
    if (known) outputs.push([name, { value }]);
  }
  return Object.fromEntries(outputs);
}

/** A value that cannot be evaluated is refused where the inner template needs it. */
function passedParameter(parameter: unknown, scope: TemplateScope): GivenParameter {
  if (!isObject(parameter) || !('value' in parameter)) return { refused: 'its value is in a key vault' };
  let refused: string | undefined;
  const value = evaluateTree(parameter.value, scope, (_, message) => {
    refused ??= message;
  });
  return refused === undefined ? { value } : { refused };
}

function siteOf({ subscriptionId, resourceGroup }: Json, scope: TemplateScope): TemplateSite {
  const { site } = scope;
  const text = (value: unknown, otherwise: string): string =>
    value === undefined ? otherwise : asText(evaluated(value, scope));
  return {
    subscriptionId: text(subscriptionId, site.subscriptionId),
    resourceGroup: text(resourceGroup, site.resourceGroup),
    // Another group may lie elsewhere.
    location: resourceGroup === undefined ? site.location : undefined,
  };
}

function evaluated(value: unknown, scope: TemplateScope): unknown {
  return typeof value === 'string' ? evaluateText(value, scope) : value;
}
