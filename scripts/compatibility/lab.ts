// The lab's network beside Azure's.

import { differs, type Feature, refused, same } from './feature.ts';

const ROUTES = 'virtual-network/virtual-networks-udr-overview';

export const LAB: readonly Feature[] = [
  same(
    'Effective routes',
    'system routes and route tables, longest prefix, a route of the table wins a tie; within a subnet too',
    ROUTES,
    'test/lab/fabric.test.ts: Internet: a longer prefix leaves beside the appliance',
    'test/lab/fabric.test.ts: VirtualAppliance: packets pass the host that has the address',
  ),
  refused(
    'Next hop `VirtualNetworkGateway`',
    'VPN and ExpressRoute',
    ROUTES,
    'refused; so are peering, service endpoints, network security groups and NAT gateways',
    'src/api/refusals.test.ts: asks for nothing that Azure has and Postern does not; read-only and empty members are let through',
  ),
  differs(
    'Azure DNS at 168.63.129.16',
    'in every VNet',
    'virtual-network/what-is-ip-address-168-63-129-16',
    'the same; private zones are not there',
    "test/lab/settings.test.ts: a VNet's hosts use its DNS servers, and Azure DNS again when there are none",
  ),
  differs(
    'Outbound access without a firewall',
    'a public IP of the NIC, or default outbound access',
    'virtual-network/ip-services/default-outbound-access',
    'default outbound access, one address a VNet',
    'test/lab/fabric.test.ts: without a default route of its own a subnet has outbound access from an address of its VNet',
  ),
];
