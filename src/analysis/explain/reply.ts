// The way back. What was put into a packet on its way there is taken out again by who put it in, so the reply has to pass these, in
// turn; a reply that a firewall did not expect is dropped, and one that goes past a firewall leaves it with half a connection.

import { sameId } from '#arm/resource-id.ts';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import { formatIpv4, isIanaPrivate } from '#net/ipv4.ts';
import { type Firewall, firewallAt, type Network, type Place, placeOf } from './network.ts';
import {
  asymmetricInbound,
  missingFirewallIpRoute,
  notTranslated,
  noWayBack,
  replyPast,
  replyToStranger,
} from './reply-findings.ts';
import { chooseRoute, type RouteChoice } from './route-choice.ts';
import { nowhere, unknownNextHop } from './route-findings.ts';
import type { Client, End, Finding, Hop, Packet, Step } from './steps.ts';

export interface WayBack {
  readonly arrives: boolean;
  /** Whether it passes what the packet passed. */
  readonly symmetric: boolean;
  readonly steps: readonly Step[];
  readonly findings: readonly Finding[];
}

type Position =
  | { readonly kind: 'subnet'; readonly place: Place }
  | { readonly kind: 'internet' }
  | { readonly kind: 'firewall'; readonly firewall: Firewall }
  /** With the client. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'lost' };

const LOST: Position = { kind: 'lost' };
const ARRIVED: Position = { kind: 'arrived' };
/** Where clients open their connections; what it is does not matter. */
const CLIENT_PORT = 50_000;

/** `packet` is what arrived at `end`, where the reply begins. */
export function walkBack(
  network: Network,
  client: Client,
  there: { readonly end: End; readonly packet: Packet; readonly hops: readonly Hop[] },
): WayBack {
  return new Back(network, client, there.packet).go(there.end, there.hops);
}

class Back {
  readonly #network: Network;
  readonly #client: Client;
  readonly #packet: Packet;
  readonly #steps: Step[] = [];
  readonly #findings: Finding[] = [];
  #symmetric = true;

  constructor(network: Network, client: Client, packet: Packet) {
    this.#network = network;
    this.#client = client;
    this.#packet = packet;
  }

  go(end: End, hops: readonly Hop[]): WayBack {
    const remaining = [...hops];
    // Behind a gateway, the reply comes back to it by what the machines there know.
    if (end.kind === 'inside') remaining.pop();
    let position = startOf(end);
    while (position.kind !== 'lost' && position.kind !== 'arrived') {
      const hop = remaining.pop();
      const seen = this.#seenBehind(hop, remaining);
      position = this.#next(position, hop, seen, remaining);
    }
    return {
      arrives: position.kind === 'arrived',
      symmetric: this.#symmetric,
      steps: this.#steps,
      findings: this.#findings,
    };
  }

  #tell(text: string, ok: boolean, details: Step['details'] = {}): void {
    this.#steps.push({ way: 'back', kind: 'reply', text, ok, details });
  }

  #lose(finding: Finding): Position {
    this.#findings.push(finding);
    return LOST;
  }

  /** To which addresses the reply can be sent: those that the hop put in, or else who put in the last ones before it. */
  #seenBehind(hop: Hop | undefined, before: readonly Hop[]): readonly number[] {
    for (const candidate of [...before, ...(hop ? [hop] : [])].reverse()) {
      if (candidate.kind === 'inbound' || (candidate.kind === 'firewall' && candidate.snat === 'None'))
        continue;
      return candidate.sources;
    }
    return [this.#client.address];
  }

  #next(from: Position, hop: Hop | undefined, seen: readonly number[], remaining: Hop[]): Position {
    switch (from.kind) {
      case 'subnet':
        return hop?.kind === 'inbound'
          ? this.#leaveForInternet(from.place, hop, seen, remaining)
          : this.#fromSubnet(from.place, hop, seen);
      case 'internet':
        return this.#fromInternet(hop, seen);
      case 'firewall':
        return this.#fromFirewall(from.firewall, hop, remaining);
      default:
        return from;
    }
  }

  /** A host that was reached by its public address, or as a backend: the reply has to leave the same way. */
  #leaveForInternet(
    place: Place,
    hop: Extract<Hop, { kind: 'inbound' }>,
    seen: readonly number[],
    before: readonly Hop[],
  ): Position {
    const choices = seen.map(address => ({ address, choice: chooseRoute(place, address) }));
    const bad = choices.filter(({ choice }) => choice.route.nextHop.type !== 'Internet');
    const [told] = bad.length > 0 ? bad : choices;
    if (!told) {
      // The address that Azure picks for a client that leaves its VNet.
      this.#tell(`by way of ${hop.holder} (${formatIpv4(hop.address)}) to the Internet`, true);
      return { kind: 'internet' };
    }
    this.#tell(told.choice.text, bad.length === 0, told.choice.details);
    if (bad.length === 0) {
      this.#tell(
        `leaves with ${formatIpv4(hop.address)}, the address of ${hop.holder} that it came in by`,
        true,
        {
          address: formatIpv4(hop.address),
        },
      );
      return { kind: 'internet' };
    }
    const last = before.at(-1);
    const passed = last?.kind === 'firewall' ? last.firewall : undefined;
    const { nextHop, name } = told.choice.route;
    this.#symmetric = false;
    if (nextHop.type === 'None') return this.#lose(nowhere(this.#network, place, told.address, name));
    const at = nextHop.type === 'VirtualAppliance' ? firewallAt(this.#network, nextHop.address) : undefined;
    if (nextHop.type === 'VirtualAppliance' && !at)
      return this.#lose(unknownNextHop(this.#network, place, nextHop.address, name));
    if (passed) {
      const prefixes = bad.map(({ address }) => `${formatIpv4(address)}/32`);
      return this.#lose(missingFirewallIpRoute(place, passed, { seen, prefixes }));
    }
    return this.#lose(
      asymmetricInbound(place, at, {
        holder: hop.holder,
        bad: bad.map(({ address }) => address),
        packet: this.#packet,
      }),
    );
  }

  /** To a firewall that has the flow, or straight to the client. */
  #fromSubnet(place: Place, hop: Hop | undefined, seen: readonly number[]): Position {
    const [destination = 0] = seen;
    const expected = hop?.kind === 'firewall' ? hop : undefined;
    const choice = chooseRoute(place, destination);
    const { nextHop, name } = choice.route;
    const tell = (ok: boolean) => this.#tell(choice.text, ok, choice.details);
    switch (nextHop.type) {
      case 'None':
        tell(false);
        return this.#lose(nowhere(this.#network, place, destination, name));
      case 'VirtualAppliance': {
        const at = firewallAt(this.#network, nextHop.address);
        if (at && expected && sameId(at.id, expected.firewall.id)) {
          tell(true);
          return { kind: 'firewall', firewall: at };
        }
        tell(false);
        if (!at) return this.#lose(unknownNextHop(this.#network, place, nextHop.address, name));
        return this.#atStranger(place, at, choice);
      }
      case 'VnetLocal': {
        const at = firewallAt(this.#network, destination);
        if (at && expected && sameId(at.id, expected.firewall.id)) {
          tell(true);
          return { kind: 'firewall', firewall: at };
        }
        tell(true);
        return expected ? this.#past(place, expected.firewall, destination) : ARRIVED;
      }
      case 'Internet':
        tell(false);
        return this.#lose(noWayBack(place, expected?.firewall, destination));
    }
  }

  /** A firewall that has not seen the packet. */
  #atStranger(place: Place, firewall: Firewall, { route }: RouteChoice): Position {
    this.#symmetric = false;
    const { protocol, destination } = this.#packet;
    const client = this.#client.address;
    // A datagram begins a flow of its own, which the rules may let pass.
    const passes =
      protocol === 'UDP' &&
      forwardsUnchanged(firewall, { source: destination, destination: client, destinationPort: CLIENT_PORT });
    const finding: Finding = replyToStranger(place, firewall, { passes, there: this.#client.place, route });
    this.#findings.push(finding);
    return passes ? ARRIVED : LOST;
  }

  /** Straight to the client, while the firewall waits for the reply: it takes no further segment of a TCP connection. */
  #past(place: Place, firewall: Firewall, destination: number): Position {
    this.#symmetric = false;
    const isTcp = this.#packet.protocol === 'TCP';
    this.#findings.push(replyPast(place, firewall, { isTcp, destination, client: this.#client.place }));
    return isTcp ? LOST : ARRIVED;
  }

  #fromInternet(hop: Hop | undefined, seen: readonly number[]): Position {
    const addresses = seen.map(formatIpv4).join(' or ');
    if (hop?.kind === 'firewall' && hop.snat === 'PublicIp') {
      this.#tell(`the server answers ${addresses}: firewall ${hop.firewall.name} knows the flow`, true, {
        to: seen.map(formatIpv4),
        firewall: hop.firewall.name,
      });
      return { kind: 'firewall', firewall: hop.firewall };
    }
    if (hop?.kind === 'outbound') {
      this.#tell(
        seen.length === 0
          ? 'the server answers the address that Azure put in, which brings it straight to the client'
          : `the server answers ${addresses}, which Azure brings straight to the client`,
        true,
        { to: seen.map(formatIpv4) },
      );
      return ARRIVED;
    }
    const [destination = 0] = seen;
    if (!isIanaPrivate(destination)) {
      this.#tell(`straight over the Internet to ${addresses}`, true, { to: seen.map(formatIpv4) });
      return ARRIVED;
    }
    this.#tell(`the server would have to answer ${addresses}, a private address`, false, {
      to: seen.map(formatIpv4),
    });
    const firewall = hop?.kind === 'firewall' ? hop.firewall : undefined;
    return this.#lose(notTranslated(firewall, addresses));
  }

  /** The firewall has taken out what it put in; on to who came before. */
  #fromFirewall(firewall: Firewall, next: Hop | undefined, remaining: Hop[]): Position {
    const target = next?.kind === 'firewall' && next.snat !== 'None' ? next.sources : undefined;
    const before = target?.[0] ?? (next?.kind === 'outbound' ? next.sources[0] : this.#client.address);
    const place = firewall.subnetId === undefined ? undefined : placeOf(this.#network, 0, firewall.subnetId);
    if (next?.kind === 'outbound' || before === undefined) {
      this.#tell(`firewall ${firewall.name} answers over the Internet`, true);
      if (next) remaining.push(next);
      return { kind: 'internet' };
    }
    if (!place || this.#client.insideOf) {
      this.#tell(`firewall ${firewall.name} brings it to ${formatIpv4(before)}`, true);
      return ARRIVED;
    }
    if (next) remaining.push(next);
    if (!isIanaPrivate(before) && !placeOf(this.#network, before)) {
      this.#tell(`firewall ${firewall.name} brings it to ${formatIpv4(before)} over the Internet`, true);
      return next ? { kind: 'internet' } : ARRIVED;
    }
    return this.#fromSubnet(place, next && remaining.pop(), [before]);
  }
}

function forwardsUnchanged(
  { policy }: Firewall,
  datagram: Pick<Flow, 'source' | 'destination' | 'destinationPort'>,
): boolean {
  const flow: Flow = { ...datagram, protocol: 'UDP', from: 'inside' };
  const decision = decide(policy, flow, { namesOfAddress: () => new Set() });
  return decision.action === 'Allow' && decision.path === 'forward' && decision.snat === 'None';
}

function startOf(end: End): Position {
  switch (end.kind) {
    case 'host':
      return { kind: 'subnet', place: end.place };
    case 'internet':
      return { kind: 'internet' };
    case 'firewall':
      return { kind: 'firewall', firewall: end.firewall };
    case 'inside':
      return { kind: 'firewall', firewall: end.firewall };
    case 'lost':
      return LOST;
  }
}
