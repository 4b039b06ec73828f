// Protocol and port of a flow as one number, and the services of a rule as ranges of such numbers. The ranges are not
// worked out from the rule a second time: they are read off the predicate that gives it its meaning.

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

/** Ranges of service numbers, by asking `matches` at every port where its answer can change. */
export function rangesOfService(
  ports: readonly PortRange[],
  matches: (protocol: IpProtocol, port: number) => boolean,
): readonly { readonly first: number; readonly last: number }[] {
  const starts = [...new Set([0, ...ports.flatMap(({ first, last }) => [first, last + 1])])]
    .filter(port => port < PORTS)
    .sort((a, b) => a - b);
  const ranges: { first: number; last: number }[] = [];
  for (const protocol of ['TCP', 'UDP'] as const) {
    for (const [index, start] of starts.entries()) {
      if (!matches(protocol, start)) continue;
      const last = (starts[index + 1] ?? PORTS) - 1;
      ranges.push({ first: numberOfService(protocol, start), last: numberOfService(protocol, last) });
    }
  }
  for (const protocol of ['ICMP', ANY_OTHER] as const) {
    const number = numberOfService(protocol, 0);
    if (matches(protocol, 0)) ranges.push({ first: number, last: number });
  }
  return ranges;
}
