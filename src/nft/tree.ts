// nftables as plain data: as much of it as Postern's one table needs. Trees are built by small functions so that
// a ruleset reads nearly like nft's own language; `print.ts` turns them into text. Pure.

import type { Ipv4Range } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';

/** What a match looks at. `th` is whatever transport header follows. */
export type MatchKey =
  | 'ip saddr'
  | 'ip daddr'
  | 'th sport'
  | 'th dport'
  | 'meta l4proto'
  | 'meta nfproto'
  | 'meta mark'
  | 'iifname'
  | 'oifname'
  | 'ct mark'
  | 'ct state'
  | 'ct status'
  | 'ct direction'
  | 'ct reply ip saddr'
  | 'ct reply proto-src'
  | 'fib daddr type'
  | 'fib saddr type'
  /** Where our own route to the source leads. */
  | 'fib saddr oifname'
  | 'icmpv6 type';

export type MatchValue =
  | { readonly kind: 'addresses'; readonly ranges: readonly Ipv4Range[] }
  | { readonly kind: 'ports'; readonly ranges: readonly PortRange[] }
  | { readonly kind: 'words'; readonly words: readonly (string | number)[] }
  /** Interface names. */
  | { readonly kind: 'strings'; readonly strings: readonly string[] }
  | { readonly kind: 'set'; readonly name: string }
  | { readonly kind: 'mark'; readonly mark: number };

export type NftVerdict = 'accept' | 'drop' | { readonly goto: string };

export type NftStatement =
  | {
      readonly kind: 'match';
      readonly key: MatchKey;
      readonly mask?: number;
      readonly negated: boolean;
      readonly value: MatchValue;
    }
  | { readonly kind: 'verdict'; readonly verdict: NftVerdict }
  | {
      readonly kind: 'vmap';
      readonly key: 'ct mark' | 'meta mark';
      readonly mask: number;
      readonly verdicts: readonly { readonly mark: number; readonly verdict: NftVerdict }[];
    }
  | { readonly kind: 'set mark'; readonly target: 'meta mark' | 'ct mark'; readonly value: MarkValue }
  | { readonly kind: 'log'; readonly prefix: string; readonly group: number; readonly snapLength: number }
  | { readonly kind: 'limit'; readonly perSecond: number; readonly burst: number }
  /** Goes on only for packets beyond what each source may send; `set` remembers the sources. */
  | {
      readonly kind: 'source over limit';
      readonly set: string;
      readonly perSecond: number;
      readonly burst: number;
    }
  | { readonly kind: 'counter'; readonly name: string }
  | { readonly kind: 'tproxy'; readonly port: number }
  | { readonly kind: 'reject tcp reset' }
  | { readonly kind: 'notrack' }
  | { readonly kind: 'dnat'; readonly address: number; readonly port: number }
  /** A random one of several addresses a connection; without `ports` the source port stays if it is free. */
  | { readonly kind: 'snat'; readonly addresses: readonly number[]; readonly ports?: PortRange };

export type MarkValue = number | 'ct mark' | 'meta mark';

export type NftRule = readonly NftStatement[];

export interface BaseChain {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: string;
  readonly policy: 'accept' | 'drop';
}

export interface NftChain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly rules: readonly NftRule[];
}

export type NftSet =
  /** `ranges` sorted and disjoint. */
  | { readonly kind: 'intervals'; readonly name: string; readonly ranges: readonly Ipv4Range[] }
  | { readonly kind: 'ports'; readonly name: string; readonly ranges: readonly PortRange[] }
  /** Filled at run time; elements leave by themselves. `elements` are those it starts with. */
  | {
      readonly kind: 'timeouts';
      readonly name: string;
      readonly size: number;
      readonly elements?: readonly { readonly address: number; readonly timeoutMs: number }[];
    }
  /** Filled by rules; a source that sends nothing for some time is forgotten. */
  | {
      readonly kind: 'sources';
      readonly name: string;
      readonly size: number;
      readonly timeoutSeconds: number;
    };

export interface NftTable {
  readonly family: 'inet';
  readonly name: string;
}

export type NftCommand =
  | { readonly kind: 'add table'; readonly table: NftTable }
  | { readonly kind: 'delete table'; readonly table: NftTable }
  /** The chain itself without its rules. */
  | { readonly kind: 'add chain'; readonly table: NftTable; readonly chain: NftChain }
  | { readonly kind: 'flush chain'; readonly table: NftTable; readonly name: string }
  | { readonly kind: 'add rules'; readonly table: NftTable; readonly chain: NftChain }
  | { readonly kind: 'add counter'; readonly table: NftTable; readonly name: string }
  | { readonly kind: 'add set'; readonly table: NftTable; readonly set: NftSet }
  | { readonly kind: 'delete chain'; readonly table: NftTable; readonly name: string }
  | {
      readonly kind: 'add elements';
      readonly table: NftTable;
      readonly name: string;
      readonly ranges: readonly Ipv4Range[];
    }
  | { readonly kind: 'delete set'; readonly table: NftTable; readonly name: string };

export const match = {
  addresses: (
    key: 'ip saddr' | 'ip daddr' | 'ct reply ip saddr',
    ranges: readonly Ipv4Range[],
    negated = false,
  ): NftStatement => ({
    kind: 'match',
    key,
    negated,
    value: { kind: 'addresses', ranges },
  }),
  set: (key: 'ip saddr' | 'ip daddr' | 'th dport', name: string, negated = false): NftStatement => ({
    kind: 'match',
    key,
    negated,
    value: { kind: 'set', name },
  }),
  ports: (key: 'th sport' | 'th dport', ranges: readonly PortRange[]): NftStatement => ({
    kind: 'match',
    key,
    negated: false,
    value: { kind: 'ports', ranges },
  }),
  interfaces: (
    key: 'iifname' | 'oifname' | 'fib saddr oifname',
    strings: readonly string[],
    negated = false,
  ): NftStatement => ({
    kind: 'match',
    key,
    negated,
    value: { kind: 'strings', strings },
  }),
  words: (key: MatchKey, words: readonly (string | number)[], negated = false): NftStatement => ({
    kind: 'match',
    key,
    negated,
    value: { kind: 'words', words },
  }),
  mark: (key: 'meta mark' | 'ct mark', mark: number, mask?: number, negated = false): NftStatement => ({
    kind: 'match',
    key,
    negated,
    value: { kind: 'mark', mark },
    ...(mask === undefined ? {} : { mask }),
  }),
};

export const accept: NftStatement = { kind: 'verdict', verdict: 'accept' };
export const drop: NftStatement = { kind: 'verdict', verdict: 'drop' };
export const goto = (name: string): NftStatement => ({ kind: 'verdict', verdict: { goto: name } });
export const setMark = (target: 'meta mark' | 'ct mark', value: MarkValue): NftStatement => ({
  kind: 'set mark',
  target,
  value,
});
