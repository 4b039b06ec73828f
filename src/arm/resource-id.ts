// ARM resource ids as values: `/subscriptions/S/resourceGroups/G/providers/NS/type/name[/type/name...]`. Ids are
// compared without regard to case and printed in Azure's spelling of the fixed words; names keep the caller's
// case. Which types exist is not known here (see `resource-types.ts`).

export interface ResourceId {
  readonly subscriptionId: string;
  /** Empty for the subscription itself and for what lives directly under it. */
  readonly resourceGroup: string;
  /** `Microsoft.Network`; empty for a subscription or a resource group. */
  readonly provider: string;
  /** Type words and names alternate: `[{type: 'virtualNetworks', name: 'v'}, {type: 'subnets', name: 's'}]`. */
  readonly segments: readonly { readonly type: string; readonly name: string }[];
}

export const RESOURCE_GROUP_TYPE = 'Microsoft.Resources/resourceGroups';
export const SUBSCRIPTION_TYPE = 'Microsoft.Resources/subscriptions';

/** Undefined unless the text is the complete id of a subscription, a resource group or a resource. */
export function parseResourceId(text: string): ResourceId | undefined {
  const parts = text.replace(/\/$/, '').split('/');
  if (parts.shift() !== '' || parts.some(part => part === '')) return undefined;
  const take = (word: string): string | undefined => {
    if (parts[0]?.toLowerCase() !== word || parts[1] === undefined) return undefined;
    const [, value] = parts.splice(0, 2);
    return value;
  };
  const subscriptionId = take('subscriptions');
  if (subscriptionId === undefined) return undefined;
  const resourceGroup = take('resourcegroups') ?? '';
  if (parts.length === 0) return { subscriptionId, resourceGroup, provider: '', segments: [] };
  const provider = take('providers');
  if (provider === undefined || parts.length === 0 || parts.length % 2 !== 0) return undefined;
  const segments: { type: string; name: string }[] = [];
  for (let index = 0; index < parts.length; index += 2)
    segments.push({ type: parts[index] ?? '', name: parts[index + 1] ?? '' });
  return { subscriptionId, resourceGroup, provider, segments };
}

export function formatResourceId(id: ResourceId): string {
  let text = `/subscriptions/${id.subscriptionId}`;
  if (id.resourceGroup !== '') text += `/resourceGroups/${id.resourceGroup}`;
  if (id.provider !== '') text += `/providers/${id.provider}`;
  for (const { type, name } of id.segments) text += `/${type}/${name}`;
  return text;
}

/** What ids are matched by; equal keys are the same resource. */
export function idKey(id: string): string {
  return id.replace(/\/$/, '').toLowerCase();
}

export function sameId(a: string, b: string): boolean {
  return idKey(a) === idKey(b);
}

/** `Microsoft.Network/virtualNetworks/subnets`, in the spelling the id has. */
export function typeOfId(id: ResourceId): string {
  if (id.provider !== '') return [id.provider, ...id.segments.map(segment => segment.type)].join('/');
  return id.resourceGroup === '' ? SUBSCRIPTION_TYPE : RESOURCE_GROUP_TYPE;
}

/** The last name: of the resource, its group or its subscription. */
export function nameOfId(id: ResourceId): string {
  return id.segments.at(-1)?.name ?? (id.resourceGroup === '' ? id.subscriptionId : id.resourceGroup);
}

/** The id one type word shorter; undefined for a resource that is not a child of another. */
export function parentOfId(id: ResourceId): ResourceId | undefined {
  return id.segments.length < 2 ? undefined : { ...id, segments: id.segments.slice(0, -1) };
}

/** Name of the resource group an id lies in, lower case; empty for a group itself and for subscription resources. */
export function groupKeyOf(id: string): string {
  const parsed = parseResourceId(id);
  return parsed === undefined || parsed.provider === '' ? '' : parsed.resourceGroup.toLowerCase();
}
