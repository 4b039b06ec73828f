// Network interfaces and load balancers out of what `az network nic show` and `az network lb show` print, or ARM itself: which
// host has which addresses, and who is behind a frontend. Members may stand in `properties` or, as the CLI prints them, beside.

import type { Documents } from '#arm/arm-document.ts';
import { isObject, type Json } from '#arm/json-reader.ts';
import { idKey } from '#arm/resource-id.ts';
import { addressOfPublicIp } from '#model/public-ip.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import type { NamedAddress } from './network.ts';

export const INTERFACE_TYPE = 'Microsoft.Network/networkInterfaces';
/** Those of the machines of a scale set, such as the nodes of AKS. */
export const SCALE_SET_INTERFACE_TYPE =
  'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces';
export const BALANCER_TYPE = 'Microsoft.Network/loadBalancers';

export interface Interface extends NamedAddress {
  /** Of its IP configuration. */
  readonly id: string;
  readonly subnetId: string | undefined;
  readonly publicIps: readonly NamedAddress[];
  /** Backend pools and inbound NAT rules of load balancers. */
  readonly memberships: readonly string[];
}

export interface Balancer {
  readonly id: string;
  readonly name: string;
  readonly rules: readonly BalancerRule[];
  readonly frontends: readonly Frontend[];
}

export interface Frontend extends NamedAddress {
  readonly id: string;
  readonly isPublic: boolean;
}

/** A load-balancing rule or an inbound NAT rule. */
export interface BalancerRule {
  readonly name: string;
  readonly frontend: Frontend;
  readonly protocol: 'TCP' | 'UDP' | 'Any';
  /** 0 for every port. */
  readonly port: number;
  readonly backendPort: number;
  /** Empty where no document says who they are. */
  readonly backends: readonly number[];
}

export function readInterfaces(documents: Documents): Interface[] {
  const all = [...documents.ofType(INTERFACE_TYPE), ...documents.ofType(SCALE_SET_INTERFACE_TYPE)];
  return all.flatMap(({ id, name, properties }) =>
    children(properties.ipConfigurations).flatMap(configuration => {
      const address = parseIpv4(String(configuration.privateIPAddress ?? configuration.privateIpAddress));
      if (address === undefined) return [];
      return [
        {
          id: configuration.id === '' ? `${id}/ipConfigurations/${configuration.name}` : configuration.id,
          name: nameOf(id, name),
          address,
          subnetId: idOf(configuration.subnet),
          publicIps: publicIpOf(configuration, documents),
          memberships: [
            ...references(configuration.loadBalancerBackendAddressPools),
            ...references(configuration.loadBalancerInboundNatRules),
          ],
        },
      ];
    }),
  );
}

/** Interfaces of a scale set all have the same name; its machines have numbers. */
function nameOf(id: string, name: string): string {
  const [, set, machine] = /\/virtualMachineScaleSets\/([^/]+)\/virtualMachines\/([^/]+)\//i.exec(id) ?? [];
  return set === undefined ? name : `${set}_${machine}`;
}

export function readBalancers(documents: Documents, interfaces: readonly Interface[]): Balancer[] {
  return documents.ofType(BALANCER_TYPE).map(({ id, name, properties }) => {
    const frontends = children(
      properties.frontendIPConfigurations ?? properties.frontendIpConfigurations,
    ).flatMap(frontend => toFrontend(frontend, documents));
    const backendsOf = poolReader(children(properties.backendAddressPools), interfaces);
    const toRule = (rule: Child, backends: readonly number[]): BalancerRule[] => {
      const wanted = idKey(idOf(rule.frontendIPConfiguration ?? rule.frontendIpConfiguration) ?? '');
      const frontend = frontends.find(candidate => idKey(candidate.id) === wanted);
      if (!frontend) return [];
      const port = Number(rule.frontendPort);
      const protocol = protocolOf(rule.protocol);
      return [{ name: rule.name, frontend, protocol, port, backendPort: Number(rule.backendPort), backends }];
    };
    const pools = (rule: Child) => [
      ...references(rule.backendAddressPools),
      ...references(rule.backendAddressPool === undefined ? [] : [rule.backendAddressPool]),
    ];
    return {
      ...{ id, name, frontends },
      rules: [
        ...children(properties.loadBalancingRules).flatMap(rule =>
          toRule(rule, [...new Set(pools(rule).flatMap(backendsOf))]),
        ),
        ...children(properties.inboundNatRules).flatMap(rule => toRule(rule, natBackends(rule, interfaces))),
      ],
    };
  });
}

/** The private addresses behind the pool with an id: what the pool says, and what interfaces say of it. */
function poolReader(pools: readonly Child[], interfaces: readonly Interface[]) {
  return (poolId: string): number[] => {
    const pool = pools.find(({ id }) => idKey(id) === idKey(poolId));
    const configured = new Set(
      references(pool?.backendIPConfigurations ?? pool?.backendIpConfigurations).map(idKey),
    );
    const listed = children(pool?.loadBalancerBackendAddresses).flatMap(
      ({ ipAddress }) => parseIpv4(String(ipAddress)) ?? [],
    );
    const members = interfaces.filter(
      ({ id, memberships }) =>
        configured.has(idKey(id)) || memberships.some(other => idKey(other) === idKey(poolId)),
    );
    return [...members.map(({ address }) => address), ...listed];
  };
}

function natBackends(rule: Child, interfaces: readonly Interface[]): number[] {
  const target = idKey(idOf(rule.backendIPConfiguration ?? rule.backendIpConfiguration) ?? '');
  return interfaces
    .filter(
      ({ id, memberships }) =>
        idKey(id) === target || memberships.some(other => idKey(other) === idKey(rule.id)),
    )
    .map(({ address }) => address);
}

function toFrontend(frontend: Child, documents: Documents): Frontend[] {
  const [ip] = publicIpOf(frontend, documents);
  const { id, name } = frontend;
  if (ip) return [{ id, name, address: ip.address, isPublic: true }];
  const address = parseIpv4(String(frontend.privateIPAddress ?? frontend.privateIpAddress));
  return address === undefined ? [] : [{ id, name, address, isPublic: false }];
}

function publicIpOf(member: Child, documents: Documents): NamedAddress[] {
  const id = idOf(member.publicIPAddress ?? member.publicIpAddress);
  const document = id === undefined ? undefined : documents.get(id);
  const address = document && addressOfPublicIp(document);
  return address === undefined || document === undefined ? [] : [{ name: document.name, address }];
}

function protocolOf(value: unknown): BalancerRule['protocol'] {
  switch (String(value).toLowerCase()) {
    case 'tcp':
      return 'TCP';
    case 'udp':
      return 'UDP';
    default:
      return 'Any';
  }
}

interface Child extends Json {
  readonly id: string;
  readonly name: string;
}

/** Members of a list, each with its properties lifted to its top. */
function children(list: unknown): Child[] {
  return (Array.isArray(list) ? (list as unknown[]) : []).filter(isObject).map(child => ({
    ...child,
    ...(isObject(child.properties) ? child.properties : {}),
    id: typeof child.id === 'string' ? child.id : '',
    name: typeof child.name === 'string' ? child.name : '',
  }));
}

function references(list: unknown): string[] {
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap(item => idOf(item) ?? []);
}

function idOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.id === 'string' ? value.id : undefined;
}

/** The rule of a load balancer that a packet to one of its frontends meets. */
export function balancerRuleAt(
  balancers: readonly Balancer[],
  {
    destination,
    protocol,
    port,
  }: { readonly destination: number; readonly protocol: unknown; readonly port: number },
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
