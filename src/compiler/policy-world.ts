// Documents for tests of `resolvePolicy`: a firewall with a policy, its parent, a public IP and IP groups.

import assert from 'node:assert/strict';
import { type ArmDocument, toDocuments } from '#arm/arm-document.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
import { aks, eastus, type Json, OFFICE, PIP, SCOPE } from './fixture.ts';
import { resolvePolicy, type TagFacts } from './resolve-policy.ts';

export const FIREWALL = `${SCOPE}/azureFirewalls/fw`;
export const CHILD = `${SCOPE}/firewallPolicies/child`;
export const PARENT = `${SCOPE}/firewallPolicies/parent`;

export const facts: TagFacts = {
  serviceTagName: name => (/^azurecloud\.eastus$/i.test(name) ? 'AzureCloud.eastus' : undefined),
  fqdnTagName: name => (/^azurekubernetesservice$/i.test(name) ? 'AzureKubernetesService' : undefined),
  serviceTag: () => eastus,
  fqdnTag: () => aks,
};

const document = (id: string, type: string, properties: Json): ArmDocument => ({
  id,
  name: id.split('/').at(-1) ?? '',
  type: `Microsoft.Network/${type}`,
  location: 'eastus',
  properties,
});

export const policy = (id: string, properties: Json = {}) => document(id, 'firewallPolicies', properties);
export const group = (policyId: string, name: string, priority: number, ruleCollections: readonly Json[]) =>
  document(`${policyId}/ruleCollectionGroups/${name}`, 'firewallPolicies/ruleCollectionGroups', {
    priority,
    ruleCollections,
  });
export const ipGroup = (id: string, ...ipAddresses: string[]) => document(id, 'ipGroups', { ipAddresses });
export const publicIp = (id: string, ipAddress?: string) =>
  document(id, 'publicIPAddresses', ipAddress === undefined ? {} : { ipAddress });
/** Of tier Standard, at 20.1.1.1 and 10.42.2.4. */
export const firewall = (properties: Json = {}) =>
  document(FIREWALL, 'azureFirewalls', {
    ipConfigurations: [
      {
        name: 'config',
        properties: {
          subnet: { id: `${SCOPE}/virtualNetworks/v/subnets/AzureFirewallSubnet` },
          publicIPAddress: { id: PIP },
          privateIPAddress: '10.42.2.4',
        },
      },
    ],
    ...properties,
  });
export const attached = firewall({ firewallPolicy: { id: CHILD } });
export const base = [publicIp(PIP, '20.1.1.1'), ipGroup(OFFICE, '10.42.9.0/24', '10.42.8.0/24')];
export const inherits = { basePolicy: { id: PARENT } };

export function resolve(documents: readonly ArmDocument[], options: Partial<PolicyOptions> = {}) {
  const [subject] = documents;
  assert.ok(subject);
  return resolvePolicy(subject, toDocuments([...base, ...documents]), {
    facts,
    options: { ...DEFAULT_POLICY_OPTIONS, ...options },
  });
}

export function resolved(documents: readonly ArmDocument[], options: Partial<PolicyOptions> = {}) {
  const { policy: found, faults } = resolve(documents, options);
  return found ?? assert.fail(JSON.stringify(faults, null, 1));
}

export const faultsOf = (documents: readonly ArmDocument[], options: Partial<PolicyOptions> = {}) =>
  resolve(documents, options).faults ?? [];

export function warningsOf(documents: readonly ArmDocument[], options: Partial<PolicyOptions> = {}) {
  const resolution = resolve(documents, options);
  return resolution.policy ? resolution.warnings : assert.fail(JSON.stringify(resolution.faults));
}
