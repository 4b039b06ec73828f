// az account: the one subscription of the control plane.

import type { Arm } from '../arm.ts';
import { isRecord, UsageError } from '../errors.ts';
import type { Argument, Command } from '../spec.ts';

const subscription: Argument = {
  key: 'name',
  flags: ['--name', '-n', '-s'],
  help: 'Name or id of the subscription.',
};

export const SUBSCRIPTION_NAME = 'Postern';

function present(arm: Arm): Record<string, unknown> {
  return {
    environmentName: 'Postern',
    homeTenantId: arm.tenant,
    id: arm.subscription,
    isDefault: true,
    managedByTenants: [],
    name: SUBSCRIPTION_NAME,
    state: 'Enabled',
    tenantId: arm.tenant,
    user: { name: 'postern', type: 'servicePrincipal' },
  };
}

function tableRow(subscription: unknown): unknown {
  if (!isRecord(subscription)) return subscription;
  const { name, cloudName, id, tenantId, state, isDefault } = subscription;
  return {
    Name: name,
    CloudName: cloudName,
    SubscriptionId: id,
    TenantId: tenantId,
    State: state,
    IsDefault: isDefault,
  };
}

/** With the members that Azure's CLI prints even where nothing is known. */
function presentLocation(location: unknown): unknown {
  if (!isRecord(location)) return location;
  const unknown = {
    geographyGroup: null,
    latitude: null,
    longitude: null,
    pairedRegion: null,
    physicalLocation: null,
    regionCategory: null,
  };
  return {
    subscriptionId: null,
    ...location,
    metadata: { ...unknown, ...(isRecord(location.metadata) ? location.metadata : {}) },
  };
}

export const commands: readonly Command[] = [
  {
    name: 'list',
    summary: 'List subscriptions. There is one.',
    arguments: [],
    table: result => (Array.isArray(result) ? result.map(tableRow) : result),
    async run({ arm }) {
      const { environmentName, ...rest } = present(arm);
      return [{ cloudName: environmentName, ...rest }];
    },
  },
  {
    name: 'list-locations',
    summary: 'List regions.',
    arguments: [],
    async run({ arm }) {
      return (await arm.list(`/subscriptions/${arm.subscription}/locations`)).map(presentLocation);
    },
  },
  {
    name: 'set',
    summary: 'Choose the subscription. There is one, so only that one may be named.',
    arguments: [{ ...subscription, required: true }],
    async run({ arm, values }) {
      const wanted = values.text('name').toLowerCase();
      if (wanted !== arm.subscription.toLowerCase() && wanted !== SUBSCRIPTION_NAME.toLowerCase()) {
        throw new UsageError(
          `The subscription of '${values.text('name')}' does not exist; there is ${arm.subscription}.`,
        );
      }
    },
  },
  {
    name: 'show',
    summary: 'Show the subscription.',
    arguments: [subscription],
    async run({ arm }) {
      return present(arm);
    },
  },
];
