// Keeps the listener where it is wanted: opens, moves and closes it, one step after the other, and tries again while
// an address cannot be had, since it may come to the machine later than the program that names it.

import { formatIpv4 } from '#net/ipv4.ts';
import type { Clock } from './clock.ts';
import type { DnsListener, ListenAddress } from './listener.ts';

const TRY_AGAIN_MS = 5000;

export interface ListenerKeeperOptions {
  readonly clock: Clock;
  readonly make: (listen: ListenAddress) => DnsListener;
  readonly report: (message: string) => void;
}

export class ListenerKeeper {
  readonly #options: ListenerKeeperOptions;
  #wanted: ListenAddress | undefined;
  #open: { readonly at: ListenAddress; readonly listener: DnsListener } | undefined;
  #steps: Promise<void> = Promise.resolve();
  #cancelRetry: (() => void) | undefined;

  constructor(options: ListenerKeeperOptions) {
    this.#options = options;
  }

  /** Undefined closes. Rejects when the address cannot be had; it is tried again until something else is wanted. */
  want(listen: ListenAddress | undefined): Promise<void> {
    this.#wanted = listen;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    return this.#step();
  }

  #step(): Promise<void> {
    const step = this.#steps.then(() => this.#adjust());
    this.#steps = step.catch(() => undefined);
    return step;
  }

  async #adjust(): Promise<void> {
    const wanted = this.#wanted;
    const open = this.#open;
    if (open && open.at.address === wanted?.address && open.at.port === wanted.port) return;
    this.#open = undefined;
    await open?.listener.close();
    if (!wanted) return;
    const listener = this.#options.make(wanted);
    try {
      await listener.open(formatIpv4(wanted.address), wanted.port);
      this.#open = { at: wanted, listener };
    } catch (error) {
      if (this.#wanted === wanted) this.#retryLater(wanted);
      throw error;
    }
  }

  #retryLater(wanted: ListenAddress): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(TRY_AGAIN_MS, () => {
      this.#cancelRetry = undefined;
      this.#step().then(
        () => this.#options.report(`The DNS proxy listens on ${formatIpv4(wanted.address)} now.`),
        () => undefined,
      );
    });
  }
}
