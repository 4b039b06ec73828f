// NAT clauses as rules that judge and rules that translate, and the source addresses of everything that leaves. Pure.

import type { Program } from '#ir/program.ts';
import { IANA_PRIVATE_RANGES } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import { accept, drop, goto, match, type NftRule, type NftStatement, setMark } from '#nft/tree.ts';
import { CLASS_ALLOW, CLASS_MASK, CLASS_NEW, markOf } from './marks.ts';
import type { PlanOptions } from './plan.ts';
import { type PlanSets, PORTS_PROTOCOLS, rangesOf } from './plan-sets.ts';
import { isClass } from './skeleton.ts';

const DHCP_CLIENT_PORT: PortRange = { first: 68, last: 68 };

/**
 * Judgement and translation of NAT clauses. A flow that is judged again keeps its translation for life, so it
 * stays allowed only while the clause still leads where the flow goes; targets that are names may move.
 */
export function natRules(
  program: Program,
  { generation, natAddressOf }: PlanOptions,
  sets: PlanSets,
): { classify: NftRule[]; translate: NftRule[] } {
  const classify: NftRule[] = [];
  const translate = new Map<string, NftRule>();
  for (const clause of program.netfilter.natClauses) {
    const address = 'address' in clause.target ? clause.target.address : natAddressOf(clause.target.fqdn);
    const sources = sets.addresses('ip saddr', rangesOf(program, clause.sources));
    if (address === undefined || sources === undefined) continue;
    const matches = [
      match.addresses('ip daddr', [{ first: clause.destination, last: clause.destination }]),
      match.words('meta l4proto', [clause.protocol.toLowerCase()]),
      ...sets.ports([clause.ports]),
      ...sources,
    ];
    const translated = match.words('ct status', ['dnat']);
    if ('address' in clause.target) {
      const here = { first: address, last: address };
      classify.push([
        ...matches,
        translated,
        match.addresses('ct reply ip saddr', [here], true),
        goto('refuse'),
      ]);
      classify.push([
        ...matches,
        translated,
        match.words('ct reply proto-src', [clause.targetPort], true),
        goto('refuse'),
      ]);
    }
    const mark = markOf(CLASS_ALLOW, generation, clause.decision);
    const allow = [setMark('meta mark', mark), goto('allow')];
    // What the firewall has answered itself so far cannot be translated in its middle.
    if (clause.destination === program.privateAddress)
      classify.push(
        [...matches, translated, ...allow],
        [...matches, isClass(CLASS_NEW, true), goto('refuse')],
      );
    classify.push([...matches, ...allow]);
    // The whole mark is compared, so a packet judged by an older policy is never translated by this one.
    translate.set(`${mark} ${address} ${clause.targetPort}`, [
      match.mark('ct mark', mark),
      PORTS_PROTOCOLS,
      { kind: 'dnat', address, port: clause.targetPort },
    ]);
  }
  return { classify, translate: [...translate.values()] };
}

/**
 * Source addresses by destination alone, for forwarded flows and for the L7 engine's own: a public one towards
 * public destinations, none of ours towards private ranges, where only DNATed flows need the private address so
 * that the answer comes back.
 */
export function snatRules(
  program: Program,
  { snatPorts, servedInterfaces }: PlanOptions,
  sets: PlanSets,
): NftRule[] {
  const { privateRanges, privateAddress, snatAddresses } = program.netfilter;
  const toPrivateAddress: NftStatement = { kind: 'snat', addresses: [privateAddress] };
  const rules: NftRule[] = [[match.interfaces('oifname', servedInterfaces, true), accept]];
  const anyPrivate = sets.addresses('ip daddr', [...privateRanges, ...IANA_PRIVATE_RANGES]) ?? [];
  rules.push([match.words('ct status', ['dnat']), ...anyPrivate, toPrivateAddress]);
  const bypassed = sets.addresses('ip daddr', privateRanges);
  if (bypassed !== undefined) rules.push([...bypassed, accept]);
  const unlisted = sets.addresses('ip daddr', IANA_PRIVATE_RANGES) as NftStatement[];
  const forwarded = match.mark('ct mark', CLASS_NEW, CLASS_MASK, true);
  rules.push([...unlisted, forwarded, toPrivateAddress], [...unlisted, accept]);
  const own = match.mark('ct mark', CLASS_NEW, CLASS_MASK);
  rules.push([
    own,
    match.words('meta l4proto', ['udp']),
    match.ports('th sport', [DHCP_CLIENT_PORT]),
    accept,
  ]);
  const addresses = snatAddresses.length > 0 ? snatAddresses : [privateAddress];
  rules.push([PORTS_PROTOCOLS, { kind: 'snat', addresses, ports: snatPorts }]);
  // Other protocols were judged not to leave; this holds whatever the judgement says.
  rules.push([forwarded, drop]);
  return rules;
}
