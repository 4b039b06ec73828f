// Lowers a program's kernel part to the policy chains and the sets they need. Rules stand in the order in which
// Azure judges: threat intelligence, DNAT, the firewall itself, network rules, application ports, default. Pure.

import type { Program } from '#ir/program.ts';
import { IANA_PRIVATE_RANGES, type Ipv4Range, mergeRanges, NEVER_A_TARGET } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import { accept, goto, match, type NftRule, type NftSet, type NftStatement, setMark } from '#nft/tree.ts';
import { CLASS_CUT, CLASS_LOCAL, DEFAULT_ACTION, GENERATION_MASK, markOf } from './marks.ts';
import { natRules, snatRules } from './nat-rules.ts';
import { anyProtocolRules, applicationRules, networkRules } from './network-rules.ts';
import { PlanSets, PORTS_PROTOCOLS } from './plan-sets.ts';
import { isNew, log, logLimit, type PolicyChain } from './skeleton.ts';

const DNS_PORT: PortRange = { first: 53, last: 53 };

export interface PlanOptions {
  readonly generation: number;
  /** Addresses on threat feeds, without the allow list; empty when the mode is Off. */
  readonly threatRanges: readonly Ipv4Range[];
  /** Current address of NAT targets that are names. */
  readonly natAddressOf: (fqdn: string) => number | undefined;
  readonly snatPorts: PortRange;
  /** Interfaces the gateway serves; nothing that leaves by another one is translated. */
  readonly servedInterfaces: readonly string[];
  /** The interface towards the Internet, where it is not an inside one too. */
  readonly outsideOnly?: string | undefined;
}

export interface RulesetPlan {
  readonly sets: readonly NftSet[];
  readonly chains: Readonly<Record<PolicyChain, readonly NftRule[]>>;
}

export function planRuleset(program: Program, options: PlanOptions): RulesetPlan {
  const sets = new PlanSets();
  const { generation } = options;
  const nat = natRules(program, options, sets);
  const own = ownAddresses(program);
  const byDefault: NftRule = [
    setMark('meta mark', markOf(CLASS_CUT, generation, DEFAULT_ACTION)),
    goto('denied'),
  ];
  const inside: NftRule[] = [
    ...spoofedSources(options).map((matches): NftRule => [...matches, ...byDefault]),
    ...own.map((ranges): NftRule => [match.addresses('ip saddr', ranges), goto('refuse')]),
    ...threatRules(program, options, sets, 'ip daddr'),
    ...nat.classify,
    ...dnsRules(program, generation),
    ...own.map((ranges): NftRule => [match.addresses('ip daddr', ranges), goto('refuse')]),
    [match.words('fib daddr type', ['unicast'], true), goto('refuse')],
    [match.addresses('ip daddr', NEVER_A_TARGET), ...byDefault],
    ...program.netfilter.networkClauses.flatMap(clause => networkRules(clause, program, generation, sets)),
    ...applicationRules(program, sets),
    byDefault,
  ];
  const outside: NftRule[] = [
    ...own.map((ranges): NftRule => [match.addresses('ip saddr', ranges), goto('refuse')]),
    ...threatRules(program, options, sets, 'ip saddr'),
    ...nat.classify,
    [goto('refuse')],
  ];
  const stale: NftRule[] = [
    [match.mark('ct mark', markOf(0, generation, 0), GENERATION_MASK), accept],
    [goto('classify')],
  ];
  return {
    chains: {
      classify_inside: inside,
      classify_outside: outside,
      allow_any_protocol: anyProtocolRules(program, sets),
      stale,
      dnat_rules: nat.translate,
      snat_rules: snatRules(program, options, sets),
    },
    sets: [...sets.used.values()],
  };
}

function threatRules(
  program: Program,
  { generation, threatRanges }: PlanOptions,
  sets: PlanSets,
  key: 'ip saddr' | 'ip daddr',
): NftRule[] {
  const listed = program.threatIntel.mode === 'Off' ? undefined : sets.addresses(key, threatRanges);
  if (listed === undefined) return [];
  return program.threatIntel.mode === 'Deny'
    ? [
        [
          ...listed,
          setMark('meta mark', markOf(CLASS_CUT, generation, DEFAULT_ACTION)),
          goto('threat_denied'),
        ],
      ]
    : [[...listed, isNew, logLimit, log('threat-alert')]];
}

function dnsRules(program: Program, generation: number): NftRule[] {
  if (!program.dns.enableProxy) return [];
  const here = { first: program.privateAddress, last: program.privateAddress };
  const query = [match.addresses('ip daddr', [here]), PORTS_PROTOCOLS, match.ports('th dport', [DNS_PORT])];
  return [
    // Its NAT rule is gone, and it cannot come here in its middle.
    [...query, match.words('ct status', ['dnat']), goto('refuse')],
    [...query, setMark('meta mark', markOf(CLASS_LOCAL, generation, DEFAULT_ACTION)), goto('admit')],
  ];
}

/** Sources that no host inside can have: nobody's, and public ones that our own route seeks on the Internet. */
function spoofedSources({ outsideOnly }: PlanOptions): NftStatement[][] {
  const spoofed: NftStatement[][] = [[match.addresses('ip saddr', NEVER_A_TARGET)]];
  if (outsideOnly !== undefined)
    spoofed.push([
      match.addresses('ip saddr', IANA_PRIVATE_RANGES, true),
      match.interfaces('fib saddr oifname', [outsideOnly]),
    ]);
  return spoofed;
}

/** The firewall's own addresses, behind which no rule but NAT and DNS may reach. */
function ownAddresses({ netfilter, privateAddress, publicIps }: Program): Ipv4Range[][] {
  const addresses = [privateAddress, ...netfilter.snatAddresses, ...publicIps.map(({ address }) => address)];
  const ranges = mergeRanges(addresses.map(address => ({ first: address, last: address })));
  return ranges.length === 0 ? [] : [ranges];
}
