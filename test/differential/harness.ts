// Client, firewall and server in namespaces, held open for many policies: each policy is applied once, all its packets go
// through the kernel in one burst, and sentinels that leave last prove that whoever is missing was not let through. Knows
// nothing of `decide` and the oracle: programs and flows in, verdicts as shown by the kernel out.

import assert from 'node:assert/strict';
import type { Flow } from '#ir/decision.ts';
import type { NatClause, NetworkClause, Program } from '#ir/program.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import type { LogRecord } from '#telemetry/records.ts';
import { Agent } from '../netfilter/agent.ts';
import { type NamespaceOptions, Namespaces } from '../support/namespaces.ts';
import { FIRST_PORT, LAST_PORT, LINK, LOG_BATCH, MAC, SENTINEL } from './addresses.ts';
import type { Logged } from './firewall-process.ts';
import type { Arrival, WireFlow } from './frames.ts';
import { type Evidence, flowKey, numberOf, recordKey, recordText, shown } from './observe.ts';
import type { Outcome, Request } from './wire-process.ts';
import { addressOf, INSIDE_PREFIXES, PRIVATE_IP, PUBLIC_IPS, SERVER_PREFIXES } from './world.ts';

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
      await build(net);
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

/** What became of a real connection: served by whom, for which name, by which rule; or refused and why. */
function shownRequest(
  request: Request | undefined,
  { sourcePort, said }: Outcome,
  records: readonly Logged[],
): string {
  if (!request) return 'no request';
  const source = formatIpv4(request.source);
  const own = records.filter(
    record => 'SourcePort' in record && record.SourceIp === source && record.SourcePort === sourcePort,
  );
  const decided = own.filter(one => recordText(one) !== 'Alert');
  const record = decided.find(({ byEngine }) => byEngine) ?? decided[0];
  const logged = record === undefined ? 'no record' : recordText(record);
  const greeting = /^greeting (\S+):(\d+) from (\S+) for (\S*)$/.exec(said);
  if (!greeting) {
    const refused = said === refusalOf(request, logged);
    return refused && logged.startsWith('Deny') ? logged : `${said} (${logged})`;
  }
  const [, at = '', , from = '', name = ''] = greeting;
  const rule = /^Allow (\S+)$/.exec(logged)?.[1] ?? `(${logged})`;
  if (record?.byEngine)
    return `Allow proxy ${rule} at ${at} for ${name}${from === source ? ' from the client' : ''}`;
  const snat =
    from === source
      ? 'None'
      : from === PRIVATE_IP
        ? 'PrivateIp'
        : PUBLIC_IPS.some(ip => ip === from)
          ? 'PublicIp'
          : from;
  return at === formatIpv4(request.destination)
    ? `Allow forward ${rule} snat ${snat}`
    : `at ${at} (${logged})`;
}

/** TLS is never answered. A request without a host is a bad one; one for another port is dropped, as with Azure. */
function refusalOf({ protocol }: Request, logged: string): string {
  if (protocol !== 'Http' || logged.endsWith('HostPortMismatch')) return 'ECONNRESET';
  return logged.endsWith('HostMissing') ? '400' : '470';
}

/** Two clauses before all others, for packets of nobody else. */
function withSentinels(program: Program): Program {
  const first = program.decisions.length;
  const rule = (name: string) => ({ policy: '', group: '', collection: 'sentinel', rule: name });
  const single = (address: number) => [{ first: address, last: address }];
  const network: NetworkClause = {
    decision: first,
    action: 'Allow',
    protocols: ['UDP'],
    sources: 'sentinel_source',
    destinations: [{ kind: 'addresses', set: 'sentinel_destination' }],
  };
  const nat = (index: number, port: number, target: number): NatClause => ({
    decision: first + index,
    protocol: 'UDP',
    sources: 'sentinel_outside',
    destination: addressOf(PUBLIC_IPS[2]),
    ports: { first: port, last: port },
    target: { address: target },
    targetPort: port,
  });
  return {
    ...program,
    decisions: [
      ...program.decisions,
      { rule: rule('out'), kind: 'network', action: 'Allow' },
      { rule: rule('to-inside'), kind: 'nat', action: 'Allow' },
      { rule: rule('to-outside'), kind: 'nat', action: 'Allow' },
    ],
    netfilter: {
      ...program.netfilter,
      addressSets: {
        ...program.netfilter.addressSets,
        sentinel_source: single(SENTINEL.source),
        sentinel_destination: single(SENTINEL.outside),
        sentinel_outside: single(SENTINEL.outsideSource),
      },
      networkClauses: [network, ...program.netfilter.networkClauses],
      natClauses: [
        nat(1, SENTINEL.toInsidePort, SENTINEL.inside),
        nat(2, SENTINEL.toOutsidePort, SENTINEL.outside),
        ...program.netfilter.natClauses,
      ],
    },
  };
}

async function build(net: Namespaces): Promise<void> {
  await net.link('client', 'eth0', `${LINK.client}/30`, 'firewall', 'inside', `${LINK.gatewayInside}/30`);
  await net.link('firewall', 'outside', `${LINK.gatewayOutside}/30`, 'server', 'eth0', `${LINK.server}/30`);
  const ip = (line: string) => `ip ${line}`;
  const scripts: Record<string, string[]> = {
    client: [
      ip(`link set eth0 address ${MAC.client}`),
      ...INSIDE_PREFIXES.map(prefix => ip(`route add local ${prefix} dev lo`)),
      ip(`route add default via ${LINK.gatewayInside}`),
      ip(`neigh replace ${LINK.gatewayInside} lladdr ${MAC.gatewayInside} dev eth0 nud permanent`),
      'sysctl -qw net.ipv4.icmp_echo_ignore_all=1',
      `sysctl -qw net.ipv4.ip_local_port_range="${LAST_PORT + 1} 60999"`,
    ],
    firewall: [
      ip(`link set inside address ${MAC.gatewayInside}`),
      ip(`link set outside address ${MAC.gatewayOutside}`),
      ip(`address add ${PRIVATE_IP}/32 dev inside`),
      ...PUBLIC_IPS.map(address => ip(`address add ${address}/32 dev outside`)),
      ...INSIDE_PREFIXES.map(prefix => ip(`route add ${prefix} via ${LINK.client}`)),
      ip(`route add default via ${LINK.server}`),
      ip(`neigh replace ${LINK.client} lladdr ${MAC.client} dev inside nud permanent`),
      ip(`neigh replace ${LINK.server} lladdr ${MAC.server} dev outside nud permanent`),
      // Half-open connections of our bare SYNs are forgotten soon.
      'sysctl -qw net.ipv4.tcp_synack_retries=1',
    ],
    server: [
      ip(`link set eth0 address ${MAC.server}`),
      ...SERVER_PREFIXES.map(prefix => ip(`route add local ${prefix} dev lo`)),
      ip(`route add default via ${LINK.gatewayOutside}`),
      ip(`neigh replace ${LINK.gatewayOutside} lladdr ${MAC.gatewayOutside} dev eth0 nud permanent`),
      'sysctl -qw net.ipv4.icmp_echo_ignore_all=1',
    ],
  };
  for (const [host, lines] of Object.entries(scripts)) await net.ok(host, ['sh', '-ec', lines.join('\n')]);
}
