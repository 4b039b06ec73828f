// What a lab may ask of its Internet. `InternetConfig` is the JSON file as a person writes it: every field may be
// missing. `parseInternetConfig` turns it into `InternetSettings`, in which all text is parsed and every default is
// filled in, or lists every fault with the path of the field, so that one look at the message is enough to mend the file.

import { type FqdnPattern, parseFqdn, parseFqdnPattern } from '#net/fqdn.ts';
import { type Ipv4Range, parseIpv4, parseRange } from '#net/ipv4.ts';

export const RESPONSE_CODES = ['NXDOMAIN', 'SERVFAIL', 'REFUSED'] as const;
export type ResponseCode = (typeof RESPONSE_CODES)[number];

/** Exactly one of `addresses`, `cname`, `rcode` and `silent`. */
export interface RecordConfig {
  /** A records, all of them in every answer. */
  readonly addresses?: readonly string[];
  /** The name is an alias; the answer follows it through at most eight links. */
  readonly cname?: string;
  readonly rcode?: ResponseCode;
  /** True: queries for the name get no answer at all. */
  readonly silent?: boolean;
  /** Missing: `ttlSeconds` of the configuration. */
  readonly ttlSeconds?: number;
}

export interface InternetConfig {
  /** Time to live of all answers that say nothing else. Missing: 60. */
  readonly ttlSeconds?: number;
  /** Answers by name, or by wildcard such as `*.example.org`; an exact name wins, then the longest wildcard. */
  readonly records?: Readonly<Record<string, RecordConfig>>;
  /** Names (wildcards allowed) that share one address, as behind a CDN. Without `address`: one out of the pool. */
  readonly shared?: readonly (
    | readonly string[]
    | { readonly names: readonly string[]; readonly address?: string }
  )[];
  /** Names or wildcards that get another address at every query. */
  readonly rotating?: readonly string[];
  /** Missing: 0. */
  readonly rotatingTtlSeconds?: number;
  /** Azure region to its prefixes: `*.hcp.<region>.azmk8s.io` and `*.<region>.cloudapp.azure.com` resolve into them. */
  readonly regions?: Readonly<Record<string, readonly string[]>>;
  /** Names or wildcards whose addresses lie inside the given prefixes. */
  readonly mapped?: readonly { readonly names: readonly string[]; readonly prefixes: readonly string[] }[];
  /** Prefixes out of which all other names get their address. Missing: about four million public addresses. */
  readonly pool?: readonly string[];
  /** Prefixes, addresses or ranges (`a.b.c.d-e.f.g.h`) that the pool must not use: hosts, public IPs and service tags of the lab. */
  readonly reserved?: readonly string[];
  /** DNS servers, by address, that misbehave. All other addresses answer DNS queries. */
  readonly resolvers?: Readonly<Record<string, 'silent' | 'SERVFAIL' | 'REFUSED'>>;
  /** Size at which the journal is rotated. Missing: 64 MiB. */
  readonly journalBytes?: number;
}

export type RecordTarget =
  | { readonly kind: 'addresses'; readonly addresses: readonly number[] }
  | { readonly kind: 'cname'; readonly name: string }
  | { readonly kind: 'rcode'; readonly rcode: ResponseCode }
  | { readonly kind: 'silent' };

export interface NameRecord {
  readonly pattern: FqdnPattern;
  readonly target: RecordTarget;
  readonly ttlSeconds: number;
}

export interface SharedNames {
  readonly patterns: readonly FqdnPattern[];
  /** Undefined: one out of the pool, found from `key`. */
  readonly address: number | undefined;
  readonly key: string;
}

export interface InternetSettings {
  readonly ttlSeconds: number;
  readonly records: readonly NameRecord[];
  readonly shared: readonly SharedNames[];
  readonly rotating: readonly FqdnPattern[];
  readonly rotatingTtlSeconds: number;
  readonly regions: ReadonlyMap<string, readonly Ipv4Range[]>;
  readonly mapped: readonly {
    readonly patterns: readonly FqdnPattern[];
    readonly ranges: readonly Ipv4Range[];
  }[];
  readonly pool: readonly Ipv4Range[];
  readonly reserved: readonly Ipv4Range[];
  readonly resolvers: ReadonlyMap<number, 'silent' | 'SERVFAIL' | 'REFUSED'>;
  readonly journalBytes: number;
}

export interface Fault {
  readonly path: string;
  readonly message: string;
}

export type ParsedConfig =
  | { readonly settings: InternetSettings }
  | { readonly faults: readonly [Fault, ...Fault[]] };

// European access networks, outside Azure's published prefixes (2026-11). They only exist inside the lab.
const DEFAULT_POOL = ['77.64.0.0/12', '86.32.0.0/12', '93.160.0.0/12', '151.64.0.0/12'];
const MAX_TTL_SECONDS = 2 ** 31 - 1;
/** More A records than that do not fit into one DNS message over TCP together with long names. */
const MAX_ADDRESSES = 200;

type Fields = Readonly<Record<string, unknown>>;

/** Reads one value at a path; what is wrong is added to `faults` and a harmless value returned. */
class Reader {
  readonly faults: Fault[] = [];

  fail(path: string, message: string): undefined {
    this.faults.push({ path, message });
    return undefined;
  }

  object(value: unknown, path: string, known?: readonly string[]): Fields {
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.fail(path, 'must be an object');
      return {};
    }
    for (const key of known ? Object.keys(value) : [])
      if (!known?.includes(key)) this.fail(`${path}.${key}`, `is not known; known are ${known?.join(', ')}`);
    return value as Fields;
  }

  list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T | undefined): T[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.fail(path, 'must be a list');
      return [];
    }
    return value.flatMap((item, index) => read(item, `${path}[${index}]`) ?? []);
  }

  text(value: unknown, path: string): string | undefined {
    return typeof value === 'string' ? value : this.fail(path, 'must be a string');
  }

  count(value: unknown, path: string, fallback: number, min: number, max: number): number {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.fail(path, `must be a whole number from ${min} to ${max}`);
    return fallback;
  }

  readonly pattern = (value: unknown, path: string): FqdnPattern | undefined => {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    return (
      parseFqdnPattern(text) ??
      this.fail(path, `'${text}' is neither a name nor a wildcard such as *.example.org`)
    );
  };

  readonly address = (value: unknown, path: string): number | undefined => {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    return parseIpv4(text) ?? this.fail(path, `'${text}' is not an IPv4 address`);
  };

  readonly range = (value: unknown, path: string): Ipv4Range | undefined => {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    return (
      parseRange(text) ??
      this.fail(path, `'${text}' is not an IPv4 address, prefix or range, such as 20.42.0.0/16`)
    );
  };

  some<T>(items: T[], path: string): T[] {
    if (items.length === 0 && !this.faults.some(fault => fault.path.startsWith(path)))
      this.fail(path, 'must not be empty');
    return items;
  }

  record(value: unknown, path: string, ttlSeconds: number): Omit<NameRecord, 'pattern'> | undefined {
    const fields = this.object(value, path, ['addresses', 'cname', 'rcode', 'silent', 'ttlSeconds']);
    const target = this.target(fields, path);
    const ttl = this.count(fields.ttlSeconds, `${path}.ttlSeconds`, ttlSeconds, 0, MAX_TTL_SECONDS);
    return target && { target, ttlSeconds: ttl };
  }

  target(fields: Fields, path: string): RecordTarget | undefined {
    const given = ['addresses', 'cname', 'rcode', 'silent'].filter(key => fields[key] !== undefined);
    if (given.length !== 1) return this.fail(path, 'needs exactly one of addresses, cname, rcode and silent');
    switch (given[0]) {
      case 'addresses': {
        const addresses = this.list(fields.addresses, `${path}.addresses`, this.address);
        if (addresses.length > MAX_ADDRESSES)
          this.fail(`${path}.addresses`, `holds more than ${MAX_ADDRESSES}`);
        return { kind: 'addresses', addresses: this.some(addresses, `${path}.addresses`) };
      }
      case 'cname': {
        const name = parseFqdn(this.text(fields.cname, `${path}.cname`) ?? '');
        return name === undefined ? this.fail(`${path}.cname`, 'must be a name') : { kind: 'cname', name };
      }
      case 'rcode': {
        const rcode = RESPONSE_CODES.find(code => code === fields.rcode);
        return rcode
          ? { kind: 'rcode', rcode }
          : this.fail(`${path}.rcode`, `must be one of ${RESPONSE_CODES.join(', ')}`);
      }
      default:
        return fields.silent === true ? { kind: 'silent' } : this.fail(`${path}.silent`, 'must be true');
    }
  }

  resolver(text: string, value: unknown): [number, 'silent' | 'SERVFAIL' | 'REFUSED'] | undefined {
    const path = `resolvers.${text}`;
    const address = this.address(text, path);
    if (value !== 'silent' && value !== 'SERVFAIL' && value !== 'REFUSED')
      return this.fail(path, "must be 'silent', 'SERVFAIL' or 'REFUSED'");
    return address === undefined ? undefined : [address, value];
  }
}

const KNOWN = [
  'ttlSeconds',
  'records',
  'shared',
  'rotating',
  'rotatingTtlSeconds',
  'regions',
  'mapped',
  'pool',
  'reserved',
  'resolvers',
  'journalBytes',
];

export function parseInternetConfig(value: unknown): ParsedConfig {
  const reader = new Reader();
  const fields = reader.object(value ?? {}, '$', KNOWN);
  const ttlSeconds = reader.count(fields.ttlSeconds, 'ttlSeconds', 60, 0, MAX_TTL_SECONDS);

  const records = Object.entries(reader.object(fields.records, 'records')).flatMap(([name, record]) => {
    const pattern = reader.pattern(name, `records.${name}`);
    const parsed = reader.record(record, `records.${name}`, ttlSeconds);
    return pattern && parsed ? [{ pattern, ...parsed }] : [];
  });
  const shared = reader.list(fields.shared, 'shared', (item, path): SharedNames => {
    const group: Fields = Array.isArray(item)
      ? { names: item }
      : reader.object(item, path, ['names', 'address']);
    const namesPath = Array.isArray(item) ? path : `${path}.names`;
    const patterns = reader.some(reader.list(group.names, namesPath, reader.pattern), namesPath);
    const address =
      group.address === undefined ? undefined : reader.address(group.address, `${path}.address`);
    return { patterns, address, key: `shared by ${JSON.stringify(group.names)}` };
  });
  const mapped = reader.list(fields.mapped, 'mapped', (item, path) => {
    const group = reader.object(item, path, ['names', 'prefixes']);
    return {
      patterns: reader.some(reader.list(group.names, `${path}.names`, reader.pattern), `${path}.names`),
      ranges: reader.some(reader.list(group.prefixes, `${path}.prefixes`, reader.range), `${path}.prefixes`),
    };
  });
  const regions = new Map(
    Object.entries(reader.object(fields.regions, 'regions')).map(([region, prefixes]) => [
      region.toLowerCase(),
      reader.some(reader.list(prefixes, `regions.${region}`, reader.range), `regions.${region}`),
    ]),
  );
  const resolvers = new Map(
    Object.entries(reader.object(fields.resolvers, 'resolvers')).flatMap(([text, behaviour]) => {
      const entry = reader.resolver(text, behaviour);
      return entry ? [entry] : [];
    }),
  );
  const settings: InternetSettings = {
    ttlSeconds,
    records,
    shared,
    rotating: reader.list(fields.rotating, 'rotating', reader.pattern),
    rotatingTtlSeconds: reader.count(fields.rotatingTtlSeconds, 'rotatingTtlSeconds', 0, 0, MAX_TTL_SECONDS),
    regions,
    mapped,
    pool: reader.some(reader.list(fields.pool ?? DEFAULT_POOL, 'pool', reader.range), 'pool'),
    reserved: reader.list(fields.reserved, 'reserved', reader.range),
    resolvers,
    journalBytes: reader.count(fields.journalBytes, 'journalBytes', 64 * 2 ** 20, 4096, 2 ** 40),
  };
  const [first, ...rest] = reader.faults;
  return first ? { faults: [first, ...rest] } : { settings };
}
