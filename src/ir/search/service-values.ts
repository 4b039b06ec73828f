// Protocol and port of a flow as one number, and the services of a rule as ranges of such numbers. Which protocols a rule
// means is not worked out a second time: the predicate that gives it its meaning is asked.

import { mergeRanges } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import type { IpProtocol } from '../decision.ts';

const PORTS = 0x10000;
const ICMP = 2 * PORTS;
const OTHER = ICMP + 1;
/** Stands for all protocols that rules cannot name: experimental, RFC 3692. */
const ANY_OTHER = 253;

export function numberOfService(protocol: IpProtocol, port: number): number {
  switch (protocol) {
    case 'TCP':
      return port;
    case 'UDP':
      return PORTS + port;
    case 'ICMP':
      return ICMP;
    default:
      return OTHER;
  }
}

/** Ranges of service numbers. What the ports mean for a protocol is asked of `matches`, with one port for all of them. */
export function rangesOfService(
  ports: readonly PortRange[],
  matches: (protocol: IpProtocol, port: number) => boolean,
): readonly { readonly first: number; readonly last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  const [some] = ports;
  if (some) {
    const merged = mergeRanges(ports);
    for (const protocol of ['TCP', 'UDP'] as const) {
      if (!matches(protocol, some.first)) continue;
      for (const { first, last } of merged)
        ranges.push({ first: numberOfService(protocol, first), last: numberOfService(protocol, last) });
    }
  }
  for (const protocol of ['ICMP', ANY_OTHER] as const) {
    const number = numberOfService(protocol, 0);
    if (matches(protocol, 0)) ranges.push({ first: number, last: number });
  }
  return ranges;
}
