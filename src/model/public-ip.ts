// Public IP addresses: Standard, static, IPv4. The address itself is read-only; the API allocates it once and keeps it.

import type { Json, JsonReader } from '#arm/json-reader.ts';
import { parseIpv4 } from '#net/ipv4.ts';

export const PUBLIC_IP_TYPE = 'Microsoft.Network/publicIPAddresses';

/** Of a stored document; undefined if none is allocated or the text is no address. */
export function addressOfPublicIp(document: { readonly properties: Json }): number | undefined {
  const { ipAddress } = document.properties;
  return typeof ipAddress === 'string' ? parseIpv4(ipAddress) : undefined;
}

export function readPublicIpSku(sku: JsonReader | undefined): Json {
  const name = sku?.oneOf('name', ['Standard', 'Basic', 'StandardV2']);
  if (name === 'Basic' || name === 'StandardV2')
    sku?.fault(
      'UnsupportedProperty',
      'name',
      `Postern supports public IP addresses of SKU Standard, not ${name}.`,
    );
  const tier = sku?.oneOf('tier', ['Regional', 'Global']);
  if (tier === 'Global')
    sku?.fault('UnsupportedProperty', 'tier', 'Postern supports the tier Regional, not Global.');
  sku?.finish();
  return { name: 'Standard', tier: 'Regional' };
}

export const UNSUPPORTED_PUBLIC_IP_PROPERTIES = [
  'dnsSettings',
  'ipTags',
  'publicIPPrefix',
  'servicePublicIPAddress',
  'linkedPublicIPAddress',
  'deleteOption',
] as const;

export function readPublicIp(reader: JsonReader): Json {
  const method = reader.oneOf('publicIPAllocationMethod', ['Static', 'Dynamic']) ?? 'Static';
  if (method === 'Dynamic')
    reader.fault(
      'StandardSkuPublicIPAddressMustBeStatic',
      'publicIPAllocationMethod',
      'A public IP address of SKU Standard, the only one here, must have the allocation method Static; az network public-ip create --sku Standard sees to it.',
    );
  if (reader.oneOf('publicIPAddressVersion', ['IPv4', 'IPv6']) === 'IPv6')
    reader.fault(
      'UnsupportedProperty',
      'publicIPAddressVersion',
      'Postern supports IPv4 addresses, not IPv6.',
    );
  const idleTimeoutInMinutes = reader.integer('idleTimeoutInMinutes', 4, 30) ?? 4;
  const ddos = reader.object('ddosSettings');
  ddos?.unsupported(['protectionMode'], ['VirtualNetworkInherited']);
  ddos?.unsupported(['ddosProtectionPlan']);
  ddos?.finish();
  reader.readOnly('provisioningState', 'resourceGuid', 'ipConfiguration', 'ipAddress', 'natGateway');
  reader.unsupported(UNSUPPORTED_PUBLIC_IP_PROPERTIES);
  reader.unsupported(['migrationPhase'], ['None']);
  reader.finish();
  return {
    publicIPAddressVersion: 'IPv4',
    publicIPAllocationMethod: 'Static',
    idleTimeoutInMinutes,
    ipTags: [],
  };
}
