// A small network for tests of explanations: subnets apps and data behind a firewall, each with the route table of the test.

import assert from 'node:assert/strict';
import type { ArmDocument } from '#arm/arm-document.ts';
import { ip, policy } from '#ir/fixture.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { type ExplainFacts, type Explanation, explain, prepareExplanation } from './explain.ts';
import { readNetwork } from './network.ts';

export const id = (type: string, name: string): string =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/${type}/${name}`;
const document = (type: string, name: string, properties: ArmDocument['properties']): ArmDocument => ({
  id: id(type, name),
  name,
  type: `Microsoft.Network/${type}`,
  properties,
});

/** `0.0.0.0/0 10.42.2.4`, `10.0.0.0/8 None`. */
export type RouteText = string;

export interface Topology {
  /** Undefined: no route table. */
  readonly apps?: readonly RouteText[] | undefined;
  readonly data?: readonly RouteText[] | undefined;
  readonly firewallSubnet?: readonly RouteText[];
  readonly dnsServers?: readonly string[];
  readonly rules?: Partial<ResolvedPolicy>;
  readonly withFirewall?: boolean;
  /** Name of the firewall's policy; classic rules without. */
  readonly policyName?: string;
  readonly gateway?: boolean;
  /** A second VNet, 10.50.0.0/16, whose only subnet has a default route to the firewall. */
  readonly spoke?: 'peered' | 'alone';
  readonly complete?: boolean;
  /** More documents. */
  readonly more?: readonly ArmDocument[];
}

export const TO_FIREWALL = '0.0.0.0/0 10.42.2.4';

function routeTable(name: string, routes: readonly RouteText[]): ArmDocument {
  return document('routeTables', name, {
    routes: routes.map((text, index) => {
      const [addressPrefix = '', hop = ''] = text.split(' ');
      const appliance = /^\d/.test(hop);
      return {
        name: `r${index}`,
        properties: {
          addressPrefix,
          nextHopType: appliance ? 'VirtualAppliance' : hop,
          ...(appliance && { nextHopIpAddress: hop }),
        },
      };
    }),
  });
}

const peering = (remote: string) => ({
  name: remote,
  peeringState: 'Connected',
  allowVirtualNetworkAccess: true,
  remoteVirtualNetwork: { id: id('virtualNetworks', remote) },
});

export function documentsOf({
  apps,
  data,
  firewallSubnet,
  dnsServers = [],
  withFirewall = true,
  policyName,
  gateway,
  spoke,
  more = [],
}: Topology): ArmDocument[] {
  const subnet = (name: string, addressPrefix: string, routes: readonly RouteText[] | undefined) => ({
    name,
    properties: {
      addressPrefix,
      ...(routes && { routeTable: { id: id('routeTables', `rt-${name}`) } }),
    },
  });
  const tables = Object.entries({ apps, data, AzureFirewallSubnet: firewallSubnet }).flatMap(
    ([name, routes]) => (routes ? [routeTable(`rt-${name}`, routes)] : []),
  );
  const vnet = document('virtualNetworks', 'hub', {
    addressSpace: { addressPrefixes: ['10.42.0.0/16'] },
    dhcpOptions: { dnsServers },
    ...(spoke === 'peered' && { virtualNetworkPeerings: [peering('spoke')] }),
    subnets: [
      subnet('apps', '10.42.1.0/24', apps),
      subnet('AzureFirewallSubnet', '10.42.2.0/26', firewallSubnet),
      subnet('data', '10.42.3.0/24', data),
    ],
  });
  const spokes = spoke
    ? [
        routeTable('rt-spoke', [TO_FIREWALL]),
        document('virtualNetworks', 'spoke', {
          addressSpace: { addressPrefixes: ['10.50.0.0/16'] },
          ...(spoke === 'peered' && { virtualNetworkPeerings: [peering('hub')] }),
          subnets: [
            {
              name: 'nodes',
              properties: {
                addressPrefix: '10.50.1.0/24',
                routeTable: { id: id('routeTables', 'rt-spoke') },
              },
            },
          ],
        }),
      ]
    : [];
  const firewall = document('azureFirewalls', 'f', {
    ...(policyName !== undefined && { firewallPolicy: { id: id('firewallPolicies', policyName) } }),
    ipConfigurations: [
      {
        name: 'c',
        properties: {
          privateIPAddress: '10.42.2.4',
          subnet: { id: `${id('virtualNetworks', 'hub')}/subnets/AzureFirewallSubnet` },
        },
      },
    ],
  });
  return [...(gateway ? [] : [vnet]), ...tables, ...spokes, ...(withFirewall ? [firewall] : []), ...more];
}

export function publicIp(name: string, ipAddress: string): ArmDocument {
  return document('publicIPAddresses', name, { ipAddress });
}

/** A NIC as `az network nic show` prints it, its members lifted. */
export function nic(name: string, address: string, more: Record<string, unknown> = {}): ArmDocument {
  return document('networkInterfaces', name, {
    ipConfigurations: [
      {
        id: `${id('networkInterfaces', name)}/ipConfigurations/c`,
        name: 'c',
        privateIPAddress: address,
        subnet: {
          id: `${id('virtualNetworks', 'hub')}/subnets/${address.startsWith('10.42.1.') ? 'apps' : 'data'}`,
        },
        ...more,
      },
    ],
  });
}

/** A load balancer in front of the NIC `web`, on port 80 to 8080. */
export function balancer(frontend: Record<string, unknown>): ArmDocument {
  const at = id('loadBalancers', 'lb');
  return document('loadBalancers', 'lb', {
    frontendIPConfigurations: [{ id: `${at}/frontendIPConfigurations/fe`, name: 'fe', properties: frontend }],
    backendAddressPools: [
      {
        id: `${at}/backendAddressPools/p`,
        name: 'p',
        properties: {
          backendIPConfigurations: [{ id: `${id('networkInterfaces', 'web')}/ipConfigurations/c` }],
        },
      },
    ],
    loadBalancingRules: [
      {
        name: 'http',
        properties: {
          protocol: 'Tcp',
          frontendPort: 80,
          backendPort: 8080,
          frontendIPConfiguration: { id: `${at}/frontendIPConfigurations/fe` },
          backendAddressPool: { id: `${at}/backendAddressPools/p` },
        },
      },
    ],
  });
}

/** `tcp app > 1.2.3.4:443`. */
export function explained(
  text: string,
  topology: Topology,
  facts: Partial<ExplainFacts> & { readonly sni?: string } = {},
): Explanation {
  const [protocol = '', from = '', , to = ''] = text.split(' ');
  const network = readNetwork({
    documents: documentsOf(topology),
    policies: new Map([[id('azureFirewalls', 'f'), policy(topology.rules)]]),
    hosts: [
      {
        name: 'app',
        address: ip('10.42.1.5'),
        subnetId: `${id('virtualNetworks', 'hub')}/subnets/apps`,
      },
      {
        name: 'db',
        address: ip('10.42.3.10'),
        subnetId: `${id('virtualNetworks', 'hub')}/subnets/data`,
      },
    ],
    complete: topology.complete ?? false,
    gateway: topology.gateway ?? false,
    outboundAddresses: new Map([[id('virtualNetworks', 'hub'), ip('20.62.208.9')]]),
  });
  const { prepared, faults } = prepareExplanation(network, { from, to, protocol, sni: facts.sni });
  if (!prepared) return assert.fail(JSON.stringify(faults));
  return explain(prepared, { resolved: new Map(), ...facts });
}
