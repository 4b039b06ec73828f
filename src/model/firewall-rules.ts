// The three kinds of rules as they are written, of firewalls and of policies, read from the ARM shape into values. A rule that
// is reported as faulty still comes out, so that the faults of the whole document are found in one pass; nobody gets to see it
// then.

import { type FqdnPattern, parseFqdn, parseFqdnPattern } from '#net/fqdn.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import { ALL_PORTS, type PortRange } from '#net/ports.ts';
import {
  type AddressList,
  type RuleLookup,
  readDestinationAddresses,
  readDestinations,
  readPorts,
  readSources,
} from './firewall-addresses.ts';
import { CODES } from './firewall-codes.ts';
import { isWithin, readWords } from './firewall-collections.ts';
import { ObjectReader } from './firewall-reader.ts';
import { type Limits, limitsOf } from './limits.ts';

export interface WrittenNetworkRule {
  readonly name: string;
  readonly protocols: readonly ('TCP' | 'UDP' | 'ICMP' | 'Any')[];
  readonly sources: AddressList;
  readonly destinations: AddressList;
  readonly destinationFqdns: readonly string[];
  readonly destinationPorts: readonly PortRange[];
}

export interface WrittenApplicationRule {
  readonly name: string;
  readonly sources: AddressList;
  /** Of policies only: what the client's packets must be addressed to. Absent means any destination. */
  readonly destinations?: AddressList;
  /** Empty only with FQDN tags: then each name of a tag goes with the protocol and port that the tag gives it. */
  readonly protocols: readonly { readonly protocol: 'Http' | 'Https' | 'Mssql'; readonly port: number }[];
  readonly targetFqdns: readonly FqdnPattern[];
  readonly fqdnTags: readonly string[];
}

export interface WrittenNatRule {
  readonly name: string;
  /** `Any` has become both. */
  readonly protocols: readonly ('TCP' | 'UDP')[];
  readonly sources: AddressList;
  readonly destinations: readonly number[];
  readonly destinationPorts: readonly PortRange[];
  /** Exactly one of the two. */
  readonly translatedAddress?: number;
  readonly translatedFqdn?: string;
  readonly translatedPort: number;
}

/** Members of every rule. */
export const COMMON = ['name', 'description', 'sourceAddresses', 'sourceIpGroups'];

/** Where rules of firewalls and of policies differ. */
export interface RuleShape {
  /** What TCP, UDP, ICMP and Any are called. */
  readonly protocols: 'protocols' | 'ipProtocols';
  /** Members that every rule has, read by the caller. */
  readonly marks: readonly string[];
  readonly applicationDestinations: boolean;
  /** What a NAT rule stands at. */
  readonly natAddresses: string;
}

export const CLASSIC_RULES: RuleShape = {
  protocols: 'protocols',
  marks: [],
  applicationDestinations: false,
  natAddresses: 'public IP address of this firewall',
};
export const POLICY_RULES: RuleShape = {
  protocols: 'ipProtocols',
  marks: ['ruleType'],
  applicationDestinations: true,
  natAddresses: 'public IP address of a firewall that has the policy, nor a private one',
};

export function readNetworkRule(
  rule: ObjectReader,
  name: string,
  lookup: RuleLookup,
  shape: RuleShape = CLASSIC_RULES,
): WrittenNetworkRule {
  rule.refuseOthers([
    ...COMMON,
    ...shape.marks,
    shape.protocols,
    'destinationAddresses',
    'destinationIpGroups',
    'destinationFqdns',
    'destinationPorts',
  ]);
  rule.text('description');
  const destinations = ['destinationAddresses', 'destinationIpGroups', 'destinationFqdns'];
  if (destinations.every(field => rule.isBlank(field)))
    rule.fault(
      CODES.destination,
      'destinationAddresses',
      `no destination: ${destinations.map(field => `'${field}'`).join(', ')} are all empty.`,
    );
  return {
    name,
    protocols: readWords(rule, shape.protocols, ['TCP', 'UDP', 'ICMP', 'Any']),
    sources: readSources(rule, lookup),
    destinations: readDestinations(rule, lookup),
    destinationFqdns: readPlainFqdns(rule, 'destinationFqdns'),
    destinationPorts: readPorts(rule, 'destinationPorts', ALL_PORTS, CODES.port),
  };
}

/** Names without wildcard: a network rule needs addresses (https://learn.microsoft.com/azure/firewall/fqdn-filtering-network-rules). */
function readPlainFqdns(rule: ObjectReader, field: string): string[] {
  return rule.texts(field).flatMap(({ value, path }) => {
    const fqdn = parseFqdn(value);
    if (fqdn !== undefined && parseIpv4(fqdn) === undefined) return [fqdn];
    const why = value.includes('*')
      ? 'has a wildcard, which only application rules can have'
      : 'is no domain name';
    rule.faults.add(CODES.fqdn, path, `${rule.label}: '${value}' in '${field}' ${why}.`);
    return [];
  });
}

/** `destinationAddresses` is refused in classic rules alone. */
export const UNSUPPORTED_APPLICATION_FIELDS: Readonly<Record<string, string>> = {
  targetUrls: 'URLs need TLS inspection, which this version does not have',
  webCategories: 'web categories are not part of this version',
  terminateTLS: 'TLS inspection is not part of this version',
  httpHeadersToInsert: 'this version does not change requests',
  destinationAddresses: 'it belongs to the application rules of firewall policies',
};

export function readApplicationRule(
  rule: ObjectReader,
  name: string,
  lookup: RuleLookup,
  shape: RuleShape = CLASSIC_RULES,
): WrittenApplicationRule {
  const limits = limitsOf(lookup);
  const { applicationDestinations } = shape;
  // Clients say `false` where they mean nothing.
  const off = rule.at('terminateTLS').value === false ? ['terminateTLS'] : [];
  const destinations = applicationDestinations ? ['destinationAddresses'] : [];
  rule.refuseOthers(
    [...COMMON, ...shape.marks, 'protocols', 'targetFqdns', 'fqdnTags', ...off, ...destinations],
    UNSUPPORTED_APPLICATION_FIELDS,
  );
  rule.text('description');
  const fqdnTags = rule.texts('fqdnTags').flatMap(({ value, path }) => {
    const tag = lookup.fqdnTagName(value);
    if (tag !== undefined) return [tag];
    rule.faults.add(CODES.fqdnTag, path, `${rule.label}: '${value}' in 'fqdnTags' is no FQDN tag.`);
    return [];
  });
  if (rule.isBlank('targetFqdns') && rule.isBlank('fqdnTags'))
    rule.fault(CODES.destination, 'targetFqdns', "no target: 'targetFqdns' and 'fqdnTags' are both empty.");
  if (rule.isBlank('protocols') && !rule.isBlank('targetFqdns'))
    rule.fault(
      CODES.protocol,
      'protocols',
      "no protocol in 'protocols', expected Http, Https or Mssql with a port.",
    );
  return {
    name,
    sources: readSources(rule, lookup),
    ...(applicationDestinations &&
      !rule.isBlank('destinationAddresses') && { destinations: readDestinationAddresses(rule, lookup) }),
    protocols: rule.list('protocols').flatMap(item => {
      const reader = ObjectReader.of(item, rule.label, rule.faults);
      return reader ? readApplicationProtocol(reader, limits) : [];
    }),
    targetFqdns: rule.texts('targetFqdns').flatMap(({ value, path }) => {
      const pattern = parseFqdnPattern(value);
      const isAddress = parseIpv4(value) !== undefined;
      if (pattern && !isAddress) return [pattern];
      const why = isAddress
        ? 'is an address; an address belongs in a network rule'
        : value.includes('*')
          ? "has '*' elsewhere than at its left end"
          : 'is no domain name';
      rule.faults.add(CODES.fqdn, path, `${rule.label}: '${value}' in 'targetFqdns' ${why}.`);
      return [];
    }),
    fqdnTags: [...new Set(fqdnTags)],
  };
}

const DEFAULT_PORTS = { Http: 80, Https: 443, Mssql: 1433 } as const;

/** The published enumeration of policies leaves Mssql out; the Azure CLI sends it and Azure takes it. */
function readApplicationProtocol(reader: ObjectReader, limits: Limits): WrittenApplicationRule['protocols'] {
  reader.refuseOthers(['protocolType', 'port']);
  if (!reader.has('protocolType')) reader.fault(CODES.protocol, 'protocolType', "'protocolType' is missing.");
  const protocol = reader.word('protocolType', ['Http', 'Https', 'Mssql'], CODES.protocol);
  const port = reader.has('port') ? reader.integer('port')?.value : protocol && DEFAULT_PORTS[protocol];
  const { first, last } = limits.applicationPort;
  if (port !== undefined && !isWithin(limits.applicationPort, port))
    reader.fault(CODES.port, 'port', `port ${port} is outside ${first} to ${last}.`);
  return protocol === undefined || port === undefined ? [] : [{ protocol, port }];
}
