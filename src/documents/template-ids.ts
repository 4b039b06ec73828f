// The ids that templates put together: of resources, of their groups, of the subscription
// (https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource).

import { parseResourceId } from '#arm/resource-id.ts';
import { TemplateError } from './template-expression.ts';
import { asText } from './template-functions.ts';

/** Where a template is meant to be deployed. Ids are made from it; they need not exist. */
export interface TemplateSite {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Of the resource group; undefined where nobody said it. */
  readonly location: string | undefined;
}

/** `resourceId([subscription], [group], type, name, ...)`: the type is the first argument with a slash. */
export function resourceId(values: readonly unknown[], site: TemplateSite): string {
  const texts = values.map(asText);
  const at = texts.findIndex(text => text.includes('/'));
  if (at < 0 || at > 2)
    throw new TemplateError(`resourceId: no resource type in ${texts.map(text => `'${text}'`).join(', ')}`);
  const group = at > 0 ? texts[at - 1] : site.resourceGroup;
  const subscription = at > 1 ? texts[at - 2] : site.subscriptionId;
  return `/subscriptions/${subscription}/resourceGroups/${group}${providerPath(texts.slice(at))}`;
}

export function subscriptionResourceId(values: readonly unknown[], site: TemplateSite): string {
  const texts = values.map(asText);
  const at = texts.findIndex(text => text.includes('/'));
  const subscription = at > 0 ? texts[at - 1] : site.subscriptionId;
  return `/subscriptions/${subscription}${providerPath(texts.slice(Math.max(0, at)))}`;
}

/** `/providers/Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/g`, of a type and its names. */
export function providerPath([type = '', ...names]: readonly string[]): string {
  const [provider = '', ...types] = type.split('/');
  const parts = names.flatMap(name => name.split('/'));
  if (types.length === 0 || types.length !== parts.length)
    throw new TemplateError(
      `'${type}' and the names ${parts.map(part => `'${part}'`).join(', ')} make no resource`,
    );
  const path = `/providers/${provider}${types.map((word, index) => `/${word}/${parts[index]}`).join('')}`;
  if (parseResourceId(`/subscriptions/s/resourceGroups/g${path}`) === undefined)
    throw new TemplateError(
      `'${type}' and the names ${parts.map(part => `'${part}'`).join(', ')} make no resource`,
    );
  return path;
}

export function resourceGroup({ subscriptionId, resourceGroup: name, location }: TemplateSite): object {
  const known = { id: `/subscriptions/${subscriptionId}/resourceGroups/${name}`, name };
  return location === undefined ? known : { ...known, location };
}
