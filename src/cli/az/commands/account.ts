// az account: the one subscription of the control plane.

import type { Arm } from '../arm.ts';
import { UsageError } from '../errors.ts';
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

export const commands: readonly Command[] = [
  {
    name: 'list',
    summary: 'List subscriptions. There is one.',
    arguments: [],
    async run({ arm }) {
      return [present(arm)];
    },
  },
  {
    name: 'list-locations',
    summary: 'List regions.',
    arguments: [],
    async run({ arm }) {
      return arm.list(`/subscriptions/${arm.subscription}/locations`);
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
