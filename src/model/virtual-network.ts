// Virtual networks and their subnets: what a request may say, what is stored, and the typed view that the fabric and
// the checks read. References to other resources are kept as ids; whether they exist is for the API to ask.

import { type Faults, isObject, type Json, type JsonReader } from '#arm/json-reader.ts';
import { formatIpv4, type Ipv4Prefix, overlaps, parseIpv4, parsePrefix } from '#net/ipv4.ts';
import { childrenIn, readChild, type StoredChild } from './child.ts';
import { encloses, readPrefix } from './prefixes.ts';

export const VIRTUAL_NETWORK_TYPE = 'Microsoft.Network/virtualNetworks';
export const SUBNET_TYPE = 'Microsoft.Network/virtualNetworks/subnets';
export const FIREWALL_SUBNET = 'AzureFirewallSubnet';

/** Smallest subnet Azure allows: five of its eight addresses are reserved. */
const LONGEST_SUBNET_PREFIX = 29;

export interface Subnet {
  readonly id: string;
  readonly name: string;
  readonly prefix: Ipv4Prefix;
  readonly routeTableId: string | undefined;
}

export interface VirtualNetwork {
  readonly id: string;
  readonly name: string;
  readonly addressSpace: readonly Ipv4Prefix[];
  /** Empty means Azure DNS (168.63.129.16). */
  readonly dnsServers: readonly number[];
  readonly subnets: readonly Subnet[];
}

export type StoredSubnet = StoredChild;

/** First address a resource can have: Azure keeps .0 to .3 and the last one of every subnet. */
export function firstUsableAddress(prefix: Ipv4Prefix): number {
  return prefix.first + 4;
}

/** Typed view of a stored document; members that cannot be read (a hand-written file) are left out. */
export function toVirtualNetwork(document: { id: string; name: string; properties: Json }): VirtualNetwork {
  const { addressSpace, dhcpOptions } = document.properties;
  return {
    id: document.id,
    name: document.name,
    addressSpace: texts(isObject(addressSpace) ? addressSpace.addressPrefixes : []).flatMap(
      text => parsePrefix(text) ?? [],
    ),
    dnsServers: texts(isObject(dhcpOptions) ? dhcpOptions.dnsServers : []).flatMap(
      text => parseIpv4(text) ?? [],
    ),
    subnets: subnetsOf(document.properties).flatMap(subnet => toSubnet(document.id, subnet) ?? []),
  };
}

export function subnetsOf(properties: Json): StoredSubnet[] {
  return childrenIn(properties.subnets);
}

function toSubnet(networkId: string, { name, properties }: StoredSubnet): Subnet | undefined {
  const [first] = texts(properties.addressPrefixes);
  const prefix = parsePrefix(
    typeof properties.addressPrefix === 'string' ? properties.addressPrefix : (first ?? ''),
  );
  if (prefix === undefined) return undefined;
  const routeTableId = isObject(properties.routeTable) ? properties.routeTable.id : undefined;
  return {
    id: `${networkId}/subnets/${name}`,
    name,
    prefix,
    routeTableId: typeof routeTableId === 'string' ? routeTableId : undefined,
  };
}

export const UNSUPPORTED_NETWORK_PROPERTIES = [
  'virtualNetworkPeerings',
  'flowTimeoutInMinutes',
  'ddosProtectionPlan',
  'bgpCommunities',
  'encryption',
  'ipAllocations',
] as const;

export const UNSUPPORTED_SUBNET_PROPERTIES = [
  'networkSecurityGroup',
  'natGateway',
  'serviceEndpoints',
  'serviceEndpointPolicies',
  'ipAllocations',
  'delegations',
  'applicationGatewayIPConfigurations',
  'sharingScope',
  'ipamPoolPrefixAllocations',
  'serviceGateway',
] as const;

/** Properties to store. Without `subnets` in the request the ones there are kept, as Azure does since 2025. */
export function readVirtualNetwork(reader: JsonReader, before: Json | undefined): Json {
  const space = reader.object('addressSpace');
  if (space === undefined) reader.missing('addressSpace');
  const addressPrefixes = space?.texts('addressPrefixes') ?? [];
  if (space && addressPrefixes.length === 0) space.missing('addressPrefixes');
  space?.unsupported(['ipamPoolPrefixAllocations']);
  space?.finish();
  const dhcp = reader.object('dhcpOptions');
  const dnsServers = dhcp?.texts('dnsServers') ?? [];
  dnsServers.forEach((server, index) => {
    if (parseIpv4(server) === undefined)
      dhcp?.fault('InvalidIPAddress', `dnsServers[${index}]`, `'${server}' is not an IPv4 address.`);
  });
  dhcp?.finish();
  const given = reader.objects('subnets');
  const subnets = given ? given.map(subnet => readSubnet(subnet)) : before ? subnetsOf(before) : [];
  reader.readOnly('provisioningState', 'resourceGuid', 'flowLogs', 'defaultPublicNatGateway');
  reader.unsupported(['enableDdosProtection', 'enableVmProtection'], [false]);
  reader.unsupported(['privateEndpointVNetPolicies'], ['Disabled']);
  reader.unsupported(UNSUPPORTED_NETWORK_PROPERTIES);
  reader.finish();
  if (space) checkAddressSpace(space, addressPrefixes);
  checkSubnets(reader.faults, reader.at('subnets'), addressPrefixes, subnets);
  return {
    addressSpace: { addressPrefixes },
    ...(dnsServers.length === 0 ? {} : { dhcpOptions: { dnsServers } }),
    subnets,
    virtualNetworkPeerings: [],
    enableDdosProtection: false,
    enableVmProtection: false,
  };
}

/** `{name, properties}` of a subnet, alone or inside its network. */
export function readSubnet(reader: JsonReader, nameInPath?: string): StoredSubnet {
  return readChild(reader, SUBNET_TYPE, readSubnetProperties, nameInPath);
}

const ENABLED = ['Enabled', 'Disabled'] as const;
const ENDPOINT_POLICIES = [...ENABLED, 'NetworkSecurityGroupEnabled', 'RouteTableEnabled'] as const;

function readSubnetProperties(reader: JsonReader): Json {
  const prefixes = reader.texts('addressPrefixes') ?? [];
  const single = reader.text('addressPrefix');
  const addressPrefix = single ?? prefixes[0];
  if (addressPrefix === undefined) reader.missing('addressPrefix');
  if (prefixes.some(prefix => prefix !== addressPrefix))
    reader.fault('UnsupportedProperty', 'addressPrefixes', 'Postern supports one address prefix a subnet.');
  const prefix = addressPrefix === undefined ? undefined : readPrefix(reader, 'addressPrefix', addressPrefix);
  if (prefix && prefix.length > LONGEST_SUBNET_PREFIX)
    reader.fault(
      'InvalidSubnetPrefixLength',
      'addressPrefix',
      `'${addressPrefix}' is too small: a subnet is /${LONGEST_SUBNET_PREFIX} or larger.`,
    );
  const routeTable = reader.reference('routeTable');
  const privateEndpointNetworkPolicies = reader.oneOf('privateEndpointNetworkPolicies', ENDPOINT_POLICIES);
  const privateLinkServiceNetworkPolicies = reader.oneOf('privateLinkServiceNetworkPolicies', ENABLED);
  reader.readOnly(
    'provisioningState',
    'purpose',
    'ipConfigurations',
    'ipConfigurationProfiles',
    'privateEndpoints',
    'resourceNavigationLinks',
    'serviceAssociationLinks',
  );
  reader.unsupported(UNSUPPORTED_SUBNET_PROPERTIES);
  reader.unsupported(['defaultOutboundAccess'], [true]);
  reader.finish();
  return {
    addressPrefix: addressPrefix ?? '',
    ...(routeTable === undefined ? {} : { routeTable: { id: routeTable } }),
    delegations: [],
    privateEndpointNetworkPolicies: privateEndpointNetworkPolicies ?? 'Disabled',
    privateLinkServiceNetworkPolicies: privateLinkServiceNetworkPolicies ?? 'Enabled',
  };
}

/** Ranges no network can have: loopback, link-local, multicast and above, and Azure's own address. */
const RESERVED = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '168.63.129.16/32', '224.0.0.0/3'];

function checkAddressSpace(space: JsonReader, texts: readonly string[]): void {
  const earlier: Ipv4Prefix[] = [];
  texts.forEach((text, index) => {
    const key = `addressPrefixes[${index}]`;
    const prefix = readPrefix(space, key, text);
    if (prefix === undefined) return;
    const reserved = RESERVED.find(other => overlaps(prefix, parsePrefix(other) ?? prefix));
    if (reserved)
      space.fault('InvalidAddressPrefix', key, `'${text}' overlaps ${reserved}, which no network can use.`);
    const other = earlier.findIndex(candidate => overlaps(candidate, prefix));
    if (other >= 0)
      space.fault(
        'VnetAddressSpacesOverlap',
        key,
        `'${text}' overlaps '${texts[other]}' of the same network.`,
      );
    earlier.push(prefix);
  });
}

/** Each subnet lies in the address space, overlaps no other, and has a name of its own. */
export function checkSubnets(
  faults: Faults,
  path: string,
  addressPrefixes: readonly string[],
  subnets: readonly StoredSubnet[],
): void {
  const space = addressPrefixes.flatMap(text => parsePrefix(text) ?? []);
  const earlier: { name: string; prefix: Ipv4Prefix | undefined }[] = [];
  subnets.forEach(({ name, properties }, index) => {
    const at = `${path}[${index}].properties.addressPrefix`;
    const prefix = parsePrefix(String(properties.addressPrefix));
    if (earlier.some(other => other.name.toLowerCase() === name.toLowerCase()))
      faults.add(
        'NetcfgDuplicateSubnetName',
        `${path}[${index}].name`,
        `There are two subnets called '${name}'.`,
      );
    if (prefix && !space.some(outer => encloses(outer, prefix)))
      faults.add(
        'NetcfgSubnetRangeOutsideVnet',
        at,
        `Subnet '${name}' (${properties.addressPrefix}) lies outside the address space of its network (${addressPrefixes.join(', ')}).`,
      );
    const other = prefix && earlier.find(candidate => candidate.prefix && overlaps(candidate.prefix, prefix));
    if (other?.prefix)
      faults.add(
        'NetcfgSubnetRangesOverlap',
        at,
        `Subnet '${name}' (${properties.addressPrefix}) overlaps subnet '${other.name}' (${formatIpv4(other.prefix.first)}/${other.prefix.length}).`,
      );
    earlier.push({ name, prefix });
  });
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}
