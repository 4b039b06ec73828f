// Client, firewall and server in namespaces, held open for many policies: each policy is applied once, all its packets go
// through the kernel in one burst, and sentinels that leave last prove that whoever is missing was not let through. Knows
// nothing of `decide` and the oracle: programs and flows in, verdicts as shown by the kernel out.

import assert from 'node:assert/strict';
import type { Flow } from '#ir/decision.ts';
import type { Program } from '#ir/program.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { LogRecord } from '#telemetry/records.ts';
import { Agent } from '../netfilter/agent.ts';
import { type NamespaceOptions, Namespaces } from '../support/namespaces.ts';
import { FIRST_PORT, LAST_PORT, LOG_BATCH, MAC, SENTINEL } from './addresses.ts';
import type { Logged } from './firewall-process.ts';
import type { Arrival, WireFlow } from './frames.ts';
import { buildNetwork } from './network.ts';
import { type Evidence, flowKey, numberOf, recordKey, recordText, shown } from './observe.ts';
import { shownRequest } from './observe-requests.ts';
import { withSentinels } from './sentinels.ts';
import type { Outcome, Request } from './wire-process.ts';
import { addressOf, PUBLIC_IPS } from './world.ts';

/** Ports on which a server greets. */
const SERVED = [80, 443, 1433, 8080, 8443, 8005];

export interface Judged {
  /** One for each flow, in order. */
  readonly packets: readonly string[];
  /** One for each request, in order. */
  readonly requests: readonly string[];
}

/** The machine was too slow or lost something; nothing is known about the flows. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive';
}

export class Harness {
  readonly #net: Namespaces;
  readonly #client: Agent;
  readonly #server: Agent;
  readonly #firewall: Agent;
  #id = Math.floor(Math.random() * 2 ** 31);
  #burst = 0;
  #lost = 0;
  /** Packets of the last burst that did not come through. */
  #stopped: ReadonlySet<number> = new Set();

  private constructor(net: Namespaces, client: Agent, server: Agent, firewall: Agent) {
    this.#net = net;
    this.#client = client;
    this.#server = server;
    this.#firewall = firewall;
  }

  static async open(options: NamespaceOptions = {}): Promise<Harness> {
    const net = await Namespaces.open(['client', 'firewall', 'server'], options);
    try {
      await buildNetwork(net);
      const start = (host: string, ...args: string[]) =>
        Agent.start(
          net,
          host,
          `../differential/${host === 'firewall' ? 'firewall' : 'wire'}-process.ts`,
          ...args,
        );
      const [client, server, firewall] = await Promise.all([
        start('client', MAC.client, MAC.gatewayInside),
        start('server', MAC.server, MAC.gatewayOutside),
        start('firewall'),
      ]);
      await server.call('listen', { ports: SERVED });
      return new Harness(net, client, server, firewall);
    } catch (error) {
      await net.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#net.close();
  }

  /**
   * What the kernel does with each flow under a program. Flows of protocols without ports must differ in what the log tells
   * of them. Of the flows whose index is in `awaited` an answer is waited for: the DNS proxy takes its time, which no sentinel
   * measures. Throws `Inconclusive`.
   */
  async judge(
    program: Program,
    flows: readonly Flow[],
    {
      requests = [],
      awaited = new Set(),
    }: { readonly requests?: readonly Request[]; readonly awaited?: ReadonlySet<number> } = {},
  ): Promise<Judged> {
    const { problems } = await this.#firewall.call<{ problems: string[] }>('apply', {
      program: withSentinels(program),
    });
    assert.deepEqual(problems, [], 'the firewall reports problems');
    this.#burst = (this.#burst + 1) % 30_000;
    const sent = flows.map((flow, index) => this.#wireFlow(flow, index));
    const bySide = (side: Flow['from']) => sent.filter((_, index) => flows[index]?.from === side);

    const outside = this.#outsideSentinels();
    await this.#server.call('send', { flows: [...bySide('outside'), ...outside] });
    await this.#client.call('send', { flows: bySide('inside') });
    const outcomes = requests.length === 0 ? [] : await this.#client.call<Outcome[]>('request', { requests });
    const inside = this.#insideSentinels();
    await this.#client.call('send', { flows: inside });

    const last = inside.at(-1)?.id ?? 0;
    const [toInside, toOutside] = outside.map(({ id }) => id);
    const [client, server, log] = await Promise.all([
      this.#client.call<Collected>('collect', { ids: [toInside] }),
      this.#server.call<Collected>('collect', { ids: [toOutside, last] }),
      this.#firewall.call<Drained>('drain', { port: this.#sentinelPort }),
    ]);
    assert.deepEqual(log.problems, [], 'the firewall reports problems');
    if (!client.complete || !server.complete || !log.complete || log.lost > this.#lost) {
      this.#lost = log.lost;
      throw new Inconclusive(
        `sentinels: client ${client.complete}, server ${server.complete}, log ${log.complete}, lost ${log.lost}`,
      );
    }
    const arrivals = [...client.arrivals, ...server.arrivals].map(toArrival);
    this.#assertNoneLate(arrivals);
    const evidence = gather(sent, arrivals, log.records);
    await this.#awaitAnswers(evidence.filter((_, index) => awaited.has(index)));
    this.#stopped = new Set(
      evidence.filter(({ arrival, answer }) => !arrival && !answer).map(({ sent: { id } }) => id),
    );
    return {
      packets: evidence.map(shown),
      requests: outcomes.map((outcome, index) => shownRequest(requests[index], outcome, log.records)),
    };
  }

  /** What was taken for stopped may not come through afterwards. */
  #assertNoneLate(arrivals: readonly Arrival[]): void {
    const late = arrivals.filter(({ id }) => this.#stopped.has(id));
    assert.deepEqual(late, [], 'packets of the burst before came through after its sentinels');
  }

  async #awaitAnswers(evidence: readonly MutableEvidence[]): Promise<void> {
    const open = () => evidence.filter(({ answer }) => !answer).map(({ sent }) => sent.id);
    for (let tries = 0; tries < 50 && open().length > 0; tries++) {
      const { arrivals } = await this.#client.call<Collected>('collect', { ids: open(), timeoutMs: 20 });
      for (const arrival of arrivals.map(toArrival)) {
        const found = evidence.find(({ sent }) => sent.id === arrival.id);
        if (found && arrival.kind === 'answer') found.answer ??= arrival;
      }
    }
  }

  #wireFlow(flow: Flow, index: number): WireFlow {
    const protocol = numberOf(flow.protocol);
    const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
    const ports = LAST_PORT - FIRST_PORT + 1;
    return {
      id: this.#nextId(),
      protocol,
      source: flow.source,
      sourcePort: hasPorts ? FIRST_PORT + ((this.#burst * 397 + index) % ports) : 0,
      destination: flow.destination,
      destinationPort: flow.destinationPort,
    };
  }

  #nextId(): number {
    this.#id = (this.#id + 1) >>> 0;
    return this.#id;
  }

  get #sentinelPort(): number {
    return 1024 + this.#burst;
  }

  /** As many as fill one batch of the log, so that everything before is handed over at once. */
  #insideSentinels(): WireFlow[] {
    const { source, outside: destination } = SENTINEL;
    return Array.from({ length: LOG_BATCH }, (_, index) => ({
      id: this.#nextId(),
      protocol: 17,
      source,
      sourcePort: this.#sentinelPort,
      destination,
      destinationPort: 1000 + index,
    }));
  }

  #outsideSentinels(): WireFlow[] {
    return [SENTINEL.toInsidePort, SENTINEL.toOutsidePort].map(destinationPort => ({
      id: this.#nextId(),
      protocol: 17,
      source: SENTINEL.outsideSource,
      sourcePort: this.#sentinelPort,
      destination: addressOf(PUBLIC_IPS[2]),
      destinationPort,
    }));
  }
}

type MutableEvidence = { -readonly [K in keyof Evidence]: Evidence[K] };

interface Collected {
  readonly complete: boolean;
  readonly arrivals: readonly number[][];
}

interface Drained {
  readonly complete: boolean;
  readonly lost: number;
  readonly problems: readonly string[];
  readonly records: readonly Logged[];
}

function toArrival([
  kind,
  id = 0,
  protocol = 0,
  source = 0,
  sourcePort = 0,
  destination = 0,
  port = 0,
]: number[]): Arrival {
  return {
    kind: kind === 0 ? 'packet' : 'answer',
    id,
    protocol,
    source,
    sourcePort,
    destination,
    destinationPort: port,
  };
}

function gather(
  sent: readonly WireFlow[],
  arrivals: readonly Arrival[],
  records: readonly Logged[],
): MutableEvidence[] {
  const packets = new Map<number, Arrival>();
  const answers = new Map<number, Arrival>();
  for (const arrival of arrivals) (arrival.kind === 'packet' ? packets : answers).set(arrival.id, arrival);
  const logged = new Map<string, LogRecord>();
  for (const record of records) {
    const key = recordKey(record);
    // An alert decides nothing; what follows it does.
    if (key !== undefined && recordText(record) !== 'Alert') logged.set(key, record);
  }
  return sent.map(flow => {
    const arrival = packets.get(flow.id);
    const answer = answers.get(flow.id);
    const record = logged.get(
      flowKey(
        flow.protocol,
        formatIpv4(flow.source),
        flow.sourcePort,
        formatIpv4(flow.destination),
        flow.destinationPort,
      ),
    );
    return { sent: flow, ...(arrival && { arrival }), ...(answer && { answer }), ...(record && { record }) };
  });
}
