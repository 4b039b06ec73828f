// Which effective route of a subnet a packet takes, which others hold its address too, and why this one won: in words and as data.

import { type EffectiveRoute, routesTo } from '#model/effective-routes.ts';
import type { NextHop } from '#model/route-table.ts';
import { formatIpv4, formatPrefix } from '#net/ipv4.ts';
import type { Place, Vnet } from './network.ts';

export interface RouteChoice {
  readonly route: EffectiveRoute;
  readonly text: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function chooseRoute({ vnet, subnet }: Place, destination: number): RouteChoice {
  const [route, ...others] = routesTo(subnet.routes, destination);
  if (!route) throw new Error('0.0.0.0/0 is a system route of every subnet');
  const table = subnet.routeTable;
  const from = (candidate: EffectiveRoute) =>
    candidate.source === 'User' ? `route '${candidate.name}' of ${table?.name}` : 'system route';
  const describe = (candidate: EffectiveRoute) =>
    `${formatPrefix(candidate.prefix)} to ${isPeering(vnet, candidate) ? 'VNetPeering' : describeHop(candidate.nextHop)} (${from(candidate)})`;
  const why = whyFirst(route, others);
  const rest = others.map(other => `${describe(other)}${other.state === 'Invalid' ? ', overridden' : ''}`);
  return {
    route,
    text: `from subnet ${vnet.name}/${subnet.name} to ${formatIpv4(destination)}: ${describe(route)}, ${why}${rest.length > 0 ? `: ${rest.join('; ')}` : ''}`,
    details: {
      subnet: `${vnet.name}/${subnet.name}`,
      routeTable: table?.name ?? null,
      destination: formatIpv4(destination),
      why,
      route: routeJson(vnet, route),
      others: others.map(other => routeJson(vnet, other)),
    },
  };
}

function isPeering({ prefixes }: Vnet, { source, nextHop, prefix }: EffectiveRoute): boolean {
  const isOwn = prefixes.some(own => own.first === prefix.first && own.length === prefix.length);
  return source === 'Default' && nextHop.type === 'VnetLocal' && !isOwn;
}

function whyFirst(route: EffectiveRoute, others: readonly EffectiveRoute[]): string {
  const [next] = others;
  if (!next) return 'the only one that holds the address';
  if (next.prefix.length < route.prefix.length) return 'the longest prefix before';
  return "a table's own route before the system's";
}

function routeJson(vnet: Vnet, route: EffectiveRoute): object {
  const { source, state, name, prefix, nextHop } = route;
  return {
    source,
    state,
    name,
    prefix: formatPrefix(prefix),
    nextHopType: isPeering(vnet, route) ? 'VNetPeering' : nextHop.type,
    nextHopIpAddress: nextHop.type === 'VirtualAppliance' ? formatIpv4(nextHop.address) : null,
  };
}

function describeHop(hop: NextHop): string {
  return hop.type === 'VirtualAppliance' ? `VirtualAppliance ${formatIpv4(hop.address)}` : hop.type;
}
