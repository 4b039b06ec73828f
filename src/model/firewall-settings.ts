// The settings of a classic firewall that are no rules. Azure keeps DNS, SNAT and the threat-intelligence allow list of
// classic firewalls as strings in `additionalProperties`, with commas between the items of a list.

import { type FqdnPattern, parseFqdnPattern } from '#net/fqdn.ts';
import {
  formatIpv4,
  IANA_PRIVATE_RANGES,
  type Ipv4Range,
  mergeRanges,
  parseIpv4,
  parseRange,
} from '#net/ipv4.ts';
import { CODES } from './firewall-codes.ts';
import type { Located, ObjectReader } from './firewall-reader.ts';
import type { Limits } from './limits.ts';
import { canBeDnsServer, NO_PRIVATE_RANGE, parsePrivateRange } from './setting-values.ts';

export interface ClassicSettings {
  readonly dns: {
    readonly enableProxy: boolean;
    /** Empty means Azure DNS. */
    readonly servers: readonly number[];
    /** Network rules with FQDNs need the proxy, unless this says otherwise. */
    readonly requireProxyForNetworkRules: boolean;
  };
  /** Merged; `IANA_PRIVATE_RANGES` unless the firewall has a list of its own, which replaces them. */
  readonly privateRanges: readonly Ipv4Range[];
  readonly threatIntelAllowed: {
    readonly addresses: readonly Ipv4Range[];
    readonly fqdns: readonly FqdnPattern[];
  };
}

const PROXY = 'Network.DNS.EnableProxy';
const SERVERS = 'Network.DNS.Servers';
const REQUIRE_PROXY = 'Network.DNS.RequireProxyForNetworkRules';
const PRIVATE_RANGES = 'Network.SNAT.PrivateRanges';
const ALLOWED_ADDRESSES = 'ThreatIntel.Whitelist.IpAddresses';
const ALLOWED_FQDNS = 'ThreatIntel.Whitelist.FQDNs';

/** Azure's own switches that mean nothing here; harmless while they say no. */
export const UNSUPPORTED_SETTINGS: Readonly<Record<string, string>> = {
  'Network.FTP.AllowActiveFTP': 'active FTP is not translated',
  'Network.AdditionalLogs.EnableFatFlowLogging': 'there is no fat flow log',
  'Network.AdditionalLogs.EnableDnstapLogging': 'there is no DNS flow trace log',
  'Network.Logging.EnableUDPLogOptimization': 'there is no such log option',
  'Network.RouteServerInfo.RouteServerID': 'private ranges are not learned from a route server',
};

/** `properties` is the firewall's; without `additionalProperties` every setting has its default. */
export function readSettings(properties: ObjectReader, limits: Limits): ClassicSettings {
  const found = properties.child('additionalProperties')?.labelled('additionalProperties');
  const says = (name: string) => found?.text(name)?.value.trim().toLowerCase() === 'false';
  found?.refuseOthers(
    [
      ...[PROXY, SERVERS, REQUIRE_PROXY, PRIVATE_RANGES, ALLOWED_ADDRESSES, ALLOWED_FQDNS],
      ...Object.keys(UNSUPPORTED_SETTINGS).filter(says),
    ],
    UNSUPPORTED_SETTINGS,
  );
  return {
    dns: {
      enableProxy: readSwitch(found, PROXY, false),
      servers: readServers(found, limits),
      requireProxyForNetworkRules: readSwitch(found, REQUIRE_PROXY, true),
    },
    privateRanges: readPrivateRanges(found),
    threatIntelAllowed: {
      addresses: mergeRanges(
        readItems(found, ALLOWED_ADDRESSES, CODES.address, parseRange, 'no IPv4 address, prefix or range'),
      ),
      fqdns: readItems(found, ALLOWED_FQDNS, CODES.fqdn, parseFqdnPattern, 'no domain name'),
    },
  };
}

function readServers(found: ObjectReader | undefined, { dnsServers }: Limits): number[] {
  const servers = readItems(found, SERVERS, CODES.address, parseIpv4, 'no IPv4 address');
  for (const address of servers) {
    if (!canBeDnsServer(address))
      found?.fault(CODES.address, SERVERS, `'${formatIpv4(address)}' cannot be a DNS server.`);
  }
  if (servers.length > dnsServers.most)
    found?.fault(CODES.limit, SERVERS, `${servers.length} DNS servers, at most ${dnsServers.most}.`);
  return [...new Set(servers)];
}

function readPrivateRanges(found: ObjectReader | undefined): Ipv4Range[] {
  const ranges = readItems(found, PRIVATE_RANGES, CODES.address, parsePrivateRange, NO_PRIVATE_RANGE).flat();
  return ranges.length === 0 ? [...IANA_PRIVATE_RANGES] : mergeRanges(ranges);
}

/** Booleans are strings on the wire; a real boolean is understood too. */
function readSwitch(found: ObjectReader | undefined, name: string, otherwise: boolean): boolean {
  if (!found?.has(name)) return otherwise;
  const word = String(found.at(name).value).trim().toLowerCase();
  if (word === 'true' || word === 'false') return word === 'true';
  found.fault(CODES.format, name, `'${name}' must be "true" or "false".`);
  return otherwise;
}

function readItems<T>(
  found: ObjectReader | undefined,
  name: string,
  code: string,
  parse: (text: string) => T | undefined,
  otherwise: string,
): T[] {
  if (!found?.has(name)) return [];
  const list: Located<string> | undefined = found.text(name);
  const items = (list?.value ?? '').split(/[\s,]+/).filter(item => item !== '');
  return items.flatMap(item => {
    const value = parse(item);
    if (value !== undefined) return [value];
    found.fault(code, name, `'${item}' in '${name}' is ${otherwise}.`);
    return [];
  });
}
