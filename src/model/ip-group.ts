// IP groups: named lists of addresses, prefixes and ranges that firewall rules refer to.

import { isObject, type Json, type JsonReader } from '#arm/json-reader.ts';
import { type Ipv4Range, mergeRanges, parseRange } from '#net/ipv4.ts';
import { AZURE_LIMITS, type Limits } from './limits.ts';

export const IP_GROUP_TYPE = 'Microsoft.Network/ipGroups';

/** Members of a stored group, merged; empty matches nothing. */
export function rangesOfIpGroup(document: { readonly properties: Json }): Ipv4Range[] {
  const { ipAddresses } = document.properties;
  const texts = Array.isArray(ipAddresses) ? ipAddresses.filter(item => typeof item === 'string') : [];
  return mergeRanges(texts.flatMap(text => parseRange(text) ?? []));
}

export function readIpGroup(reader: JsonReader, limits: Limits = AZURE_LIMITS): Json {
  const { most } = limits.ipGroupEntries;
  const ipAddresses = reader.texts('ipAddresses') ?? [];
  ipAddresses.forEach((text, index) => {
    const key = `ipAddresses[${index}]`;
    if (text.includes(':'))
      reader.fault('UnsupportedProperty', key, `Postern does not support IPv6: remove '${text}'.`);
    else if (parseRange(text) === undefined)
      reader.fault(
        'InvalidIPAddress',
        key,
        `'${text}' is not an IPv4 address, prefix (10.0.0.0/24) or range (10.0.0.1-10.0.0.9).`,
      );
  });
  if (ipAddresses.length > most)
    reader.fault(
      'IpGroupAddressLimitExceeded',
      'ipAddresses',
      `An IP group holds at most ${most} entries, not ${ipAddresses.length}.`,
    );
  reader.readOnly('provisioningState', 'firewalls', 'firewallPolicies');
  reader.finish();
  return { ipAddresses };
}

/** Ids of the IP groups that rules anywhere inside `value` refer to. */
export function ipGroupIdsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(ipGroupIdsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    /^(source|destination)IpGroups$/i.test(key) && Array.isArray(member)
      ? member.filter(item => typeof item === 'string')
      : ipGroupIdsIn(member),
  );
}
