// What the lab's DNS says about a name, apart from bytes and sockets. Configured records come first, then names that share
// an address, rotating names, names inside Azure's prefixes, the few real names that matter, and at last the pool, in
// which every name there could be has an address. Names that no public DNS knows (RFC 6761 and Azure's internal
// suffixes) do not exist, or search lists of resolvers would find them all.

import type { Answer } from 'dns-packet';
import { type FqdnPattern, matchesFqdn, parseFqdn } from '#net/fqdn.ts';
import { formatIpv4, type Ipv4Range, parseIpv4 } from '#net/ipv4.ts';
import { AddressPool, SPECIAL_RANGES, subtractRanges, WELL_KNOWN } from './addresses.ts';
import type { InternetSettings, NameRecord, ResponseCode } from './config.ts';

export interface Asked {
  /** As it was asked, upper case and all: the answer repeats it. */
  readonly name: string;
  /** `A`, `ANY`, `PTR`, ...; types that dns-packet does not know are `UNKNOWN_<number>`. */
  readonly type: string;
  readonly asker: number;
  /** The DNS server's address to which the query was sent. */
  readonly server: number;
}

export interface NameReply {
  readonly rcode: 'NOERROR' | ResponseCode;
  readonly answers: readonly Answer[];
  /** Present when there is nothing to answer (RFC 2308). */
  readonly authorities: readonly Answer[];
}

const MAX_CNAME_LINKS = 8;
/** A quarter of the pool is kept for names that rotate. */
const FRESH_SHARE = 0.25;
const NEGATIVE_TTL_SECONDS = 10;
const NEVER_PUBLIC =
  /(^|\.)(local|localhost|invalid|onion|internal|arpa|internal\.cloudapp\.net|reddog\.microsoft\.com)$/;
const IN_REGION = /\.(?:hcp\.([a-z0-9]+)\.azmk8s\.io|([a-z0-9]+)\.cloudapp\.azure\.com)$/;
const REVERSE = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;

type Found =
  | { readonly kind: 'addresses'; readonly addresses: readonly number[]; readonly ttlSeconds: number }
  | { readonly kind: 'cname'; readonly name: string; readonly ttlSeconds: number }
  | { readonly kind: 'rcode'; readonly rcode: ResponseCode }
  | { readonly kind: 'silent' };

export class NameService {
  readonly #settings: InternetSettings;
  readonly #pool: AddressPool;
  readonly #regions: ReadonlyMap<string, AddressPool>;
  readonly #mapped: readonly { readonly patterns: readonly FqdnPattern[]; readonly pool: AddressPool }[];
  readonly #exact: ReadonlyMap<string, NameRecord>;
  readonly #wildcards: readonly NameRecord[];

  constructor(settings: InternetSettings) {
    this.#settings = settings;
    this.#pool = new AddressPool(publicPool(settings), { freshShare: FRESH_SHARE });
    this.#regions = new Map(
      [...settings.regions].map(([region, ranges]) => [region, new AddressPool(ranges)]),
    );
    this.#mapped = settings.mapped.map(({ patterns, ranges }) => ({
      patterns,
      pool: new AddressPool(ranges),
    }));
    this.#exact = new Map(
      settings.records.flatMap(record =>
        record.pattern.kind === 'exact' ? [[record.pattern.name, record]] : [],
      ),
    );
    this.#wildcards = settings.records
      .filter(record => record.pattern.kind !== 'exact')
      .sort((a, b) => suffixLength(b.pattern) - suffixLength(a.pattern));
  }

  /** Undefined: the query gets no answer. */
  reply(asked: Asked): NameReply | undefined {
    const behaviour = this.#settings.resolvers.get(asked.server);
    if (behaviour === 'silent') return undefined;
    if (behaviour) return { rcode: behaviour, answers: [], authorities: [] };

    const name = parseFqdn(asked.name);
    if (name === undefined)
      return asked.name === '.' || asked.name === '' ? nothing('NOERROR', '.') : nothing('NXDOMAIN', '.');
    const reverse = REVERSE.exec(name);
    if (reverse) return this.#reverse(asked, reverse);

    const answers: Answer[] = [];
    let owner = asked.name;
    let key = name;
    for (let link = 0; link <= MAX_CNAME_LINKS; link++) {
      const found = this.#find(key, asked.asker);
      if (found.kind === 'silent') return undefined;
      if (found.kind === 'rcode')
        return { rcode: found.rcode, answers, authorities: found.rcode === 'NXDOMAIN' ? [soa(key)] : [] };
      if (found.kind === 'addresses') {
        if (asked.type === 'A' || asked.type === 'ANY')
          for (const address of found.addresses)
            answers.push({ type: 'A', name: owner, ttl: found.ttlSeconds, data: formatIpv4(address) });
        return {
          rcode: 'NOERROR',
          answers,
          authorities: answers.some(answer => answer.type === 'A') ? [] : [soa(key)],
        };
      }
      answers.push({ type: 'CNAME', name: owner, ttl: found.ttlSeconds, data: found.name });
      if (asked.type === 'CNAME') return { rcode: 'NOERROR', answers, authorities: [] };
      owner = found.name;
      key = found.name;
    }
    return { rcode: 'SERVFAIL', answers: [], authorities: [] };
  }

  #find(name: string, asker: number): Found {
    const { ttlSeconds, rotating, rotatingTtlSeconds, shared } = this.#settings;
    const own = (address: number, ttl = ttlSeconds): Found => ({
      kind: 'addresses',
      addresses: [address],
      ttlSeconds: ttl,
    });
    const matches = (pattern: FqdnPattern) => matchesFqdn(pattern, name);

    const record = this.#exact.get(name) ?? this.#wildcards.find(({ pattern }) => matches(pattern));
    if (record) return withTtl(record);
    if (name === 'myip.opendns.com') return own(asker, 0);
    const group = shared.find(({ patterns }) => patterns.some(matches));
    if (group) return own(group.address ?? this.#pool.allocate(group.key));
    if (rotating.some(matches)) return own(this.#pool.fresh(), rotatingTtlSeconds);
    const mapped = this.#mapped.find(({ patterns }) => patterns.some(matches));
    if (mapped) return own(mapped.pool.allocate(name));
    const inRegion = IN_REGION.exec(name);
    const region = this.#regions.get(inRegion?.[1] ?? inRegion?.[2] ?? '');
    if (region) return own(region.allocate(name));
    const known = WELL_KNOWN.get(name);
    if (known) return { kind: 'addresses', addresses: known, ttlSeconds };
    if (!name.includes('.') || NEVER_PUBLIC.test(name)) return { kind: 'rcode', rcode: 'NXDOMAIN' };
    return own(this.#pool.allocate(name));
  }

  #reverse(asked: Asked, [, d, c, b, a]: RegExpExecArray): NameReply {
    const address = parseIpv4(`${a}.${b}.${c}.${d}`);
    const pools = [this.#pool, ...this.#regions.values(), ...this.#mapped.map(({ pool }) => pool)];
    const name =
      address === undefined ? undefined : pools.map(pool => pool.nameOf(address)).find(found => found);
    const target = parseFqdn(name ?? '');
    if (target === undefined) return nothing('NXDOMAIN', asked.name);
    if (asked.type !== 'PTR' && asked.type !== 'ANY') return nothing('NOERROR', asked.name);
    const answer: Answer = { type: 'PTR', name: asked.name, ttl: this.#settings.ttlSeconds, data: target };
    return { rcode: 'NOERROR', answers: [answer], authorities: [] };
  }
}

/** The pool without everything that belongs to somebody else in the lab. Empty is a fault of the configuration. */
export function publicPool(settings: InternetSettings): Ipv4Range[] {
  const known = [...WELL_KNOWN.values()].flat().map(address => ({ first: address, last: address }));
  const named = [
    ...settings.records.flatMap(({ target }) => (target.kind === 'addresses' ? target.addresses : [])),
    ...settings.shared.flatMap(({ address }) => address ?? []),
  ].map(address => ({ first: address, last: address }));
  const prefixes = [
    ...[...settings.regions.values()].flat(),
    ...settings.mapped.flatMap(({ ranges }) => ranges),
  ];
  return subtractRanges(settings.pool, [
    ...SPECIAL_RANGES,
    ...known,
    ...named,
    ...prefixes,
    ...settings.reserved,
  ]);
}

function withTtl({ target, ttlSeconds }: NameRecord): Found {
  return target.kind === 'addresses' || target.kind === 'cname' ? { ...target, ttlSeconds } : target;
}

function suffixLength(pattern: FqdnPattern): number {
  return pattern.kind === 'exact' ? Number.POSITIVE_INFINITY : pattern.suffix.length;
}

function nothing(rcode: 'NOERROR' | ResponseCode, name: string): NameReply {
  return { rcode, answers: [], authorities: [soa(name)] };
}

function soa(name: string): Answer {
  return {
    type: 'SOA',
    name: name.split('.').slice(-2).join('.') || '.',
    ttl: NEGATIVE_TTL_SECONDS,
    data: {
      mname: 'ns.internet.lab',
      rname: 'hostmaster.internet.lab',
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86_400,
      minimum: NEGATIVE_TTL_SECONDS,
    },
  };
}
