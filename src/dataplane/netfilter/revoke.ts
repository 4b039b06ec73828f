// The active part of a commit: connections that an older policy allowed and that say nothing at the moment. What
// is still allowed gets the new mark, so that no old generation is left when its number comes round again; what
// is not is cut: TCP by mark and probe (both ends answer the probe and meet a reset), the rest by deletion.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { ConntrackEntry, FlowTuple } from '#netlink/conntrack.ts';
import type { KernelNetlink } from '#netlink/kernel-netlink.ts';
import type { Judge, JudgedFlow } from './judge.ts';
import { CLASS_ALLOW, CLASS_CUT, CLASS_LOCAL, CLASS_MASK, CLASS_PROBE, generationOf } from './marks.ts';

const TCP = 6;
/** Flows judged between two turns of the event loop: a few milliseconds. */
const CHUNK = 200;

export interface Revocation {
  readonly kept: number;
  readonly cut: number;
}

export async function revokeStaleFlows(
  netlink: KernelNetlink,
  generation: number,
  judge: Judge,
): Promise<Revocation> {
  const stale = [
    ...netlink.listByMark(CLASS_ALLOW, CLASS_MASK),
    ...netlink.listByMark(CLASS_LOCAL, CLASS_MASK),
  ].filter(entry => generationOf(entry.mark) !== generation);
  // A packet came before us and was cut alone: its sender knows, the other end may wait for ever. Asked after the stale ones,
  // so that none is missed between the two.
  const cutByPacket = netlink
    .listByMark(CLASS_CUT, CLASS_MASK)
    .filter(entry => entry.original.protocol === TCP);
  netlink.probe(cutByPacket.flatMap(bothEnds), CLASS_PROBE);
  let cut = 0;
  for (let start = 0; start < stale.length; start += CHUNK) {
    const forbidden: ConntrackEntry[] = [];
    const changes: { entry: ConntrackEntry; mark: number }[] = [];
    for (const entry of stale.slice(start, start + CHUNK)) {
      const mark = judge.markOf(judgedFlow(entry));
      if (mark !== undefined) changes.push({ entry, mark });
      else forbidden.push(entry);
    }
    const connections = forbidden.filter(entry => entry.original.protocol === TCP);
    netlink.updateMarks([...changes, ...connections.map(entry => ({ entry, mark: CLASS_CUT }))]);
    netlink.deleteEntries(forbidden.filter(entry => entry.original.protocol !== TCP));
    netlink.probe(connections.flatMap(bothEnds), CLASS_PROBE);
    cut += forbidden.length;
    await yieldToOthers();
  }
  return { kept: stale.length - cut, cut };
}

function judgedFlow({ original, reply, dnat }: ConntrackEntry): JudgedFlow {
  return dnat ? { ...original, translated: { address: reply.source, port: reply.sourcePort } } : original;
}

/** A packet to each end as if the other had sent it, with the addresses that end knows. */
function bothEnds({ original, reply }: ConntrackEntry): FlowTuple[] {
  return [reversed(original), reversed(reply)];
}

function reversed(tuple: FlowTuple): FlowTuple {
  return {
    protocol: tuple.protocol,
    source: tuple.destination,
    destination: tuple.source,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
  };
}
