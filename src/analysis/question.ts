// A question in the words of a person, `10.42.1.5` to `mcr.microsoft.com:443`, as the flows that `decide` is asked about. A name
// means that the client asks for that name, as a browser does: by SNI or Host on the ports of application rules, at an address
// that the name resolves to, or, where nobody says which, at one that nothing else has. Pure.

import { isApplicationPort } from '#ir/application-ports.ts';
import type { Claim, Flow, IpProtocol } from '#ir/decision.ts';
import type { ApplicationProtocol, ResolvedPolicy } from '#ir/policy.ts';
import { parseFqdn } from '#net/fqdn.ts';
import { formatIpv4, includesAddress, isIpv6Text, parseIpv4 } from '#net/ipv4.ts';

export interface Question {
  readonly from: string;
  /** `NAME:PORT` or `ADDRESS:PORT`; without a port for protocols that have none. */
  readonly to: string;
  /** `tcp`, `udp`, `icmp` or a number; default `tcp`. */
  readonly protocol?: string | undefined;
  /** What the ClientHello names; empty for a client that sends none. Absent: the name of `to`. */
  readonly sni?: string | undefined;
  /** What the request names, with its port where it is not the usual one. */
  readonly host?: string | undefined;
  /** Whether the client is on the Internet. */
  readonly outside?: boolean | undefined;
}

/** Addresses by name. */
export type ResolvedNames = ReadonlyMap<string, readonly number[]>;

export interface Asked {
  /** One for each address the name has; several only for a name with several. */
  readonly flows: readonly [Flow, ...Flow[]];
  /** Which of the names, of those given and the one asked for, an address has. */
  readonly namesOfAddress: (address: number) => ReadonlySet<string>;
  /** The name asked for; undefined where an address was. */
  readonly name: string | undefined;
  /** Set where nobody said which address the name has. */
  readonly standIn: number | undefined;
  /** Set where the client was said to name a host and nobody reads it: no rule of the port goes by names. */
  readonly unread?: string;
}

export type QuestionField = 'from' | 'to' | 'protocol' | 'sni' | 'host' | 'resolve';

export interface QuestionFault {
  readonly field: QuestionField;
  readonly message: string;
}

export type Understood =
  | { readonly asked: Asked; readonly faults?: undefined }
  | { readonly asked?: undefined; readonly faults: readonly [QuestionFault, ...QuestionFault[]] };

const NO_NAMES: ReadonlySet<string> = new Set();

export function understand(question: Question, policy: ResolvedPolicy, resolved: ResolvedNames): Understood {
  const faults: QuestionFault[] = [];
  const fault = (field: QuestionField, message: string): undefined => {
    faults.push({ field, message });
    return undefined;
  };
  const source = parseIpv4(question.from) ?? fault('from', notAnAddress(question.from));
  const protocol =
    parseProtocol(question.protocol ?? 'tcp') ??
    fault('protocol', `'${question.protocol}' is no protocol; tcp, udp, icmp or a number from 0 to 255`);
  const target = protocol === undefined ? undefined : parseTarget(question.to, protocol);
  if (typeof target === 'string') fault('to', target);
  const claims = [question.sni, question.host].filter(claim => claim !== undefined);
  if (claims.length === 2) fault('host', 'a client names its host by SNI or by Host, not by both here');
  if (claims.length > 0 && protocol !== undefined && protocol !== 'TCP')
    fault(question.sni === undefined ? 'host' : 'sni', 'names are read on TCP only');
  if (question.sni && parseFqdn(question.sni) === undefined) fault('sni', `'${question.sni}' is no name`);
  const host = question.host === undefined ? undefined : parseHost(question.host);
  if (question.host !== undefined && host === undefined) fault('host', `'${question.host}' is no host`);
  const [first, ...others] = faults;
  if (first) return { faults: [first, ...others] };
  if (source === undefined || protocol === undefined || typeof target !== 'object')
    throw new Error('every missing part is a fault');

  const { name, port } = target;
  const known = name === undefined ? undefined : resolved.get(name);
  const standIn =
    name !== undefined && known === undefined ? addressOfItsOwn(policy, resolved, source) : undefined;
  const [destination = 0, ...rest] = known ?? [target.address ?? standIn ?? 0];
  const flowTo = (address: number): Flow => {
    const claim = claimOf(question, { ...target, address, host, protocol }, policy);
    return {
      protocol,
      source,
      destination: address,
      destinationPort: port,
      from: question.outside ? 'outside' : 'inside',
      ...(claim && !question.outside && { claim }),
    };
  };
  const names = namesByAddress(resolved);
  if (name !== undefined && standIn !== undefined) names.set(standIn, new Set([name]));
  const flows = [flowTo(destination), ...rest.map(flowTo)] as const;
  const said = question.host ?? question.sni ?? '';
  return {
    asked: {
      flows,
      namesOfAddress: address => names.get(address) ?? NO_NAMES,
      name,
      standIn,
      ...(said && flows[0].claim === undefined && { unread: said }),
    },
  };
}

/** `NAME=ADDRESS[,ADDRESS]`. */
export function parseResolved(text: string): readonly [string, readonly number[]] | string {
  const at = text.indexOf('=');
  const name = at < 0 ? undefined : parseFqdn(text.slice(0, at));
  if (name === undefined) return `'${text}' must be NAME=ADDRESS[,ADDRESS]`;
  const addresses: number[] = [];
  for (const part of text.slice(at + 1).split(',')) {
    const address = parseIpv4(part.trim());
    if (address === undefined) return `'${text}': ${notAnAddress(part)}`;
    addresses.push(address);
  }
  return [name, addresses];
}

export interface Target {
  readonly name: string | undefined;
  readonly address: number | undefined;
  /** 0 for protocols without ports. */
  readonly port: number;
}

/** A text says what is wrong. */
export function parseTarget(text: string, protocol: IpProtocol): Target | string {
  const [, host = text, digits] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (isIpv6Text(text) || text.startsWith('[')) return notAnAddress(text);
  const ported = protocol === 'TCP' || protocol === 'UDP';
  const port = digits === undefined ? 0 : Number(digits);
  if (ported && (port < 1 || port > 65535))
    return `'${text}' names no port from 1 to 65535; expected NAME:PORT or ADDRESS:PORT`;
  if (!ported && digits !== undefined)
    return `'${text}' names a port, which ${nameOfProtocol(protocol)} has not; expected NAME or ADDRESS`;
  const address = parseIpv4(host);
  if (address !== undefined) return { name: undefined, address, port };
  const name = /^[\d.]+$/.test(host) ? undefined : parseFqdn(host);
  return name === undefined
    ? `'${host}' is neither a name nor an IPv4 address`
    : { name, address: undefined, port };
}

function notAnAddress(text: string): string {
  if (isIpv6Text(text.replace(/^\[|\](:\d+)?$/g, '')))
    return `'${text}' is IPv6, which no rule can name and Postern never lets through`;
  return `'${text}' is no IPv4 address`;
}

export function parseProtocol(text: string): IpProtocol | undefined {
  switch (text.toLowerCase()) {
    case 'tcp':
    case '6':
      return 'TCP';
    case 'udp':
    case '17':
      return 'UDP';
    case 'icmp':
    case '1':
      return 'ICMP';
    default:
      return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
  }
}

export function nameOfProtocol(protocol: IpProtocol): string {
  return typeof protocol === 'number' ? `protocol ${protocol}` : protocol;
}

interface ParsedHost {
  readonly fqdn: string;
  readonly port?: number;
}

function parseHost(text: string): ParsedHost | undefined {
  const [, host = text, digits] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const fqdn = parseIpv4(host) === undefined ? parseFqdn(host) : host;
  if (fqdn === undefined) return undefined;
  return digits === undefined ? { fqdn } : { fqdn, port: Number(digits) };
}

/** What the client says where the firewall listens; undefined where it does not. */
function claimOf(
  { sni }: Question,
  {
    name,
    address,
    port,
    host,
    protocol,
  }: {
    readonly name: string | undefined;
    readonly address: number;
    readonly port: number;
    readonly host: ParsedHost | undefined;
    readonly protocol: IpProtocol;
  },
  policy: ResolvedPolicy,
): Claim | undefined {
  if (protocol !== 'TCP' || !isApplicationPort(policy, port)) return undefined;
  if (host !== undefined) return { protocol: 'Http', ...host };
  const usual = usualProtocolOf(policy, port);
  if (sni !== undefined)
    return { protocol: usual === 'Mssql' ? 'Mssql' : 'Https', fqdn: sni === '' ? undefined : parseFqdn(sni) };
  // By an address: a browser sends it as Host, and no SNI.
  return { protocol: usual, fqdn: name ?? (usual === 'Http' ? formatIpv4(address) : undefined) };
}

/** What a client speaks to a port where it does not say: what the port is known for, or else what rules name for it. */
function usualProtocolOf(policy: ResolvedPolicy, port: number): ApplicationProtocol {
  if (port === 80) return 'Http';
  if (port === 443) return 'Https';
  if (port === 1433) return 'Mssql';
  const named = new Set<ApplicationProtocol>();
  for (const { protocols } of [...policy.applicationRules, ...policy.infrastructureRules])
    for (const candidate of protocols) if (candidate.port === port) named.add(candidate.protocol);
  return (['Https', 'Http', 'Mssql'] as const).find(protocol => named.has(protocol)) ?? 'Https';
}

function namesByAddress(resolved: ResolvedNames): Map<number, Set<string>> {
  const names = new Map<number, Set<string>>();
  for (const [name, addresses] of resolved)
    for (const address of addresses) names.set(address, (names.get(address) ?? new Set()).add(name));
  return names;
}

/** 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24: addresses for documentation, which nobody has (RFC 5737). */
const NOBODYS = [0xc0000200, 0xc6336400, 0xcb007100];

/** One that no rule names, except by `*` and the like; of those that all are named, the one that the fewest sets hold. */
function addressOfItsOwn(policy: ResolvedPolicy, resolved: ResolvedNames, source: number): number {
  const sets = new Set([
    ...policy.networkRules.flatMap(({ destinations }) => destinations),
    ...policy.applicationRules.flatMap(({ destinations }) => (destinations ? [destinations] : [])),
    ...policy.natRules.map(({ destinations }) => destinations),
    policy.privateRanges,
    policy.publicIps.map(({ address }) => ({ first: address, last: address })),
  ]);
  const taken = new Set([source, policy.privateAddress, ...[...resolved.values()].flat()]);
  let best: { readonly address: number; readonly count: number } | undefined;
  for (const base of NOBODYS) {
    for (let address = base + 1; address < base + 255; address++) {
      if (taken.has(address)) continue;
      let count = 0;
      for (const set of sets) if (!isEverything(set) && includesAddress(set, address)) count++;
      if (count === 0) return address;
      if (best === undefined || count < best.count) best = { address, count };
    }
  }
  return best?.address ?? (NOBODYS[0] as number) + 1;
}

function isEverything([first]: readonly { readonly first: number; readonly last: number }[]): boolean {
  return first?.first === 0 && first.last === 0xffffffff;
}
