// Services on one line, so that they are cut like addresses: for each side a lane of 65,536 ports for UDP and for TCP without
// a name, with a name in HTTP, in TLS and in MSSQL; ICMP and the other protocols are one place each.

import type { ApplicationProtocol } from '#ir/policy.ts';
import { type Ipv4Range, mergeRanges } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import type { Clause, ClauseService, ServiceProtocol, Side } from './clauses.ts';

/** Whether a connection's client names a host, and how; `none` for what is not TCP. */
export type ClaimKind = 'none' | ApplicationProtocol;

export interface Service {
  readonly side: Side;
  readonly protocol: ServiceProtocol;
  /** 0-0 for ICMP and other protocols. */
  readonly ports: PortRange;
  readonly claim: ClaimKind;
}

const PORTS = 65536;
const NO_PORTS: PortRange = { first: 0, last: 0 };
const CLAIMS: readonly ClaimKind[] = ['none', 'Http', 'Https', 'Mssql'];
const SIDES: readonly Side[] = ['inside', 'outside'];

interface Lane {
  readonly side: Side;
  readonly protocol: ServiceProtocol;
  readonly claim: ClaimKind;
  readonly start: number;
  readonly size: number;
}

const LANES: readonly Lane[] = layLanes();
export const SERVICE_LINE_END = LANES.reduce((sum, { size }) => sum + size, 0);

function layLanes(): Lane[] {
  const lanes: Lane[] = [];
  let start = 0;
  const add = (lane: Omit<Lane, 'start'>) => {
    lanes.push({ ...lane, start });
    start += lane.size;
  };
  for (const side of SIDES) {
    for (const claim of CLAIMS) add({ side, protocol: 'TCP', claim, size: PORTS });
    add({ side, protocol: 'UDP', claim: 'none', size: PORTS });
    add({ side, protocol: 'ICMP', claim: 'none', size: 1 });
    add({ side, protocol: 'Other', claim: 'none', size: 1 });
  }
  return lanes;
}

/** Where the services of a clause lie on the line, merged. */
export function toServiceLine({ sides, services }: Pick<Clause, 'sides' | 'services'>): Ipv4Range[] {
  return mergeRanges(
    LANES.filter(lane => sides.includes(lane.side)).flatMap(lane =>
      services.filter(service => uses(service, lane)).flatMap(service => placesOf(service, lane)),
    ),
  );
}

function uses({ protocol, claim }: ClauseService, lane: Lane): boolean {
  return protocol === lane.protocol && (claim === undefined || claim === lane.claim);
}

function placesOf({ ports }: ClauseService, { start, size }: Lane): Ipv4Range[] {
  if (size === 1) return [{ first: start, last: start }];
  return ports.map(({ first, last }) => ({ first: start + first, last: start + last }));
}

/** Back from the line, lane by lane. */
export function fromServiceLine(spans: readonly Ipv4Range[]): Service[] {
  return LANES.flatMap(({ start, size, side, protocol, claim }) =>
    spans
      .map(({ first, last }) => ({
        first: Math.max(first, start) - start,
        last: Math.min(last, start + size - 1) - start,
      }))
      .filter(({ first, last }) => first <= last)
      .map(ports => ({ side, protocol, claim, ports: size === 1 ? NO_PORTS : ports })),
  );
}
