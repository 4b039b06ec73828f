// A small VNet as tests of the fabric want it: two subnets with hosts, a firewall, a host on the Internet.

import type { Route } from '#model/route-table.ts';
import { type Ipv4Prefix, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import type { Topology } from './topology.ts';

const VNET_ID = '/subscriptions/s/resourceGroups/RG/providers/Microsoft.Network/virtualNetworks/Hub';

export const address = (text: string): number => parseIpv4(text) ?? Number.NaN;
export const prefix = (text: string): Ipv4Prefix => parsePrefix(text) as Ipv4Prefix;
export const subnetId = (name: string): string => `${VNET_ID}/subnets/${name}`;

export const TO_FIREWALL: Route = {
  name: 'default',
  prefix: prefix('0.0.0.0/0'),
  nextHop: { type: 'VirtualAppliance', address: address('10.42.2.4') },
};

export function hub({
  userRoutes = [],
  withFirewall = true,
  publicAddresses = ['20.62.192.1'],
}: {
  readonly userRoutes?: readonly Route[];
  readonly withFirewall?: boolean;
  readonly publicAddresses?: readonly string[];
} = {}): Topology {
  const subnet = (name: string, range: string, routes: readonly Route[] = []) => ({
    id: subnetId(name),
    name,
    prefix: prefix(range),
    userRoutes: routes,
  });
  return {
    vnets: [
      {
        id: VNET_ID,
        key: 'rg.hub',
        name: 'Hub',
        prefixes: [prefix('10.42.0.0/16')],
        dnsServers: [],
        subnets: [
          subnet('apps', '10.42.1.0/24', userRoutes),
          subnet('AzureFirewallSubnet', '10.42.2.0/24'),
          subnet('data', '10.42.3.0/29'),
        ],
      },
    ],
    firewalls: withFirewall
      ? [
          {
            id: `${VNET_ID.replace('virtualNetworks/Hub', 'azureFirewalls/fw')}`,
            key: 'rg.fw',
            name: 'fw',
            subnetId: subnetId('azurefirewallsubnet'),
            privateAddress: address('10.42.2.4'),
            publicAddresses: publicAddresses.map(address),
          },
        ]
      : [],
    hosts: [
      { name: 'app', address: address('10.42.1.4'), subnetId: subnetId('apps') },
      { name: 'db', address: address('10.42.3.4'), subnetId: subnetId('data') },
      { name: 'visitor', address: address('20.51.99.8') },
    ],
  };
}
