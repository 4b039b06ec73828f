// Route tables and routes in the API.

import { JsonReader } from '#arm/json-reader.ts';
import {
  checkRoutes,
  ROUTE_TABLE_TYPE,
  ROUTE_TYPE,
  readRoute,
  readRouteTable,
  routesOf,
} from '#model/route-table.ts';
import { subnetsWithRouteTable } from './references.ts';
import type { ResourceKind } from './resource-kind.ts';
import { showChildren } from './show.ts';

export const routeTables: ResourceKind = {
  type: ROUTE_TABLE_TYPE,
  deletionRank: 2,
  child: {
    type: ROUTE_TYPE,
    list: 'routes',
    read: readRoute,
    checkList: (routes, _parent, faults) => checkRoutes(new JsonReader({}, 'properties', faults), routes),
    blockDeletion: () => undefined,
  },

  read({ envelope, reader }) {
    const properties = reader.object('properties') ?? new JsonReader({}, 'properties', reader.faults);
    reader.finish();
    return { ...envelope, properties: readRouteTable(properties) };
  },

  check() {},

  showProperties(resource, { store }) {
    const { document } = resource;
    const subnets = subnetsWithRouteTable(store, document.id).map(id => ({ id }));
    const routes = routesOf(document.properties).map(({ name, properties }) => ({
      name,
      properties: { ...properties, hasBgpOverride: false },
    }));
    return {
      ...document.properties,
      routes: showChildren(resource, this.child, routes),
      ...(subnets.length === 0 ? {} : { subnets }),
    };
  },

  blockDeletion({ id, name }, { store }) {
    const users = subnetsWithRouteTable(store, id);
    if (users.length === 0) return undefined;
    return {
      code: 'InUseRouteTableCannotBeDeleted',
      message: `Route table ${name} is in use by ${users.join(', ')} and cannot be deleted. Take it off these subnets first.`,
      users,
    };
  },

  affectedFirewalls: () => [],
};
