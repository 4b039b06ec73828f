// What the kernel makes of a program, as a plain walk through its clauses: the yardstick that tests compare `decide` with.
// It reads nothing but the program and knows nothing of policies.

import { decideApplication, decideBound, isDnsQuery, isOwnAddress, snatOfTarget } from '#ir/decide.ts';
import type { Decision, Flow } from '#ir/decision.ts';
import type { NatClause, NetworkClause, Program } from '#ir/program.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { includesAddress, isIanaPrivate, isNeverATarget } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';

/** Flows with named protocols or numbers other than 1, 6 and 17. Threat intelligence is not part of the clauses. */
export function runProgram(
  program: Program,
  flow: Flow,
  namesOfAddress: (address: number) => ReadonlySet<string>,
): Decision {
  const { netfilter, decisions } = program;
  if (isOwnAddress(program, flow.source) || (flow.from === 'inside' && isNeverATarget(flow.source)))
    return { action: 'Deny', rule: null, reason: 'ForbiddenAddress' };
  const nat = netfilter.natClauses.find(clause => matchesNat(program, clause, flow));
  if (nat) {
    const target =
      'fqdn' in nat.target
        ? { translatedFqdn: nat.target.fqdn }
        : { translatedAddress: nat.target.address, snat: snatOfTarget(netfilter, nat.target.address) };
    const rule = decisions[nat.decision]?.rule ?? null;
    return {
      action: 'Allow',
      rule: rule as NonNullable<typeof rule>,
      reason: 'RuleMatched',
      path: 'nat',
      ...target,
      translatedPort: nat.targetPort,
    };
  }
  if (flow.from === 'outside') return { action: 'Deny', rule: null, reason: 'NoNatRule' };
  if (isDnsQuery(program, flow)) return { action: 'Allow', rule: null, reason: 'DnsProxy', path: 'local' };
  if (isOwnAddress(program, flow.destination) || isNeverATarget(flow.destination))
    return { action: 'Deny', rule: null, reason: 'ForbiddenAddress' };
  const clause = netfilter.networkClauses.find(candidate =>
    matchesNetwork(program, candidate, flow, namesOfAddress(flow.destination)),
  );
  const rule = clause && decisions[clause.decision]?.rule;
  if (clause && rule) {
    if (clause.action === 'Deny') return { action: 'Deny', rule, reason: 'RuleMatched' };
    if (isBound(program, clause, flow)) {
      const bound = program.boundRules.find(
        ({ ref }) => ref === rule || formatRuleRef(ref) === formatRuleRef(rule),
      );
      if (!bound) throw new Error(`no bound rule ${formatRuleRef(rule)}`);
      return decideBound(bound, flow.claim);
    }
    const snat = includesAddress(netfilter.privateRanges, flow.destination)
      ? 'None'
      : isIanaPrivate(flow.destination)
        ? 'PrivateIp'
        : 'PublicIp';
    if (snat === 'PublicIp' && flow.protocol !== 'TCP' && flow.protocol !== 'UDP')
      return { action: 'Deny', rule, reason: 'ProtocolNotTranslated' };
    return { action: 'Allow', rule, reason: 'RuleMatched', path: 'forward', snat };
  }
  if (flow.protocol !== 'TCP' || !netfilter.applicationPorts.includes(flow.destinationPort))
    return { action: 'Deny', rule: null, reason: 'DefaultAction' };
  if (!flow.claim) return { action: 'Pending', reason: 'AwaitingName' };
  return decideApplication(program, {
    source: flow.source,
    destination: flow.destination,
    port: flow.destinationPort,
    claim: flow.claim,
  });
}

/** The clause matched by its names alone, on a port where they are checked. */
function isBound(
  program: Program,
  { destinations = [], boundPorts = [] }: NetworkClause,
  flow: Flow,
): boolean {
  return (
    flow.protocol === 'TCP' &&
    boundPorts.includes(flow.destinationPort) &&
    !destinations.some(part => part.kind === 'addresses' && inSet(program, part.set, flow.destination))
  );
}

function matchesNat(program: Program, clause: NatClause, flow: Flow): boolean {
  return (
    clause.protocol === flow.protocol &&
    clause.destination === flow.destination &&
    includesPort([clause.ports], flow.destinationPort) &&
    inSet(program, clause.sources, flow.source)
  );
}

function matchesNetwork(
  program: Program,
  { protocols, ports, sources, destinations }: NetworkClause,
  flow: Flow,
  names: ReadonlySet<string>,
): boolean {
  const any = protocols.includes('Any');
  const onPort = ports === undefined || includesPort(ports, flow.destinationPort);
  const service =
    flow.protocol === 'TCP' || flow.protocol === 'UDP'
      ? (any || protocols.includes(flow.protocol)) && onPort
      : (any && ports === undefined) || (flow.protocol === 'ICMP' && protocols.includes('ICMP'));
  return (
    service &&
    inSet(program, sources, flow.source) &&
    (destinations === undefined ||
      destinations.some(destination =>
        destination.kind === 'fqdn'
          ? names.has(destination.fqdn)
          : inSet(program, destination.set, flow.destination),
      ))
  );
}

function inSet(program: Program, name: string | undefined, address: number): boolean {
  if (name === undefined) return true;
  const set = program.netfilter.addressSets[name];
  if (!set) throw new Error(`the program names set ${name} and does not hold it`);
  return includesAddress(set, address);
}
