// What the API is made of: everything with a life of its own (store, clock, keys, the controller behind `settle`) is
// handed in here.

import type { Facts } from '#facts/facts.ts';
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

/** What the API tells and checks of service tags and FQDN tags. */
export type ApiFacts = Pick<Facts, 'serviceTagName' | 'fqdnTagName' | 'serviceTagList' | 'fqdnTagNames'>;

export interface ApiOptions {
  readonly store: ResourceStore;
  readonly clock: () => Date;
  readonly tokens: Tokens;
  readonly subscription: Subscription;
  /** The tags as they are now: they can be imported while the API runs. */
  readonly facts: () => ApiFacts;
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
