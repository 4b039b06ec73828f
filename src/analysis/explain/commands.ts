// The az commands that change what a finding is about, with the names of the resources in question. What a user has to choose
// stands in capitals.

import { parseResourceId } from '#arm/resource-id.ts';
import { resourceGroupFor } from '#documents/read-documents.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { Firewall, NamedResource, Place, Vnet } from './network.ts';

const quote = (word: string): string => (/^[\w./:-]+$/.test(word) ? word : `'${word}'`);

/** A route to the firewall in the table of a subnet; makes the table where there is none. */
export function routeToFirewall({ vnet, subnet }: Place, firewall: Firewall, prefix: string): string[] {
  const hop = `--next-hop-type VirtualAppliance --next-hop-ip-address ${formatIpv4(firewall.policy.privateAddress)}`;
  return addRoute(
    { vnet, subnet },
    prefix === '0.0.0.0/0' ? 'to-firewall' : `to-firewall-${slug(prefix)}`,
    prefix,
    hop,
  );
}

export function routeToInternet(place: Place, prefix: string): string[] {
  return addRoute(place, `to-internet-${slug(prefix)}`, prefix, '--next-hop-type Internet');
}

function addRoute({ vnet, subnet }: Place, name: string, prefix: string, hop: string): string[] {
  const { routeTable } = subnet;
  const group = quote(routeTable?.group ?? vnet.group);
  const table = quote(routeTable?.name ?? `${subnet.name}-routes`);
  const same = subnet.routes.find(route => route.source === 'User' && prefixText(route.prefix) === prefix);
  const route = same
    ? `az network route-table route update -g ${group} --route-table-name ${table} -n ${quote(same.name)} ${hop}`
    : `az network route-table route create -g ${group} --route-table-name ${table} -n ${name} --address-prefix ${prefix} ${hop}`;
  if (routeTable) return [route];
  return [
    `az network route-table create -g ${group} -n ${table}`,
    route,
    `az network vnet subnet update -g ${quote(vnet.group)} --vnet-name ${quote(vnet.name)} -n ${quote(subnet.name)} --route-table ${table}`,
  ];
}

const prefixText = ({ first, length }: { readonly first: number; readonly length: number }) =>
  `${formatIpv4(first)}/${length}`;
const slug = (prefix: string) => prefix.replaceAll(/[./]/g, '-');

export function deleteRoute(table: NamedResource, name: string): string {
  return `az network route-table route delete -g ${quote(table.group)} --route-table-name ${quote(table.name)} -n ${quote(name)}`;
}

export function useDnsOf(vnet: Vnet, firewall: Firewall): string {
  return `az network vnet update -g ${quote(vnet.group)} -n ${quote(vnet.name)} --dns-servers ${formatIpv4(firewall.policy.privateAddress)}`;
}

export function enableDnsProxy({ policyResource, ...firewall }: Firewall): string {
  if (policyResource)
    return `az network firewall policy update -g ${quote(policyResource.group)} -n ${quote(policyResource.name)} --enable-dns-proxy true`;
  return `az network firewall update -g ${quote(firewall.group)} -n ${quote(firewall.name)} --enable-dns-proxy true`;
}

export interface WantedFlow {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

export function allowByAddress(
  firewall: Firewall,
  { protocol, source, destination, port }: WantedFlow,
): string {
  const ports = port === 0 ? `'*'` : String(port);
  const fields = `--source-addresses ${source} --destination-addresses ${destination} --destination-ports ${ports}`;
  return firewall.policyResource
    ? `${filterCollection(firewall)} --rule-type NetworkRule --rule-name RULE --ip-protocols ${protocol} ${fields}`
    : `${classicRule(firewall, 'network-rule')} --action Allow --protocols ${protocol} ${fields}`;
}

export function allowByName(
  firewall: Firewall,
  { source, fqdn, protocol, port }: { source: string; fqdn: string; protocol: string; port: number },
): string {
  const fields = `--source-addresses ${source} --target-fqdns ${fqdn} --protocols ${protocol}=${port}`;
  return firewall.policyResource
    ? `${filterCollection(firewall)} --rule-type ApplicationRule --rule-name RULE ${fields}`
    : `${classicRule(firewall, 'application-rule')} --action Allow ${fields}`;
}

/** Of a group that is empty: what is given replaces what is there. */
export function fillIpGroup(id: string, address: string): string {
  const parsed = parseResourceId(id);
  return `az network ip-group update -g ${quote(resourceGroupFor(id))} -n ${quote(parsed?.segments.at(-1)?.name ?? 'NAME')} --ip-addresses ${address}`;
}

/** DNAT from a public address of the firewall to an inner one. */
export function translate(
  firewall: Firewall,
  {
    protocol,
    destination,
    port,
    target,
  }: { protocol: string; destination: string; port: number; target: string },
): string {
  const fields = `--source-addresses SOURCES --destination-addresses ${destination} --destination-ports ${port} --translated-address ${target} --translated-port ${port}`;
  return firewall.policyResource
    ? `${inPolicy(firewall, 'add-nat-collection')} --action DNAT --rule-name RULE --ip-protocols ${protocol} ${fields}`
    : `${classicRule(firewall, 'nat-rule')} --action Dnat --protocols ${protocol} ${fields}`;
}

function filterCollection(firewall: Firewall): string {
  return `${inPolicy(firewall, 'add-filter-collection')} --action Allow`;
}

function inPolicy({ policyResource, policy }: Firewall, command: string): string {
  const rules = [...policy.networkRules, ...policy.applicationRules, ...policy.natRules];
  const group = rules.find(({ ref }) => ref.policy === policyResource?.name)?.ref.group ?? 'GROUP';
  return `az network firewall policy rule-collection-group collection ${command} -g ${quote(policyResource?.group ?? '')} --policy-name ${quote(policyResource?.name ?? '')} --rcg-name ${quote(group)} -n COLLECTION --collection-priority PRIORITY`;
}

function classicRule({ group, name }: Firewall, command: string): string {
  return `az network firewall ${command} create -g ${quote(group)} -f ${quote(name)} --collection-name COLLECTION --priority PRIORITY -n RULE`;
}

/** SNAT for everything but private addresses, as it is by default. */
export function translateEverything({ policyResource, ...firewall }: Firewall): string {
  return policyResource
    ? `az network firewall policy update -g ${quote(policyResource.group)} -n ${quote(policyResource.name)} --private-ranges IANAPrivateRanges`
    : `az network firewall update -g ${quote(firewall.group)} -n ${quote(firewall.name)} --private-ranges IANAPrivateRanges`;
}

export function trustAddress({ policyResource, ...firewall }: Firewall, address: string): string {
  return policyResource
    ? `az network firewall policy update -g ${quote(policyResource.group)} -n ${quote(policyResource.name)} --ip-addresses ${address}`
    : `az network firewall threat-intel-allowlist create -g ${quote(firewall.group)} -n ${quote(firewall.name)} --ip-addresses ${address}`;
}

export function denyThreats({ policyResource, ...firewall }: Firewall): string {
  return policyResource
    ? `az network firewall policy update -g ${quote(policyResource.group)} -n ${quote(policyResource.name)} --threat-intel-mode Deny`
    : `az network firewall update -g ${quote(firewall.group)} -n ${quote(firewall.name)} --threat-intel-mode Deny`;
}

/** Both directions: a peering counts once each side has it. */
export function peer(vnet: Vnet, { subnetId = '' }: Firewall): string[] {
  const hub = subnetId.replace(/\/subnets\/[^/]*$/i, '');
  const [, group = '', name = ''] =
    /\/resourceGroups\/([^/]+)\/.*\/virtualNetworks\/([^/]+)$/i.exec(hub) ?? [];
  const create = (from: { group: string; name: string }, to: { id: string; name: string }) =>
    `az network vnet peering create -g ${quote(from.group)} --vnet-name ${quote(from.name)} -n to-${to.name} --remote-vnet ${to.id} --allow-vnet-access --allow-forwarded-traffic`;
  return [create(vnet, { id: hub, name }), create({ group, name }, vnet)];
}
