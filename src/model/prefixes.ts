// Address prefixes as Azure takes them in networks and routes: CIDR notation without host bits.

import type { JsonReader } from '#arm/json-reader.ts';
import { formatPrefix, type Ipv4Prefix, parsePrefix } from '#net/ipv4.ts';

/** Reports a text that is no prefix, is IPv6, or has bits set behind the mask. */
export function readPrefix(reader: JsonReader, key: string, text: string): Ipv4Prefix | undefined {
  if (text.includes(':')) {
    reader.fault('UnsupportedProperty', key, `Postern does not support IPv6: remove '${text}'.`);
    return undefined;
  }
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    reader.fault(
      'InvalidAddressPrefixFormat',
      key,
      `'${text}' is not an address prefix; write it in CIDR notation, such as 10.0.0.0/24.`,
    );
    return undefined;
  }
  if (formatPrefix(prefix) !== text) {
    reader.fault(
      'InvalidCIDRNotation',
      key,
      `'${text}' has host bits set; with this prefix length it should be ${formatPrefix(prefix)}.`,
    );
    return undefined;
  }
  return prefix;
}

export function encloses(outer: Ipv4Prefix, inner: Ipv4Prefix): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}
