// Drives gateways to what the store says. Every change that may touch a firewall marks all firewalls; marked ones are
// compiled once, however many changes came, and handed to their gateway; the gateway's answer becomes the firewall's
// `provisioningState`. Equal programs are not sent again.

import type { Program } from '#ir/program.ts';
import { FIREWALL_TYPE } from '#model/firewall.ts';
import type { ArmDocument, ResourceStore, StoredResource } from '#store/resource-store.ts';
import type { GatewayChannel, GatewayStatus } from './gateway-channel.ts';

/** Turns a stored firewall into its program; undefined without IP configuration: no data path. Throws on a policy that cannot be compiled. */
export type CompileFirewall = (firewall: ArmDocument, store: ResourceStore) => Program | undefined;

export type Settled =
  | { readonly state: 'Applied' }
  | { readonly state: 'Pending' }
  | { readonly state: 'Failed'; readonly message: string };

export interface ControllerOptions {
  readonly store: ResourceStore;
  readonly channel: GatewayChannel;
  readonly compile: CompileFirewall;
  /** Why this firewall is not served here; undefined when it is. */
  readonly refuse?: (firewall: StoredResource) => string | undefined;
  /** How long a gateway may say nothing before its firewall has failed; whoever polls then hears it. */
  readonly gatewayPatienceMs?: number;
  /** What a gateway that does not answer said at its end, where that is known. */
  readonly gatewayLastWords?: () => string | undefined;
}

const GATEWAY_PATIENCE_MS = 60_000;

/** Types whose documents a firewall's program is made from. */
const RELEVANT_TYPES: ReadonlySet<string> = new Set(
  [
    FIREWALL_TYPE,
    'Microsoft.Network/publicIPAddresses',
    'Microsoft.Network/virtualNetworks',
    'Microsoft.Network/ipGroups',
    'Microsoft.Network/firewallPolicies',
    'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
  ].map(type => type.toLowerCase()),
);

interface Firewall {
  readonly id: string;
  /** Revision the gateway shall run; undefined without data path. */
  desired: string | undefined;
  /** Not served here, and so never spoken of on the channel. */
  refused: boolean;
  /** Last word of the gateway, or of the compiler, on `desired`. */
  outcome: Settled;
  waiting: ((settled: Settled) => void)[];
  /** Runs while `outcome` is pending, since the gateway's last word. */
  patience: NodeJS.Timeout | undefined;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #firewalls = new Map<string, Firewall>();
  readonly #unwatch: () => void;
  #marked = true;
  #scheduled = false;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    options.channel.onStatus((firewallId, status) => this.#hear(firewallId, status));
    this.#unwatch = options.store.watch(change => {
      if (change.kind === 'put' && !RELEVANT_TYPES.has(change.resource.document.type.toLowerCase())) return;
      this.#mark();
    });
    this.#reconcile();
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    for (const firewall of this.#firewalls.values()) {
      this.#settle(firewall, { state: 'Pending' });
    }
  }

  /** Compiles everything anew, for example after the tags changed. */
  refresh(): void {
    this.#mark();
  }

  /** What became of the newest state of this firewall; `Pending` when the gateway has not answered after `timeoutMs`. */
  async settle(firewallId: string, timeoutMs: number): Promise<Settled> {
    this.#reconcile();
    const firewall = this.#firewalls.get(firewallId.toLowerCase());
    if (!firewall) return { state: 'Applied' };
    if (firewall.outcome.state !== 'Pending') return firewall.outcome;
    return new Promise(resolve => {
      const timer = setTimeout(() => done({ state: 'Pending' }), timeoutMs);
      const done = (settled: Settled) => {
        clearTimeout(timer);
        firewall.waiting = firewall.waiting.filter(waiter => waiter !== done);
        resolve(settled);
      };
      firewall.waiting.push(done);
    });
  }

  #mark(): void {
    this.#marked = true;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#reconcile();
    });
  }

  #reconcile(): void {
    if (!this.#marked) return;
    this.#marked = false;
    const seen = new Set<string>();
    for (const resource of this.#options.store.list({ type: FIREWALL_TYPE })) {
      seen.add(resource.document.id.toLowerCase());
      this.#reconcileFirewall(resource);
    }
    for (const [key, firewall] of this.#firewalls) {
      if (seen.has(key)) continue;
      this.#firewalls.delete(key);
      if (!firewall.refused) this.#options.channel.desire(firewall.id, undefined);
      this.#settle(firewall, { state: 'Applied' });
    }
  }

  #reconcileFirewall(resource: StoredResource): void {
    const { document } = resource;
    const key = document.id.toLowerCase();
    const firewall: Firewall = this.#firewalls.get(key) ?? {
      id: document.id,
      desired: undefined,
      refused: false,
      outcome: { state: 'Pending' },
      waiting: [],
      patience: undefined,
    };
    this.#firewalls.set(key, firewall);
    const refusal = this.#options.refuse?.(resource);
    firewall.refused = refusal !== undefined;
    if (refusal !== undefined) {
      this.#settle(firewall, { state: 'Failed', message: refusal });
      return;
    }
    let program: Program | undefined;
    try {
      program = this.#options.compile(document, this.#options.store);
    } catch (error) {
      // The gateway keeps its last program; the firewall says what is wrong with the new state.
      firewall.desired = undefined;
      this.#settle(firewall, {
        state: 'Failed',
        message: error instanceof Error ? error.message : String(error),
      });
      return;
    }
    if (!program) {
      firewall.desired = undefined;
      this.#options.channel.desire(firewall.id, undefined);
      this.#settle(firewall, { state: 'Applied' });
    } else if (program.revision !== firewall.desired || isRetry(firewall, document)) {
      firewall.desired = program.revision;
      // A change while an answer is due does not put it off.
      if (firewall.outcome.state !== 'Pending' || !firewall.patience) this.#awaitAnswer(firewall);
      firewall.outcome = { state: 'Pending' };
      this.#writeState(firewall);
      this.#options.channel.desire(firewall.id, program);
    } else this.#writeState(firewall);
  }

  #hear(firewallId: string, status: GatewayStatus): void {
    const firewall = this.#firewalls.get(firewallId);
    if (!firewall) return;
    if (firewall.outcome.state === 'Pending') this.#awaitAnswer(firewall);
    if (firewall.desired !== status.revision) return;
    const failed = {
      state: 'Failed',
      message: status.error ?? 'The gateway could not apply the rules.',
    } as const;
    this.#settle(firewall, status.state === 'Applied' ? { state: 'Applied' } : failed);
  }

  #awaitAnswer(firewall: Firewall): void {
    const patienceMs = this.#options.gatewayPatienceMs ?? GATEWAY_PATIENCE_MS;
    clearTimeout(firewall.patience);
    if (this.#closed) return;
    firewall.patience = setTimeout(() => {
      const words = this.#options.gatewayLastWords?.();
      const silence = `no gateway has answered for ${patienceMs / 1000} s; the rules come into force as soon as one does`;
      // It is still desired, and a late answer is heard.
      this.#settle(firewall, {
        state: 'Failed',
        message: words === undefined ? silence : `${silence}. Its last words: ${words}`,
      });
    }, patienceMs);
    firewall.patience.unref();
  }

  #settle(firewall: Firewall, settled: Settled): void {
    clearTimeout(firewall.patience);
    firewall.patience = undefined;
    firewall.outcome = settled;
    this.#writeState(firewall);
    for (const done of [...firewall.waiting]) done(settled);
  }

  /** The one thing the controller writes back: the firewall's provisioning state. */
  #writeState(firewall: Firewall): void {
    const resource = this.#options.store.get(firewall.id);
    if (!resource) return;
    const provisioningState = { Applied: 'Succeeded', Failed: 'Failed', Pending: 'Updating' }[
      firewall.outcome.state
    ];
    if (resource.document.properties.provisioningState === provisioningState) return;
    const document = {
      ...resource.document,
      properties: { ...resource.document.properties, provisioningState },
    };
    this.#options.store.put(document, { origin: resource.origin });
  }
}

/** The API writes `Updating` with every PUT, the controller writes `Failed`: seeing both means that somebody tries again. */
function isRetry(firewall: Firewall, document: ArmDocument): boolean {
  return firewall.outcome.state === 'Failed' && document.properties.provisioningState === 'Updating';
}
