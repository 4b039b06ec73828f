// Flows that a policy is likely to be wrong about: the ends of its own ranges and the addresses beside them, its ports and
// theirs, its names and names that nearly fit. A flow is made from one number, so that a failing one is told by it. Pure.

import type { Flow } from '#ir/decision.ts';
import { parseIpv4, parseRange } from '#net/ipv4.ts';
import type { Question } from './oracle.ts';
import {
  addressOf,
  FQDN_TAGS,
  INSIDE_PREFIXES,
  NAMES,
  PRIVATE_IP,
  PUBLIC_IPS,
  SERVER_PREFIXES,
  SERVICE_TAGS,
  THREAT_ADDRESSES,
  THREAT_NAMES,
} from './world.ts';

/** What flows about one policy choose from. */
export interface Choices {
  readonly sources: readonly number[];
  readonly outsideSources: readonly number[];
  readonly destinations: readonly number[];
  readonly ports: readonly number[];
  readonly natPorts: readonly number[];
  readonly names: readonly string[];
  /** Of every rule what its own fields say, so that flows can be made to meet it. */
  readonly rules: readonly RuleChoices[];
}

interface RuleChoices {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  readonly protocols: readonly Flow['protocol'][];
  readonly ports: readonly number[];
  /** What clients say to an application rule, and on which port. */
  readonly claims: readonly (NonNullable<Flow['claim']> & { readonly port: number })[];
}

const INSIDE = INSIDE_PREFIXES.map(text => range(text));
export const isInside = (address: number): boolean =>
  INSIDE.some(({ first, last }) => first <= address && address <= last);

/** Addresses that packets of the kernel test cannot have: its own links, and what no machine can send. */
export const LINKS = range('10.254.0.0/16');
export const CLIENT_LINK = range('172.31.0.0/16');

const PROTOCOLS: readonly Flow['protocol'][] = [
  ...(['TCP', 'TCP', 'TCP', 'TCP', 'TCP', 'TCP', 'UDP', 'UDP', 'UDP', 'ICMP', 'ICMP'] as const),
  ...[47, 50, 132],
];
const CLAIMED = ['Http', 'Https', 'Mssql'] as const;
const OWN = [PRIVATE_IP, ...PUBLIC_IPS].map(addressOf);
const isOwn = (address: number): boolean => OWN.includes(address);
const NEVER = ['169.254.169.254', '168.63.129.16', '240.0.0.1'].map(addressOf);

export function choicesOf(question: Question): Choices {
  const { documents } = question;
  const everything = valuesIn(
    documents.map(({ properties }) => properties),
    documents,
  );
  for (const list of Object.values(NAMES)) for (const text of list) everything.addresses.add(addressOf(text));
  for (const text of THREAT_ADDRESSES) addEnds(everything.addresses, range(text).first, range(text).last);
  for (const port of [22, 53, 80, 443, 1433, 8005, 8443]) everything.ports.add(port);
  for (const name of Object.keys(NAMES)) everything.names.add(name);
  const all = [...everything.addresses].filter(isSendable);
  const some = ['10.42.1.4', '10.42.1.5', '192.168.7.1', '203.0.113.2'].map(addressOf);
  return {
    sources: [...all.filter(isInside), ...some],
    outsideSources: all.filter(address => !isInside(address)),
    destinations: [...all, ...['192.0.2.77', '10.200.0.1'].map(addressOf)],
    ports: [...everything.ports].filter(port => port <= 65_535),
    natPorts: [...everything.ports].filter(port => port >= 1 && port <= 63_999),
    names: [...everything.names],
    rules: rulesIn(documents.map(({ properties }) => properties)).map(rule => ruleChoices(rule, documents)),
  };
}

interface Values {
  readonly addresses: Set<number>;
  readonly ports: Set<number>;
  readonly names: Set<string>;
}

/** The ends of all ranges, and all names, in a piece of JSON; IP groups and tags count for what is in them. */
function valuesIn(json: unknown, documents: Question['documents']): Values {
  const values: Values = { addresses: new Set(), ports: new Set(), names: new Set() };
  const written = new Set<string>();
  collect(json, written);
  for (const text of written) {
    const found = parseRange(text);
    const tag = Object.entries(SERVICE_TAGS).find(([name]) => name.toLowerCase() === text.toLowerCase());
    const group = /\/ipGroups\//i.test(text) && documents.find(({ id }) => id === text);
    if (found && found.last - found.first < 2 ** 31) addEnds(values.addresses, found.first, found.last);
    else if (/^\d{1,5}(-\d{1,5})?$/.test(text)) {
      const [first = 0, last = first] = text.split('-').map(Number);
      addEnds(values.ports, first, last);
      values.ports.delete(65_536);
    } else if (/^\*?\.?[a-z.]+\.[a-z]+$/i.test(text) && parseIpv4(text) === undefined) {
      for (const name of nearNames(text.toLowerCase())) values.names.add(name);
      for (const address of NAMES[text.toLowerCase()] ?? []) values.addresses.add(addressOf(address));
    }
    for (const item of tag?.[1].slice(0, 4) ?? [])
      addEnds(values.addresses, range(item).first, range(item).last);
    const members = group ? group.properties.ipAddresses : [];
    for (const item of (members as string[]).slice(0, 6))
      addEnds(values.addresses, range(item).first, range(item).last);
  }
  return values;
}

type Json = Readonly<Record<string, unknown>>;

/** Every object that looks like a rule. */
function rulesIn(json: unknown): Json[] {
  if (Array.isArray(json)) return json.flatMap(rulesIn);
  if (json === null || typeof json !== 'object') return [];
  const object = json as Json;
  if ('sourceAddresses' in object || 'sourceIpGroups' in object) return [object];
  return Object.values(object).flatMap(rulesIn);
}

function ruleChoices(rule: Json, documents: Question['documents']): RuleChoices {
  const of = (...fields: string[]) =>
    valuesIn(
      fields.map(field => rule[field]),
      documents,
    );
  const sources = [...of('sourceAddresses', 'sourceIpGroups').addresses].filter(isSendable);
  const to = of('destinationAddresses', 'destinationIpGroups', 'destinationFqdns');
  const destinations = [...to.addresses].filter(address => isSendable(address) || isOwn(address));
  const spoken = (rule.ipProtocols ?? rule.protocols ?? []) as readonly unknown[];
  const services = spoken.filter(item => typeof item === 'object') as {
    readonly protocolType: 'Http' | 'Https' | 'Mssql';
    readonly port: number;
  }[];
  const names = [...of('targetFqdns').names];
  for (const tag of (rule.fqdnTags ?? []) as readonly string[])
    for (const [name, entries] of Object.entries(FQDN_TAGS))
      if (name.toLowerCase() === tag.toLowerCase())
        for (const entry of entries) names.push(...nearNames(entry.name));
  const isApplication = 'targetFqdns' in rule || 'fqdnTags' in rule;
  return {
    sources,
    destinations,
    protocols: isApplication ? ['TCP'] : spoken.flatMap(item => protocolsNamed(String(item))),
    ports: isApplication ? services.map(({ port }) => port) : [...of('destinationPorts').ports],
    claims: [
      ...services.flatMap(({ protocolType: protocol, port }) =>
        names.map(fqdn => ({ protocol, fqdn, port })),
      ),
      // For rules whose names a client must say.
      ...[...of('destinationFqdns').names].map(fqdn => ({ protocol: 'Https' as const, fqdn, port: 443 })),
    ],
  };
}

function protocolsNamed(word: string): Flow['protocol'][] {
  if (word === 'TCP' || word === 'UDP' || word === 'ICMP') return [word];
  return ['TCP', 'UDP', 'ICMP', 47, 132];
}

/**
 * The flow that a number stands for; the same number and choices give the same flow. With `claims`, TCP from inside says a
 * name, or that it has none.
 */
export function flowOf(choices: Choices, seed: number, { claims = false } = {}): Flow {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const nat = choices.rules.filter(({ destinations }) => destinations.some(isOwn));
  const rules = nat.length > 0 && next() < 0.15 ? nat : choices.rules;
  const rule = next() < 0.6 && rules.length > 0 ? pick(rules) : undefined;
  /** Mostly the rule's own. */
  const of = <T>(own: readonly T[] | undefined, all: readonly T[]): T =>
    own !== undefined && own.length > 0 && next() < 0.85 ? pick(own) : pick(all);

  const protocol = of(rule?.protocols, PROTOCOLS);
  const hasPorts = protocol === 'TCP' || protocol === 'UDP';
  const isNat = rule?.destinations.some(isOwn) ?? false;
  if (isNat ? next() < 0.7 : next() < 0.07) {
    const source = of(
      rule?.sources.filter(address => !isInside(address)),
      choices.outsideSources,
    );
    const destination = next() < 0.9 ? of(rule?.destinations, OWN) : pick(choices.destinations);
    return {
      protocol,
      source,
      destination,
      destinationPort: hasPorts ? of(rule?.ports, choices.natPorts) : 0,
      from: 'outside',
    };
  }
  const source =
    next() < 0.02 ? pick([...NEVER, ...OWN]) : of(rule?.sources.filter(isInside), choices.sources);
  const destination =
    next() < 0.05 ? pick(OWN) : next() < 0.02 ? pick(NEVER) : of(rule?.destinations, choices.destinations);
  const toProxy = destination === OWN[0] && next() < 0.5;
  const destinationPort = !hasPorts ? 0 : toProxy ? 53 : of(rule?.ports, choices.ports);
  const flow: Flow = { protocol, source, destination, destinationPort, from: 'inside' };
  if (!claims || protocol !== 'TCP') return flow;
  const { protocol: said, fqdn } = of<NonNullable<Flow['claim']>>(rule?.claims, [
    { protocol: pick(CLAIMED), fqdn: next() < 0.1 ? undefined : pick(choices.names) },
  ]);
  return { ...flow, claim: { protocol: said, fqdn } };
}

/** Where the servers of the kernel test stand. */
const SERVERS = SERVER_PREFIXES.map(text => range(text));
const isServed = (address: number): boolean =>
  SERVERS.some(({ first, last }) => first <= address && address <= last);

/** A flow that a real client can open and a real server can serve, with a claim; mostly one that some rule waits for. */
export function requestOf(choices: Choices, seed: number): Flow & Required<Pick<Flow, 'claim'>> {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const speaking = choices.rules.filter(({ claims }) => claims.length > 0);
  const rule = next() < 0.8 && speaking.length > 0 ? pick(speaking) : undefined;
  const sources = rule?.sources.filter(isInside) ?? [];
  const destinations = rule?.destinations.filter(isServed) ?? [];
  const { port, protocol, fqdn } =
    rule && next() < 0.85
      ? pick(rule.claims)
      : {
          ...pick([
            { port: 80, protocol: 'Http' as const },
            { port: 443, protocol: 'Https' as const },
            { port: 1433, protocol: 'Mssql' as const },
          ]),
          fqdn: pick(choices.names),
        };
  return {
    protocol: 'TCP',
    source: pick(sources.length > 0 && next() < 0.85 ? sources : choices.sources),
    destination: pick(
      destinations.length > 0 && next() < 0.85 ? destinations : choices.destinations.filter(isServed),
    ),
    destinationPort: port,
    from: 'inside',
    claim: {
      protocol,
      fqdn: next() < 0.06 ? undefined : fqdn,
      // Only HTTP says a port. What is wrong in two ways has two reasons.
      ...(protocol === 'Http' &&
        !THREAT_NAMES.some(name => name === fqdn) &&
        next() < 0.06 && { port: port + 1 }),
    },
  };
}

function isSendable(address: number): boolean {
  const isLink = [LINKS, CLIENT_LINK].some(({ first, last }) => first <= address && address <= last);
  const top = address / 2 ** 24;
  return !isLink && !isOwn(address) && top >= 1 && top < 224 && Math.floor(top) !== 127;
}

/** first-1, first, last, last+1, and one between. */
function addEnds(set: Set<number>, first: number, last: number): void {
  for (const value of [first - 1, first, Math.floor((first + last) / 2), last, last + 1])
    if (value >= 0) set.add(value);
}

/** A pattern's own name, names below it, and names that only look like it. */
function nearNames(pattern: string): string[] {
  const bare = pattern.replace(/^\*\.?/, '');
  return [bare, `x.${bare}`, `y.x.${bare}`, `evil${bare}`, `${bare}.net`, bare.slice(1)].filter(
    name => !name.startsWith('.') && name.includes('.'),
  );
}

/** Every text anywhere in the documents. */
function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') for (const word of value.split(/[ ,]+/)) found.add(word);
  else if (Array.isArray(value)) for (const item of value) collect(item, found);
  else if (value !== null && typeof value === 'object')
    for (const item of Object.values(value)) collect(item, found);
}

function range(text: string): { readonly first: number; readonly last: number } {
  const found = parseRange(text);
  if (!found) throw new Error(`not a range: ${text}`);
  return found;
}

/** mulberry32: numbers from 0 to below 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
