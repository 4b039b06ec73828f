// One random policy before three judges: `decide`, the oracle and the kernel. Counts what they agree on; says all there is to say
// where they do not. A disagreement is asked about again alone before it counts, and is remembered, so that while fast-check
// shrinks the documents only the one flow is judged.

import assert from 'node:assert/strict';
import { toDocuments } from '#arm/arm-document.ts';
import { compile } from '#compiler/compile.ts';
import { resolvePolicy } from '#compiler/resolve-policy.ts';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatIpv4 } from '#net/ipv4.ts';
import { choicesOf } from './choices.ts';
import { flowOf, requestOf } from './flows.ts';
import { type Harness, Inconclusive } from './harness.ts';
import { agrees, expected } from './observe.ts';
import { judge, type Question } from './oracle.ts';
import { kindOf, verdictOf } from './verdict.ts';
import type { Request } from './wire-process.ts';
import { addressesOfName, facts, namesOfAddress, resolves, threats } from './world.ts';

export interface Budget {
  /** Packets and requests a policy. */
  readonly packets: number;
  readonly requests: number;
}

export interface Tally {
  policies: number;
  packets: number;
  requests: number;
  /** Policies that were applied again, because the machine was too slow or lost something. */
  repeats: number;
  /** Kind of question and of verdict, to how many. */
  readonly kinds: Map<string, number>;
}

export const newTally = (): Tally => ({ policies: 0, packets: 0, requests: 0, repeats: 0, kinds: new Map() });

type Claimed = Flow & Required<Pick<Flow, 'claim'>>;

interface Work {
  readonly flows: readonly Flow[];
  readonly requests: readonly Claimed[];
}

interface Disagreement {
  readonly flow: Flow;
  readonly isRequest: boolean;
  readonly text: string;
}

/** Policies that fast-check may try to make a failing one smaller. */
const MOST_SHRINKS = 200;

export class ThreeJudges {
  readonly #harness: Harness;
  readonly #budget: Budget;
  readonly #tally: Tally;
  #suspect: Disagreement | undefined;
  #shrinks = 0;

  constructor(harness: Harness, budget: Budget, tally: Tally) {
    this.#harness = harness;
    this.#budget = budget;
    this.#tally = tally;
  }

  /** Throws when the judges disagree. */
  async judge(question: Question, seed: number): Promise<void> {
    const policy = policyOf(question);
    if (this.#suspect) {
      this.#shrinks += 1;
      if (this.#shrinks > MOST_SHRINKS) return;
      const [still] = await this.#disagreements(question, policy, only(this.#suspect));
      if (still) fail(question, still);
      return;
    }
    const work = this.#work(question, policy, seed);
    for (const found of await this.#disagreements(question, policy, work, this.#tally)) {
      const [confirmed] = await this.#disagreements(question, policy, only(found));
      if (!confirmed) {
        this.#tally.repeats += 1;
        // What came through cannot have been an accident.
        if (found.text.includes('\nkernel: Allow')) fail(question, found);
        continue;
      }
      this.#suspect = confirmed;
      fail(question, confirmed);
    }
    this.#tally.policies += 1;
  }

  #work(question: Question, policy: ResolvedPolicy, seed: number): Work {
    const choices = choicesOf(question);
    const requests: Claimed[] = [];
    // Some must be passed over: no server, or no way to it.
    for (
      let index = 0;
      requests.length < this.#budget.requests && index < 20 * this.#budget.requests;
      index++
    ) {
      const request = requestOf(choices, seed + 7919 * index);
      if (canBeOpened(policy, request)) requests.push(request);
    }
    const flows: Flow[] = [];
    const seen = new Set<string>();
    for (let index = 0; flows.length < this.#budget.packets && index < 4 * this.#budget.packets; index++) {
      const flow = flowOf(choices, seed + index);
      if (isDistinct(flow, seen)) flows.push(flow);
    }
    return { flows, requests };
  }

  async #disagreements(
    question: Question,
    policy: ResolvedPolicy,
    { flows, requests }: Work,
    tally?: Tally,
  ): Promise<Disagreement[]> {
    const program = compile(policy);
    const asked = requests.map((flow, index) => toRequest(flow, index));
    const decisions = flows.map(flow => decideOn(policy, flow));
    const awaited = new Set(
      decisions.flatMap((verdict, index) => (verdict === 'Allow local' ? [index] : [])),
    );
    const judged = await this.#again(() => this.#harness.judge(program, flows, { requests: asked, awaited }));
    const found: Disagreement[] = [];
    const compare = (flow: Flow, shown: string | undefined, isRequest: boolean) => {
      const decided = decideOn(policy, flow);
      const written = judge(question, flow);
      const wanted = isRequest ? expectedOfRequest(decided, flow) : expected(decided, flow);
      if (decided !== written || !agrees(shown, wanted))
        found.push({ flow, isRequest, text: `decide: ${decided}\noracle: ${written}\nkernel: ${shown}` });
      if (tally) count(tally, decided, isRequest, flow);
    };
    for (const [index, flow] of flows.entries()) compare(flow, judged.packets[index], false);
    for (const [index, flow] of requests.entries()) compare(flow, judged.requests[index], true);
    return found;
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Inconclusive) || tries === 3) throw error;
        this.#tally.repeats += 1;
      }
  }
}

function only({ flow, isRequest }: Disagreement): Work {
  return isRequest ? { flows: [], requests: [flow as Claimed] } : { flows: [flow], requests: [] };
}

export function policyOf({ subject, documents, options }: Question): ResolvedPolicy {
  const { policy, faults } = resolvePolicy(subject, toDocuments(documents), { facts, options });
  assert.ok(policy, `the documents are refused: ${JSON.stringify(faults)}`);
  return policy;
}

function decideOn(policy: ResolvedPolicy, flow: Flow): string {
  return verdictOf(decide(policy, flow, { namesOfAddress, threats, resolves }));
}

export function flowText({ source, destination, ...flow }: Flow): string {
  return JSON.stringify({ source: formatIpv4(source), destination: formatIpv4(destination), ...flow });
}

function fail(question: Question, { flow, text }: Disagreement): never {
  assert.fail(`${text}\nflow: ${flowText(flow)}\npolicy: ${JSON.stringify(question, null, 1)}`);
}

function count(tally: Tally, verdict: string, isRequest: boolean, flow: Flow): void {
  if (isRequest) tally.requests += 1;
  else tally.packets += 1;
  const spoken = { Http: 'HTTP', Https: 'TLS', Mssql: 'SQL Server' };
  const protocol = isRequest ? spoken[flow.claim?.protocol ?? 'Https'] : String(flow.protocol);
  const kind = `${isRequest ? 'request' : `packet from ${flow.from}`}, ${protocol}: ${kindOf(verdict)}`;
  tally.kinds.set(kind, (tally.kinds.get(kind) ?? 0) + 1);
}

/**
 * The log knows packets without ports by their addresses only, translation can tell only one such flow to a target, and one the
 * other way is an answer.
 */
function isDistinct({ protocol, source, destination }: Flow, seen: Set<string>): boolean {
  if (protocol === 'TCP' || protocol === 'UDP') return true;
  const keys =
    protocol === 'ICMP'
      ? [`${source} ${destination}`]
      : [`${protocol} to ${destination}`, `${protocol} from ${source}`];
  const taken =
    protocol === 'ICMP'
      ? keys
      : [`${protocol} to ${destination}`, `${protocol} to ${source}`, `${protocol} from ${destination}`];
  if (taken.some(key => seen.has(key))) return false;
  for (const key of keys) seen.add(key);
  return true;
}

/** Requests whose first packet is let through, in a protocol that the engine speaks on that port, for a name that resolves. */
function canBeOpened(policy: ResolvedPolicy, { claim, ...bare }: Claimed): boolean {
  const first = decideOn(policy, bare);
  if (first !== 'Pending' && !first.startsWith('Allow forward')) return false;
  if (claim.fqdn !== undefined && addressesOfName(claim.fqdn).length === 0) return false;
  const always = { 80: 'Http', 443: 'Https', 1433: 'Mssql' }[bare.destinationPort];
  const spoken = new Set<string>(always === undefined ? [] : [always]);
  for (const rule of policy.applicationRules)
    for (const { port, protocol } of rule.protocols) if (port === bare.destinationPort) spoken.add(protocol);
  return spoken.has(claim.protocol);
}

function toRequest({ source, destination, destinationPort: port, claim }: Claimed, id: number): Request {
  return {
    id,
    source,
    destination,
    port,
    protocol: claim.protocol,
    name: claim.fqdn ?? null,
    hostPort: claim.port ?? port,
  };
}

/** The engine connects to the first address of the name, wherever the client meant to go. */
function expectedOfRequest(verdict: string, { claim }: Flow): string {
  if (!verdict.startsWith('Allow proxy')) return verdict;
  return `${verdict} at ${addressesOfName(claim?.fqdn ?? '')[0]} for ${claim?.fqdn}`;
}
