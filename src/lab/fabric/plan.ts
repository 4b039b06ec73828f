// The lab's network as plain data: which namespaces there are, how links join them, and what addresses, routes and
// rules stand in each. `planFabric` is pure; `diffPlans` and the applier bring the kernel there.
//
//   host eth0 --- [router.GROUP.VNET] --- [edge.GROUP.VNET] --- [internet] --- workstation, Internet hosts
//   firewall eth0 --'                                               '--- firewall eth1
//
// The router only routes: every NIC is a link of its own, named after its address, with a rule that selects the table of
// its subnet, and it answers ARP for everybody, so that traffic within a subnet passes the router too. It keeps no
// connections; the edge does, for default outbound access. The Internet owns every address that has no route.

import { createHash } from 'node:crypto';
import { idKey } from '#arm/resource-id.ts';
import { type EffectiveRoute, effectiveRoutes, routeTo } from '#model/effective-routes.ts';
import { formatIpv4, formatPrefix, type Ipv4Prefix, parseIpv4, prefixOf } from '#net/ipv4.ts';
import { edgeRules } from './edge-rules.ts';
import { outboundAddresses } from './outbound-addresses.ts';
import { settingsOf } from './settings.ts';
import {
  type FirewallTopology,
  findSubnet,
  type LabHost,
  type Topology,
  type VnetTopology,
} from './topology.ts';

export type NamespaceRole = 'workstation' | 'internet' | 'router' | 'edge' | 'firewall' | 'host';

export interface NamespacePlan {
  readonly name: string;
  readonly role: NamespaceRole;
  /** Files under /proc/sys, set when the namespace is made. */
  readonly settings: Readonly<Record<string, string>>;
  /** Arguments of `ip address`: `10.42.1.4/24 dev eth0`. */
  readonly addresses: readonly string[];
  readonly routes: readonly PlannedRoute[];
  /** Arguments of `ip ntable change name arp_cache`, for settings that the kernel keeps for each device alone. */
  readonly neighbours: readonly string[];
  /** Arguments of `ip rule`. */
  readonly rules: readonly string[];
  /** An nft script that states its tables as a whole; empty: none. */
  readonly nft: string;
}

/** `ip route replace TARGET HOW`, `ip route del TARGET`. */
export interface PlannedRoute {
  /** `blackhole`, `local` or empty: part of how the kernel identifies it. */
  readonly type: '' | 'blackhole' | 'local';
  readonly prefix: string;
  /** `main`, or the number of a subnet's table. */
  readonly table: string;
  /** `via A dev D onlink`; empty for `blackhole`. */
  readonly how: string;
}

export interface LinkEnd {
  readonly namespace: string;
  readonly device: string;
}

export interface LinkPlan {
  readonly a: LinkEnd;
  readonly b: LinkEnd;
}

export interface FabricPlan {
  readonly namespaces: readonly NamespacePlan[];
  readonly links: readonly LinkPlan[];
}

export const AZURE_DNS = '168.63.129.16';
export const WORKSTATION = 'workstation';
export const INTERNET = 'internet';
export const WORKSTATION_ADDRESS = '20.51.99.7';

/** What every link to the Internet calls its far end. */
const UPSTREAM = '169.254.1.1';
/** The two ends of the link between a router and its edge. */
const EDGE = '169.254.2.1';
const ROUTER = '169.254.2.2';
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
/** What nobody on the Internet has. */
const UNROUTED = [...PRIVATE, '0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'];

export function planFabric(topology: Topology): FabricPlan {
  const internet = new NamespaceBuilder(INTERNET, 'internet');
  const workstation = new NamespaceBuilder(WORKSTATION, 'workstation');
  const builders = [workstation, internet];
  const links: LinkPlan[] = [];
  const join = (a: NamespaceBuilder, device: string, b: NamespaceBuilder, farDevice: string) =>
    links.push({ a: { namespace: a.name, device }, b: { namespace: b.name, device: farDevice } });

  internet.addresses.push(`${UPSTREAM}/32 dev lo`);
  internet.route('0.0.0.0/0', 'dev lo', 'local');
  for (const range of UNROUTED) internet.route(range, '', 'blackhole');

  /** Joins a namespace to the Internet, which routes these addresses to it. */
  const connect = (builder: NamespaceBuilder, device: string, addresses: readonly number[]) => {
    const [first] = addresses;
    const far = deviceTowards(builder.name);
    join(builder, device, internet, far);
    for (const address of addresses.map(formatIpv4)) {
      builder.addresses.push(`${address}/32 dev ${device}`);
      internet.route(`${address}/32`, `dev ${far}`);
    }
    const source = first === undefined ? '' : ` src ${formatIpv4(first)}`;
    builder.route('0.0.0.0/0', `via ${UPSTREAM} dev ${device} onlink${source}`);
  };

  connect(workstation, 'eth0', [parseIpv4(WORKSTATION_ADDRESS) ?? 0]);
  for (const host of topology.hosts) {
    if (host.subnetId !== undefined) continue;
    const builder = new NamespaceBuilder(host.name, 'host');
    builders.push(builder);
    connect(builder, 'eth0', [host.address]);
  }

  const outbound = outboundAddresses(topology.vnets.map(({ id }) => idKey(id)));
  for (const vnet of topology.vnets) {
    const router = new NamespaceBuilder(`router.${vnet.key}`, 'router');
    const edge = new NamespaceBuilder(`edge.${vnet.key}`, 'edge');
    builders.push(router, edge);
    join(router, 'edge', edge, 'router');
    const address = outbound.get(idKey(vnet.id)) ?? 0;
    connect(edge, 'internet', [address]);
    edge.addresses.push(`${EDGE}/32 dev router`);
    edge.nft = edgeRules('internet', formatIpv4(address));
    for (const prefix of vnet.prefixes)
      edge.route(formatPrefix(prefix), `via ${ROUTER} dev router onlink src ${EDGE}`);
    router.addresses.push(`${ROUTER}/32 dev edge`);
    router.route('0.0.0.0/0', toEdge);
    router.rules.push(`pref 10 to ${AZURE_DNS} lookup main`);

    const nics = nicsOf(vnet, topology);
    for (const nic of nics) {
      const device = formatIpv4(nic.address);
      const builder = new NamespaceBuilder(nic.namespace, nic.role);
      builders.push(builder);
      join(builder, 'eth0', router, device);
      builder.addresses.push(`${device}/${nic.subnet.length} dev eth0`);
      // The subnet's gateway is at the other end of every NIC, and asks for it by its own address.
      router.addresses.push(`${formatIpv4(nic.subnet.first + 1)}/32 dev ${device}`);
      // Answers for others wait up to 0.8 s otherwise.
      router.neighbours.push(`dev ${device} proxy_delay 0`);
      router.route(`${device}/32`, `dev ${device}`);
      router.rules.push(`pref 100 iif ${device} lookup ${nic.table}`);
      const gateway = `via ${formatIpv4(nic.subnet.first + 1)} dev eth0`;
      if (nic.role === 'host') builder.route('0.0.0.0/0', gateway);
      else {
        for (const prefix of new Set([...PRIVATE, ...vnet.prefixes.map(formatPrefix)]))
          builder.route(prefix, gateway);
        connect(builder, 'eth1', nic.publicAddresses);
      }
    }
    for (const subnet of vnet.subnets) {
      const table = tableOf(subnet.prefix);
      if (!nics.some(nic => nic.table === table)) continue;
      for (const route of kernelRoutes(effectiveRoutes(vnet.prefixes, subnet.userRoutes), nics))
        router.routes.push({ ...route, table });
    }
  }
  return { namespaces: builders.map(builder => builder.build()), links };
}

const toEdge = `via ${EDGE} dev edge onlink src ${ROUTER}`;

/** A subnet's table is numbered by its first address, so it keeps its number whatever else comes and goes. */
function tableOf(prefix: Ipv4Prefix): string {
  return String(prefix.first);
}

interface Nic {
  readonly namespace: string;
  readonly role: 'host' | 'firewall';
  readonly address: number;
  readonly subnet: Ipv4Prefix;
  readonly table: string;
  readonly publicAddresses: readonly number[];
}

function nicsOf(vnet: VnetTopology, { hosts, firewalls }: Topology): Nic[] {
  const place = (subnetId: string) => findSubnet([vnet], subnetId)?.subnet.prefix;
  const toNic = (
    prefix: Ipv4Prefix | undefined,
    nic: Pick<Nic, 'namespace' | 'role' | 'address' | 'publicAddresses'>,
  ) => (prefix ? [{ ...nic, subnet: prefix, table: tableOf(prefix) }] : []);
  return [
    ...firewalls.flatMap(({ subnetId, privateAddress, publicAddresses, ...firewall }) =>
      toNic(place(subnetId), {
        namespace: namespaceOfFirewall(firewall),
        role: 'firewall',
        address: privateAddress,
        publicAddresses,
      }),
    ),
    ...hosts.flatMap(({ name, address, subnetId }: LabHost) =>
      toNic(subnetId === undefined ? undefined : place(subnetId), {
        namespace: name,
        role: 'host',
        address,
        publicAddresses: [],
      }),
    ),
  ];
}

export function namespaceOfFirewall({ key }: Pick<FirewallTopology, 'key'>): string {
  return `firewall.${key}`;
}

/**
 * Effective routes for a router that knows every NIC: a NIC is reached directly where the longest prefix says VnetLocal,
 * and a local prefix leads nowhere beyond its NICs.
 */
function kernelRoutes(
  routes: readonly EffectiveRoute[],
  nics: readonly Nic[],
): Omit<PlannedRoute, 'table'>[] {
  const unicast = (prefix: Ipv4Prefix, how: string) =>
    ({ type: '', prefix: formatPrefix(prefix), how }) as const;
  const blackhole = (prefix: Ipv4Prefix) =>
    ({ type: 'blackhole', prefix: formatPrefix(prefix), how: '' }) as const;
  const planned = routes
    .filter(({ state }) => state === 'Active')
    .map(({ prefix, nextHop }) => {
      if (nextHop.type === 'Internet') return unicast(prefix, toEdge);
      if (nextHop.type !== 'VirtualAppliance' || !nics.some(({ address }) => address === nextHop.address))
        return blackhole(prefix);
      const address = formatIpv4(nextHop.address);
      return unicast(prefix, `via ${address} dev ${address} onlink`);
    });
  const direct = nics
    .filter(({ address }) => routeTo(routes, address)?.nextHop.type === 'VnetLocal')
    .map(({ address }) => unicast(prefixOf(address, 32), `dev ${formatIpv4(address)}`));
  // A user's route for a single NIC's address as VnetLocal is that NIC.
  const reached = new Set(direct.map(({ prefix }) => prefix));
  return [...planned.filter(({ prefix }) => !reached.has(prefix)), ...direct];
}

/** Interface names have at most 15 characters, names of resources more. */
function deviceTowards(namespace: string): string {
  if (/^[a-z0-9-]{1,15}$/.test(namespace)) return namespace;
  return `to-${createHash('sha256').update(namespace).digest('hex').slice(0, 10)}`;
}

class NamespaceBuilder {
  readonly name: string;
  readonly role: NamespaceRole;
  readonly addresses: string[] = [];
  readonly routes: PlannedRoute[] = [];
  readonly neighbours: string[] = [];
  readonly rules: string[] = [];
  nft = '';

  constructor(name: string, role: NamespaceRole) {
    this.name = name;
    this.role = role;
  }

  route(prefix: string, how: string, type: PlannedRoute['type'] = ''): void {
    this.routes.push({ type, prefix, how, table: 'main' });
  }

  build(): NamespacePlan {
    const { name, role, addresses, routes, neighbours, rules, nft } = this;
    return { name, role, settings: settingsOf(role), addresses, routes, neighbours, rules, nft };
  }
}
