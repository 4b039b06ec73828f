// The way there: a packet goes from place to place as routes, public addresses and firewalls send it. Every step is told, what the
// reply must pass again is kept, and what stops the packet becomes a finding. What the firewall says of it is in `at-firewall.ts`.

import { idKey, sameId } from '#arm/resource-id.ts';
import { formatIpv4, isIanaPrivate, isNeverATarget } from '#net/ipv4.ts';
import { type FirewallJudge, judgeAtFirewall } from './at-firewall.ts';
import * as commands from './commands.ts';
import type { BalancerRule } from './interfaces.ts';
import {
  type Firewall,
  firewallAt,
  firewallsFor,
  firewallWith,
  type Host,
  hostAt,
  type Network,
  type Place,
  placeOf,
  type Vnet,
} from './network.ts';
import { chooseRoute } from './route-choice.ts';
import type { Client, End, Finding, Hop, Packet, Step, StepKind } from './steps.ts';

/** More than any way that arrives. */
const MOST_HOPS = 8;
const LOST: End = { kind: 'lost' };

export interface WayThere {
  readonly end: End;
  /** As it arrives. */
  readonly packet: Packet;
  readonly steps: readonly Step[];
  readonly hops: readonly Hop[];
  readonly findings: readonly Finding[];
}

export function walk(network: Network, client: Client, packet: Packet, judge: FirewallJudge): WayThere {
  return new Walk(network, client, judge).go(packet);
}

class Walk {
  readonly #network: Network;
  readonly #client: Client;
  readonly #judge: FirewallJudge;
  readonly #steps: Step[] = [];
  readonly #hops: Hop[] = [];
  readonly #findings: Finding[] = [];
  #packet: Packet | undefined;
  #count = 0;

  constructor(network: Network, client: Client, judge: FirewallJudge) {
    this.#network = network;
    this.#client = client;
    this.#judge = judge;
  }

  go(packet: Packet): WayThere {
    this.#packet = packet;
    const { place, insideOf, host } = this.#client;
    const end = insideOf
      ? this.#atFirewall(insideOf, 'inside', packet)
      : place
        ? this.#fromSubnet(place, packet, host)
        : this.#fromInternet(packet);
    return {
      end,
      packet: this.#packet,
      steps: this.#steps,
      hops: this.#hops,
      findings: this.#findings,
    };
  }

  #tell(kind: StepKind, text: string, ok: boolean, details: Step['details']): void {
    this.#steps.push({ way: 'there', kind, text, ok, details });
  }

  #lose(finding: Finding): End {
    this.#findings.push(finding);
    return LOST;
  }

  #loop(place: Place): End {
    const { vnet, subnet } = place;
    return this.#lose({
      code: 'routing-loop',
      severity: 'error',
      text: `The packet goes round in circles: the routes of ${vnet.name}/${subnet.name} bring it back to where it was.`,
      fix: commands.routeToInternet(place, '0.0.0.0/0'),
    });
  }

  /** `host`: who sends it, where that is known. */
  #fromSubnet(place: Place, packet: Packet, host?: Host): End {
    if (++this.#count > MOST_HOPS) return this.#loop(place);
    const { vnet, subnet } = place;
    const { route, text, details } = chooseRoute(place, packet.destination);
    const { nextHop } = route;
    const holder =
      nextHop.type === 'VirtualAppliance' ? firewallAt(this.#network, nextHop.address) : undefined;
    const ok = nextHop.type === 'VirtualAppliance' ? holder !== undefined : nextHop.type !== 'None';
    this.#tell('route', text, ok, details);
    switch (nextHop.type) {
      case 'VnetLocal':
        return this.#deliver(vnet, packet);
      case 'VirtualAppliance':
        return holder
          ? this.#atFirewall(holder, 'inside', packet)
          : this.#lose(unknownNextHop(this.#network, place, nextHop.address, route.name));
      case 'None':
        return this.#lose(nowhere(this.#network, place, packet.destination, route.name));
      case 'Internet':
        break;
    }
    const from = `${vnet.name}/${subnet.name}`;
    if (isIanaPrivate(packet.destination))
      return this.#lose({
        code: 'nothing-there',
        severity: 'error',
        text: `The route sends ${formatIpv4(packet.destination)} to the Internet, where nobody has a private address.`,
        fix: this.#toFirewall(place, packet.destination),
      });
    // Azure's own services answer every subnet, whatever its routes say.
    if (isNeverATarget(packet.destination)) return { kind: 'internet', address: packet.destination };
    this.#findings.push(...this.#pastFirewall(place, packet, route.name));
    const [own] = outboundOf(this.#network, vnet, host);
    this.#hops.push({ kind: 'outbound', sources: own ? [own.address] : [], before: packet.source });
    this.#tell(
      'outbound',
      own
        ? `leaves ${from} for the Internet with ${formatIpv4(own.address)}, ${own.what}`
        : `leaves ${from} for the Internet with an address that Azure picks`,
      true,
      { address: own ? formatIpv4(own.address) : null, of: own?.what ?? null },
    );
    return this.#fromInternet(own ? { ...packet, source: own.address } : packet);
  }

  /** The way past a firewall that there is; a route to the firewall's own public address is meant to be. */
  #pastFirewall(place: Place, packet: Packet, name: string): Finding[] {
    const { vnet, subnet } = place;
    const [firewall] = firewallsFor(this.#network, vnet);
    if (!firewall || firewallWith(this.#network, packet.destination)) return [];
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

  #toFirewall(place: Place, destination: number): string[] {
    const [firewall] = firewallsFor(this.#network, place.vnet);
    return firewall ? commands.routeToFirewall(place, firewall, `${formatIpv4(destination)}/32`) : [];
  }

  #deliver(vnet: Vnet, packet: Packet): End {
    const { destination } = packet;
    const firewall = firewallAt(this.#network, destination);
    if (firewall) return this.#atFirewall(firewall, 'inside', packet);
    const rule = ruleAt(this.#network, packet, false);
    if (rule) return this.#toBackend(rule.rule, rule.balancer, packet, false);
    const place = placeOf({ ...this.#network, vnets: [vnet] }, destination);
    const host = hostAt(this.#network, vnet, destination);
    const address = formatIpv4(destination);
    if (!place || (this.#network.complete && !host)) {
      const where = place
        ? `in ${vnet.name}/${place.subnet.name} nobody has it`
        : `no subnet of ${vnet.name} holds it`;
      this.#tell('delivery', `${address}: ${where}`, false, { address });
      return this.#lose({
        code: 'nothing-there',
        severity: 'error',
        text: `Nobody has the address ${address}: ${where}.`,
        fix: ['Ask for the address of a host that is there.'],
      });
    }
    const port = packet.port === 0 ? '' : `:${packet.port}`;
    this.#tell(
      'delivery',
      `${host?.name ?? 'a host'} (${address}${port}) in ${vnet.name}/${place.subnet.name}, which sees ${formatIpv4(packet.source)}`,
      true,
      {
        host: host?.name ?? null,
        subnet: `${vnet.name}/${place.subnet.name}`,
        address,
        port: packet.port,
        sees: formatIpv4(packet.source),
      },
    );
    this.#packet = packet;
    return { kind: 'host', place, address: destination };
  }

  #fromInternet(packet: Packet): End {
    const { destination } = packet;
    const address = formatIpv4(destination);
    const firewall = firewallWith(this.#network, destination);
    if (firewall) {
      this.#tell('public-ip', `${address} is a public address of firewall ${firewall.name}`, true, {
        address,
        firewall: firewall.name,
      });
      return this.#atFirewall(firewall, 'outside', packet);
    }
    const host = this.#network.hosts.find(({ publicIps }) =>
      publicIps.some(ip => ip.address === destination),
    );
    const place = host && placeOf(this.#network, host.address, host.subnetId);
    if (host && place) {
      this.#tell(
        'public-ip',
        `${address} is a public address of ${host.name} (${formatIpv4(host.address)})`,
        true,
        {
          address,
          host: host.name,
        },
      );
      this.#hops.push({ kind: 'inbound', holder: host.name, address: destination });
      return this.#deliver(place.vnet, { ...packet, destination: host.address });
    }
    const balanced = ruleAt(this.#network, packet, true);
    if (balanced) return this.#toBackend(balanced.rule, balanced.balancer, packet, true);
    const balancer = this.#network.balancers.find(({ frontends }) =>
      frontends.some(frontend => frontend.isPublic && frontend.address === destination),
    );
    if (balancer || isIanaPrivate(destination)) {
      const why = balancer
        ? `load balancer ${balancer.name} has no rule for this protocol and port`
        : 'nobody on the Internet has a private address';
      this.#tell('public-ip', `${address}: ${why}`, false, { address });
      return this.#lose({
        code: 'nothing-there',
        severity: 'error',
        text: `Nothing answers at ${address}: ${why}.`,
        fix: balancer
          ? [`Add a rule for the port to load balancer ${balancer.name}, or DNAT on a firewall.`]
          : [],
      });
    }
    const unused = [...this.#network.outboundAddresses].some(([, outbound]) => outbound === destination);
    if (unused) {
      this.#tell('public-ip', `${address} is the default outbound address of a VNet`, false, { address });
      return this.#lose({
        code: 'nothing-there',
        severity: 'error',
        text: `${address} is where the hosts of a VNet leave for the Internet; nothing can be sent to it.`,
        fix: ['Give the service a public address: DNAT on a firewall.'],
      });
    }
    const port = packet.port === 0 ? '' : `:${packet.port}`;
    const name = hostAt(this.#network, undefined, destination)?.name;
    this.#tell(
      'delivery',
      `${name ?? 'a server'} (${address}${port}) on the Internet, which sees ${formatIpv4(packet.source)}`,
      true,
      { host: name ?? null, address, port: packet.port, sees: formatIpv4(packet.source) },
    );
    this.#packet = packet;
    return { kind: 'internet', address: destination };
  }

  #toBackend(rule: BalancerRule, balancer: string, packet: Packet, isPublic: boolean): End {
    const [backend] = rule.backends;
    const place = backend === undefined ? undefined : placeOf(this.#network, backend);
    const frontend = formatIpv4(packet.destination);
    const all = rule.backends.map(formatIpv4);
    this.#tell(
      'public-ip',
      `${frontend} is the frontend ${rule.frontend.name} of load balancer ${balancer}; rule ${rule.name} leads to ${all.join(', ') || 'backends that no document describes'}`,
      place !== undefined,
      { address: frontend, balancer, rule: rule.name, backends: all },
    );
    if (backend === undefined || !place)
      return this.#lose({
        code: 'backend-unknown',
        severity: 'error',
        text: `Who is behind rule ${rule.name} of load balancer ${balancer} stands in no document.`,
        fix: ['Add the network interfaces of its backends: az network nic list -o json > interfaces.json'],
      });
    if (isPublic)
      this.#hops.push({ kind: 'inbound', holder: `load balancer ${balancer}`, address: packet.destination });
    const port = rule.backendPort === 0 ? packet.port : rule.backendPort;
    return this.#deliver(place.vnet, { ...packet, destination: backend, port });
  }

  #atFirewall(firewall: Firewall, side: 'inside' | 'outside', packet: Packet): End {
    const network = this.#network;
    const { step, findings, onward } = judgeAtFirewall(firewall, side, packet, this.#judge);
    this.#steps.push(step);
    this.#findings.push(...findings);
    if (onward === 'denied') return LOST;
    if (onward === 'answered') {
      this.#packet = packet;
      return { kind: 'firewall', firewall };
    }
    this.#hops.push(onward.hop);
    const next = onward.packet;
    this.#packet = next;
    if (onward.unknownTarget) return { kind: 'internet', address: next.destination };
    const place = firewall.subnetId === undefined ? undefined : placeOf(network, 0, firewall.subnetId);
    if (place && !(network.gateway && isIanaPrivate(next.destination) && !placeOf(network, next.destination)))
      return this.#fromFirewall(place, next);
    if (!isIanaPrivate(next.destination)) return this.#fromInternet(next);
    if (network.gateway) {
      const address = formatIpv4(next.destination);
      this.#tell(
        'delivery',
        `${address} behind the gateway, by the routes of its machine; it sees ${formatIpv4(next.source)}`,
        true,
        { address, port: next.port, sees: formatIpv4(next.source) },
      );
      return { kind: 'inside', firewall };
    }
    this.#tell(
      'delivery',
      `${formatIpv4(next.destination)}: no virtual network that was given holds it`,
      false,
      {},
    );
    return this.#lose({
      code: 'nothing-there',
      severity: 'error',
      text: `No virtual network that was given holds ${formatIpv4(next.destination)}.`,
      fix: ['Add the virtual network: az network vnet list -o json > vnets.json'],
    });
  }

  /** The subnet of the firewall has routes, too; what it sends to the Internet has its own addresses already. */
  #fromFirewall(place: Place, packet: Packet): End {
    const { route, text, details } = chooseRoute(place, packet.destination);
    const { nextHop } = route;
    const own = this.#hops.some(
      hop =>
        hop.kind === 'firewall' && nextHop.type === 'VirtualAppliance' && isAt(hop.firewall, nextHop.address),
    );
    if (own) {
      this.#tell('route', text, false, details);
      return this.#loop(place);
    }
    if (nextHop.type !== 'Internet' && nextHop.type !== 'VnetLocal') return this.#fromSubnet(place, packet);
    this.#tell('route', text, true, details);
    return nextHop.type === 'Internet' ? this.#fromInternet(packet) : this.#deliver(place.vnet, packet);
  }
}

function isAt({ policy }: Firewall, address: number): boolean {
  return policy.privateAddress === address;
}

function isDefault({ subnet }: Place, name: string): boolean {
  return subnet.routes.some(route => route.name === name && route.prefix.length === 0);
}

function ruleAt(
  { balancers }: Network,
  { destination, protocol, port }: Packet,
  isPublic: boolean,
): { readonly balancer: string; readonly rule: BalancerRule } | undefined {
  for (const { name, rules } of balancers)
    for (const rule of rules) {
      const { frontend } = rule;
      if (frontend.address !== destination || frontend.isPublic !== isPublic) continue;
      if (rule.protocol !== 'Any' && rule.protocol !== protocol) continue;
      if (rule.port === 0 || rule.port === port) return { balancer: name, rule };
    }
  return undefined;
}

/** With which address a host leaves a VNet by the Internet route. */
export function outboundOf(
  { balancers, outboundAddresses }: Network,
  vnet: Vnet,
  host: Host | undefined,
): { readonly address: number; readonly what: string }[] {
  const own =
    host?.publicIps.map(({ address }) => ({ address, what: `the public address of ${host.name}` })) ?? [];
  const balanced = balancers.flatMap(({ name, rules }) =>
    rules
      .filter(({ frontend, backends }) => frontend.isPublic && host && backends.includes(host.address))
      .map(({ frontend }) => ({
        address: frontend.address,
        what: `the public address of load balancer ${name}`,
      })),
  );
  const usual = outboundAddresses.get(idKey(vnet.id));
  const fallback =
    usual === undefined ? [] : [{ address: usual, what: `the default outbound address of ${vnet.name}` }];
  return [...own, ...balanced, ...fallback];
}

export function unknownNextHop(network: Network, place: Place, address: number, route: string): Finding {
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
