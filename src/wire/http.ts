// What an HTTP/1.x head means to a proxy: whom the request is for, how its body and its answer are framed, and when
// the connection ends (RFC 9110, RFC 9112). Refuses what two readers could understand differently, because the
// second request of a smuggled pair would reach a server that nobody judged. Pure; `http-head.ts` cuts the head out
// of the bytes, `http-body.ts` follows the body.
//
// HTTP/2 over clear text is refused in both its forms, the preface and `Upgrade: h2c`: after either, requests with
// other authorities would follow inside a connection that was judged once.

import { normalizeFqdn, parseFqdn } from '#net/fqdn.ts';
import { parseIpv4 } from '#net/ipv4.ts';
import { type HeadProblem, headerList, headerValues, isToken, type RawHead, refused } from './http-head.ts';

export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Until the sender closes; responses only. */
  | { readonly kind: 'close' };

/** Whom a Host header, or the authority of a target, names. */
export interface Authority {
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  /** Normalized name, dotted address, or the text between the brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

export interface RequestHead {
  readonly status: 'request';
  readonly raw: RawHead;
  readonly method: string;
  readonly target: string;
  /** Path and query, for logs; empty for CONNECT. */
  readonly path: string;
  /** Undefined when there is no Host, or an empty one. */
  readonly authority: Authority | undefined;
  readonly body: BodyFraming;
  readonly keepAlive: boolean;
  /** The client asks to leave HTTP behind: CONNECT, or an Upgrade other than h2c. */
  readonly wantsTunnel: 'connect' | 'upgrade' | undefined;
  readonly expectsContinue: boolean;
}

export interface ResponseHead {
  readonly status: 'response';
  readonly raw: RawHead;
  readonly code: number;
  readonly body: BodyFraming;
  readonly keepAlive: boolean;
}

/** Fifteen digits stay exact in a number, and are more than any body holds. */
const LENGTH = /^\d{1,15}$/;
/** Names whose removal by the next proxy would change whom a request is for or where it ends. */
const NOT_HOP_BY_HOP = new Set(['host', 'content-length', 'transfer-encoding']);

export function parseRequest(head: RawHead): RequestHead | HeadProblem {
  const parts = head.startLine.split(' ');
  const [method = '', target = '', version = ''] = parts;
  if (parts.length !== 3 || !isToken(method) || target === '' || !/^HTTP\/\d\.\d$/.test(version))
    return refused(parts.at(-1)?.startsWith('HTTP/') ? 400 : 0, 'the first line is not an HTTP request line');
  if (version === 'HTTP/2.0') return refused(505, 'HTTP/2 over clear text is not supported');
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') return refused(505, `${version} is not supported`);

  const hosts = headerValues(head, 'host');
  if (hosts.length > 1) return refused(400, 'several Host headers');
  const connection = headerList(head, 'connection');
  const removed = connection.find(name => NOT_HOP_BY_HOP.has(name));
  if (removed) return refused(400, `the Connection header names ${removed}`);
  const upgrades = headerList(head, 'upgrade');
  if (upgrades.some(protocol => protocol.split('/')[0] === 'h2c'))
    return refused(400, 'an upgrade to h2c is not supported');

  const parsed = parseTarget(method, target);
  if ('problem' in parsed) return parsed;
  const hostText = hosts[0] ?? '';
  const host = hostText === '' ? undefined : parseAuthority(hostText);
  if (hostText !== '' && !host) return refused(400, 'the Host header is not a name or an address');
  if (parsed.authority && host && !sameAuthority(parsed.authority, host))
    return refused(400, 'the target names another host than the Host header');

  const body = requestBody(head, version);
  if ('problem' in body) return body;
  return {
    status: 'request',
    raw: head,
    method,
    target,
    path: parsed.path,
    authority: host && parsed.authority?.port !== undefined ? parsed.authority : host,
    body,
    keepAlive: keepsAlive(version, connection),
    wantsTunnel: method === 'CONNECT' ? 'connect' : upgrades.length > 0 ? 'upgrade' : undefined,
    expectsContinue: headerList(head, 'expect').includes('100-continue'),
  };
}

/** `request` is what the response answers: HEAD has no body, CONNECT that succeeds ends HTTP. */
export function parseResponse(head: RawHead, request: { method: string }): ResponseHead | HeadProblem {
  const match = /^(HTTP\/1\.[01]) ([1-9]\d\d)(?: .*)?$/.exec(head.startLine);
  if (!match) return refused(400, 'the first line is not an HTTP/1.x status line');
  const [, version = '', digits = ''] = match;
  const code = Number(digits);
  const body = responseBody(head, code, request.method);
  if ('problem' in body) return body;
  const keepAlive = body.kind !== 'close' && keepsAlive(version, headerList(head, 'connection'));
  return { status: 'response', raw: head, code, body, keepAlive };
}

/** A name, `a.b.c.d` or `[v6]`, each with an optional port. */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/?#[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const port = match[3] === undefined ? undefined : Number(match[3]);
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  if (match[1] !== undefined) return { kind: 'ipv6', host: match[1].toLowerCase(), port };
  const host = normalizeFqdn(match[2] ?? '');
  if (parseIpv4(host) !== undefined) return { kind: 'ipv4', host, port };
  const name = parseFqdn(host);
  // All-digit last labels are addresses to some resolvers (127.1, 0x7f.1) and names to nobody.
  if (name === undefined || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return undefined;
  return { kind: 'name', host: name, port };
}

function sameAuthority(target: Authority, host: Authority): boolean {
  return (
    target.host === host.host &&
    (target.port === host.port || target.port === undefined || host.port === undefined)
  );
}

function parseTarget(
  method: string,
  target: string,
): { readonly path: string; readonly authority?: Authority } | HeadProblem {
  if (method === 'CONNECT') {
    const authority = parseAuthority(target);
    return authority?.port === undefined
      ? refused(400, 'CONNECT needs a target of the form host:port')
      : { path: '', authority };
  }
  if (target.startsWith('/')) return { path: target };
  if (target === '*')
    return method === 'OPTIONS' ? { path: '*' } : refused(400, 'only OPTIONS may ask for *');
  const absolute = /^http:\/\/([^/?#]*)(.*)$/i.exec(target);
  const authority = absolute && parseAuthority(absolute[1] ?? '');
  if (!authority) return refused(400, 'the request target is neither a path nor an http URL');
  return { path: absolute[2] || '/', authority };
}

function requestBody(head: RawHead, version: string): BodyFraming | HeadProblem {
  const codings = headerValues(head, 'transfer-encoding');
  const lengths = headerValues(head, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) return refused(400, 'both Content-Length and Transfer-Encoding');
    if (version === 'HTTP/1.0') return refused(400, 'Transfer-Encoding in an HTTP/1.0 request');
    if (codings.length > 1) return refused(400, 'several Transfer-Encoding headers');
    if (codings[0]?.toLowerCase() !== 'chunked')
      return refused(501, 'a Transfer-Encoding other than chunked is not supported');
    return { kind: 'chunked' };
  }
  return contentLength(lengths) ?? { kind: 'none' };
}

function contentLength(lengths: readonly string[]): BodyFraming | HeadProblem | undefined {
  const [length] = lengths;
  if (length === undefined) return undefined;
  if (lengths.length > 1) return refused(400, 'several Content-Length headers');
  if (!LENGTH.test(length)) return refused(400, 'Content-Length is not a plain number');
  return Number(length) === 0 ? { kind: 'none' } : { kind: 'length', length: Number(length) };
}

/** RFC 9112 section 6.3, with the doubtful cases refused. */
function responseBody(head: RawHead, code: number, method: string): BodyFraming | HeadProblem {
  const codings = headerValues(head, 'transfer-encoding');
  const lengths = headerValues(head, 'content-length');
  if (codings.length > 0 && lengths.length > 0)
    return refused(400, 'both Content-Length and Transfer-Encoding in the response');
  const length = contentLength(lengths);
  if (length && 'problem' in length) return length;
  if (method === 'HEAD' || code < 200 || code === 204 || code === 304) return { kind: 'none' };
  if (method === 'CONNECT' && code < 300) return { kind: 'none' };
  if (codings.length === 0) return length ?? { kind: 'close' };
  const members = headerList(head, 'transfer-encoding');
  if (members.at(-1) === 'chunked' && members.indexOf('chunked') === members.length - 1)
    return { kind: 'chunked' };
  return refused(400, 'the response ends with a Transfer-Encoding other than chunked');
}

function keepsAlive(version: string, connection: readonly string[]): boolean {
  if (connection.includes('close')) return false;
  return version === 'HTTP/1.1' || connection.includes('keep-alive');
}
