// What the API is made of: everything with a life of its own (store, clock, keys, the controller behind `settle`) is
// handed in here.

import type { ArmDocument, Documents } from '#arm/arm-document.ts';
import type { ArmErrorDetail } from '#arm/arm-error.ts';
import type { Facts } from '#facts/facts.ts';
import { DEFAULT_POLICY_OPTIONS, type PolicyOptions } from '#model/policy-options.ts';
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

/** A fault in a document, which need not be the one that is asked about. */
export interface PolicyFault extends ArmErrorDetail {
  /** Id of the document that `target` is a path in. */
  readonly resource: string;
}

export interface ApiOptions {
  readonly store: ResourceStore;
  readonly clock: () => Date;
  readonly tokens: Tokens;
  readonly subscription: Subscription;
  /** The tags as they are now: they can be imported while the API runs. */
  readonly facts: () => ApiFacts;
  /** Resolves when the firewall's newest state is in force or refused, and with `Pending` after `timeoutMs`. */
  readonly settle: (firewallId: string, timeoutMs: number) => Promise<Settled>;
  /**
   * Faults of a firewall or a policy together with everything that it refers to, as the compiler sees them. Without, documents
   * are judged one by one.
   */
  readonly faultsOf?: (subject: ArmDocument, documents: Documents) => readonly PolicyFault[];
  /** `DEFAULT_POLICY_OPTIONS` when absent; the API looks at `azureLimits`. */
  readonly policyOptions?: PolicyOptions;
  /** How long a PUT is held for `settle`. */
  readonly settleTimeoutMs?: number;
  /** Prefixes that new public IP addresses are taken from, in this order. They must look public. */
  readonly publicIpPool: readonly string[];
  /** Who else uses a resource (hosts of a lab in a subnet), as names for the message that refuses its deletion. */
  readonly usersOf?: (id: string) => readonly string[];
}

export const SETTLE_TIMEOUT_MS = 2000;

export function policyOptionsOf({ policyOptions }: ApiOptions): PolicyOptions {
  return policyOptions ?? DEFAULT_POLICY_OPTIONS;
}
