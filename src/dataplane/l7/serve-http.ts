// A connection of plain HTTP: one request after the other is read, judged by its Host and answered, by the server it
// names or by a refusal. The connection to a server is kept for the next request only while the name stays the
// same. After CONNECT or an Upgrade that the server accepted, requests are over: the connection stays bound to the
// judged name and only moves bytes.

import { parseRequest, type RequestHead } from '#wire/http.ts';
import { type HeadProblem, HeadReader, type RawHead, withForwardedFor } from '#wire/http-head.ts';
import { admit, sourceOf } from './admit.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { connectFirst, findServers, Unreachable } from './dial.ts';
import { exchange, linger, UpstreamFailure } from './http-exchange.ts';
import type { Claim } from './judge.ts';
import { actionReason, applicationRecord, denyAnswer, failureAnswer, type Outcome } from './records.ts';
import type { Services } from './services.ts';

/** Safe to send twice (RFC 9110 section 9.2.2): a kept connection may have been closed as the request left. */
const RETRIED_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export async function serveHttp(connection: Connection, services: Services): Promise<void> {
  for (let first = true; ; first = false) {
    const head = await readRequestHead(connection, services, first);
    if (!head) return;
    const request = head.status === 'refused' ? head : parseRequest(head);
    if (request.status === 'refused') {
      await refuseUnread(connection, request, services);
      return;
    }
    if (!(await serveRequest(connection, request, services))) return;
  }
}

type ReadHead = (RawHead & { readonly status?: undefined }) | HeadProblem;

/** Undefined when the connection is over, in order or with the reason logged. */
async function readRequestHead(
  connection: Connection,
  services: Services,
  first: boolean,
): Promise<ReadHead | undefined> {
  const { client } = connection;
  const { headDeadlineMs } = services.limits;
  const expire = () => {
    logRefusal(connection, services, `no complete request head within ${headDeadlineMs} ms`);
    connection.cut();
  };
  // The time between two requests is bounded by the idle time-out only.
  if (first) connection.startDeadline(headDeadlineMs, expire);
  const reader = new HeadReader();
  for (;;) {
    const chunk = await client.read();
    if (chunk === null) {
      connection.stopDeadline();
      if (!reader.empty) {
        logRefusal(connection, services, 'the client finished within a request head');
        connection.cut();
      } else {
        connection.dropUpstream();
        client.end();
      }
      return undefined;
    }
    if (reader.empty && !first) connection.startDeadline(headDeadlineMs, expire);
    const result = reader.push(chunk);
    if (result.status === 'need-more') continue;
    connection.stopDeadline();
    if (result.status === 'refused') return result;
    client.unread(result.rest);
    return result.head;
  }
}

function logRefusal(connection: Connection, services: Services, detail: string): void {
  const outcome = { action: 'Deny', rule: null, reason: 'NotHttp', detail } as const;
  services.log.write(applicationRecord(connection.ends, 'HTTP', '', '', outcome));
}

/** A request that cannot be judged: answered if it was HTTP at all, and the last one either way. */
async function refuseUnread(connection: Connection, problem: HeadProblem, services: Services): Promise<void> {
  logRefusal(connection, services, problem.problem);
  if (problem.httpStatus === 0) {
    connection.cut();
    return;
  }
  const text = `The request was refused: ${problem.problem}.`;
  await answerLast(connection, failureAnswer(problem.httpStatus, text, { keepAlive: false, withBody: true }));
}

async function answerLast(connection: Connection, bytes: Buffer): Promise<void> {
  await connection.client.write(bytes);
  connection.dropUpstream();
  await linger(connection.client);
}

/** True when the connection is ready for the next request. */
async function serveRequest(
  connection: Connection,
  request: RequestHead,
  services: Services,
): Promise<boolean> {
  const { authority } = request;
  const { ends } = connection;
  const host = authority?.host ?? '';
  const targetUrl = `${host}${request.path}`;
  const refuse = (reason: Outcome['reason']) => {
    const outcome: Outcome = { action: 'Deny', rule: null, reason };
    services.log.write(applicationRecord(ends, 'HTTP', host, targetUrl, outcome));
    return outcome;
  };
  // A Host without a port claims none, whatever port the connection is on.
  if (authority?.port !== undefined && authority.port !== ends.destinationPort) {
    refuse('HostPortMismatch');
    connection.cut();
    return false;
  }
  if (authority?.kind === 'ipv6') return answerDenied(connection, request, refuse('Ipv6NotGoverned'));

  const claim: Claim = { protocol: 'Http', fqdn: authority?.host };
  const admission = await admit(connection, claim, targetUrl, services);
  if (admission.status === 'refused') return answerDenied(connection, request, admission.outcome);
  return forward(connection, request, host, admission.addresses, services);
}

async function answerDenied(
  connection: Connection,
  request: RequestHead,
  outcome: Outcome,
): Promise<boolean> {
  const keepAlive = staysOpen(request) && outcome.reason !== 'HostMissing';
  const options = { keepAlive, withBody: request.method !== 'HEAD' };
  await sendAnswer(connection, deniedBytes(request, outcome, options), keepAlive);
  return keepAlive;
}

function deniedBytes(
  request: RequestHead,
  outcome: Outcome,
  options: { keepAlive: boolean; withBody: boolean },
): Buffer {
  switch (outcome.reason) {
    case 'HostMissing':
      return failureAnswer(400, `The request was refused: ${actionReason(outcome)}.`, options);
    case 'NameUnresolved':
      return failureAnswer(
        502,
        `The name ${request.authority?.host} could not be resolved by the firewall.`,
        options,
      );
    default:
      return denyAnswer(outcome, options);
  }
}

/** An answer of ours leaves the connection usable only when no body follows the request. */
function staysOpen(request: RequestHead): boolean {
  return (
    request.keepAlive &&
    request.body.kind === 'none' &&
    request.wantsTunnel === undefined &&
    request.raw.startLine.endsWith('HTTP/1.1')
  );
}

async function sendAnswer(connection: Connection, bytes: Buffer, keepAlive: boolean): Promise<void> {
  if (keepAlive) await connection.client.write(bytes);
  else await answerLast(connection, bytes);
}

/** True when the connection is ready for the next request. */
async function forward(
  connection: Connection,
  request: RequestHead,
  name: string,
  known: readonly number[],
  services: Services,
): Promise<boolean> {
  const head = withForwardedFor(request.raw, sourceOf(connection));
  const mayRetry = RETRIED_METHODS.has(request.method) && request.body.kind === 'none';
  for (let addresses = known; ; addresses = []) {
    const kept = connection.reusable(name);
    try {
      const upstream = kept ?? (await dial(connection, name, addresses, services));
      return await exchange(connection, upstream, request, head);
    } catch (error) {
      if (connection.signal.aborted || connection.client.closed) throw error;
      if (error instanceof Unreachable) {
        const text = `The firewall could not connect to ${name}: ${error.message}.`;
        return answerFailure(connection, request, error.timedOut ? 504 : 502, text);
      }
      if (!(error instanceof UpstreamFailure) || error.answerStarted) throw error;
      connection.dropUpstream();
      if (kept && mayRetry && !error.answered) continue;
      const text = `The firewall got no usable answer from ${name}: ${error.message}.`;
      return answerFailure(connection, request, 502, text);
    }
  }
}

async function answerFailure(
  connection: Connection,
  request: RequestHead,
  status: 502 | 504,
  text: string,
): Promise<boolean> {
  // What the client still sends belongs to the request that failed, so the connection ends here.
  const bytes = failureAnswer(status, text, { keepAlive: false, withBody: request.method !== 'HEAD' });
  await answerLast(connection, bytes);
  return false;
}

async function dial(
  connection: Connection,
  name: string,
  addresses: readonly number[],
  services: Services,
): Promise<ByteStream> {
  const { ends, signal } = connection;
  const servers = addresses.length > 0 ? addresses : await addressesAgain(name, services);
  const server = await connectFirst(servers, ends.destinationPort, services, signal);
  return connection.attach(server.socket, server.address, name);
}

/** Where a kept connection turned out to be closed. The request has been judged and logged already. */
async function addressesAgain(name: string, services: Services): Promise<readonly number[]> {
  const servers = await findServers(name, services);
  if (servers.status === 'none') throw new Unreachable('its name has no usable address any more', false);
  return servers.addresses;
}
