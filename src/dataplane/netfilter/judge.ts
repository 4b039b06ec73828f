// What the current policy says of a connection that an older one allowed: the same order as the kernel's chains,
// over the same program, for connections that are idle and so do not bring a packet to be judged. Pure.

import type { NatClause, NetworkClause, Program } from '#ir/program.ts';
import { type Ipv4Range, includesAddress, isIanaPrivate, isNeverATarget, mergeRanges } from '#net/ipv4.ts';
import { ALL_PORTS, includesPort } from '#net/ports.ts';
import type { ConnectionEnds } from '../data-plane.ts';
import { CLASS_ALLOW, CLASS_LOCAL, DEFAULT_ACTION, markOf } from './marks.ts';
import { rangesOf } from './plan-sets.ts';

const TCP = 6;
const UDP = 17;
const ICMP = 1;

export interface JudgedFlow {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly destinationPort: number;
  /** Where a DNATed connection leads; undefined for others. */
  readonly translated?: { readonly address: number; readonly port: number };
}

export interface JudgeOptions {
  readonly generation: number;
  readonly threatRanges: readonly Ipv4Range[];
  readonly natAddressOf: (fqdn: string) => number | undefined;
  readonly fqdnHas: (fqdn: string, address: number) => boolean;
}

export interface Judge {
  /** The connection mark the flow gets now, or undefined when it is forbidden. */
  markOf(flow: JudgedFlow): number | undefined;
  /** Whether a TCP connection that the L7 engine holds would not come to it any more. */
  forbidsProxied(ends: ConnectionEnds): boolean;
}

export function createJudge(program: Program, options: JudgeOptions): Judge {
  const sets = new Map(
    Object.entries(program.netfilter.addressSets).map(([name, ranges]) => [name, mergeRanges(ranges)]),
  );
  const threats = program.threatIntel.mode === 'Deny' ? mergeRanges(options.threatRanges) : [];
  const inSet = (set: string | undefined, address: number): boolean =>
    set === undefined || includesAddress(sets.get(set) ?? rangesOf(program, set), address);

  const matchesNetwork = (clause: NetworkClause, flow: JudgedFlow): boolean =>
    matchesProtocol(clause, flow) &&
    inSet(clause.sources, flow.source) &&
    (clause.destinations?.some(destination =>
      destination.kind === 'fqdn'
        ? options.fqdnHas(destination.fqdn, flow.destination)
        : inSet(destination.set, flow.destination),
    ) ??
      true);

  const findClause = (flow: JudgedFlow): NetworkClause | undefined =>
    program.netfilter.networkClauses.find(candidate => matchesNetwork(candidate, flow));

  /** The clause matches by its names alone, on a port where the L7 engine asks the client for one. */
  const goesToEngine = ({ destinations = [], boundPorts = [] }: NetworkClause, flow: JudgedFlow): boolean =>
    flow.protocol === TCP &&
    boundPorts.includes(flow.destinationPort) &&
    !destinations.some(part => part.kind === 'addresses' && inSet(part.set, flow.destination));

  const privateRanges = mergeRanges(program.netfilter.privateRanges);
  const own = new Set([
    program.privateAddress,
    ...program.netfilter.snatAddresses,
    ...program.publicIps.map(({ address }) => address),
  ]);

  const judgeFlow = (flow: JudgedFlow): number | undefined => {
    if (own.has(flow.source) || includesAddress(threats, flow.destination)) return undefined;
    const nat = findNatClause(program, options, flow, inSet);
    // A connection keeps its translation, or its lack of one, for life.
    if (nat !== undefined || flow.translated !== undefined)
      return nat && flow.translated && leadsTo(nat, flow.translated)
        ? markOf(CLASS_ALLOW, options.generation, nat.decision)
        : undefined;
    if (isNeverATarget(flow.source)) return undefined;
    if (flow.destination === program.privateAddress) {
      const dns = flow.destinationPort === 53 && (flow.protocol === TCP || flow.protocol === UDP);
      return dns && program.dns.enableProxy
        ? markOf(CLASS_LOCAL, options.generation, DEFAULT_ACTION)
        : undefined;
    }
    if (own.has(flow.destination) || isNeverATarget(flow.destination)) return undefined;
    const clause = findClause(flow);
    if (clause?.action !== 'Allow' || goesToEngine(clause, flow)) return undefined;
    const translated = flow.protocol === TCP || flow.protocol === UDP;
    if (!translated && !includesAddress(privateRanges, flow.destination) && !isIanaPrivate(flow.destination))
      return undefined;
    return markOf(CLASS_ALLOW, options.generation, clause.decision);
  };

  return {
    markOf: judgeFlow,
    forbidsProxied: ends =>
      includesAddress(threats, ends.destination) || findClause({ ...ends, protocol: TCP })?.action === 'Deny',
  };
}

function findNatClause(
  program: Program,
  { natAddressOf }: JudgeOptions,
  flow: JudgedFlow,
  inSet: (set: string | undefined, address: number) => boolean,
): NatClause | undefined {
  return program.netfilter.natClauses.find(
    candidate =>
      candidate.destination === flow.destination &&
      (candidate.protocol === 'TCP' ? TCP : UDP) === flow.protocol &&
      includesPort([candidate.ports], flow.destinationPort) &&
      inSet(candidate.sources, flow.source) &&
      ('address' in candidate.target || natAddressOf(candidate.target.fqdn) !== undefined),
  );
}

/** Targets that are names may move. */
function leadsTo(
  { target, targetPort }: NatClause,
  translated: { readonly address: number; readonly port: number },
): boolean {
  return 'fqdn' in target || (target.address === translated.address && targetPort === translated.port);
}

function matchesProtocol({ protocols, ports = [ALL_PORTS] }: NetworkClause, flow: JudgedFlow): boolean {
  const everyPort = ports.some(range => range.first === ALL_PORTS.first && range.last === ALL_PORTS.last);
  const any = protocols.includes('Any');
  if (any && everyPort) return true;
  if (flow.protocol === ICMP) return protocols.includes('ICMP');
  const named =
    (flow.protocol === TCP && (any || protocols.includes('TCP'))) ||
    (flow.protocol === UDP && (any || protocols.includes('UDP')));
  return named && (everyPort || includesPort(ports, flow.destinationPort));
}
