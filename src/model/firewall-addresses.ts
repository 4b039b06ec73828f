// Addresses, ports and IP groups as rules write them. What a rule means by an address list is kept apart by kind:
// ranges are final, service tags and IP groups are looked up again at each lowering, because they change.

import { parseFqdn } from '#net/fqdn.ts';
import { ALL_IPV4, type Ipv4Range, isIpv6Text, parseRange } from '#net/ipv4.ts';
import { type PortRange, parsePortRange } from '#net/ports.ts';
import { CODES } from './firewall-codes.ts';
import type { Located, ObjectReader } from './firewall-reader.ts';

/** Names that rules may use and that are not part of their document. `Facts` fits the first two. */
export interface RuleLookup {
  /** The tag's name in its published spelling; undefined if there is no such tag. */
  serviceTagName(name: string): string | undefined;
  fqdnTagName(name: string): string | undefined;
  /** Whether there is an IP group of that id. */
  hasIpGroup(id: string): boolean;
  /** Whether Azure's numbers hold (limits.ts); absent means yes. */
  readonly azureLimits?: boolean;
}

export interface FirewallLookup extends RuleLookup {
  /** Address of a public IP resource; undefined when it has none or does not exist, which the API reports. */
  publicAddressOf(id: string): number | undefined;
}

export interface AddressList {
  /** As written, neither sorted nor merged. */
  readonly ranges: readonly Ipv4Range[];
  readonly serviceTags: readonly string[];
  readonly ipGroups: readonly string[];
}

/** `sourceAddresses` and `sourceIpGroups`; a rule without either is refused. */
export function readSources(rule: ObjectReader, lookup: RuleLookup): AddressList {
  const ranges = rule.texts('sourceAddresses').flatMap(text => readRange(rule, text));
  const ipGroups = readIpGroups(rule, 'sourceIpGroups', lookup);
  if (rule.isBlank('sourceAddresses') && rule.isBlank('sourceIpGroups'))
    rule.fault(
      CODES.source,
      'sourceAddresses',
      "no source: 'sourceAddresses' and 'sourceIpGroups' are both empty.",
    );
  return { ranges, serviceTags: [], ipGroups };
}

/** `destinationAddresses` with service tags, and `destinationIpGroups`. */
export function readDestinations(rule: ObjectReader, lookup: RuleLookup): AddressList {
  return {
    ...readDestinationAddresses(rule, lookup),
    ipGroups: readIpGroups(rule, 'destinationIpGroups', lookup),
  };
}

/** `destinationAddresses` with service tags, of rules that have no `destinationIpGroups`. */
export function readDestinationAddresses(rule: ObjectReader, lookup: RuleLookup): AddressList {
  const ranges: Ipv4Range[] = [];
  const serviceTags: string[] = [];
  for (const text of rule.texts('destinationAddresses')) {
    const tag = lookup.serviceTagName(text.value);
    if (tag !== undefined) serviceTags.push(tag);
    else ranges.push(...readRange(rule, text, lookup));
  }
  return { ranges, serviceTags, ipGroups: [] };
}

/** The lookup is given where a service tag would be legal, so that the message can speak of it. */
function readRange(rule: ObjectReader, text: Located<string>, tags?: RuleLookup): Ipv4Range[] {
  if (text.value === '*') return [ALL_IPV4];
  const range = parseRange(text.value);
  if (range) return [range];
  const field = fieldOf(text);
  const refuse = (code: string, why: string) => {
    rule.faults.add(code, text.path, `${rule.label}: '${text.value}' in '${field}' ${why}.`);
    return [];
  };
  if (isIpv6Text(text.value)) return refuse(CODES.ipv6, 'is IPv6, and rules are for IPv4 only');
  if (!tags) return refuse(CODES.address, 'is no IPv4 address, prefix or range');
  const [base = ''] = text.value.split('.');
  if (text.value.includes('.') && tags.serviceTagName(base) !== undefined)
    return refuse(CODES.address, `is no service tag: '${base}' is one, but not in that region`);
  if (text.value.includes('.') && parseFqdn(text.value.replaceAll('*', 'x')) && /[a-z]/i.test(text.value))
    return refuse(
      CODES.address,
      "is neither an address nor a service tag; names belong in 'destinationFqdns'",
    );
  return refuse(CODES.address, 'is no IPv4 address, prefix, range or service tag');
}

function readIpGroups(rule: ObjectReader, name: string, lookup: RuleLookup): string[] {
  return rule.texts(name).flatMap(({ value, path }) => {
    if (lookup.hasIpGroup(value)) return [value];
    rule.faults.add(CODES.reference, path, `${rule.label}: there is no IP group '${value}' ('${name}').`);
    return [];
  });
}

/** At least one port, within `bounds`; `*` only where every port is allowed. */
export function readPorts(rule: ObjectReader, name: string, bounds: PortRange, code: string): PortRange[] {
  const texts = rule.texts(name);
  if (rule.isBlank(name)) rule.fault(code, name, `no port in '${name}'.`);
  return texts.flatMap(({ value, path }) => {
    const range = parsePortRange(value);
    if (range && bounds.first <= range.first && range.last <= bounds.last) return [range];
    const star = bounds.first === 0 ? '*, ' : '';
    const wanted = `${star}a port or a range from ${Math.max(1, bounds.first)} to ${bounds.last}`;
    rule.faults.add(code, path, `${rule.label}: '${value}' in '${name}' is not ${wanted}.`);
    return [];
  });
}

function fieldOf({ path }: Located): string {
  return path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
}
