// Puts one program into force in all parts of the data plane, in an order in which no packet is judged by rules that are
// neither the old nor the new: the L7 engine, which only sees what netfilter hands it, first; netfilter in one transaction;
// then names are resolved, since their sets exist now.

import type { DataPlane } from '#dataplane/data-plane.ts';
import type { Program } from '#ir/program.ts';
import type { LastProgram } from './last-program.ts';

export interface GatewayParts {
  readonly netfilter: Pick<DataPlane, 'apply'>;
  /** States the rules of the L7 engine; live connections that they forbid are cut. */
  readonly configureL7: (program: Program) => void;
  /** States the names to watch and the servers to ask; resolves when the first round of look-ups is done. */
  readonly configureDns: (program: Program) => Promise<void>;
  readonly last: Pick<LastProgram, 'applied' | 'failed'>;
}

export class Gateway {
  readonly #parts: GatewayParts;
  #inForce: Program | undefined;
  /** One change at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Rejects with the last program still in force everywhere. */
  apply(program: Program): Promise<void> {
    const done = this.#queue.then(() => this.#apply(program));
    this.#queue = done.catch(() => {});
    return done;
  }

  async #apply(program: Program): Promise<void> {
    const { netfilter, configureL7, configureDns, last } = this.#parts;
    try {
      configureL7(program);
      await netfilter.apply(program);
    } catch (error) {
      if (this.#inForce) configureL7(this.#inForce);
      last.failed(this.#inForce, error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#inForce = program;
    await configureDns(program);
    last.applied(program);
  }
}
