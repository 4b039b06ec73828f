// What is said about the one subscription and its tenant: regions, resource providers, operations, service tags and
// FQDN tags.

import { Hono } from 'hono';
import { ArmError } from '#arm/arm-error.ts';
import { LOCATIONS, normalizeLocation } from '#arm/locations.ts';
import { pathSegments } from './http.ts';
import { PROVIDERS, providerNamed } from './kinds.ts';
import type { KindContext } from './resource-kind.ts';
import { describeOperation } from './settling.ts';

/** Versions named in lists of providers; any well-formed one is accepted. */
const API_VERSIONS = ['2024-05-01', '2022-01-01', '2021-08-01'];

export function subscriptionRoutes(context: KindContext): Hono {
  const { subscription, facts } = context.options;
  const routes = new Hono();
  const base = `/subscriptions/${subscription.id}`;
  const shownSubscription = {
    id: base,
    subscriptionId: subscription.id,
    displayName: subscription.name,
    state: 'Enabled',
    tenantId: subscription.tenantId,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionPolicies: {
      locationPlacementId: 'Public_2014-09-01',
      quotaId: 'PayAsYouGo_2014-09-01',
      spendingLimit: 'Off',
    },
  };
  routes.get('/subscriptions', http => http.json({ value: [shownSubscription] }));
  routes.get('/subscriptions/:s', http => http.json(shownSubscription));
  routes.get('/tenants', http => {
    const { tenantId } = subscription;
    return http.json({ value: [{ id: `/tenants/${tenantId}`, tenantId, displayName: subscription.name }] });
  });
  routes.get('/subscriptions/:s/locations', http => {
    const value = [...LOCATIONS].map(([name, displayName]) => ({
      id: `${base}/locations/${name}`,
      name,
      type: 'Region',
      displayName,
      regionalDisplayName: displayName,
      metadata: { regionType: 'Physical' },
    }));
    return http.json({ value });
  });

  const showProvider = (namespace: string, types: readonly string[]) => ({
    id: `${base}/providers/${namespace}`,
    namespace,
    registrationState: 'Registered',
    registrationPolicy: 'RegistrationFree',
    resourceTypes: types.map(resourceType => ({
      resourceType,
      locations: [...LOCATIONS.values()],
      apiVersions: API_VERSIONS,
    })),
  });
  const provider = (name: string) => {
    const found = providerNamed(name);
    if (found) return showProvider(...found);
    throw new ArmError(
      404,
      'InvalidResourceNamespace',
      `The resource namespace '${name}' is invalid: this API has ${[...PROVIDERS.keys()].join(' and ')}.`,
    );
  };
  routes.get('/subscriptions/:s/providers', http =>
    http.json({ value: [...PROVIDERS].map(entry => showProvider(...entry)) }),
  );
  routes.get('/subscriptions/:s/providers/:n', http =>
    http.json(provider(pathSegments(http.req.raw)[3] ?? '')),
  );
  // All providers are registered from the start; clients that register one are told so.
  routes.post('/subscriptions/:s/providers/:n/register', http =>
    http.json(provider(pathSegments(http.req.raw)[3] ?? '')),
  );

  routes.get('/subscriptions/:s/providers/microsoft.network/locations/:l/operations/:o', async http => {
    const operation = await describeOperation(pathSegments(http.req.raw)[7] ?? '', context);
    if (operation.status === 'InProgress') http.header('Retry-After', '1');
    return http.json(operation);
  });

  routes.get('/subscriptions/:s/providers/microsoft.network/locations/:l/servicetags', http => {
    const location = normalizeLocation(pathSegments(http.req.raw)[5] ?? '');
    if (!LOCATIONS.has(location))
      throw new ArmError(
        400,
        'LocationNotAvailableForResourceType',
        `'${location}' is not a region of Azure.`,
      );
    return http.json(facts().serviceTagList(location, subscription.id));
  });

  routes.get('/subscriptions/:s/providers/microsoft.network/azurefirewallfqdntags', http => {
    const value = facts()
      .fqdnTagNames()
      .map(name => ({
        name,
        id: `${base}/providers/Microsoft.Network/azureFirewallFqdnTags/${name}`,
        type: 'Microsoft.Network/azureFirewallFqdnTags',
        properties: { provisioningState: 'Succeeded', fqdnTagName: name },
      }));
    return http.json({ value });
  });
  return routes;
}
