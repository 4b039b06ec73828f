// TCP and UDP ports as inclusive ranges.

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const ALL_PORTS: PortRange = { first: 0, last: 65535 };

/** `*`, one port `443`, or a range `8000-8100`; ports 1 to 65535. */
export function parsePortRange(text: string): PortRange | undefined {
  if (text === '*') return ALL_PORTS;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= 65535 ? { first, last } : undefined;
}

export function includesPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(range => range.first <= port && port <= range.last);
}
