// The packets that mark the end of a burst, and the clauses that let them through whatever a random policy says. Pure.

import type { NatClause, NetworkClause, Program } from '#ir/program.ts';
import { SENTINEL } from './addresses.ts';
import { addressOf, PUBLIC_IPS } from './world.ts';

/** Two clauses before all others, for packets of nobody else. */
export function withSentinels(program: Program): Program {
  const first = program.decisions.length;
  const rule = (name: string) => ({ policy: '', group: '', collection: 'sentinel', rule: name });
  const single = (address: number) => [{ first: address, last: address }];
  const network: NetworkClause = {
    decision: first,
    action: 'Allow',
    protocols: ['UDP'],
    sources: 'sentinel_source',
    destinations: [{ kind: 'addresses', set: 'sentinel_destination' }],
  };
  const nat = (index: number, port: number, target: number): NatClause => ({
    decision: first + index,
    protocol: 'UDP',
    sources: 'sentinel_outside',
    destination: addressOf(PUBLIC_IPS[2]),
    ports: { first: port, last: port },
    target: { address: target },
    targetPort: port,
  });
  return {
    ...program,
    decisions: [
      ...program.decisions,
      { rule: rule('out'), kind: 'network', action: 'Allow' },
      { rule: rule('to-inside'), kind: 'nat', action: 'Allow' },
      { rule: rule('to-outside'), kind: 'nat', action: 'Allow' },
    ],
    netfilter: {
      ...program.netfilter,
      addressSets: {
        ...program.netfilter.addressSets,
        sentinel_source: single(SENTINEL.source),
        sentinel_destination: single(SENTINEL.outside),
        sentinel_outside: single(SENTINEL.outsideSource),
      },
      networkClauses: [network, ...program.netfilter.networkClauses],
      natClauses: [
        nat(1, SENTINEL.toInsidePort, SENTINEL.inside),
        nat(2, SENTINEL.toOutsidePort, SENTINEL.outside),
        ...program.netfilter.natClauses,
      ],
    },
  };
}
