// Request and response heads and bodies: what is accepted, what is refused, and that cuts make no difference.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BodyFraming, parseAuthority, parseRequest, parseResponse, type RequestHead } from './http.ts';
import { bodyReader } from './http-body.ts';
import { HeadReader, type HeadResult, MAX_HEAD_BYTES, withForwardedFor } from './http-head.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

function readHead(text: string, cuts: readonly number[] = []): HeadResult {
  const bytes = latin1(text);
  const reader = new HeadReader();
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  let result: HeadResult = { status: 'need-more' };
  for (let index = 1; index < edges.length && result.status === 'need-more'; index++)
    result = reader.push(bytes.subarray(edges[index - 1], edges[index]));
  return result;
}

function request(...lines: string[]) {
  const result = readHead(`${lines.join('\r\n')}\r\n\r\n`);
  return result.status === 'head' ? parseRequest(result.head) : result;
}

function accepted(...lines: string[]): RequestHead {
  const result = request(...lines);
  assert.equal(result.status, 'request', JSON.stringify(result));
  return result as RequestHead;
}

function response(method: string, ...lines: string[]) {
  const result = readHead(`${lines.join('\r\n')}\r\n\r\n`);
  return result.status === 'head' ? parseResponse(result.head, { method }) : result;
}

test('a plain request: method, path, host, no body, kept alive', () => {
  const head = accepted('GET /a/b?c=d HTTP/1.1', 'Host: WWW.Example.ORG.', 'Accept:*/*');
  assert.equal(head.method, 'GET');
  assert.equal(head.path, '/a/b?c=d');
  assert.deepEqual(head.authority, { kind: 'name', host: 'www.example.org', port: undefined });
  assert.deepEqual(head.body, { kind: 'none' });
  assert.equal(head.keepAlive, true);
  assert.equal(head.wantsTunnel, undefined);
});

test('bytes behind the head are handed back', () => {
  const result = readHead('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET');
  assert.equal(result.status === 'head' && result.rest.toString(), 'abcGET');
});

test('authorities: names, addresses, ports', () => {
  const table: [string, ReturnType<typeof parseAuthority>][] = [
    ['example.org', { kind: 'name', host: 'example.org', port: undefined }],
    ['example.org:8080', { kind: 'name', host: 'example.org', port: 8080 }],
    ['192.0.2.1:80', { kind: 'ipv4', host: '192.0.2.1', port: 80 }],
    ['[2001:DB8::1]:80', { kind: 'ipv6', host: '2001:db8::1', port: 80 }],
    ['user@example.org', undefined],
    ['example.org:', undefined],
    ['example.org:0', undefined],
    ['example.org:65536', undefined],
    ['exa mple.org', undefined],
    ['127.1', undefined],
    ['0x7f.0x1', undefined],
    ['2130706433', undefined],
    ['0177.0.0.1', undefined],
    ['a/b', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of table) assert.deepEqual(parseAuthority(text), expected, text);
});

test('the framing of a request body', () => {
  const framing = (...lines: string[]) => accepted('POST / HTTP/1.1', 'Host: a', ...lines).body;
  assert.deepEqual(framing('Content-Length: 10'), { kind: 'length', length: 10 });
  assert.deepEqual(framing('Content-Length: 0'), { kind: 'none' });
  assert.deepEqual(framing('Transfer-Encoding: Chunked'), { kind: 'chunked' });
  assert.deepEqual(framing(), { kind: 'none' });
});

test('keep-alive follows version and Connection header', () => {
  assert.equal(accepted('GET / HTTP/1.1', 'Host: a', 'Connection: foo, Close').keepAlive, false);
  assert.equal(accepted('GET / HTTP/1.0', 'Host: a').keepAlive, false);
  assert.equal(accepted('GET / HTTP/1.0', 'Host: a', 'Connection: Keep-Alive').keepAlive, true);
});

test('CONNECT, Upgrade and Expect are recognised', () => {
  const connect = accepted('CONNECT a.example.org:80 HTTP/1.1', 'Host: a.example.org:80');
  assert.equal(connect.wantsTunnel, 'connect');
  assert.equal(connect.path, '');
  assert.equal(accepted('GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket').wantsTunnel, 'upgrade');
  assert.equal(accepted('PUT / HTTP/1.1', 'Host: a', 'Expect: 100-Continue').expectsContinue, true);
});

test('an absolute target must name the host of the Host header', () => {
  assert.equal(accepted('GET http://a.example/x HTTP/1.1', 'Host: A.example').path, '/x');
  assert.equal(accepted('GET http://a.example HTTP/1.1', 'Host: a.example').path, '/');
  assert.equal(accepted('GET http://a.example:81/ HTTP/1.1', 'Host: a.example').authority?.port, 81);
  assert.equal(request('GET http://b.example/ HTTP/1.1', 'Host: a.example').status, 'refused');
  assert.equal(request('GET http://a.example:81/ HTTP/1.1', 'Host: a.example:82').status, 'refused');
});

test('a missing or empty Host leaves the authority open', () => {
  assert.equal(accepted('GET / HTTP/1.0').authority, undefined);
  assert.equal(accepted('GET http://a.example/ HTTP/1.1').authority, undefined);
  assert.equal(accepted('GET / HTTP/1.1', 'Host:').authority, undefined);
});

test('every spelling that two servers may read differently is refused', () => {
  const get = 'GET / HTTP/1.1';
  const host = 'Host: a';
  const table: [string, number, string[]][] = [
    ['two Hosts', 400, [get, host, host]],
    ['Host twice, differing case', 400, [get, host, 'HOST: b']],
    ['two lengths', 400, [get, host, 'Content-Length: 3', 'Content-Length: 4']],
    ['two equal lengths', 400, [get, host, 'Content-Length: 3', 'Content-Length: 3']],
    ['a list of lengths', 400, [get, host, 'Content-Length: 3, 3']],
    ['a signed length', 400, [get, host, 'Content-Length: +3']],
    ['a hexadecimal length', 400, [get, host, 'Content-Length: 0x3']],
    ['an empty length', 400, [get, host, 'Content-Length:']],
    ['a huge length', 400, [get, host, 'Content-Length: 9999999999999999']],
    ['length and chunked', 400, [get, host, 'Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['two codings', 501, [get, host, 'Transfer-Encoding: gzip, chunked']],
    ['two coding headers', 400, [get, host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['a strange coding', 501, [get, host, 'Transfer-Encoding: xchunked']],
    ['a quoted coding', 501, [get, host, 'Transfer-Encoding: "chunked"']],
    ['chunked in HTTP/1.0', 400, ['POST / HTTP/1.0', host, 'Transfer-Encoding: chunked']],
    ['a folded line', 400, [get, host, 'A: b', ' c']],
    ['a folded line with a tab', 400, [get, host, 'A: b', '\tc']],
    ['a blank before the colon', 400, [get, host, 'Content-Length : 3']],
    ['a header without a name', 400, [get, host, ': b']],
    ['a header without a colon', 400, [get, host, 'abc']],
    ['a NUL in a value', 400, [get, host, 'A: b\0c']],
    ['a CR in a value', 400, [get, host, 'A: b\rc']],
    ['a vertical tab in a name', 400, [get, host, 'Transfer-Encoding\x0b: chunked']],
    ['Host named by Connection', 400, [get, host, 'Connection: host']],
    ['length named by Connection', 400, [get, host, 'Connection: close, Content-Length']],
    ['a Host with user', 400, [get, 'Host: u@a']],
    ['a Host with a path', 400, [get, 'Host: a/b']],
    ['a Host with a blank', 400, [get, 'Host: a b']],
    ['two blanks in the first line', 400, ['GET  / HTTP/1.1', host]],
    ['a tab in the first line', 400, ['GET /\t HTTP/1.1 HTTP/1.1', host]],
    ['no version', 0, ['GET /', host]],
    ['a strange version', 505, ['GET / HTTP/1.9', host]],
    ['the HTTP/2 preface', 505, ['PRI * HTTP/2.0']],
    ['an upgrade to h2c', 400, [get, host, 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings']],
    ['an upgrade to h2c among others', 400, [get, host, 'Upgrade: websocket, H2C']],
    ['an https target', 400, ['GET https://a/ HTTP/1.1', host]],
    ['a relative target', 400, ['GET a HTTP/1.1', host]],
    ['an asterisk for GET', 400, ['GET * HTTP/1.1', host]],
    ['CONNECT without a port', 400, ['CONNECT a HTTP/1.1', host]],
    ['CONNECT to another host', 400, ['CONNECT b:80 HTTP/1.1', 'Host: a:80']],
  ];
  for (const [what, status, lines] of table) {
    const result = request(...lines);
    assert.equal(result.status, 'refused', what);
    assert.equal(result.status === 'refused' && result.httpStatus, status, what);
  }
});

test('a bare LF is refused wherever it stands', () => {
  for (const text of [
    'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX: y\n\nGET /evil HTTP/1.1\r\n\r\n',
  ]) {
    const result = readHead(text);
    assert.equal(result.status === 'refused' && result.httpStatus, 400, JSON.stringify(text));
  }
});

test('bytes that are not HTTP are recognised at the start', () => {
  for (const text of ['\x16\x03\x01', '\r\n\r\n', 'SSH-2.0-OpenSSH(', 'x'.repeat(33), '{"a":1}']) {
    const result = readHead(text);
    assert.equal(result.status === 'refused' && result.httpStatus, 0, JSON.stringify(text));
  }
});

test('a head beyond 64 KiB is refused; one just below is read', () => {
  const start = 'GET / HTTP/1.1\r\nHost: a\r\nX: ';
  const fits = `${start}${'y'.repeat(MAX_HEAD_BYTES - start.length - 4)}\r\n\r\n`;
  assert.equal(readHead(fits).status, 'head');
  const result = readHead(`${start}${'y'.repeat(MAX_HEAD_BYTES)}`);
  assert.equal(result.status === 'refused' && result.httpStatus, 431);
});

test('cuts make no difference to a head', () => {
  const texts = [
    'POST /p HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nContent-Length: 2\r\n\r\nhi',
    'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n',
    'GET\n/ HTTP/1.1\r\n\r\n',
  ];
  for (const text of texts) {
    const whole = readHead(text);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), cuts => {
        const cut = readHead(text, cuts);
        assert.equal(cut.status, whole.status);
        if (cut.status === 'head' && whole.status === 'head') assert.deepEqual(cut.head, whole.head);
      }),
    );
  }
});

test('random text never throws and never yields a head with a line feed inside a line', () => {
  const piece = fc.constantFrom(
    'GET',
    ' ',
    '/',
    'HTTP/1.1',
    '\r\n',
    '\n',
    '\r',
    'Host',
    ':',
    'a',
    '\0',
    '\t',
    ',',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
      const result = readHead(`GET / HTTP/1.1\r\n${pieces.join('')}`);
      if (result.status !== 'head') return;
      assert.equal(/[^\r]\n|\r[^\n]/.test(result.head.bytes.toString('latin1')), false);
      parseRequest(result.head);
      parseResponse(result.head, { method: 'GET' });
    }),
    { numRuns: 3000 },
  );
});

test('X-Forwarded-For is appended and nothing else changes', () => {
  const forwarded = (text: string) => {
    const result = readHead(text);
    assert.equal(result.status, 'head');
    return result.status === 'head' ? withForwardedFor(result.head, '10.0.0.9').toString('latin1') : '';
  };
  assert.equal(
    forwarded('GET / HTTP/1.1\r\nhOst:  a \r\nX:y\r\n\r\n'),
    'GET / HTTP/1.1\r\nhOst:  a \r\nX:y\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n',
  );
  assert.equal(
    forwarded('GET / HTTP/1.1\r\nx-forwarded-for: 1.2.3.4 \r\nHost: a\r\n\r\n'),
    'GET / HTTP/1.1\r\nx-forwarded-for: 1.2.3.4, 10.0.0.9 \r\nHost: a\r\n\r\n',
  );
  assert.equal(
    forwarded('GET / HTTP/1.1\r\nX-Forwarded-For: 1\r\nX-Forwarded-For:\r\n\r\n'),
    'GET / HTTP/1.1\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n',
  );
});

test('how a response is framed', () => {
  const table: [string, string[], BodyFraming, boolean][] = [
    ['GET', ['HTTP/1.1 200 OK', 'Content-Length: 5'], { kind: 'length', length: 5 }, true],
    ['HEAD', ['HTTP/1.1 200 OK', 'Content-Length: 5'], { kind: 'none' }, true],
    ['GET', ['HTTP/1.1 204 No Content'], { kind: 'none' }, true],
    ['GET', ['HTTP/1.1 304 Not Modified', 'Content-Length: 5'], { kind: 'none' }, true],
    ['GET', ['HTTP/1.1 100 Continue'], { kind: 'none' }, true],
    ['GET', ['HTTP/1.1 200', 'Transfer-Encoding: gzip, chunked'], { kind: 'chunked' }, true],
    ['GET', ['HTTP/1.1 200 OK'], { kind: 'close' }, false],
    ['GET', ['HTTP/1.0 200 OK', 'Content-Length: 5'], { kind: 'length', length: 5 }, false],
    ['CONNECT', ['HTTP/1.1 200 OK', 'Content-Length: 5'], { kind: 'none' }, true],
    ['CONNECT', ['HTTP/1.1 403 No', 'Content-Length: 5'], { kind: 'length', length: 5 }, true],
  ];
  for (const [method, lines, body, keepAlive] of table) {
    const head = response(method, ...lines);
    assert.ok(head.status === 'response', JSON.stringify(head));
    assert.deepEqual(head.body, body, lines.join());
    assert.equal(head.keepAlive, keepAlive, lines.join());
  }
  for (const lines of [
    ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6'],
    ['HTTP/1.1 200 OK', 'Transfer-Encoding: gzip'],
    ['HTTP/2 200 OK'],
    ['HTTP/1.1 20 OK'],
  ])
    assert.equal(response('GET', ...lines).status, 'refused', lines.join());
});

function follow(framing: BodyFraming, text: string, size: number) {
  const reader = bodyReader(framing);
  const bytes = latin1(text);
  let used = 0;
  for (let at = 0; at < bytes.length; at += size) {
    const step = reader.take(bytes.subarray(at, at + size));
    used += step.used;
    if (step.state !== 'more') return { used, state: step.state };
  }
  return { used, state: 'more' as const };
}

test('bodies end where their framing says, however they are cut', () => {
  const chunked = '4\r\nWiki\r\n5;ext="v"\r\npedia\r\nA \t;x\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n';
  for (const size of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(follow({ kind: 'length', length: 4 }, 'abcdGET', size), { used: 4, state: 'done' });
    assert.deepEqual(follow({ kind: 'chunked' }, `${chunked}GET`, size), {
      used: chunked.length,
      state: 'done',
    });
    assert.deepEqual(follow({ kind: 'close' }, 'abc', size), { used: 3, state: 'more' });
  }
});

test('a broken chunk is noticed, however it is cut', () => {
  for (const text of [
    'g\r\n',
    '\r\n',
    '-1\r\n',
    '0x4\r\nWiki\r\n',
    '4\nWiki\r\n',
    '4\r\nWikiX\r\n',
    '4\r\nWiki\n0\r\n\r\n',
    '4;a\rb\r\n',
    '4;a\x0bb\r\n',
    ' 4\r\n',
    '4 4\r\n',
    '1000000000000\r\n',
    '0\r\nA: b\n\r\n',
    '0\r\n A: b\r\n\r\n',
    '0\r\nnonsense\r\n\r\n',
    `1;${'x'.repeat(9000)}\r\n`,
  ])
    for (const size of [1, 3, 100_000])
      assert.equal(
        follow({ kind: 'chunked' }, text, size).state,
        'broken',
        JSON.stringify(text.slice(0, 30)),
      );
});

test('endless trailers are refused', () => {
  assert.equal(follow({ kind: 'chunked' }, `0\r\n${'A: b\r\n'.repeat(20_000)}\r\n`, 4096).state, 'broken');
});
