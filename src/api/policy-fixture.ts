// Bodies of firewall policies and rule collection groups for tests of the API.

import type { Json } from '#arm/json-reader.ts';
import { assertOk, buildNetwork, firewallBody, ipConfiguration, N, type TestApi } from './api-fixture.ts';

export const P = `${N}/firewallPolicies`;

export const policyBody = (properties: Json = {}, location = 'eastus') => ({ location, properties });

export const networkRule = (more: Json = {}): Json => ({
  ruleType: 'NetworkRule',
  name: 'time',
  ipProtocols: ['UDP'],
  sourceAddresses: ['10.42.1.0/24'],
  destinationAddresses: ['*'],
  destinationPorts: ['123'],
  ...more,
});

export const applicationRule = (more: Json = {}): Json => ({
  ruleType: 'ApplicationRule',
  name: 'web',
  protocols: [{ protocolType: 'Https', port: 443 }],
  sourceAddresses: ['10.42.1.0/24'],
  targetFqdns: ['example.org'],
  ...more,
});

export const natRule = (more: Json = {}): Json => ({
  ruleType: 'NatRule',
  name: 'ssh',
  ipProtocols: ['TCP'],
  sourceAddresses: ['*'],
  destinationAddresses: ['20.51.96.1'],
  destinationPorts: ['22'],
  translatedAddress: '10.42.1.4',
  translatedPort: '22',
  ...more,
});

export const filterCollection = (rules: readonly Json[], more: Json = {}): Json => ({
  ruleCollectionType: 'FirewallPolicyFilterRuleCollection',
  name: 'filter',
  priority: 100,
  action: { type: 'Allow' },
  rules,
  ...more,
});

export const natCollection = (rules: readonly Json[], more: Json = {}): Json => ({
  ruleCollectionType: 'FirewallPolicyNatRuleCollection',
  name: 'nat',
  priority: 100,
  action: { type: 'DNAT' },
  rules,
  ...more,
});

export const groupBody = (ruleCollections: readonly Json[] = [], priority = 200) => ({
  properties: { priority, ruleCollections },
});

export const withPolicy = (policy: string | undefined, more: Json = {}) =>
  firewallBody({
    ipConfigurations: [ipConfiguration('config', 'pip', 'AzureFirewallSubnet')],
    ...(policy === undefined ? {} : { firewallPolicy: { id: `${P}/${policy}` } }),
    additionalProperties: {},
    ...more,
  });

/** The network of `buildNetwork`, a parent with a network rule, its child with an application rule, and the firewall under the child. */
export async function buildPolicies(test: TestApi): Promise<void> {
  const { call } = test;
  await buildNetwork(test);
  assertOk(await call('PUT', `${P}/parent`, policyBody()), 201);
  assertOk(
    await call(
      'PUT',
      `${P}/parent/ruleCollectionGroups/base`,
      groupBody([filterCollection([networkRule()])]),
    ),
    201,
  );
  assertOk(await call('PUT', `${P}/child`, policyBody({ basePolicy: { id: `${P}/parent` } })), 201);
  assertOk(
    await call(
      'PUT',
      `${P}/child/ruleCollectionGroups/web`,
      groupBody([filterCollection([applicationRule()])]),
    ),
    201,
  );
  assertOk(await call('PUT', `${N}/azureFirewalls/fw`, withPolicy('child')), 200);
}
