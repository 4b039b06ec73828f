// The network of the kernel test: a client with all addresses inside, the firewall, and a server with those of the Internet. Neighbours
// are known from the start, so that no packet waits for one.

import type { Namespaces } from '../support/namespaces.ts';
import { LAST_PORT, LINK, MAC } from './addresses.ts';
import { INSIDE_PREFIXES, PRIVATE_IP, PUBLIC_IPS, SERVER_PREFIXES } from './world.ts';

export async function buildNetwork(net: Namespaces): Promise<void> {
  await net.link('client', 'eth0', `${LINK.client}/30`, 'firewall', 'inside', `${LINK.gatewayInside}/30`);
  await net.link('firewall', 'outside', `${LINK.gatewayOutside}/30`, 'server', 'eth0', `${LINK.server}/30`);
  const ip = (line: string) => `ip ${line}`;
  const scripts: Record<string, string[]> = {
    client: [
      ip(`link set eth0 address ${MAC.client}`),
      ...INSIDE_PREFIXES.map(prefix => ip(`route add local ${prefix} dev lo`)),
      ip(`route add default via ${LINK.gatewayInside}`),
      ip(`neigh replace ${LINK.gatewayInside} lladdr ${MAC.gatewayInside} dev eth0 nud permanent`),
      'sysctl -qw net.ipv4.icmp_echo_ignore_all=1',
      `sysctl -qw net.ipv4.ip_local_port_range="${LAST_PORT + 1} 60999"`,
    ],
    firewall: [
      ip(`link set inside address ${MAC.gatewayInside}`),
      ip(`link set outside address ${MAC.gatewayOutside}`),
      ip(`address add ${PRIVATE_IP}/32 dev inside`),
      ...PUBLIC_IPS.map(address => ip(`address add ${address}/32 dev outside`)),
      ...INSIDE_PREFIXES.map(prefix => ip(`route add ${prefix} via ${LINK.client}`)),
      ip(`route add default via ${LINK.server}`),
      ip(`neigh replace ${LINK.client} lladdr ${MAC.client} dev inside nud permanent`),
      ip(`neigh replace ${LINK.server} lladdr ${MAC.server} dev outside nud permanent`),
      // Half-open connections of our bare SYNs are forgotten soon.
      'sysctl -qw net.ipv4.tcp_synack_retries=1',
    ],
    server: [
      ip(`link set eth0 address ${MAC.server}`),
      ...SERVER_PREFIXES.map(prefix => ip(`route add local ${prefix} dev lo`)),
      ip(`route add default via ${LINK.gatewayOutside}`),
      ip(`neigh replace ${LINK.gatewayOutside} lladdr ${MAC.gatewayOutside} dev eth0 nud permanent`),
      'sysctl -qw net.ipv4.icmp_echo_ignore_all=1',
    ],
  };
  for (const [host, lines] of Object.entries(scripts)) await net.ok(host, ['sh', '-ec', lines.join('\n')]);
}
