// The seams inside a gateway. The netfilter part, the DNS engine and the L7 engine know each other only through
// these interfaces; `gateway.ts` wires them. `apply` states the whole desired state and may be repeated.

import type { Program } from '#ir/program.ts';

/** What one gateway was told about its own machine; everything else comes with the program. */
export interface GatewayInterfaces {
  /** Interfaces that workloads' packets arrive on. */
  readonly inside: readonly string[];
  /** Interface towards the Internet; equal to the only inside interface on a one-armed gateway. */
  readonly outside: string;
  /** One-armed gateways: sources inside these ranges are inside, all others outside. */
  readonly insidePrefixes: readonly { readonly first: number; readonly last: number }[];
  /** Absent or empty: nobody. */
  readonly management?: readonly ManagementAccess[];
}

/** Who may reach a TCP port of the gateway machine itself, such as SSH; nothing else of it answers. */
export interface ManagementAccess {
  readonly sources: { readonly first: number; readonly last: number };
  readonly port: number;
}

export interface DataPlane {
  /** Resolves when packets obey the program; rejects with nothing changed. */
  apply(program: Program): Promise<void>;
  close(): Promise<void>;
}

/**
 * The DNS engine's way into netfilter's FQDN sets. Synchronous on purpose: when `add` returns, the kernel has
 * acknowledged the elements and the answer may leave.
 */
export interface FqdnSetWriter {
  /** Adds or refreshes addresses of a watched name; `ttlSeconds` is how long the kernel keeps them. Unwatched names are ignored. */
  add(fqdn: string, addresses: readonly number[], ttlSeconds: number): void;
}

/** Whether an address is one of a name at this instant: the content of the FQDN sets of network rules. */
export type HasName = (fqdn: string, address: number) => boolean;

/** Resolution as the firewall does it: its own servers, its own cache. */
export interface Resolver {
  /** IPv4 addresses in answer order; empty when the name has none. Rejects when no server answers. */
  resolve(fqdn: string): Promise<readonly number[]>;
}

/** Connections that the L7 engine holds: the network rules stand before its own, also for those already open. */
export interface ProxiedConnections {
  /** Cuts every connection whose client and original destination are forbidden. */
  cutForbidden(isForbidden: (ends: ConnectionEnds) => boolean): void;
}

export interface ConnectionEnds {
  readonly source: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** Names and addresses on a threat-intelligence feed. Description is undefined when not listed. */
export interface ThreatLookup {
  ofAddress(address: number): string | undefined;
  ofName(fqdn: string): string | undefined;
}
