// Flows that a policy is likely to be wrong about, each made from one number, so that a failing one is told by it. Pure.

import type { Flow } from '#ir/decision.ts';
import { type Choices, isInside, isOwn, OWN, range } from './choices.ts';
import { addressOf, SERVER_PREFIXES, THREAT_ADDRESSES, THREAT_NAMES } from './world.ts';

const PROTOCOLS: readonly Flow['protocol'][] = [
  ...(['TCP', 'TCP', 'TCP', 'TCP', 'TCP', 'TCP', 'UDP', 'UDP', 'UDP', 'ICMP', 'ICMP'] as const),
  ...[47, 50, 132],
];
const CLAIMED = ['Http', 'Https', 'Mssql'] as const;
/** On the threat feed. */
const LISTED = THREAT_ADDRESSES.map(text => range(text).first);
const NEVER = ['169.254.169.254', '168.63.129.16', '240.0.0.1'].map(addressOf);

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
    const source =
      next() < 0.06
        ? pick([...LISTED, ...NEVER])
        : of(
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
