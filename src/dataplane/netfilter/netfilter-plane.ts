// The kernel side of a gateway. `apply` states a whole program; the ruleset, the sets of names, the revocation
// of older connections and the log of decisions follow from it. One change runs at a time, in the order asked.

import type { Program } from '#ir/program.ts';
import { type Ipv4Range, isNeverATarget } from '#net/ipv4.ts';
import type { PortRange } from '#net/ports.ts';
import type { KernelNetlink } from '#netlink/kernel-netlink.ts';
import type { LogReader } from '#netlink/log-reader.ts';
import type { NftRunner } from '#nft/runner.ts';
import type { LogSink } from '#telemetry/records.ts';
import type {
  DataPlane,
  FqdnSetWriter,
  GatewayInterfaces,
  ProxiedConnections,
  ThreatLookup,
} from '../data-plane.ts';
import { FqdnSets } from './fqdn-sets.ts';
import { HostSettings } from './host-settings.ts';
import { createJudge } from './judge.ts';
import { type GenerationLegend, toLogRecord } from './log-records.ts';
import { CLASS_ALLOW, CLASS_LOCAL, CLASS_MASK, GENERATIONS, generationOf } from './marks.ts';
import { fqdnSetName, LOG_GROUP, TABLE } from './names.ts';
import { type PlanOptions, planRuleset, type RulesetPlan } from './plan.ts';
import { RecentFlows } from './recent-flows.ts';
import { type Revocation, revokeStaleFlows } from './revoke.ts';
import { Ruleset } from './ruleset.ts';
import { excludeRanges } from './threat-ranges.ts';

/** Every port that is not privileged. */
const SNAT_PORTS: PortRange = { first: 1024, last: 65535 };

export interface NetfilterPlaneOptions {
  readonly interfaces: GatewayInterfaces;
  readonly runner: NftRunner;
  readonly netlink: KernelNetlink;
  readonly log: LogSink;
  /** TCP port of the L7 engine's transparent listener. */
  readonly proxyPort: number;
  readonly proxied?: ProxiedConnections;
  /** Addresses on threat-intelligence feeds; see also `setThreatRanges`. */
  readonly threatRanges?: readonly Ipv4Range[];
  /** Describes a listed address in the log. */
  readonly threats?: ThreatLookup;
  readonly snatPorts?: PortRange;
  readonly settings?: HostSettings;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** Troubles that do not make an `apply` fail. */
  readonly onProblem?: (message: string) => void;
}

/** What is in force. */
interface InForce {
  readonly program: Program;
  readonly generation: number;
}

export class NetfilterPlane implements DataPlane, FqdnSetWriter {
  readonly #options: NetfilterPlaneOptions;
  readonly #ruleset: Ruleset;
  readonly #settings: HostSettings;
  readonly #fqdnSets: FqdnSets;
  readonly #onProblem: (message: string) => void;
  readonly #legends = new Map<number, GenerationLegend>();
  /** First address of every NAT target that is a name. */
  readonly #natAddresses = new Map<string, number>();
  readonly #recent: RecentFlows;
  #threatRanges: readonly Ipv4Range[];
  #natFqdns: ReadonlySet<string> = new Set();
  #inForce: InForce | undefined;
  #started = false;
  /** The table in the kernel is an earlier process's, still in force. */
  #inherited = false;
  #closed = false;
  #reader: LogReader | undefined;
  #lastRevocation: Revocation = { kept: 0, cut: 0 };
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: NetfilterPlaneOptions) {
    this.#options = options;
    this.#onProblem = options.onProblem ?? (() => {});
    this.#ruleset = new Ruleset(options.runner, this.#onProblem);
    this.#settings = options.settings ?? new HostSettings();
    const now = options.now ?? (() => performance.now());
    this.#fqdnSets = new FqdnSets(options.netlink, now);
    this.#recent = new RecentFlows(now);
    this.#threatRanges = options.threatRanges ?? [];
  }

  /**
   * Closed ruleset (or the one that an earlier process left in force, until the first `apply`), sysctls, routing
   * rule, log reader. `apply` does it where the caller has not.
   */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start());
  }

  apply(program: Program): Promise<void> {
    return this.#inTurn(async () => {
      await this.#start();
      if (this.#inForce?.program.revision === program.revision) return;
      await this.#enforce(program);
    });
  }

  /** Addresses on threat feeds from now on. */
  setThreatRanges(ranges: readonly Ipv4Range[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#threatRanges = ranges;
      if (this.#inForce !== undefined) await this.#enforce(this.#inForce.program);
    });
  }

  add(fqdn: string, answered: readonly number[], ttlSeconds: number): void {
    if (this.#closed) return;
    // Whoever owns the name chooses its addresses.
    const addresses = answered.filter(address => !isNeverATarget(address));
    try {
      this.#fqdnSets.add(fqdn, addresses, ttlSeconds);
    } catch (error) {
      this.#onProblem(`addresses of ${fqdn} are not in force: ${messageOf(error)}`);
    }
    const [first] = addresses;
    if (first === undefined || !this.#natFqdns.has(fqdn) || this.#natAddresses.get(fqdn) === first) return;
    this.#natAddresses.set(fqdn, first);
    this.#inTurn(async () => {
      if (this.#inForce !== undefined) await this.#switch(this.#inForce);
    }).catch(error => this.#onProblem(`NAT target ${fqdn} is not in force: ${messageOf(error)}`));
  }

  /** Whether packets to the address match rules that name the FQDN. */
  hasName(fqdn: string, address: number): boolean {
    return this.#fqdnSets.has(fqdn, address);
  }

  /** Connections that the last change of policy met: still allowed, and cut. */
  get lastRevocation(): Revocation {
    return this.#lastRevocation;
  }

  /** Decisions that could not be logged, because they came faster than they could be read. */
  get lostLogs(): number {
    return this.#reader?.lost ?? 0;
  }

  /** Removes everything and restores settings; with `keep` the rules stay in force without their owner. */
  close({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return;
      this.#closed = true;
      await this.#reader?.close();
      try {
        if (!keep && this.#started) {
          // The machine stops forwarding for us before the rules go.
          const restored = this.#settings.restore();
          await restored.catch(error => this.#onProblem(messageOf(error)));
          await this.#ruleset.remove();
        }
      } finally {
        this.#options.netlink.close();
      }
    }, true);
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    const { interfaces, proxyPort, netlink, log, threats } = this.#options;
    this.#inherited = netlink.tableExists(TABLE.name);
    if (!this.#inherited) await this.#ruleset.install({ interfaces, proxyPort });
    await this.#settings.apply(interfaces);
    this.#reader = await netlink.openLog(
      LOG_GROUP,
      entries => {
        for (const entry of entries) {
          if (!this.#recent.isFirst(entry)) continue;
          const record = toLogRecord(entry, generation => this.#legends.get(generation), threats);
          if (record !== undefined) log.write(record);
        }
      },
      error => this.#onProblem(`decisions are not logged for a moment: ${error.message}`),
    );
    this.#started = true;
  }

  /** A new generation of rules, and the end of what it forbids. */
  async #enforce(program: Program): Promise<void> {
    const generation = this.#nextGeneration();
    const natFqdns = new Set(
      program.netfilter.natClauses.flatMap(({ target }) => ('fqdn' in target ? [target.fqdn] : [])),
    );
    await this.#switch({ program, generation });
    this.#natFqdns = natFqdns;
    for (const fqdn of this.#natAddresses.keys()) if (!natFqdns.has(fqdn)) this.#natAddresses.delete(fqdn);
    try {
      const judge = createJudge(program, {
        ...this.#planOptions({ program, generation }),
        fqdnHas: (fqdn, address) => this.#fqdnSets.has(fqdn, address),
      });
      this.#options.proxied?.cutForbidden(ends => judge.forbidsProxied(ends));
      this.#lastRevocation = await revokeStaleFlows(this.#options.netlink, generation, judge);
    } catch (error) {
      // Their next packet is judged by the new rules all the same.
      this.#onProblem(`idle connections were not revoked: ${messageOf(error)}`);
    }
  }

  /** Puts a program's rules into the kernel. */
  async #switch(next: InForce): Promise<void> {
    const { program, generation } = next;
    const options = this.#planOptions(next);
    const plan = planRuleset(program, options);
    // Known before the switch, since the first packet may be logged before it returns.
    const previous = this.#legends.get(generation);
    this.#legends.set(generation, legendOf(program, options));
    const fqdns = fqdnsOf(program);
    try {
      if (this.#inherited) await this.#takeOver(plan, fqdns);
      else await this.#ruleset.swap(plan);
    } catch (error) {
      if (previous === undefined) this.#legends.delete(generation);
      else this.#legends.set(generation, previous);
      throw error;
    }
    this.#inForce = next;
    this.#fqdnSets.watch(fqdns);
  }

  /** Addresses of names that an earlier process learned stay valid, so that their connections go on. */
  async #takeOver(plan: RulesetPlan, fqdns: ReadonlySet<string>): Promise<void> {
    const { interfaces, proxyPort, netlink } = this.#options;
    const learned = new Map<string, { address: number; timeoutMs: number }[]>();
    for (const fqdn of fqdns) {
      const elements = netlink.listElements(TABLE.name, fqdnSetName(fqdn)) ?? [];
      learned.set(
        fqdn,
        elements.flatMap(({ address, expiresMs }) =>
          expiresMs === undefined ? [] : [{ address, timeoutMs: expiresMs }],
        ),
      );
    }
    const elementsOf = new Map([...learned].map(([fqdn, elements]) => [fqdnSetName(fqdn), elements]));
    const sets = plan.sets.map(set =>
      set.kind === 'timeouts' ? { ...set, elements: elementsOf.get(set.name) ?? [] } : set,
    );
    await this.#ruleset.takeOver({ interfaces, proxyPort }, { ...plan, sets });
    this.#inherited = false;
    this.#fqdnSets.watch(fqdns);
    for (const [fqdn, elements] of learned) this.#fqdnSets.seed(fqdn, elements);
  }

  #planOptions({ program, generation }: InForce): PlanOptions {
    const { inside, outside } = this.#options.interfaces;
    return {
      generation,
      threatRanges: excludeRanges(this.#threatRanges, program.threatIntel.allowedAddresses),
      natAddressOf: fqdn => this.#natAddresses.get(fqdn),
      snatPorts: this.#options.snatPorts ?? SNAT_PORTS,
      servedInterfaces: [...new Set([...inside, outside])],
      outsideOnly: inside.includes(outside) ? undefined : outside,
    };
  }

  /** The next number that no connection carries, also none that an earlier gateway process allowed. */
  #nextGeneration(): number {
    const { netlink } = this.#options;
    const used = new Set<number>();
    if (this.#inForce !== undefined) used.add(this.#inForce.generation);
    for (const markClass of [CLASS_ALLOW, CLASS_LOCAL])
      for (const { mark } of netlink.listByMark(markClass, CLASS_MASK)) used.add(generationOf(mark));
    const start = (this.#inForce?.generation ?? -1) + 1;
    for (let step = 0; step < GENERATIONS; step += 1) {
      const candidate = (start + step) % GENERATIONS;
      if (!used.has(candidate)) return candidate;
    }
    throw new Error('every policy generation is still carried by a connection');
  }

  #inTurn<T>(work: () => Promise<T>, evenClosed = false): Promise<T> {
    const turn = this.#tail.then(() => {
      if (this.#closed && !evenClosed) throw new Error('the netfilter plane is closed');
      return work();
    });
    this.#tail = turn.catch(() => {});
    return turn;
  }
}

function fqdnsOf(program: Program): Set<string> {
  return new Set(
    program.netfilter.networkClauses.flatMap(clause =>
      (clause.destinations ?? []).flatMap(destination =>
        destination.kind === 'fqdn' ? [destination.fqdn] : [],
      ),
    ),
  );
}

function legendOf(program: Program, { natAddressOf }: PlanOptions): GenerationLegend {
  const translations = new Map<number, { address: number; port: number }>();
  for (const { decision, target, targetPort } of program.netfilter.natClauses) {
    const address = 'address' in target ? target.address : natAddressOf(target.fqdn);
    if (address !== undefined) translations.set(decision, { address, port: targetPort });
  }
  return { decisions: program.decisions, translations };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
