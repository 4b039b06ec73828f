// Puts one program into force in all parts of the data plane, in an order in which no packet is judged by rules that are
// neither the old nor the new: the L7 engine, which only sees what netfilter hands it, first; netfilter in one transaction;
// then names are resolved, since their sets exist now. NAT targets that are names are kept resolved here.

import type { DataPlane, Resolver } from '#dataplane/data-plane.ts';
import type { NatClause, Program } from '#ir/program.ts';
import type { LastProgram } from './last-program.ts';

export interface GatewayParts {
  readonly netfilter: Pick<DataPlane, 'apply'>;
  /** States the rules of the L7 engine; live connections that they forbid are cut. */
  readonly configureL7: (program: Program) => void;
  /** States the names to watch and the servers to ask; resolves when the first round of look-ups is done. */
  readonly configureDns: (program: Program) => Promise<void>;
  readonly configureThreats: (program: Program) => void;
  readonly resolver: Resolver;
  readonly last: LastProgram;
  readonly warn: (message: string) => void;
}

/** As often as the names of network rules are resolved. */
const NAT_NAMES_MS = 15_000;

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #timer: NodeJS.Timeout;
  #program: Program | undefined;
  #natAddresses = new Map<string, number>();
  /** One change at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#refreshNatNames(), NAT_NAMES_MS);
    this.#timer.unref();
  }

  apply(program: Program): Promise<void> {
    const done = this.#queue.then(() => this.#apply(program));
    this.#queue = done.catch(() => {});
    return done;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #apply(program: Program): Promise<void> {
    const { netfilter, configureL7, configureDns, configureThreats, last } = this.#parts;
    const before = this.#program;
    try {
      configureThreats(program);
      configureL7(program);
      await netfilter.apply(this.#withNatAddresses(program));
    } catch (error) {
      if (before) {
        configureThreats(before);
        configureL7(before);
      }
      last.failed(before, error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#program = program;
    await configureDns(program);
    if (natNames(program).length > 0) await this.#resolveNatNames(program);
    last.applied(program);
  }

  #refreshNatNames(): Promise<void> {
    const done = this.#queue.then(async () => {
      if (this.#program) await this.#resolveNatNames(this.#program);
    });
    this.#queue = done.catch(error => this.#parts.warn(`NAT names: ${error}`));
    return done.catch(() => {});
  }

  /** Keeps the first address of each answer; a name that does not resolve keeps its last address. */
  async #resolveNatNames(program: Program): Promise<void> {
    let changed = false;
    await Promise.all(
      natNames(program).map(async fqdn => {
        const [address] = await this.#parts.resolver.resolve(fqdn).catch(() => []);
        if (address === undefined || this.#natAddresses.get(fqdn) === address) return;
        this.#natAddresses.set(fqdn, address);
        changed = true;
      }),
    );
    if (changed) await this.#parts.netfilter.apply(this.#withNatAddresses(program));
  }

  /** NAT clauses with addresses for names; those that have none do not match (fact sheet, DNAT rules). */
  #withNatAddresses(program: Program): Program {
    const natClauses = program.netfilter.natClauses.flatMap((clause): NatClause[] => {
      if ('address' in clause.target) return [clause];
      const address = this.#natAddresses.get(clause.target.fqdn);
      return address === undefined ? [] : [{ ...clause, target: { address } }];
    });
    return { ...program, netfilter: { ...program.netfilter, natClauses } };
  }
}

function natNames(program: Program): string[] {
  return [
    ...new Set(program.netfilter.natClauses.flatMap(({ target }) => ('fqdn' in target ? [target.fqdn] : []))),
  ];
}
