// The way of every claim, whatever protocol carried it: judge it, find where its name may be reached, write the one log
// record. From the judgement on the connection is bound to the claim, so that a change of rules that arrives
// while the name is being resolved cuts it too.

import { formatIpv4 } from '#net/ipv4.ts';
import type { Connection } from './connection.ts';
import { findServers } from './dial.ts';
import { type Claim, judge, type Threat } from './judge.ts';
import { judgementRecord, type Outcome, outcomeOf, PROTOCOL_NAMES, threatRecord } from './records.ts';
import type { Services } from './services.ts';

export type Admission =
  /** Empty addresses: the connection to the server that is already open serves. */
  | { readonly status: 'admitted'; readonly addresses: readonly number[] }
  | { readonly status: 'refused'; readonly outcome: Outcome };

export async function admit(
  connection: Connection,
  claim: Claim,
  targetUrl: string,
  services: Services,
): Promise<Admission> {
  const { ends } = connection;
  const fqdn = claim.fqdn ?? '';
  const logThreat = (threat: Threat) =>
    services.log.write(threatRecord(ends, PROTOCOL_NAMES[claim.protocol], fqdn, targetUrl, threat));

  const reused = claim.fqdn !== undefined && connection.reusable(claim.fqdn) !== undefined;
  const known = reused && connection.serverAddress !== undefined ? [connection.serverAddress] : [];
  const { decision, by, threat } = judge(services.rules(), ends, claim, {
    ...services,
    serverAddresses: known,
  });
  const log = (outcome: Outcome) =>
    services.log.write(judgementRecord(ends, { claim, targetUrl }, outcome, by));
  if (threat) logThreat(threat);
  const outcome = outcomeOf(decision, claim);
  if (outcome.action === 'Deny') {
    if (outcome.reason !== 'ThreatIntel') log(outcome);
    return { status: 'refused', outcome };
  }
  connection.binding = { claim, targetUrl };
  if (reused) {
    log(outcome);
    return { status: 'admitted', addresses: [] };
  }

  const servers = await findServers(fqdn, services);
  connection.signal.throwIfAborted();
  if (servers.status === 'usable') {
    if (servers.alert && !threat) logThreat(servers.alert);
    log(outcome);
    return { status: 'admitted', addresses: servers.addresses };
  }
  connection.binding = undefined;
  const refusal: Outcome = {
    action: 'Deny',
    rule: outcome.rule,
    reason: servers.reason,
    ...(servers.detail !== undefined && { detail: servers.detail }),
  };
  if (servers.reason === 'ThreatIntel') logThreat(servers.threat);
  else log(refusal);
  return { status: 'refused', outcome: refusal };
}

/** For records and X-Forwarded-For. */
export function sourceOf(connection: Connection): string {
  return formatIpv4(connection.ends.source);
}
