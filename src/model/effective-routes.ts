// The effective routes of a subnet, as Azure's fabric has them
// (https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview): system routes, overridden by the
// routes of the associated table; the longest prefix decides, and of two equal ones the user's.

import { contains, type Ipv4Prefix, parsePrefix } from '#net/ipv4.ts';
import type { NextHop, Route } from './route-table.ts';

export interface EffectiveRoute {
  readonly source: 'Default' | 'User';
  /** `Invalid`: overridden by a user's route for the same prefix, or gone with the default route. */
  readonly state: 'Active' | 'Invalid';
  /** Name of the user's route; empty for system routes. */
  readonly name: string;
  readonly prefix: Ipv4Prefix;
  readonly nextHop: NextHop;
}

const DEFAULT_ROUTE = prefix('0.0.0.0/0');

/**
 * Private space that is no network of ours leads nowhere. Azure drops these routes as soon as a user's route replaces
 * 0.0.0.0/0, which is why a default route to an appliance is enough to reach other networks behind it.
 */
const NOWHERE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(prefix);

/** `peeredPrefixes`: of other VNets that this one is peered with, which are reached as directly as its own. */
export function effectiveRoutes(
  vnetPrefixes: readonly Ipv4Prefix[],
  userRoutes: readonly Route[],
  peeredPrefixes: readonly Ipv4Prefix[] = [],
): EffectiveRoute[] {
  const direct = [...vnetPrefixes, ...peeredPrefixes];
  const isOverridden = (system: Ipv4Prefix) => userRoutes.some(route => same(route.prefix, system));
  const hasUserDefault = isOverridden(DEFAULT_ROUTE);
  const system: (readonly [Ipv4Prefix, NextHop, boolean])[] = [
    ...direct.map(local => [local, { type: 'VnetLocal' } as const, isOverridden(local)] as const),
    [DEFAULT_ROUTE, { type: 'Internet' } as const, hasUserDefault] as const,
    ...NOWHERE.filter(range => !direct.some(local => same(local, range))).map(
      range => [range, { type: 'None' } as const, hasUserDefault || isOverridden(range)] as const,
    ),
  ];
  return [
    ...system.map(
      ([range, nextHop, isInvalid]): EffectiveRoute => ({
        source: 'Default',
        state: isInvalid ? 'Invalid' : 'Active',
        name: '',
        prefix: range,
        nextHop,
      }),
    ),
    ...userRoutes.map(
      ({ name, prefix, nextHop }): EffectiveRoute => ({
        source: 'User',
        state: 'Active',
        name,
        prefix,
        nextHop,
      }),
    ),
  ];
}

/** The route a packet to this address takes. There always is one: 0.0.0.0/0 is a system route. */
export function routeTo(routes: readonly EffectiveRoute[], address: number): EffectiveRoute | undefined {
  return routesTo(routes, address).find(({ state }) => state === 'Active');
}

/** All that hold the address, the one that is taken first: the longest prefix, and of two equal ones the user's. */
export function routesTo(routes: readonly EffectiveRoute[], address: number): EffectiveRoute[] {
  const rank = ({ state, source }: EffectiveRoute) => (state === 'Invalid' ? 2 : source === 'User' ? 0 : 1);
  return routes
    .filter(({ prefix }) => contains(prefix, address))
    .sort((a, b) => b.prefix.length - a.prefix.length || rank(a) - rank(b));
}

function same(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return a.first === b.first && a.length === b.length;
}

function prefix(text: string): Ipv4Prefix {
  const parsed = parsePrefix(text);
  if (!parsed) throw new TypeError(`${text} is not a prefix`);
  return parsed;
}
