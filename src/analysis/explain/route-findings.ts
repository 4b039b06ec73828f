// Findings about the route that a packet takes: it leads nowhere, to nobody, in circles, or past the firewall.

import { sameId } from '#arm/resource-id.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import * as commands from './commands.ts';
import { firewallAt, firewallsFor, firewallWith, hostAt, type Network, type Place } from './network.ts';
import type { Finding } from './steps.ts';

export function routingLoop(place: Place): Finding {
  const { vnet, subnet } = place;
  return {
    code: 'routing-loop',
    severity: 'error',
    text: `The packet goes round in circles: the routes of ${vnet.name}/${subnet.name} bring it back to where it was.`,
    fix: commands.routeToInternet(place, '0.0.0.0/0'),
  };
}

/** The way past a firewall that there is; a route to the firewall's own public address is meant to be. */
export function pastFirewall(network: Network, place: Place, destination: number, name: string): Finding[] {
  const { vnet, subnet } = place;
  const [firewall] = firewallsFor(network, vnet);
  if (!firewall || firewallWith(network, destination)) return [];
  const fix = commands.routeToFirewall(place, firewall, '0.0.0.0/0');
  const table = subnet.routeTable;
  if (!table)
    return [
      {
        code: 'no-route-table',
        severity: 'warning',
        text: `Subnet ${vnet.name}/${subnet.name} has no route table, so what it sends to the Internet does not pass firewall ${firewall.name}: no rule governs it.`,
        fix,
      },
    ];
  const own = name !== '';
  return [
    {
      code: 'route-past-firewall',
      severity: 'warning',
      text: own
        ? `Route '${name}' of ${table.name} leads to the Internet past firewall ${firewall.name}: no rule governs what takes it.`
        : `Route table ${table.name} of ${vnet.name}/${subnet.name} has no default route to firewall ${firewall.name}, so no rule governs what goes to the Internet.`,
      fix: own && !isDefault(place, name) ? [commands.deleteRoute(table, name)] : fix,
    },
  ];
}

/** Private addresses that a route sends to the Internet. */
export function privateToInternet(network: Network, place: Place, destination: number): Finding {
  const [firewall] = firewallsFor(network, place.vnet);
  return {
    code: 'nothing-there',
    severity: 'error',
    text: `The route sends ${formatIpv4(destination)} to the Internet, where nobody has a private address.`,
    fix: firewall ? commands.routeToFirewall(place, firewall, `${formatIpv4(destination)}/32`) : [],
  };
}

export function unknownNextHop(network: Network, place: Place, address: number, route: string): Finding {
  const unreached = firewallAt(network, address);
  if (unreached)
    return {
      code: 'next-hop-unknown',
      severity: 'error',
      text: `Route '${route}' of ${place.subnet.routeTable?.name} leads to ${formatIpv4(address)}, firewall ${unreached.name}, whose VNet is not peered with ${place.vnet.name}.`,
      fix: commands.peer(place.vnet, unreached),
    };
  const [firewall] = firewallsFor(network, place.vnet);
  const host = hostAt(network, place.vnet, address);
  const subject = host
    ? `that is ${host.name}, which is no firewall`
    : 'no firewall has this private address';
  return {
    code: 'next-hop-unknown',
    severity: 'error',
    text: `Route '${route}' of ${place.subnet.routeTable?.name} leads to ${formatIpv4(address)}: ${subject}.`,
    fix: firewall ? commands.routeToFirewall(place, firewall, prefixNamed(place, route)) : [],
  };
}

export function nowhere(network: Network, place: Place, destination: number, route: string): Finding {
  const { subnet, vnet } = place;
  const [firewall] = firewallsFor(network, vnet);
  const where = `${vnet.name}/${subnet.name}`;
  const table = subnet.routeTable;
  if (route !== '' && table)
    return {
      code: 'next-hop-none',
      severity: 'error',
      text: `Route '${route}' of ${table.name} has the next hop None: what ${where} sends to ${formatIpv4(destination)} is dropped.`,
      fix:
        firewall && isDefault(place, route)
          ? commands.routeToFirewall(place, firewall, '0.0.0.0/0')
          : [commands.deleteRoute(table, route)],
    };
  return {
    code: 'next-hop-none',
    severity: 'error',
    text: `No route of ${where} leads to ${formatIpv4(destination)}: private addresses outside of the VNet are dropped (next hop None).`,
    fix:
      firewall && !sameId(firewall.subnetId ?? '', subnet.id)
        ? commands.routeToFirewall(place, firewall, `${formatIpv4(destination)}/32`)
        : [],
  };
}

function prefixNamed({ subnet }: Place, name: string): string {
  const prefix = subnet.routes.find(route => route.source === 'User' && route.name === name)?.prefix;
  return prefix ? `${formatIpv4(prefix.first)}/${prefix.length}` : '0.0.0.0/0';
}

function isDefault({ subnet }: Place, name: string): boolean {
  return subnet.routes.some(route => route.name === name && route.prefix.length === 0);
}
