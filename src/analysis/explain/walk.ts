// The way there: a packet goes from place to place as routes, public addresses and firewalls send it. Every step is told, what the
// reply must pass again is kept, and what stops the packet becomes a finding. What the firewall says of it is in `at-firewall.ts`.

import { idKey } from '#arm/resource-id.ts';
import { formatIpv4, isIanaPrivate, isNeverATarget } from '#net/ipv4.ts';
import { type FirewallJudge, judgeAtFirewall } from './at-firewall.ts';
import { type BalancerRule, balancerRuleAt } from './interfaces.ts';
import {
  type Firewall,
  firewallAt,
  firewallWith,
  type Host,
  hostAt,
  type Network,
  outboundOf,
  type Place,
  placeOf,
  reaches,
  type Vnet,
} from './network.ts';
import { chooseRoute } from './route-choice.ts';
import { nowhere, pastFirewall, privateToInternet, routingLoop, unknownNextHop } from './route-findings.ts';
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

  /** `host`: who sends it, where that is known. */
  #fromSubnet(place: Place, packet: Packet, host?: Host): End {
    if (++this.#count > MOST_HOPS) return this.#lose(routingLoop(place));
    const { vnet, subnet } = place;
    const { route, text, details } = chooseRoute(place, packet.destination);
    const { nextHop } = route;
    const at = nextHop.type === 'VirtualAppliance' ? firewallAt(this.#network, nextHop.address) : undefined;
    const holder = at && reaches(vnet, at, this.#network) ? at : undefined;
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
      return this.#lose(privateToInternet(this.#network, place, packet.destination));
    // Azure's own services answer every subnet, whatever its routes say.
    if (isNeverATarget(packet.destination)) return { kind: 'internet', address: packet.destination };
    this.#findings.push(...pastFirewall(this.#network, place, packet.destination, route.name));
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

  #deliver(vnet: Vnet, packet: Packet): End {
    const { destination } = packet;
    const firewall = firewallAt(this.#network, destination);
    if (firewall) return this.#atFirewall(firewall, 'inside', packet);
    const rule = balancerRuleAt(this.#network.balancers, packet, false);
    if (rule) return this.#toBackend(rule.rule, rule.balancer, packet, false);
    const near = this.#network.vnets.filter(({ id }) => id === vnet.id || vnet.peers.includes(idKey(id)));
    const place = placeOf({ ...this.#network, vnets: near }, destination);
    const host = place && hostAt(this.#network, place.vnet, destination);
    const address = formatIpv4(destination);
    if (!place || (this.#network.complete && !host)) {
      const where = place
        ? `in ${place.vnet.name}/${place.subnet.name} nobody has it`
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
      `${host?.name ?? 'a host'} (${address}${port}) in ${place.vnet.name}/${place.subnet.name}, which sees ${formatIpv4(packet.source)}`,
      true,
      {
        host: host?.name ?? null,
        subnet: `${place.vnet.name}/${place.subnet.name}`,
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
    const balanced = balancerRuleAt(this.#network.balancers, packet, true);
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
      return this.#lose(routingLoop(place));
    }
    if (nextHop.type !== 'Internet' && nextHop.type !== 'VnetLocal') return this.#fromSubnet(place, packet);
    this.#tell('route', text, true, details);
    return nextHop.type === 'Internet' ? this.#fromInternet(packet) : this.#deliver(place.vnet, packet);
  }
}

function isAt({ policy }: Firewall, address: number): boolean {
  return policy.privateAddress === address;
}
