// What flows about a policy are made of: the ends of its own ranges and the addresses beside them, its ports and theirs, its
// names and names that nearly fit; all of it, and rule by rule. Pure.

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
  SERVICE_TAGS,
  THREAT_ADDRESSES,
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
const LINKS = range('10.254.0.0/16');
const CLIENT_LINK = range('172.31.0.0/16');

export const OWN = [PRIVATE_IP, ...PUBLIC_IPS].map(addressOf);
export const isOwn = (address: number): boolean => OWN.includes(address);

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

export function range(text: string): { readonly first: number; readonly last: number } {
  const found = parseRange(text);
  if (!found) throw new Error(`not a range: ${text}`);
  return found;
}
