// The 32 bits of a connection mark: `CGDDDDDD`, class, policy generation, decision id. Packet marks use the same
// layout while a packet is judged. Every rule compares under one of these masks. Pure.

export const CLASS_MASK = 0xf0000000;
export const GENERATION_MASK = 0x0f000000;
export const DECISION_MASK = 0x00ffffff;

/** Not judged yet, or the gateway's own connection. */
export const CLASS_NEW = 0x00000000;
/** Allowed by address: forwarded while its generation is current, else judged again. */
export const CLASS_ALLOW = 0x10000000;
/** Belongs to the L7 engine, which terminates it. Also the packet mark that routes a packet to it. */
export const CLASS_PROXY = 0x30000000;
/** Forbidden by a later policy: TCP is reset, the rest judged again. */
export const CLASS_CUT = 0x40000000;
/** Packet mark of the gateway's own probes, which must not be tracked. */
export const CLASS_PROBE = 0x60000000;
/** A service of the firewall itself (DNS). */
export const CLASS_LOCAL = 0x70000000;

export const GENERATIONS = 16;
/** Decision id of the default action. */
export const DEFAULT_ACTION = 0;

export function markOf(markClass: number, generation: number, decision: number): number {
  return (markClass | (generation << 24) | decision) >>> 0;
}

export function generationOf(mark: number): number {
  return (mark & GENERATION_MASK) >>> 24;
}

export function decisionOf(mark: number): number {
  return mark & DECISION_MASK;
}
