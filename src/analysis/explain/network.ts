// What a way through a network is explained from: virtual networks with the effective routes of their subnets, firewalls with
// their resolved rules, hosts, public addresses and load balancers, as plain data. `readNetwork` makes it out of documents.

import { type ArmDocument, type Documents, toDocuments } from '#arm/arm-document.ts';
import { isObject } from '#arm/json-reader.ts';
import { idKey, parseResourceId, sameId } from '#arm/resource-id.ts';
import { resourceGroupFor } from '#documents/read-documents.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { type EffectiveRoute, effectiveRoutes } from '#model/effective-routes.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import { addressOfPublicIp, PUBLIC_IP_TYPE } from '#model/public-ip.ts';
import { toRouteTable } from '#model/route-table.ts';
import { toVirtualNetwork, VIRTUAL_NETWORK_TYPE } from '#model/virtual-network.ts';
import { contains, type Ipv4Prefix, parseIpv4 } from '#net/ipv4.ts';
import { type Balancer, type Interface, readBalancers, readInterfaces } from './interfaces.ts';
import { readPeerings } from './peerings.ts';

export interface Subnet {
  readonly id: string;
  readonly name: string;
  readonly prefix: Ipv4Prefix;
  readonly routes: readonly EffectiveRoute[];
  /** Undefined without one. */
  readonly routeTable: NamedResource | undefined;
}

export interface Vnet extends NamedResource {
  readonly prefixes: readonly Ipv4Prefix[];
  /** Empty means Azure DNS. */
  readonly dnsServers: readonly number[];
  readonly subnets: readonly Subnet[];
  /** Ids of the VNets it is connected with. */
  readonly peers: readonly string[];
}

export interface NamedResource {
  readonly id: string;
  readonly name: string;
  /** Its resource group, as commands take it. */
  readonly group: string;
}

export interface NamedAddress {
  readonly name: string;
  readonly address: number;
}

export interface Firewall extends NamedResource {
  readonly subnetId: string | undefined;
  /** The private address that its document gives; the rules may have another one, which stands for it. */
  readonly documentedAddress: number | undefined;
  /** Of its firewall policy; undefined with classic rules. */
  readonly policyResource: NamedResource | undefined;
  readonly policy: ResolvedPolicy;
}

export interface Host extends NamedAddress {
  /** Undefined: on the Internet. */
  readonly subnetId: string | undefined;
  readonly publicIps: readonly NamedAddress[];
}

export interface Network {
  readonly vnets: readonly Vnet[];
  readonly firewalls: readonly Firewall[];
  readonly hosts: readonly Host[];
  readonly balancers: readonly Balancer[];
  /** All public IP resources, whoever holds them. */
  readonly publicIps: readonly NamedAddress[];
  /** Whether no subnet has hosts besides those; otherwise an address of a subnet is taken to be in use. */
  readonly complete: boolean;
  /** A gateway between networks that no document describes: what is in no VNet and no public address, is inside of it. */
  readonly gateway: Firewall | undefined;
  /** From where hosts without a public address leave for the Internet; unknown ones are left out. */
  readonly outboundAddresses: ReadonlyMap<string, number>;
}

export interface Place {
  readonly vnet: Vnet;
  readonly subnet: Subnet;
}

export interface NetworkSource {
  readonly documents: readonly ArmDocument[];
  readonly policies: ReadonlyMap<string, ResolvedPolicy>;
  readonly hosts?: readonly Omit<Host, 'publicIps'>[];
  readonly complete?: boolean;
  readonly gateway?: boolean;
  /** By the id of the VNet. */
  readonly outboundAddresses?: ReadonlyMap<string, number>;
}

/** `policies` are the resolved ones by the id of their firewall; firewalls without one are left out. */
export function readNetwork(source: NetworkSource): Network {
  const { policies, hosts = [], complete = false, gateway = false } = source;
  const documents = toDocuments(source.documents);
  const byFirewall = new Map([...policies].map(([id, policy]) => [idKey(id), policy]));
  const firewalls = documents.ofType(FIREWALL_TYPE).flatMap(document => {
    const policy = byFirewall.get(idKey(document.id));
    return policy ? [toFirewall(document, policy)] : [];
  });
  const interfaces = readInterfaces(documents);
  return {
    vnets: documents.ofType(VIRTUAL_NETWORK_TYPE).map(document => toVnet(document, documents)),
    firewalls,
    hosts: [...hosts.map(host => ({ ...host, publicIps: [] })), ...interfaces.map(toHost)],
    balancers: readBalancers(documents, interfaces),
    publicIps: documents.ofType(PUBLIC_IP_TYPE).flatMap(document => {
      const address = addressOfPublicIp(document);
      return address === undefined ? [] : [{ name: document.name, address }];
    }),
    complete,
    gateway: gateway ? firewalls[0] : undefined,
    outboundAddresses: new Map(
      [...(source.outboundAddresses ?? [])].map(([id, address]) => [idKey(id), address]),
    ),
  };
}

function toFirewall(document: ArmDocument, policy: ResolvedPolicy): Firewall {
  const { firewallPolicy, ipConfigurations } = document.properties;
  const [first] = Array.isArray(ipConfigurations) ? (ipConfigurations as unknown[]) : [];
  const configuration = isObject(first) && isObject(first.properties) ? first.properties : {};
  const policyId = referenceTo(firewallPolicy);
  return {
    ...named(document.id, document.name),
    subnetId: referenceTo(configuration.subnet),
    documentedAddress: parseIpv4(String(configuration.privateIPAddress)),
    policyResource: policyId === undefined ? undefined : named(policyId),
    policy,
  };
}

function toVnet(document: ArmDocument, documents: Documents): Vnet {
  const { id, name, addressSpace, dnsServers, subnets } = toVirtualNetwork(document);
  const peerings = readPeerings(document, documents);
  const peered = peerings.flatMap(({ prefixes }) => prefixes);
  return {
    ...named(id, name),
    prefixes: addressSpace,
    dnsServers,
    peers: peerings.map(({ remoteId }) => idKey(remoteId)),
    subnets: subnets.map(({ id, name, prefix, routeTableId }) => {
      const table = routeTableId === undefined ? undefined : documents.get(routeTableId);
      return {
        ...{ id, name, prefix },
        routes: effectiveRoutes(addressSpace, table ? toRouteTable(table).routes : [], peered),
        routeTable: routeTableId === undefined ? undefined : named(routeTableId, table?.name),
      };
    }),
  };
}

function toHost({ name, address, subnetId, publicIps }: Interface): Host {
  return { name, address, subnetId, publicIps };
}

/** Route tables that a subnet names and that no document describes: without them its routes are not known. */
export function missingRouteTables({ vnets }: Network, documents: Documents): string[] {
  const ids = vnets.flatMap(({ subnets }) => subnets.flatMap(({ routeTable }) => routeTable?.id ?? []));
  return [...new Set(ids)].filter(id => documents.get(id) === undefined);
}

export function named(id: string, name?: string): NamedResource {
  const parsed = parseResourceId(id);
  return { id, name: name ?? parsed?.segments.at(-1)?.name ?? id, group: resourceGroupFor(id) };
}

function referenceTo(value: unknown): string | undefined {
  return isObject(value) && typeof value.id === 'string' ? value.id : undefined;
}

/** Whether one reaches the other without leaving Azure's network; a firewall whose subnet is not known is in reach. */
export function reaches(vnet: Vnet, { subnetId }: Firewall, { vnets }: Network): boolean {
  if (subnetId === undefined) return true;
  const home = vnets.find(({ subnets }) => subnets.some(({ id }) => sameId(id, subnetId)));
  return home === undefined || sameId(home.id, vnet.id) || vnet.peers.includes(idKey(home.id));
}

/** Where an address lies; a subnet given by its id wins over the first one that holds the address. */
export function placeOf({ vnets }: Network, address: number, subnetId?: string): Place | undefined {
  for (const vnet of vnets)
    for (const subnet of vnet.subnets)
      if (subnetId === undefined ? contains(subnet.prefix, address) : sameId(subnet.id, subnetId))
        return { vnet, subnet };
  return undefined;
}

/** In a VNet, or with `undefined` on the Internet. */
export function hostAt({ hosts }: Network, vnet: Vnet | undefined, address: number): Host | undefined {
  return hosts.find(
    host =>
      host.address === address &&
      (vnet === undefined
        ? host.subnetId === undefined
        : vnet.subnets.some(({ id }) => host.subnetId !== undefined && sameId(id, host.subnetId))),
  );
}

/** The firewall whose private address this is. */
export function firewallAt({ firewalls }: Network, address: number): Firewall | undefined {
  return firewalls.find(
    ({ policy, documentedAddress }) =>
      address !== 0 && (policy.privateAddress === address || documentedAddress === address),
  );
}

/** The firewall that has this public address. */
export function firewallWith({ firewalls }: Network, address: number): Firewall | undefined {
  return firewalls.find(({ policy }) => policy.publicIps.some(ip => ip.address === address));
}

/** The firewalls of a VNet, or else all. */
export function firewallsFor({ firewalls }: Network, vnet: Vnet): readonly Firewall[] {
  const own = firewalls.filter(({ subnetId }) =>
    vnet.subnets.some(({ id }) => subnetId !== undefined && sameId(id, subnetId)),
  );
  return own.length > 0 ? own : firewalls;
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
