// Every name and number that the netfilter part claims on a machine, in one place, so that a person who finds one
// there can find it here. Pure.

import { createHash } from 'node:crypto';
import { formatRange, type Ipv4Range } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import type { NftTable } from '#nft/tree.ts';

/** The only table Postern touches. */
export const TABLE: NftTable = { family: 'inet', name: 'postern' };

/** Routing table with one local default route, which brings proxied packets to the L7 engine. */
export const PROXY_ROUTING_TABLE = 20559;
/** Priority of the one routing rule that looks that table up: before the main table (32766). */
export const PROXY_RULE_PRIORITY = 20559;

/** NFLOG group of all decisions. */
export const LOG_GROUP = 20559;

/** Why a packet was logged: the prefix of its NFLOG message. */
const LOG_KINDS = ['allow', 'deny', 'not-translated', 'threat-alert', 'threat-deny', 'ipv6'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

/** Named for its content, so that equal sets of two policies are one set. */
export function addressSetName(ranges: readonly Ipv4Range[]): string {
  return `a_${digest(ranges.map(formatRange).join(','))}`;
}

export function portSetName(ranges: readonly PortRange[]): string {
  return `p_${digest(ranges.map(({ first, last }) => `${first}-${last}`).join(','))}`;
}

export function fqdnSetName(fqdn: string): string {
  return `f_${digest(fqdn)}`;
}

/** 64 bits: names of different content do not meet by chance. */
function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
