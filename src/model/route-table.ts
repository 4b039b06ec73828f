// Route tables and their routes: what a request may say, what is stored, and the typed view the fabric routes by.

import type { Json, JsonReader } from '#arm/json-reader.ts';
import { formatPrefix, type Ipv4Prefix, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import { childrenIn, readChild, type StoredChild } from './child.ts';
import { readPrefix } from './prefixes.ts';

export const ROUTE_TABLE_TYPE = 'Microsoft.Network/routeTables';
export const ROUTE_TYPE = 'Microsoft.Network/routeTables/routes';

const NEXT_HOPS = ['VirtualAppliance', 'VnetLocal', 'Internet', 'None'] as const;

export type NextHop =
  | { readonly type: 'VirtualAppliance'; readonly address: number }
  | { readonly type: 'VnetLocal' | 'Internet' | 'None' };

export interface Route {
  readonly name: string;
  readonly prefix: Ipv4Prefix;
  readonly nextHop: NextHop;
}

export interface RouteTable {
  readonly id: string;
  readonly name: string;
  readonly routes: readonly Route[];
}

export type StoredRoute = StoredChild;

/** Typed view of a stored document; routes that cannot be read (a hand-written file) are left out. */
export function toRouteTable(document: { id: string; name: string; properties: Json }): RouteTable {
  return {
    id: document.id,
    name: document.name,
    routes: routesOf(document.properties).flatMap(route => toRoute(route) ?? []),
  };
}

export function routesOf(properties: Json): StoredRoute[] {
  return childrenIn(properties.routes);
}

function toRoute({ name, properties }: StoredRoute): Route | undefined {
  const prefix = parsePrefix(String(properties.addressPrefix));
  const type = NEXT_HOPS.find(hop => hop.toLowerCase() === String(properties.nextHopType).toLowerCase());
  if (prefix === undefined || type === undefined) return undefined;
  if (type !== 'VirtualAppliance') return { name, prefix, nextHop: { type } };
  const address = parseIpv4(String(properties.nextHopIpAddress));
  return address === undefined ? undefined : { name, prefix, nextHop: { type, address } };
}

/** Properties to store. */
export function readRouteTable(reader: JsonReader): Json {
  const routes = (reader.objects('routes') ?? []).map(route => readRoute(route));
  const disableBgpRoutePropagation = reader.boolean('disableBgpRoutePropagation') ?? false;
  reader.readOnly('provisioningState', 'resourceGuid', 'subnets');
  reader.finish();
  checkRoutes(reader, routes);
  return { routes, disableBgpRoutePropagation };
}

/** `{name, properties}` of a route, alone or inside its table. */
export function readRoute(reader: JsonReader, nameInPath?: string): StoredRoute {
  return readChild(reader, ROUTE_TYPE, readRouteProperties, nameInPath);
}

function readRouteProperties(reader: JsonReader): Json {
  const addressPrefix = reader.requiredText('addressPrefix');
  if (addressPrefix !== undefined) readPrefix(reader, 'addressPrefix', addressPrefix);
  if (!reader.has('nextHopType')) reader.missing('nextHopType');
  const nextHopType = reader.oneOf('nextHopType', [...NEXT_HOPS, 'VirtualNetworkGateway']);
  if (nextHopType === 'VirtualNetworkGateway')
    reader.fault(
      'UnsupportedProperty',
      'nextHopType',
      'Postern has no virtual network gateways to route to.',
    );
  const nextHopIpAddress = reader.text('nextHopIpAddress') || undefined;
  if (nextHopType === 'VirtualAppliance' && nextHopIpAddress === undefined)
    reader.fault(
      'InvalidRouteNextHopIpAddress',
      'nextHopIpAddress',
      'A route whose next hop is a VirtualAppliance needs the address of the appliance in nextHopIpAddress.',
    );
  if (nextHopType !== undefined && nextHopType !== 'VirtualAppliance' && nextHopIpAddress !== undefined)
    reader.fault(
      'InvalidRouteNextHopIpAddress',
      'nextHopIpAddress',
      `A route whose next hop is ${nextHopType} takes no nextHopIpAddress; only VirtualAppliance does.`,
    );
  if (nextHopIpAddress !== undefined && parseIpv4(nextHopIpAddress) === undefined)
    reader.fault('InvalidIPAddress', 'nextHopIpAddress', `'${nextHopIpAddress}' is not an IPv4 address.`);
  reader.readOnly('provisioningState', 'hasBgpOverride');
  reader.finish();
  return {
    addressPrefix: addressPrefix ?? '',
    nextHopType: nextHopType ?? '',
    ...(nextHopIpAddress === undefined ? {} : { nextHopIpAddress }),
  };
}

/** No two routes of a table share a name or a prefix. `path` is the table's properties. */
export function checkRoutes(path: JsonReader, routes: readonly StoredRoute[]): void {
  const names = new Set<string>();
  const byPrefix = new Map<string, string>();
  routes.forEach(({ name, properties }, index) => {
    if (names.has(name.toLowerCase()))
      path.fault('DuplicateRouteName', `routes[${index}].name`, `There are two routes called '${name}'.`);
    names.add(name.toLowerCase());
    const prefix = parsePrefix(String(properties.addressPrefix));
    if (prefix === undefined) return;
    const text = formatPrefix(prefix);
    const other = byPrefix.get(text);
    if (other !== undefined)
      path.fault(
        'RouteConflict',
        `routes[${index}].properties.addressPrefix`,
        `Route '${name}' has the address prefix ${text} of route '${other}'; a table holds one route a prefix.`,
      );
    byPrefix.set(text, name);
  });
}
