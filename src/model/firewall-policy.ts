// A firewall policy (Microsoft.Network/firewallPolicies): the settings that its rule collection groups are judged under. Read
// from ARM's JSON into values, with every fault reported at once and every unsupported property refused by name. Whether the
// parent exists and fits is left to those who know the other resources.

import { parseResourceId, sameId } from '#arm/resource-id.ts';
import { type FqdnPattern, parseFqdnPattern } from '#net/fqdn.ts';
import { formatIpv4, type Ipv4Range, mergeRanges, parseIpv4, parseRange } from '#net/ipv4.ts';
import { CODES } from './firewall-codes.ts';
import {
  type Diagnostic,
  isResourceName,
  type Located,
  type ObjectReader,
  readWhole,
} from './firewall-reader.ts';
import { type Limits, limitsOf } from './limits.ts';
import { canBeDnsServer, NO_PRIVATE_RANGE, parsePrivateRange } from './setting-values.ts';

export const FIREWALL_POLICY_TYPE = 'Microsoft.Network/firewallPolicies';

export interface FirewallPolicy {
  /** Empty in a document that has not been stored yet. */
  readonly id: string;
  readonly name: string;
  readonly tier: 'Basic' | 'Standard' | 'Premium';
  /** Id of the parent, whose groups run first. */
  readonly basePolicyId?: string;
  readonly threatIntelMode: 'Off' | 'Alert' | 'Deny';
  readonly threatIntelAllowed: {
    readonly addresses: readonly Ipv4Range[];
    readonly fqdns: readonly FqdnPattern[];
  };
  readonly dns: {
    readonly enableProxy: boolean;
    /** Empty means Azure DNS. */
    readonly servers: readonly number[];
    /** Network rules with FQDNs need the proxy, unless this says otherwise. */
    readonly requireProxyForNetworkRules: boolean;
  };
  /** Merged; absent means that the policy says nothing, which is `IANAPrivateRanges`. */
  readonly privateRanges?: readonly Ipv4Range[];
}

export type ParsedFirewallPolicy =
  | { readonly policy: FirewallPolicy; readonly diagnostics?: undefined }
  | { readonly policy?: undefined; readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]] };

/** `azureLimits` as in `PolicyOptions`; absent means that they hold. */
export interface PolicyLookup {
  readonly azureLimits?: boolean;
}

/** What the service fills in. */
const READ_ONLY = [
  'size',
  'ruleCollectionGroups',
  'firewalls',
  'childPolicies',
  'provisioningState',
  'resourceGuid',
];

export const UNSUPPORTED_POLICY_MEMBERS: Readonly<Record<string, string>> = {
  identity: 'a managed identity fetches the certificate for TLS inspection, which this version does not have',
  extendedLocation: 'there are no edge zones',
};

export const UNSUPPORTED_POLICY_PROPERTIES: Readonly<Record<string, string>> = {
  insights: 'there is no policy analytics; set isEnabled to false or leave it out',
  explicitProxy: 'this version is a transparent proxy only; set enableExplicitProxy to false or leave it out',
  intrusionDetection: 'there is no intrusion detection; set its mode to Off or leave it out',
  transportSecurity: 'TLS inspection is not part of this version',
};

export function parseFirewallPolicy(document: unknown, lookup: PolicyLookup): ParsedFirewallPolicy {
  const { value: policy, diagnostics } = readWhole(document, 'Firewall policy', (reader, name) =>
    readPolicy(reader, name, limitsOf(lookup)),
  );
  return policy ? { policy } : { diagnostics };
}

function readPolicy(reader: ObjectReader, name: string, limits: Limits): FirewallPolicy {
  const id = reader.text('id')?.value ?? '';
  const noIdentity = isNoIdentity(reader) ? ['identity'] : [];
  reader.refuseOthers(
    ['id', 'name', 'type', 'location', 'tags', 'etag', 'properties', ...noIdentity],
    UNSUPPORTED_POLICY_MEMBERS,
  );
  if (name !== '' && !isResourceName(name, limits.collectionNameLength.most))
    reader.fault(
      CODES.name,
      'name',
      `name '${name}' must be letters, digits, '_', '.' or '-', begin with a letter or digit and end with a letter, digit or '_'.`,
    );
  const properties = reader.part('properties');
  properties.refuseOthers(
    [
      ...['basePolicy', 'threatIntelMode', 'threatIntelWhitelist', 'dnsSettings', 'snat', 'sql', 'sku'],
      ...READ_ONLY,
      ...switchedOff(properties),
    ],
    UNSUPPORTED_POLICY_PROPERTIES,
  );
  readSql(properties);
  const basePolicyId = readBasePolicy(properties, id);
  const privateRanges = readPrivateRanges(properties);
  const policy: FirewallPolicy = {
    id,
    name,
    tier: readTier(properties),
    ...(basePolicyId !== undefined && { basePolicyId }),
    threatIntelMode: properties.word('threatIntelMode', ['Off', 'Alert', 'Deny']) ?? 'Alert',
    threatIntelAllowed: readAllowed(properties),
    dns: readDns(properties, limits),
    ...(privateRanges && { privateRanges }),
  };
  checkBasic(policy, properties);
  return policy;
}

function isNoIdentity(reader: ObjectReader): boolean {
  const { value } = reader.at('identity');
  return isRecord(value) && String(value.type).toLowerCase() === 'none';
}

/** Names of the features that stand in the document and are off. */
function switchedOff(properties: ObjectReader): string[] {
  const says = (feature: string, member: string, ...words: readonly unknown[]): string[] => {
    const { value } = properties.at(feature);
    if (!isRecord(value)) return [];
    const found = value[member] ?? undefined;
    const word = typeof found === 'string' ? found.toLowerCase() : found;
    return words.includes(word) ? [feature] : [];
  };
  return [
    ...says('insights', 'isEnabled', false, undefined),
    ...says('explicitProxy', 'enableExplicitProxy', false, undefined),
    ...says('intrusionDetection', 'mode', 'off', undefined),
  ];
}

function readSql(properties: ObjectReader): void {
  const sql = properties.child('sql');
  sql?.refuseOthers(['allowSqlRedirect']);
  if (sql?.at('allowSqlRedirect').value === true)
    sql.fault(
      CODES.unsupported,
      'allowSqlRedirect',
      "property 'allowSqlRedirect' is not supported: Mssql goes through the proxy on its own port; a network rule with the service tag Sql allows redirection.",
    );
  else if (sql && typeof sql.at('allowSqlRedirect').value !== 'boolean' && sql.has('allowSqlRedirect'))
    sql.fault(CODES.format, 'allowSqlRedirect', "'allowSqlRedirect' must be true or false.");
}

function readBasePolicy(properties: ObjectReader, own: string): string | undefined {
  const reference = properties.child('basePolicy');
  if (!reference) return undefined;
  const id = reference.text('id')?.value;
  const parsed = id === undefined ? undefined : parseResourceId(id);
  if (id === undefined || parsed?.segments.at(-1)?.type.toLowerCase() !== 'firewallpolicies')
    return reference.fault(CODES.format, 'id', "'basePolicy.id' is not the id of a firewall policy.");
  if (own !== '' && sameId(own, id))
    return reference.fault(CODES.basePolicy, 'id', 'a policy cannot be its own parent.');
  return id;
}

function readTier(properties: ObjectReader): FirewallPolicy['tier'] {
  const sku = properties.child('sku');
  sku?.refuseOthers(['tier']);
  return sku?.word('tier', ['Basic', 'Standard', 'Premium']) ?? 'Standard';
}

function readAllowed(properties: ObjectReader): FirewallPolicy['threatIntelAllowed'] {
  const list = properties.child('threatIntelWhitelist')?.labelled('threatIntelWhitelist');
  list?.refuseOthers(['ipAddresses', 'fqdns']);
  return {
    addresses: mergeRanges(
      readItems(list, 'ipAddresses', CODES.address, parseRange, 'no IPv4 address, prefix or range'),
    ),
    fqdns: readItems(list, 'fqdns', CODES.fqdn, parseFqdnPattern, 'no domain name'),
  };
}

function readDns(properties: ObjectReader, { dnsServers }: Limits): FirewallPolicy['dns'] {
  const dns = properties.child('dnsSettings')?.labelled('dnsSettings');
  dns?.refuseOthers(['servers', 'enableProxy', 'requireProxyForNetworkRules']);
  const servers = readItems(dns, 'servers', CODES.address, parseIpv4, 'no IPv4 address');
  for (const address of servers) {
    if (!canBeDnsServer(address))
      dns?.fault(CODES.address, 'servers', `'${formatIpv4(address)}' cannot be a DNS server.`);
  }
  if (servers.length > dnsServers.most)
    dns?.fault(CODES.limit, 'servers', `${servers.length} DNS servers, at most ${dnsServers.most}.`);
  return {
    enableProxy: readSwitch(dns, 'enableProxy', false),
    servers: [...new Set(servers)],
    requireProxyForNetworkRules: readSwitch(dns, 'requireProxyForNetworkRules', true),
  };
}

/**
 * A list replaces the default (https://learn.microsoft.com/azure/firewall/snat-private-range): `0.0.0.0/0` is never SNAT,
 * `255.255.255.255/32` is always. An empty list says nothing.
 */
function readPrivateRanges(properties: ObjectReader): readonly Ipv4Range[] | undefined {
  const snat = properties.child('snat')?.labelled('snat');
  const learns = snat?.word('autoLearnPrivateRanges', ['Enabled', 'Disabled']);
  snat?.refuseOthers(['privateRanges', 'autoLearnPrivateRanges']);
  if (learns === 'Enabled')
    snat?.fault(
      CODES.unsupported,
      'autoLearnPrivateRanges',
      "property 'autoLearnPrivateRanges' is not supported: private ranges are not learned from a route server.",
    );
  const ranges = readItems(
    snat,
    'privateRanges',
    CODES.privateRange,
    parsePrivateRange,
    NO_PRIVATE_RANGE,
  ).flat();
  return ranges.length === 0 ? undefined : mergeRanges(ranges);
}

/** https://learn.microsoft.com/azure/firewall/features-by-sku. */
function checkBasic({ tier, dns, threatIntelMode }: FirewallPolicy, properties: ObjectReader): void {
  if (tier !== 'Basic') return;
  if (dns.enableProxy || dns.servers.length > 0)
    properties.fault(CODES.request, 'dnsSettings', 'tier Basic has no DNS proxy and no DNS servers.');
  if (threatIntelMode === 'Deny')
    properties.fault(
      CODES.request,
      'threatIntelMode',
      'tier Basic has threat intelligence in mode Alert only.',
    );
}

function readSwitch(reader: ObjectReader | undefined, name: string, otherwise: boolean): boolean {
  const value = reader?.at(name).value ?? otherwise;
  if (typeof value === 'boolean') return value;
  reader?.fault(CODES.format, name, `'${name}' must be true or false.`);
  return otherwise;
}

function readItems<T>(
  reader: ObjectReader | undefined,
  name: string,
  code: string,
  parse: (text: string) => T | undefined,
  otherwise: string,
): T[] {
  return (reader?.texts(name) ?? []).flatMap(({ value, path }: Located<string>) => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return [parsed];
    reader?.faults.add(code, path, `${reader.label}: '${value}' in '${name}' is ${otherwise}.`);
    return [];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
