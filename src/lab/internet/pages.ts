// The pages that every site of the lab's Internet has. They tell a person, or a test, which name was asked for, which
// address was connected to, and which client address the server saw. The same handler serves HTTP/1.1 and HTTP/2.

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ends } from './connections.ts';
import type { Journal } from './journal.ts';

export type PageRequest = IncomingMessage | Http2ServerRequest;
/** HTTP/2's response has the same methods, which the union of the two types would not let us call. */
export type PageResponse = ServerResponse;

export interface Visit extends Ends {
  readonly protocol: 'http' | 'https' | 'h2';
  /** Name in the TLS handshake; undefined without TLS or without SNI. */
  readonly sni: string | undefined;
}

/** Only this site shows the journal. */
export const JOURNAL_HOST = 'internet.lab';
const MAX_BYTES = 2 ** 40;
const MAX_SLOW_SECONDS = 600;
const CHUNK = Buffer.alloc(64 * 1024, 'postern lab internet\n');
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export async function servePage(
  request: PageRequest,
  response: PageResponse,
  visit: Visit,
  journal: Journal,
): Promise<void> {
  const name = hostOf(request);
  const method = request.method ?? 'GET';
  const url = parseTarget(request.url);
  journal.write({ ...endsOf(visit), protocol: visit.protocol, name, path: request.url ?? '/', type: method });
  response.setHeader('X-Lab-Server', visit.server);
  if (!url) return sendText(response, 400, 'This is not a path.\n');

  const [, page = '', argument = ''] = url.pathname.split('/');
  switch (page) {
    case '':
      return sendText(response, 200, welcome(name, visit));
    case 'whoami':
      return sendJson(response, { name, method, path: url.pathname, ...visit, sni: visit.sni ?? null });
    case 'bytes':
      return await sendBytes(response, argument);
    case 'echo':
      response.setHeader('Content-Type', request.headers['content-type'] ?? 'application/octet-stream');
      return await pipeline(request, response);
    case 'slow':
      return await sendSlowly(response, url.searchParams.get('seconds') ?? '5');
    case 'status':
      return sendStatus(response, argument);
    case 'journal':
      if (name === JOURNAL_HOST) return sendJournal(response, url.searchParams.get('since') ?? '1', journal);
  }
  return sendText(
    response,
    404,
    `${name} has no page ${url.pathname}.\nPages: / /whoami /bytes/N /echo /slow /status/N /upgrade\n`,
  );
}

/** CONNECT and Upgrade: the connection is an echo from here on. */
export function serveTunnel(
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  visit: Visit,
  journal: Journal,
): void {
  const type = request.method ?? 'GET';
  journal.write({
    ...endsOf(visit),
    protocol: visit.protocol,
    name: hostOf(request),
    path: request.url ?? '/',
    type,
  });
  const protocol = request.headers.upgrade;
  const key = request.headers['sec-websocket-key'];
  const accept = key
    ? createHash('sha1')
        .update(key + WEBSOCKET_GUID)
        .digest('base64')
    : undefined;
  const lines = protocol
    ? ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`]
    : ['HTTP/1.1 200 Connection Established'];
  if (accept) lines.push(`Sec-WebSocket-Accept: ${accept}`);
  stream.on('error', () => stream.destroy());
  stream.write(`${lines.join('\r\n')}\r\nX-Lab-Server: ${visit.server}\r\n\r\n`);
  if (head.length > 0) stream.write(head);
  stream.pipe(stream);
}

function welcome(name: string, visit: Visit): string {
  const rows = [
    ['name', name],
    ['server', `${visit.server} port ${visit.serverPort}`],
    ['you are', `${visit.client} port ${visit.clientPort}`],
    [
      'protocol',
      visit.protocol === 'http' ? 'HTTP' : `${visit.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'} over TLS`,
    ],
  ];
  const table = rows.map(([label, value]) => `  ${(label ?? '').padEnd(10)}${value}`).join('\n');
  return `Hello from ${name}, somewhere on the Internet of this lab.\n\n${table}\n`;
}

async function sendBytes(response: PageResponse, argument: string): Promise<void> {
  const total = /^\d{1,13}$/.test(argument) ? Number(argument) : Number.NaN;
  if (!(total <= MAX_BYTES))
    return sendText(response, 400, `Ask for /bytes/N with N from 0 to ${MAX_BYTES}.\n`);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': String(total) });
  await pipeline(function* () {
    for (let left = total; left > 0; left -= CHUNK.length)
      yield left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
  }, response);
}

/** One line a second, then the end. */
async function sendSlowly(response: PageResponse, text: string): Promise<void> {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_SLOW_SECONDS))
    return sendText(response, 400, `Ask for /slow?seconds=N with N from 0 to ${MAX_SLOW_SECONDS}.\n`);
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  await pipeline(async function* () {
    for (let second = 1; second <= seconds && !response.destroyed; second++) {
      yield Buffer.from(`second ${second} of ${seconds}\n`);
      await sleep(1000);
    }
  }, response);
}

function sendStatus(response: PageResponse, argument: string): void {
  const status = /^[2-5]\d\d$/.test(argument) ? Number(argument) : undefined;
  if (status === undefined) sendText(response, 400, 'Ask for /status/N with N from 200 to 599.\n');
  else sendText(response, status, status === 204 || status === 304 ? '' : `As you asked: ${status}.\n`);
}

function sendJournal(response: PageResponse, since: string, journal: Journal): void {
  if (!/^\d{1,15}$/.test(since))
    sendText(response, 400, 'Ask for /journal?since=N with the number of an entry.\n');
  else sendJson(response, journal.since(Number(since)));
}

function sendJson(response: PageResponse, value: unknown): void {
  send(response, 200, 'application/json', `${JSON.stringify(value)}\n`);
}

function sendText(response: PageResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text);
}

function send(response: PageResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  const length = body.length > 0 ? { 'Content-Length': String(body.length) } : {};
  response.writeHead(status, { 'Content-Type': type, ...length });
  response.end(body);
}

/** The site that was asked for, without port; an empty string when the request names none. */
function hostOf(request: PageRequest): string {
  const authority = 'authority' in request ? request.authority : undefined;
  const host = authority || request.headers.host || '';
  return host.replace(/:\d+$/, '').toLowerCase();
}

/** Origin form or absolute form; the authority in it does not matter here. */
function parseTarget(target = '/'): URL | undefined {
  return URL.canParse(target, 'http://site.invalid') ? new URL(target, 'http://site.invalid') : undefined;
}

function endsOf({ client, clientPort, server, serverPort }: Ends): Ends {
  return { client, clientPort, server, serverPort };
}
