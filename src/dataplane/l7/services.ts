// What a connection's handler needs from the engine around it, and the limits it works under.

import type { Socket } from 'node:net';
import type { ThreatListing } from '#ir/decide.ts';
import type { AddressSet } from '#ir/policy.ts';
import type { LogSink } from '#telemetry/records.ts';
import type { HasName, Resolver } from '../data-plane.ts';
import type { L7Rules } from './judge.ts';

export interface L7Limits {
  /**
   * Concurrent client connections; each takes two descriptors and up to about 256 KiB while both ends are slow. A
   * client may hold as many as are still free: alone half of all, and however many take what they can, one more
   * finds its share.
   */
  readonly maxConnections: number;
  /** For a ClientHello or a request head to arrive whole. */
  readonly headDeadlineMs: number;
  /** Azure's time-out north-south (https://learn.microsoft.com/azure/firewall/tcp-session-behavior). */
  readonly idleMs: number;
  /** For one address of a server to accept. */
  readonly connectMs: number;
  /** For a name to be resolved. */
  readonly resolveMs: number;
}

export const DEFAULT_LIMITS: L7Limits = {
  maxConnections: 16_384,
  headDeadlineMs: 15_000,
  idleMs: 240_000,
  connectMs: 5_000,
  resolveMs: 10_000,
};

/** A quarter of the process's files stays for DNS, logs, and the programs that change the rules. */
export function limitsFor(fileLimit: number): Pick<L7Limits, 'maxConnections'> {
  return { maxConnections: Math.min(DEFAULT_LIMITS.maxConnections, Math.floor((fileLimit * 3) / 8)) };
}

/** Starts a connection to exactly this address; the engine listens for its events. */
export type Connect = (address: number, port: number) => Socket;

export interface Services {
  /** The rules of this instant. */
  readonly rules: () => L7Rules;
  readonly forbiddenAddresses: () => AddressSet;
  readonly threats: ThreatListing | undefined;
  /** For network rules that are bound to names. */
  readonly hasName: HasName;
  readonly resolver: Resolver;
  readonly log: LogSink;
  readonly limits: L7Limits;
  readonly connect: Connect;
}
