// Programs for packet tests, small enough to read: a clause is one line, sets are named for what they hold.

import type { NatClause, NetworkClause, Program } from '#ir/program.ts';
import { type Ipv4Range, parseIpv4, parseRange } from '#net/ipv4.ts';
import { parsePortRange } from '#net/ports.ts';

export function address(text: string): number {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function range(text: string): Ipv4Range {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(`not a range: ${text}`);
  return parsed;
}

export interface NetworkLine {
  readonly rule: string;
  readonly action?: 'Allow' | 'Deny';
  readonly protocols?: NetworkClause['protocols'];
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly fqdns?: readonly string[];
  readonly ports?: readonly string[];
  readonly boundPorts?: readonly number[];
}

export interface NatLine {
  readonly rule: string;
  readonly to: string;
  readonly port: string;
  readonly protocol?: 'TCP' | 'UDP';
  readonly from?: readonly string[];
  readonly target: string;
  readonly targetPort: number;
}

export interface ProgramLines {
  readonly network?: readonly NetworkLine[];
  readonly nat?: readonly NatLine[];
  readonly applicationPorts?: readonly number[];
  readonly snat?: readonly string[];
  readonly privateAddress?: string;
  readonly privateRanges?: readonly string[];
  readonly dns?: boolean;
  readonly threat?: Program['threatIntel']['mode'];
  readonly threatAllowed?: readonly string[];
}

let revisions = 0;

export function program(lines: ProgramLines): Program {
  const addressSets: Record<string, readonly Ipv4Range[]> = {};
  const set = (texts: readonly string[]): string => {
    const name = texts.join(',');
    addressSets[name] = texts.map(range);
    return name;
  };
  const decisions: Program['decisions'][number][] = [
    { rule: { policy: '', group: '', collection: '', rule: '' }, kind: 'network', action: 'Deny' },
  ];
  const decide = (rule: string, kind: 'network' | 'nat', action: 'Allow' | 'Deny'): number =>
    decisions.push({ rule: { policy: '', group: '', collection: 'test', rule }, kind, action }) - 1;
  const networkClauses = (lines.network ?? []).map((line): NetworkClause => {
    const { rule, action = 'Allow', protocols = ['TCP'], from, to, fqdns, ports, boundPorts } = line;
    const destinations = [
      ...(to === undefined ? [] : [{ kind: 'addresses' as const, set: set(to) }]),
      ...(fqdns ?? []).map(fqdn => ({ kind: 'fqdn' as const, fqdn })),
    ];
    return {
      decision: decide(rule, 'network', action),
      action,
      protocols,
      ...(from === undefined ? {} : { sources: set(from) }),
      ...(destinations.length === 0 ? {} : { destinations }),
      ...(ports === undefined ? {} : { ports: ports.map(text => parsePortRange(text) as Ipv4Range) }),
      ...(boundPorts === undefined ? {} : { boundPorts }),
    };
  });
  const natClauses = (lines.nat ?? []).map((line): NatClause => {
    const target = parseIpv4(line.target);
    return {
      decision: decide(line.rule, 'nat', 'Allow'),
      protocol: line.protocol ?? 'TCP',
      ...(line.from === undefined ? {} : { sources: set(line.from) }),
      destination: address(line.to),
      ports: parsePortRange(line.port) as Ipv4Range,
      target: target === undefined ? { fqdn: line.target } : { address: target },
      targetPort: line.targetPort,
    };
  });
  const privateAddress = address(lines.privateAddress ?? '10.42.1.1');
  const snatAddresses = (lines.snat ?? ['198.51.100.1']).map(address);
  revisions += 1;
  return {
    revision: `test ${process.pid} ${revisions}`,
    firewallId: 'test',
    netfilter: {
      addressSets,
      natClauses,
      networkClauses,
      applicationPorts: lines.applicationPorts ?? [],
      privateRanges: (
        lines.privateRanges ?? ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']
      ).map(range),
      privateAddress,
      snatAddresses,
    },
    decisions,
    applicationRules: [],
    infrastructureRules: [],
    boundRules: [],
    threatIntel: {
      mode: lines.threat ?? 'Off',
      allowedAddresses: (lines.threatAllowed ?? []).map(range),
      allowedFqdns: [],
    },
    watchedFqdns: (lines.network ?? []).flatMap(line => line.fqdns ?? []),
    dns: { enableProxy: lines.dns ?? false, servers: [] },
    privateAddress,
    publicIps: snatAddresses.map((value, index) => ({ name: `ip${index}`, address: value })),
  };
}
