// What the API is made of: everything with a life of its own (store, clock, keys, the controller behind `settle`) is
// handed in here.

import type { ResourceStore } from '#store/resource-store.ts';
import type { Tokens } from './tokens.ts';

/** What became of the newest state of a firewall. The controller's `Settled` has this shape. */
export type Settled =
  | { readonly state: 'Applied' }
  | { readonly state: 'Pending' }
  | { readonly state: 'Failed'; readonly message: string };

export interface Subscription {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
}

export interface ServiceTagEntry {
  readonly name: string;
  readonly changeNumber: number;
  readonly region: string;
  readonly systemService: string;
  readonly addressPrefixes: readonly string[];
}

/** Service tags and FQDN tags as they are now; asked anew for each request, since they can be imported at run time. */
export interface ApiFacts {
  /** In their published spelling; undefined if there is no such tag. */
  serviceTagName(name: string): string | undefined;
  fqdnTagName(name: string): string | undefined;
  listServiceTags(): {
    readonly changeNumber: number;
    readonly cloud: string;
    readonly values: readonly ServiceTagEntry[];
  };
  listFqdnTagNames(): readonly string[];
}

export interface ApiOptions {
  readonly store: ResourceStore;
  readonly clock: () => Date;
  readonly tokens: Tokens;
  readonly subscription: Subscription;
  readonly facts: ApiFacts;
  /** Resolves when the firewall's newest state is in force or refused, and with `Pending` after `timeoutMs`. */
  readonly settle: (firewallId: string, timeoutMs: number) => Promise<Settled>;
  /** How long a PUT is held for `settle`. */
  readonly settleTimeoutMs?: number;
  /** Prefixes that new public IP addresses are taken from, in this order. They must look public. */
  readonly publicIpPool: readonly string[];
  /** Who else uses a resource (hosts of a lab in a subnet), as names for the message that refuses its deletion. */
  readonly usersOf?: (id: string) => readonly string[];
}

export const SETTLE_TIMEOUT_MS = 2000;
