// Findings about the way back: replies that a firewall does not know, that go past it, or that nobody can bring back.

import type { EffectiveRoute } from '#model/effective-routes.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import * as commands from './commands.ts';
import type { Firewall, Place } from './network.ts';
import type { Finding, Packet } from './steps.ts';

export function missingFirewallIpRoute(
  place: Place,
  passed: Firewall,
  { seen, prefixes }: { readonly seen: readonly number[]; readonly prefixes: readonly string[] },
): Finding {
  return {
    code: 'missing-firewall-ip-route',
    severity: 'error',
    text: `The backend sees ${seen.map(formatIpv4).join(' or ')}, public addresses of firewall ${passed.name}, and ${nameOf(place)} has no route to the Internet for ${prefixes.join(', ')}: the reply goes to the firewall's private address instead, which drops it as part of no flow.`,
    fix: prefixes.flatMap(prefix => commands.routeToInternet(place, prefix)),
  };
}

export function asymmetricInbound(
  place: Place,
  at: Firewall | undefined,
  {
    holder,
    bad,
    packet,
  }: { readonly holder: string; readonly bad: readonly number[]; readonly packet: Packet },
): Finding {
  return {
    code: 'asymmetric-inbound',
    severity: 'error',
    text: `Asymmetric routing: the flow came in by ${holder}, but ${nameOf(place)} sends the reply to ${at ? `firewall ${at.name}` : 'another place'}, which knows no such flow and drops it.`,
    fix: [
      ...(at
        ? [
            `Let it come in by the firewall, too, and translate to an internal address (${formatIpv4(packet.destination)}, or that of an internal load balancer):`,
            commands.translate(at, {
              protocol: String(packet.protocol),
              destination: at.policy.publicIps[0] ? formatIpv4(at.policy.publicIps[0].address) : 'PUBLIC-IP',
              port: packet.port,
              target: formatIpv4(packet.destination),
            }),
          ]
        : []),
      'Or send the replies to these clients past the firewall:',
      ...bad.flatMap(address => commands.routeToInternet(place, `${formatIpv4(address)}/32`)),
    ],
  };
}

export function noWayBack(place: Place, expected: Firewall | undefined, destination: number): Finding {
  return {
    code: 'asymmetric-route',
    severity: 'error',
    text: `${nameOf(place)} sends the reply to ${formatIpv4(destination)} to the Internet, which does not bring it back.`,
    fix: expected ? commands.routeToFirewall(place, expected, `${formatIpv4(destination)}/32`) : [],
  };
}

export function replyToStranger(
  place: Place,
  firewall: Firewall,
  {
    passes,
    there,
    route,
  }: { readonly passes: boolean; readonly there: Place | undefined; readonly route: EffectiveRoute },
): Finding {
  const table = place.subnet.routeTable;
  return {
    code: 'asymmetric-route',
    severity: passes ? 'warning' : 'error',
    text: `Asymmetric routing: the reply of ${nameOf(place)} goes to firewall ${firewall.name} (route '${route.name}' of ${table?.name}), which has not seen the request${passes ? ' and takes it for a flow of its own' : ' and drops it as part of no flow'}.`,
    fix: [
      ...(there
        ? [
            'Send both directions through the firewall:',
            ...commands.routeToFirewall(
              there,
              firewall,
              `${formatIpv4(place.subnet.prefix.first)}/${place.subnet.prefix.length}`,
            ),
          ]
        : []),
      ...(table
        ? [`${there ? 'Or' : 'Send'} the reply past it:`, commands.deleteRoute(table, route.name)]
        : []),
    ],
  };
}

export function replyPast(
  place: Place,
  firewall: Firewall,
  {
    isTcp,
    destination,
    client,
  }: { readonly isTcp: boolean; readonly destination: number; readonly client: Place | undefined },
): Finding {
  const prefix = client?.subnet.prefix;
  return {
    code: 'asymmetric-route',
    severity: isTcp ? 'error' : 'warning',
    text: `Asymmetric routing: the packet passes firewall ${firewall.name}, the reply goes straight from ${nameOf(place)} to ${formatIpv4(destination)}${isTcp ? '; the firewall sees half of the connection and drops what follows' : ''}.`,
    fix: commands.routeToFirewall(
      place,
      firewall,
      prefix ? `${formatIpv4(prefix.first)}/${prefix.length}` : `${formatIpv4(destination)}/32`,
    ),
  };
}

export function notTranslated(firewall: Firewall | undefined, addresses: string): Finding {
  return {
    code: 'not-translated',
    severity: 'error',
    text: `The packet leaves for the Internet with the private address ${addresses}${firewall ? `: the private ranges (SNAT) of firewall ${firewall.name} hold the destination` : ''}, so no reply can come back.`,
    fix: firewall ? [commands.translateEverything(firewall)] : [],
  };
}

const nameOf = ({ vnet, subnet }: Place): string => `${vnet.name}/${subnet.name}`;
