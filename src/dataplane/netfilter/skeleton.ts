// The part of the ruleset that no policy changes: base chains, what happens to a packet once its connection is
// judged, and chains that end a judgement. Installed once with closed policy chains. Pure.
//
// Packet order: `pre` judges new flows (it sees original addresses), `dnat_rules` translates, `forward_rules` or
// `input_rules` enforces by connection mark, `snat_rules` gives the source address. Nothing passes without a mark.

import {
  accept,
  drop,
  goto,
  match,
  type NftChain,
  type NftCommand,
  type NftRule,
  type NftSet,
  type NftStatement,
  setMark,
} from '#nft/tree.ts';
import type { GatewayInterfaces } from '../data-plane.ts';
import {
  CLASS_ALLOW,
  CLASS_CUT,
  CLASS_LOCAL,
  CLASS_MASK,
  CLASS_NEW,
  CLASS_PROBE,
  CLASS_PROXY,
} from './marks.ts';
import { LOG_GROUP, type LogKind, TABLE } from './names.ts';

/** Enough for addresses and ports behind IPv4 options, or behind an IPv6 header. */
const SNAP_LENGTH = 64;
const DENY_LOGS_PER_SECOND = 2_000;

const TCP = match.words('meta l4proto', ['tcp']);
const RESET: NftStatement = { kind: 'reject tcp reset' };
const REPLY = match.words('ct direction', ['reply']);
/** ICMP errors of known flows; the gateway loads no connection tracking helpers. */
const RELATED = match.words('ct state', ['related']);
const ESTABLISHED = match.words('ct state', ['established']);

export const POLICY_CHAINS = [
  'classify_inside',
  'classify_outside',
  'allow_any_protocol',
  'stale',
  'dnat_rules',
  'snat_rules',
] as const;
export type PolicyChain = (typeof POLICY_CHAINS)[number];

export const isClass = (markClass: number, negated = false): NftStatement =>
  match.mark('ct mark', markClass, CLASS_MASK, negated);

export const isNew = isClass(CLASS_NEW);

export const log = (prefix: LogKind): NftStatement => ({
  kind: 'log',
  prefix,
  group: LOG_GROUP,
  snapLength: SNAP_LENGTH,
});

export const logLimit: NftStatement = {
  kind: 'limit',
  perSecond: DENY_LOGS_PER_SECOND,
  burst: 2 * DENY_LOGS_PER_SECOND,
};

/**
 * Questions that one client may ask, so that its flood does not drown those of others in the one socket there is.
 * A resolver that serves a cluster asks some hundreds a second.
 */
const DNS_CLIENTS: NftSet = { kind: 'sources', name: 'dns_clients', size: 65_535, timeoutSeconds: 10 };
const DNS_PER_SECOND = 3_000;

/** Neighbour discovery, and multicast listener messages that every IPv6 host sends unasked. */
const NEIGHBOUR_DISCOVERY = match.words('icmpv6 type', [130, 131, 132, '133-137', 143]);

export interface SkeletonOptions {
  readonly interfaces: GatewayInterfaces;
  /** TCP port of the L7 engine's transparent listener. */
  readonly proxyPort: number;
}

/** All chains, in an order in which each is created before another goes to it. */
function skeletonChains({ interfaces, proxyPort }: SkeletonOptions): NftChain[] {
  const served = [...new Set([...interfaces.inside, interfaces.outside])];
  return [
    { name: 'cut', rules: [[TCP, RESET], [drop]] },
    { name: 'cut_now', rules: [[setMark('ct mark', CLASS_CUT)], [goto('cut')]] },
    {
      // Forbidden, silently: a new flow vanishes, one that was allowed before is cut.
      name: 'refuse',
      rules: [
        [setMark('meta mark', 0)],
        [isClass(CLASS_NEW, true), goto('cut_now')],
        [ESTABLISHED, goto('cut_now')],
        [drop],
      ],
    },
    { name: 'denied', rules: [[isClass(CLASS_CUT, true), logLimit, log('deny')], [goto('refuse')]] },
    {
      name: 'threat_denied',
      rules: [[isClass(CLASS_CUT, true), logLimit, log('threat-deny')], [goto('refuse')]],
    },
    { name: 'admit', rules: [[setMark('ct mark', 'meta mark')], [setMark('meta mark', 0)], [accept]] },
    // Only the first packet of a flow is logged: a flow that is judged again has a class already.
    { name: 'allow', rules: [[isNew, log('allow')], [goto('admit')]] },
    {
      // A rule allows it, and there is no public address for its protocol.
      name: 'not_translated',
      rules: [[isClass(CLASS_CUT, true), logLimit, log('not-translated')], [goto('refuse')]],
    },
    // Where rules go that allow more than TCP and UDP.
    { name: 'allow_any_protocol', rules: [[drop]] },
    {
      // Without a listener `tproxy` does not match and the packet would go on to its original destination.
      name: 'proxy',
      rules: [
        [setMark('meta mark', CLASS_PROXY)],
        [TCP, { kind: 'tproxy', port: proxyPort }, accept],
        [setMark('meta mark', 0)],
        [TCP, RESET],
        [drop],
      ],
    },
    {
      // A connection that is already under way cannot be taken over in its middle.
      name: 'app_port',
      rules: [
        [isClass(CLASS_NEW, true), goto('cut_now')],
        [ESTABLISHED, goto('cut_now')],
        [setMark('ct mark', CLASS_PROXY)],
        [goto('proxy')],
      ],
    },
    { name: 'deny6', rules: deny6Rules(interfaces) },
    { name: 'classify_inside', rules: [[drop]] },
    { name: 'classify_outside', rules: [[drop]] },
    { name: 'classify', rules: sideRules(interfaces) },
    { name: 'stale', rules: [[drop]] },
    { name: 'cut_again', rules: [[TCP, RESET], [goto('classify')]] },
    {
      name: 'pre',
      base: { type: 'filter', hook: 'prerouting', priority: 'mangle', policy: 'accept' },
      rules: [
        [match.interfaces('iifname', served, true), accept],
        [match.words('meta nfproto', ['ipv6']), goto('deny6')],
        // Our own addresses, and what is nobody's: they could pass for the gateway's own connections.
        [match.words('fib saddr type', ['unicast'], true), drop],
        // Before connection tracking is asked: a session that is older than the tracking goes on.
        ...managementRules(interfaces),
        [match.words('ct state', ['invalid']), { kind: 'counter', name: 'invalid_packets' }, drop],
        [REPLY, accept],
        // Path MTU of a connection that ends in the L7 engine: the error belongs to the engine's socket.
        [RELATED, isClass(CLASS_PROXY), setMark('meta mark', CLASS_PROXY), accept],
        [RELATED, accept],
        ...spoofedRules(interfaces),
        [
          {
            kind: 'vmap',
            key: 'ct mark',
            mask: CLASS_MASK,
            verdicts: [
              { mark: CLASS_ALLOW, verdict: { goto: 'stale' } },
              { mark: CLASS_PROXY, verdict: { goto: 'proxy' } },
              { mark: CLASS_CUT, verdict: { goto: 'cut_again' } },
              { mark: CLASS_LOCAL, verdict: { goto: 'stale' } },
            ],
          },
        ],
        [goto('classify')],
      ],
    },
    {
      name: 'dnat_rules',
      base: { type: 'nat', hook: 'prerouting', priority: 'dstnat', policy: 'accept' },
      rules: [],
    },
    {
      name: 'forward_rules',
      base: { type: 'filter', hook: 'forward', priority: 'filter', policy: 'drop' },
      rules: [
        // With a flow that is cut end its errors, which carry what their sender likes.
        [RELATED, isClass(CLASS_CUT, true), accept],
        enforce([
          { mark: CLASS_ALLOW, verdict: 'accept' },
          { mark: CLASS_CUT, verdict: { goto: 'cut' } },
        ]),
      ],
    },
    {
      name: 'local_service',
      rules: [
        [
          match.words('meta l4proto', ['udp']),
          {
            kind: 'source over limit',
            set: DNS_CLIENTS.name,
            perSecond: DNS_PER_SECOND,
            burst: 2 * DNS_PER_SECOND,
          },
          { kind: 'counter', name: 'dns_flood_packets' },
          drop,
        ],
        [accept],
      ],
    },
    {
      name: 'input_rules',
      base: { type: 'filter', hook: 'input', priority: 'filter', policy: 'accept' },
      rules: [
        [match.interfaces('iifname', served, true), accept],
        [match.words('meta nfproto', ['ipv6']), accept],
        ...managementRules(interfaces),
        [REPLY, accept],
        [RELATED, accept],
        enforce([
          { mark: CLASS_PROXY, verdict: 'accept' },
          { mark: CLASS_LOCAL, verdict: { goto: 'local_service' } },
          { mark: CLASS_CUT, verdict: { goto: 'cut' } },
        ]),
        [drop],
      ],
    },
    {
      name: 'probe_rules',
      base: { type: 'filter', hook: 'output', priority: 'raw', policy: 'accept' },
      rules: [[match.mark('meta mark', CLASS_PROBE, CLASS_MASK), { kind: 'notrack' }]],
    },
    {
      name: 'snat_rules',
      base: { type: 'nat', hook: 'postrouting', priority: 'srcnat', policy: 'accept' },
      rules: [],
    },
  ];
}

function enforce(
  verdicts: readonly { mark: number; verdict: 'accept' | 'drop' | { goto: string } }[],
): NftRule {
  return [{ kind: 'vmap', key: 'ct mark', mask: CLASS_MASK, verdicts }];
}

/** One-armed gateways tell inside from outside by the source address. */
function sideRules({ inside, outside, insidePrefixes }: GatewayInterfaces): NftRule[] {
  const fromOutside = match.interfaces('iifname', [outside]);
  if (!inside.includes(outside)) return [[fromOutside, goto('classify_outside')], [goto('classify_inside')]];
  if (insidePrefixes.length === 0)
    return [[fromOutside, goto('classify_outside')], [goto('classify_inside')]];
  return [
    [fromOutside, match.addresses('ip saddr', insidePrefixes, true), goto('classify_outside')],
    [goto('classify_inside')],
  ];
}

/**
 * Inside addresses never come from the Internet. Replies are not asked: they may come from where our own route does
 * not lead.
 */
function spoofedRules({ inside, outside }: GatewayInterfaces): NftRule[] {
  if (inside.includes(outside)) return [];
  return [[match.interfaces('iifname', [outside]), match.interfaces('fib saddr oifname', inside), drop]];
}

/** What the machine's owner reaches on the machine itself, such as SSH. */
function managementRules({ management = [] }: GatewayInterfaces): NftRule[] {
  return management.map(({ sources, port }) => [
    TCP,
    match.addresses('ip saddr', [sources]),
    match.ports('th dport', [{ first: port, last: port }]),
    match.words('fib daddr type', ['local']),
    accept,
  ]);
}

/** IPv6 is never forwarded. An outside-only interface may still carry the gateway's own. */
function deny6Rules({ inside, outside }: GatewayInterfaces): NftRule[] {
  const rules: NftRule[] = [];
  if (!inside.includes(outside)) {
    const fromOutside = match.interfaces('iifname', [outside]);
    rules.push([fromOutside, REPLY, accept], [fromOutside, NEIGHBOUR_DISCOVERY, accept], [fromOutside, drop]);
  }
  rules.push([NEIGHBOUR_DISCOVERY, drop], [logLimit, log('ipv6')], [drop]);
  return rules;
}

/** One batch that puts the closed ruleset in place of whatever table of that name there was. */
export function skeletonCommands(options: SkeletonOptions): NftCommand[] {
  const chains = skeletonChains(options);
  return [
    { kind: 'add table', table: TABLE },
    { kind: 'delete table', table: TABLE },
    { kind: 'add table', table: TABLE },
    { kind: 'add counter', table: TABLE, name: 'invalid_packets' },
    { kind: 'add counter', table: TABLE, name: 'dns_flood_packets' },
    { kind: 'add set', table: TABLE, set: DNS_CLIENTS },
    ...chains.map(chain => ({ kind: 'add chain' as const, table: TABLE, chain })),
    ...chains
      .filter(chain => chain.rules.length > 0)
      .map(chain => ({ kind: 'add rules' as const, table: TABLE, chain })),
  ];
}
