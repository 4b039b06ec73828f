// For tests: whether a flow lies in an entry of a diff, and whether two decisions count as different. Said here from the
// definitions, without anything that the comparison itself uses.

import type { Decision, Flow } from '#ir/decision.ts';
import { formatRuleRef } from '#model/rule-ref.ts';
import { matchesFqdn, parseTagPattern } from '#net/fqdn.ts';
import { includesAddress } from '#net/ipv4.ts';
import { includesPort } from '#net/ports.ts';
import type { NamePattern } from './claim-name-text.ts';
import type { Outcome } from './clauses.ts';
import type { DestinationNameSet, DiffEntry } from './diff.ts';

/** `names` are those of the destination that network rules of either policy write. */
export function isInEntry(entry: DiffEntry, flow: Flow, names: readonly string[]): boolean {
  return (
    entry.services.some(
      ({ side, protocol, ports, claim }) =>
        side === flow.from &&
        protocol === protocolOf(flow) &&
        (protocol === 'ICMP' || protocol === 'Other' || includesPort([ports], flow.destinationPort)) &&
        claim === claimOf(flow),
    ) &&
    includesAddress(entry.sources, flow.source) &&
    includesAddress(entry.destinations, flow.destination) &&
    (!entry.destinationNames || hasNames(entry.destinationNames, names)) &&
    (!entry.claimedNames ||
      claimOf(flow) === 'none' ||
      entry.claimedNames.some(pattern => isNamed(pattern, flow.claim?.fqdn ?? '')))
  );
}

function protocolOf({ protocol }: Flow): 'TCP' | 'UDP' | 'ICMP' | 'Other' {
  return typeof protocol === 'number' ? 'Other' : protocol;
}

/** A client that names nothing, or a port that it is not on, is judged as one without a claim; only TCP clients can name a host. */
function claimOf({ protocol, claim, destinationPort }: Flow) {
  if (protocol !== 'TCP' || claim?.fqdn === undefined) return 'none';
  return claim.port === undefined || claim.port === destinationPort ? claim.protocol : 'none';
}

function hasNames(
  { unnamed, names, together, except }: DestinationNameSet,
  asked: readonly string[],
): boolean {
  const [first, second] = asked;
  if (first === undefined) return unnamed;
  if (second === undefined) return unnamed ? !except.includes(first) : names.includes(first);
  return together.some(
    ([a, b]) => (a.includes(first) && b.includes(second)) || (a.includes(second) && b.includes(first)),
  );
}

function isNamed({ pattern, except }: NamePattern, name: string): boolean {
  const matches = (text: string) => {
    const parsed = parseTagPattern(text);
    return parsed !== undefined && matchesFqdn(parsed, name);
  };
  return matches(pattern) && !except.some(matches);
}

/** Action, rule and path in one text. A client that has not said its name yet is denied if it never does. */
export function textOfDecision(decision: Decision, withSnat: boolean): string {
  if (decision.action === 'Pending') return 'Deny - none';
  const rule = decision.rule ? formatRuleRef(decision.rule) : '-';
  if (decision.action === 'Deny') return `Deny ${rule} none`;
  if (decision.path === 'forward') return `Allow ${rule} forward ${withSnat ? decision.snat : ''}`;
  if (decision.path !== 'nat') return `Allow ${rule} ${decision.path}`;
  const target = `${decision.translatedFqdn ?? decision.translatedAddress}:${decision.translatedPort}`;
  return `Allow ${rule} nat ${target} ${withSnat ? (decision.snat ?? '') : ''}`;
}

export function actionOf(text: string): string {
  return text.split(' ')[0] ?? '';
}

export function ruleOf(outcome: Outcome): string {
  return `${outcome.action} ${outcome.rule ? formatRuleRef(outcome.rule) : '-'} ${outcome.path.kind}`;
}
