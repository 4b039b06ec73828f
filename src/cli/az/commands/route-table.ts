// az network route-table and its routes.

import { location, named, noWait, resourceGroup, tags } from '../arguments.ts';
import type { Arm } from '../arm.ts';
import { genericUpdate, thenUpdates } from '../generic-update.ts';
import { presentResource } from '../present.ts';
import type { Argument, Command, Values } from '../spec.ts';
import { given, propertiesOf, requireUpdate, updatedTags } from './fields.ts';
import { deleteCommand, listCommand, showCommand } from './standard.ts';

const kind = { type: 'routeTables', noun: 'route table' };

const noBgp: Argument = {
  key: 'disableBgp',
  flags: ['--disable-bgp-route-propagation'],
  kind: 'boolean',
  help: 'Kept with the resource; there is no BGP to learn routes from.',
};

export const commands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create an empty route table.',
    arguments: [named('route table'), resourceGroup, noBgp, location, noWait, tags],
    async run({ arm, values }) {
      const group = values.text('resourceGroup');
      const disableBgp = values.boolean('disableBgp');
      const body = given({
        location: await arm.locationFor(group, values.optional('location')),
        tags: values.tags(),
        properties: disableBgp === undefined ? undefined : { disableBgpRoutePropagation: disableBgp },
      });
      const path = arm.networkPath(group, kind.type, values.text('name'));
      return presentResource(await arm.put(path, body, { noWait: values.switch('noWait') }));
    },
  },
  deleteCommand(kind),
  listCommand(kind),
  showCommand(kind),
  {
    name: 'update',
    summary: 'Change the tags of a route table.',
    arguments: [named('route table'), resourceGroup, noBgp, noWait, tags, ...genericUpdate],
    async run({ arm, values }) {
      const newTags = values.tags();
      const disableBgp = values.boolean('disableBgp');
      const properties = given({ disableBgpRoutePropagation: disableBgp });
      requireUpdate(values, given({ newTags, disableBgp }), '--tags, --disable-bgp-route-propagation');
      const path = arm.networkPath(values.text('resourceGroup'), kind.type, values.text('name'));
      const result = await arm.edit(
        path,
        thenUpdates(values, table => ({
          ...table,
          ...updatedTags(table, newTags),
          properties: { ...propertiesOf(table), ...properties },
        })),
        { noWait: values.switch('noWait') },
      );
      return presentResource(result);
    },
  },
];

const tableName: Argument = {
  key: 'routeTableName',
  flags: ['--route-table-name'],
  required: true,
  help: 'Name of the route table.',
};

const addressPrefix: Argument = {
  key: 'addressPrefix',
  flags: ['--address-prefix'],
  help: 'Destination of the route: a prefix or a service tag.',
};

const nextHopType: Argument = {
  key: 'nextHopType',
  flags: ['--next-hop-type'],
  choices: ['Internet', 'None', 'VirtualAppliance', 'VirtualNetworkGateway', 'VnetLocal'],
  help: 'Where packets go.',
};

const nextHopIp: Argument = {
  key: 'nextHopIp',
  flags: ['--next-hop-ip-address'],
  help: 'Address of the appliance; only with VirtualAppliance.',
};

function routePath(arm: Arm, values: Values): string {
  const words = [kind.type, values.text('routeTableName'), 'routes', values.text('name')];
  return arm.networkPath(values.text('resourceGroup'), ...words);
}

function routeProperties(values: Values): Record<string, unknown> {
  return given({
    addressPrefix: values.optional('addressPrefix'),
    nextHopType: values.optional('nextHopType'),
    nextHopIpAddress: values.optional('nextHopIp'),
  });
}

export const routeCommands: readonly Command[] = [
  {
    name: 'create',
    summary: 'Create a route.',
    arguments: [
      named('route'),
      resourceGroup,
      tableName,
      { ...addressPrefix, required: true },
      { ...nextHopType, required: true },
      nextHopIp,
      noWait,
    ],
    examples: [
      'az network route-table route create -g aks-egress-rg --route-table-name aks-egress-fwrt -n aks-egress-fwrn --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.42.2.4',
    ],
    async run({ arm, values }) {
      const body = { name: values.text('name'), properties: routeProperties(values) };
      return presentResource(
        await arm.put(routePath(arm, values), body, { noWait: values.switch('noWait') }),
      );
    },
  },
  {
    name: 'delete',
    summary: 'Delete a route.',
    arguments: [named('route'), resourceGroup, tableName, noWait],
    async run({ arm, values }) {
      await arm.deleteIfThere(routePath(arm, values), { noWait: values.switch('noWait') });
    },
  },
  {
    name: 'list',
    summary: 'List the routes of a route table.',
    arguments: [resourceGroup, tableName],
    async run({ arm, values }) {
      const words = [kind.type, values.text('routeTableName'), 'routes'];
      return presentResource(await arm.list(arm.networkPath(values.text('resourceGroup'), ...words)));
    },
  },
  {
    name: 'show',
    summary: 'Show a route.',
    arguments: [named('route'), resourceGroup, tableName],
    async run({ arm, values }) {
      return presentResource(await arm.get(routePath(arm, values)));
    },
  },
  {
    name: 'update',
    summary: 'Change a route.',
    arguments: [
      named('route'),
      resourceGroup,
      tableName,
      addressPrefix,
      nextHopType,
      nextHopIp,
      noWait,
      ...genericUpdate,
    ],
    async run({ arm, values }) {
      const changes = routeProperties(values);
      requireUpdate(values, changes, '--address-prefix, --next-hop-type, --next-hop-ip-address');
      const change = (route: Record<string, unknown>): Record<string, unknown> => {
        const properties = { ...propertiesOf(route), ...changes };
        if (properties.nextHopType !== 'VirtualAppliance' && !values.has('nextHopIp')) {
          delete properties.nextHopIpAddress;
        }
        return { ...route, properties };
      };
      return presentResource(
        await arm.edit(routePath(arm, values), thenUpdates(values, change), {
          noWait: values.switch('noWait'),
        }),
      );
    },
  },
];
