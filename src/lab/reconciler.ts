// One worker that brings something to the newest wanted state: however many changes come while it works, it runs once
// more, and whoever waits hears when the state that was wanted at the time of asking is reached.

export class Reconciler {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #marked = false;
  #closed = false;

  /** `work` must not reject. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  mark(): void {
    this.#marked = true;
    if (!this.#closed) this.#running ??= this.#run();
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
  }

  async #run(): Promise<void> {
    // Changes made in the same turn, such as a group's deletion, are one.
    await new Promise(resolve => setImmediate(resolve));
    while (this.#marked && !this.#closed) {
      this.#marked = false;
      await this.#work();
    }
    this.#running = undefined;
  }
}
