// The engine on plain HTTP: each request judged by its Host, bytes passed on unchanged, bodies and answers framed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import type net from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Client, eventually, ip, rule, rules, serve, startBench } from './bench.ts';

const DEFAULT_DENY = 'Action: Deny. Reason: No rule matched. Proceeding with default action.';
const names = { 'a.example.org': ['192.0.2.1'], 'b.example.org': ['192.0.2.2'] };
const get = (host: string, path = '/') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Answers every request head on a connection with its own name and the request's bytes. */
async function echoServer(name: string) {
  const server = await serve(socket => {
    let text = '';
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        socket.write(ok(`${name}|${text.slice(0, end + 4)}`));
        text = text.slice(end + 4);
      }
    });
    socket.on('end', () => socket.end());
  });
  return server;
}

async function scripted(respond: (request: string, socket: net.Socket) => void) {
  return serve(socket => {
    socket.on('data', chunk => respond(chunk.toString('latin1'), socket));
    socket.on('end', () => socket.end());
  });
}

test('an allowed request reaches the server of its name, byte for byte, with the client in X-Forwarded-For', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send('GET /p?q HTTP/1.1\r\nhOsT:  A.example.org. \r\nX-Odd:\tvalue  \r\n\r\n');
  const answer = await client.take(/A\|[\s\S]*\r\n\r\n/);
  assert.ok(
    answer.endsWith(
      'A|GET /p?q HTTP/1.1\r\nhOsT:  A.example.org. \r\nX-Odd:\tvalue  \r\nX-Forwarded-For: 127.0.0.1\r\n\r\n',
    ),
    answer,
  );
  assert.deepEqual(bench.dialled, ['192.0.2.1:80']);
  const [record, ...more] = bench.sink.ofType('AZFWApplicationRule');
  assert.equal(more.length, 0);
  assert.deepEqual(
    { ...record, SourcePort: 0 },
    {
      Type: 'AZFWApplicationRule',
      Protocol: 'HTTP',
      SourceIp: '127.0.0.1',
      SourcePort: 0,
      DestinationPort: 80,
      Fqdn: 'a.example.org',
      TargetUrl: 'a.example.org/p?q',
      Action: 'Allow',
      ActionReason: '',
      Policy: '',
      RuleCollectionGroup: '',
      RuleCollection: 'collection',
      Rule: 'org',
      IsTlsInspected: false,
      IsExplicitProxyRequest: false,
      WebCategory: '',
    },
  );
});

test('a denied request is answered with status 470 and the text of Azure, and the connection goes on', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send(get('example.com', '/secret'));
  const answer = await client.take('action.');
  assert.equal(
    answer,
    `HTTP/1.1 470 status code 470\r\nContent-Length: 70\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${DEFAULT_DENY}`,
  );
  client.send(get('a.example.org'));
  await client.take('A|GET /');
  const [deny] = bench.sink.ofType('AZFWApplicationRule');
  assert.equal(deny?.Action, 'Deny');
  assert.equal(deny?.ActionReason, 'Default Action');
  assert.equal(deny?.TargetUrl, 'example.com/secret');
  assert.equal(deny?.Rule, '');
  assert.deepEqual(bench.asked, ['a.example.org'], 'a denied name is never looked up');
});

test('a deny rule is named in its answer; HEAD gets no body', async () => {
  await using bench = await startBench({
    names,
    rules: rules([rule('Deny', 'not-a', ['a.example.org']), rule('Allow', 'org', ['*.example.org'])]),
  });
  using client = new Client(bench.port);
  client.send(get('a.example.org'));
  const answer = await client.take('not-a.');
  const body = 'Action: Deny. Rule Collection: collection. Rule: not-a.';
  assert.ok(
    answer.includes(`Content-Length: ${body.length}\r\n`) && answer.endsWith(`\r\n\r\n${body}`),
    answer,
  );
  client.send('HEAD / HTTP/1.1\r\nHost: a.example.org\r\nConnection: close\r\n\r\n');
  const head = await client.rest();
  assert.ok(head.startsWith('HTTP/1.1 470 ') && head.endsWith('\r\n\r\n'), head);
});

test('each request of a kept connection is judged, pipelined or not, and goes to its own server', async () => {
  await using a = await echoServer('A');
  await using b = await echoServer('B');
  await using bench = await startBench({
    names,
    servers: { '192.0.2.1:80': a.port, '192.0.2.2:80': b.port },
  });
  using client = new Client(bench.port);
  client.send(
    ['a.example.org', 'a.example.org', 'evil.example.com', 'b.example.org', 'a.example.org']
      .map((host, index) => get(host, `/${index}`))
      .join(''),
  );
  for (const expected of ['A|GET /0', 'A|GET /1', DEFAULT_DENY, 'B|GET /3', 'A|GET /4'])
    await client.take(expected);
  assert.deepEqual(
    bench.dialled,
    ['192.0.2.1:80', '192.0.2.2:80', '192.0.2.1:80'],
    'reused for the same name only',
  );
  assert.deepEqual(
    bench.sink.ofType('AZFWApplicationRule').map(record => `${record.Action} ${record.TargetUrl}`),
    [
      'Allow a.example.org/0',
      'Allow a.example.org/1',
      'Deny evil.example.com/2',
      'Allow b.example.org/3',
      'Allow a.example.org/4',
    ],
  );
});

test('a request sent one byte at a time is served', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.socket.setNoDelay(true);
  for (const byte of get('a.example.org')) {
    client.send(byte);
    await new Promise(resolve => setImmediate(resolve));
  }
  await client.take('A|GET / HTTP/1.1');
});

test('what cannot be judged is refused with 400 and the reason, and reaches nobody', async () => {
  await using bench = await startBench({ names });
  for (const [request, status] of [
    ['GET / HTTP/1.1\r\n\r\n', '400 '],
    ['GET / HTTP/1.1\r\nHost: a.example.org\r\nHost: b.example.org\r\n\r\n', '400 '],
    ['GET http://b.example.org/ HTTP/1.1\r\nHost: a.example.org\r\n\r\n', '400 '],
    [
      'POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '400 ',
    ],
    ['GET / HTTP/1.1\nHost: a.example.org\n\n', '400 '],
    ['GET / HTTP/1.1\r\nHost: a.example.org\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', '400 '],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '505 '],
    [`GET / HTTP/1.1\r\nHost: a.example.org\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, '431 '],
    ['GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\nConnection: close\r\n\r\n', '470 '],
  ] as const) {
    using client = new Client(bench.port);
    const answer = await client.send(request).rest();
    assert.ok(answer.startsWith(`HTTP/1.1 ${status}`), `${request.slice(0, 60)} -> ${answer}`);
  }
  assert.deepEqual(bench.dialled, []);
  const records = bench.sink.ofType('AZFWApplicationRule');
  assert.equal(records.length, 9);
  assert.ok(records.every(record => record.Action === 'Deny' && record.ActionReason !== ''));
  assert.equal(records[0]?.ActionReason, 'Host header was missing');
  assert.match(records[1]?.ActionReason ?? '', /several Host headers/);
});

test('a port in Host that is not the TCP port drops the connection', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send(get('a.example.org:80'));
  await client.take('A|GET /');
  client.send(get('a.example.org:8080'));
  await client.closed;
  assert.equal(client.error, 'ECONNRESET');
  assert.match(
    bench.sink.ofType('AZFWApplicationRule').at(-1)?.ActionReason ?? '',
    /^Port of the Host header/,
  );
});

test('bytes that are no HTTP get a reset', async () => {
  await using bench = await startBench();
  using client = new Client(bench.port);
  await client.send('\x16\x03\x01\x02\x00').closed;
  assert.equal(client.error, 'ECONNRESET');
  assert.match(bench.sink.ofType('AZFWApplicationRule')[0]?.ActionReason ?? '', /^Not an acceptable HTTP/);
});

test('an IP literal as Host is judged as such and connected to only if it may be', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({
    rules: rules([rule('Allow', 'all', ['*'])]),
    servers: { '192.0.2.1:80': server.port },
  });
  using client = new Client(bench.port);
  client.send(get('192.0.2.1'));
  await client.take('\r\n\r\n');
  await client.take('\r\n\r\n');
  for (const address of [
    '127.0.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '10.42.2.4',
    '20.1.1.1',
    '0.0.0.0',
  ]) {
    client.send(get(address));
    assert.match(await client.take('Rule: all.'), /^HTTP\/1.1 470 /);
  }
  assert.deepEqual(bench.dialled, ['192.0.2.1:80']);
  assert.deepEqual(bench.asked, []);
});

test('whatever a name resolves to, forbidden addresses are never connected to; others of the answer are', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({
    names: {
      'bad.example.org': ['127.0.0.1', '224.0.0.1', '255.255.255.255', '10.99.0.1'],
      'mixed.example.org': ['169.254.1.1', '192.0.2.1'],
    },
    forbiddenAddresses: () => [{ first: ip('10.99.0.0'), last: ip('10.99.0.255') }],
    servers: { '192.0.2.1:80': server.port },
  });
  using client = new Client(bench.port);
  client.send(get('bad.example.org'));
  assert.match(await client.take('Rule: org.'), /^HTTP\/1.1 470 .*never connected to/s);
  client.send(get('mixed.example.org'));
  await client.take('A|GET /');
  assert.deepEqual(bench.dialled, ['192.0.2.1:80']);
  const [record] = bench.sink.ofType('AZFWApplicationRule');
  assert.equal(record?.Action, 'Deny');
  assert.equal(record?.ActionReason, 'The name resolves to an address that is never connected to');
});

test('an unresolvable name and an unreachable server are told apart', async () => {
  await using bench = await startBench({ names });
  using client = new Client(bench.port);
  client.send(get('nowhere.example.org'));
  assert.match(
    await client.take('by the firewall.'),
    /^HTTP\/1.1 502 .*nowhere.example.org could not be resolved/s,
  );
  client.send(get('a.example.org'));
  assert.match(
    await client.rest(),
    /^HTTP\/1.1 502 .*could not connect to a.example.org: 192.0.2.1:80 ECONNREFUSED/s,
  );
  const reasons = bench.sink.ofType('AZFWApplicationRule').map(record => record.ActionReason);
  assert.deepEqual(reasons, ['The name could not be resolved: nowhere.example.org has no answer', '']);
});

test('the addresses of an answer are tried in order until one accepts', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({
    names: { 'a.example.org': ['192.0.2.7', '192.0.2.8', '192.0.2.1'] },
    servers: { '192.0.2.1:80': server.port },
  });
  using client = new Client(bench.port);
  client.send(get('a.example.org'));
  await client.take('A|GET /');
  assert.deepEqual(bench.dialled, ['192.0.2.7:80', '192.0.2.8:80', '192.0.2.1:80']);
});

test('bodies of every framing pass both ways; a real server and a real client agree', async () => {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('X-Method', request.method ?? '');
      response.setHeader('Trailer', 'X-Sum');
      response.write(Buffer.concat(chunks));
      response.addTrailers({ 'X-Sum': String(Buffer.concat(chunks).length) });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  try {
    const { port } = server.address() as net.AddressInfo;
    await using bench = await startBench({ names, servers: { '192.0.2.1:80': port } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const body = Buffer.alloc(300_000, 'x');
    for (const headers of [
      { 'content-length': body.length },
      { 'transfer-encoding': 'chunked' },
      { expect: '100-continue', 'transfer-encoding': 'chunked' },
    ]) {
      const { length, sum } = await new Promise<{ length: number; sum: string | undefined }>(
        (resolve, reject) => {
          const request = http.request(
            {
              ...{ host: '127.0.0.1', port: bench.port, method: 'PUT', path: '/', agent },
              headers: { host: 'a.example.org', ...headers },
            },
            response => {
              let length = 0;
              response.on('data', chunk => {
                length += chunk.length;
              });
              response.on('end', () => resolve({ length, sum: response.trailers['x-sum'] }));
            },
          );
          request.on('error', reject);
          if ('expect' in headers) {
            request.on('continue', () => request.end(body));
            request.flushHeaders();
          } else request.end(body);
        },
      );
      assert.deepEqual({ length, sum }, { length: body.length, sum: String(body.length) });
    }
    agent.destroy();
    assert.equal(bench.dialled.length, 1, 'all over one kept connection');
    assert.deepEqual(bench.reports, []);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('answers are framed by their heads: HEAD, 204, 304, interim, closed by the server', async () => {
  await using server = await scripted((request, socket) => {
    const path = /^\S+ (\S+)/.exec(request)?.[1];
    if (path === '/head') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n');
    if (path === '/204') socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    if (path === '/304') socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n');
    if (path === '/103') socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok('after hints')}`);
    if (path === '/close') socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send('HEAD /head HTTP/1.1\r\nHost: a.example.org\r\n\r\n');
  await client.take('999\r\n\r\n');
  await client.send(get('a.example.org', '/204')).take('204 No Content\r\n\r\n');
  await client.send(get('a.example.org', '/304')).take('Content-Length: 9\r\n\r\n');
  await client.send(get('a.example.org', '/103')).take('after hints');
  assert.equal(
    await client.send(get('a.example.org', '/close')).rest(),
    'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  );
  assert.equal(bench.dialled.length, 1);
});

test('a server that closed a kept connection is reached anew for a request that may be repeated', async () => {
  let connections = 0;
  await using server = await serve(socket => {
    const first = ++connections === 1;
    let requests = 0;
    socket.on('data', () => {
      // The first connection dies with the second request, as one that timed out at that very moment.
      if (first && ++requests === 2) socket.destroy();
      else socket.write(ok(`connection ${connections}`));
    });
    socket.on('end', () => socket.end());
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  await client.send(get('a.example.org')).take('connection 1');
  await client.send(get('a.example.org')).take('connection 2');
  assert.equal(bench.sink.records.length, 2, 'one record a request');
});

test('unusable answers become 502; a broken one that has begun is reset', async () => {
  await using server = await scripted((request, socket) => {
    const path = /^\S+ (\S+)/.exec(request)?.[1];
    if (path === '/garbage') socket.write('nonsense\r\n\r\n');
    if (path === '/silent') socket.end();
    if (path === '/switch') socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n');
    if (path === '/short') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  for (const path of ['/garbage', '/silent', '/switch']) {
    using client = new Client(bench.port);
    assert.match(
      await client.send(get('a.example.org', path)).rest(),
      /^HTTP\/1.1 502 .*no usable answer/s,
      path,
    );
  }
  using client = new Client(bench.port);
  await client.send(get('a.example.org', '/short')).closed;
  assert.equal(client.error, 'ECONNRESET');
  assert.deepEqual(bench.reports, []);
});

test('an early answer while the client still uploads is delivered', async () => {
  await using server = await serve(socket => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much');
    });
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send('POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 1000000\r\n\r\nstart');
  assert.match(await client.rest(), /^HTTP\/1.1 413 [\s\S]*too much$/);
  client.socket.end();
  await eventually('the connection is gone', () => bench.engine.statistics.open === 0);
});

test('after CONNECT and after an Upgrade the connection is a tunnel to the judged name', async () => {
  await using server = await serve(socket => {
    let tunnel = false;
    socket.on('data', chunk => {
      if (tunnel) socket.write(`echo:${chunk}`);
      else if (chunk.toString().startsWith('CONNECT'))
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n');
      tunnel = true;
    });
    socket.on('end', () => socket.end());
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  for (const [request, answer] of [
    ['CONNECT a.example.org:80 HTTP/1.1\r\nHost: a.example.org:80\r\n\r\n', 'established\r\n\r\n'],
    [
      'GET / HTTP/1.1\r\nHost: a.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'websocket\r\n\r\n',
    ],
  ] as const) {
    using client = new Client(bench.port);
    await client.send(request).take(answer);
    // Looks like a request for a forbidden host; inside the tunnel it is only bytes for the same server.
    const bytes = get('evil.example.com');
    await client.send(bytes).take(`echo:${bytes}`);
    client.socket.end();
    await client.closed;
    assert.equal(client.error, undefined);
  }
  using client = new Client(bench.port);
  const refused = await client
    .send('CONNECT evil.example.com:80 HTTP/1.1\r\nHost: evil.example.com:80\r\n\r\n')
    .rest();
  assert.match(refused, /^HTTP\/1.1 470 /);
  assert.equal(bench.sink.records.length, 3);
});

test('a request smuggled inside a body or behind chunks is never seen as a request by the server', async () => {
  const seen: string[] = [];
  await using server = await serve(socket => {
    socket.on('data', chunk => seen.push(chunk.toString('latin1')));
    socket.on('error', () => undefined);
  });
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  using client = new Client(bench.port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: chunked\r\n\r\n0;x\n\r\n\r\n${get('evil.example.com')}`,
  );
  await client.closed;
  assert.equal(client.error, 'ECONNRESET');
  assert.equal(seen.join('').includes('evil'), false);
});

test('threat intelligence comes before the rules: Alert logs, Deny refuses, the allow list is respected', async () => {
  await using server = await echoServer('A');
  const threats = {
    ofName: (name: string) => (name === 'a.example.org' ? 'a listed name' : undefined),
    ofAddress: (address: number) => (address === ip('192.0.2.2') ? 'a listed address' : undefined),
  };
  const settings = (mode: 'Alert' | 'Deny', allowed: readonly string[] = []) =>
    rules([rule('Allow', 'org', ['*.example.org'])], {
      threatIntel: {
        mode,
        allowedAddresses: [],
        allowedFqdns: allowed.map(name => ({ kind: 'exact', name })),
      },
    });
  await using bench = await startBench({
    names,
    threats,
    rules: settings('Alert'),
    servers: { '192.0.2.1:80': server.port, '192.0.2.2:80': server.port },
  });
  using client = new Client(bench.port);
  await client.send(get('a.example.org')).take('A|GET /');
  await client.send(get('b.example.org')).take('A|GET /');
  bench.engine.configure(settings('Deny', ['a.example.org']));
  await client.closed; // Bound to b, whose server is listed.
  using second = new Client(bench.port);
  await second.send(get('a.example.org')).take('A|GET /');
  assert.match(await second.send(get('b.example.org')).take('Intelligence'), /^\s*[\s\S]*HTTP\/1.1 470 /);
  assert.deepEqual(
    bench.sink
      .ofType('AZFWThreatIntel')
      .map(record => `${record.Action} ${record.Fqdn} ${record.ThreatDescription}`),
    [
      'Alert a.example.org a listed name',
      'Alert b.example.org a listed address',
      'Deny b.example.org a listed address',
    ],
  );
});

test('curl is served and refused', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({ names, servers: { '192.0.2.1:80': server.port } });
  const curl = async (url: string) =>
    (
      await promisify(execFile)('curl', [
        '-s',
        '-w',
        '%{http_code}',
        '--connect-to',
        `::127.0.0.1:${bench.port}`,
        url,
      ])
    ).stdout;
  assert.match(await curl('http://a.example.org/x'), /^A\|GET \/x[\s\S]*200$/);
  assert.equal(await curl('http://example.com/'), `${DEFAULT_DENY}470`);
});

test('a head that does not come in time, and a connection that idles, are reset', async () => {
  await using server = await echoServer('A');
  await using bench = await startBench({
    names,
    servers: { '192.0.2.1:80': server.port },
    limits: { headDeadlineMs: 80, idleMs: 200 },
  });
  using slow = new Client(bench.port);
  await slow.send('GET / HT').closed;
  assert.equal(slow.error, 'ECONNRESET');
  assert.match(bench.sink.ofType('AZFWApplicationRule')[0]?.ActionReason ?? '', /no complete request head/);
  using idle = new Client(bench.port);
  await idle.send(get('a.example.org')).take('\r\n\r\n');
  await idle.closed;
  assert.equal(idle.error, 'ECONNRESET');
  await eventually('the server was told', () => server.sockets.size === 0);
});

test('new rules cut the connections they forbid, at once, and no others', async () => {
  await using server = await serve(socket => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'));
  });
  await using bench = await startBench({
    names,
    servers: { '192.0.2.1:80': server.port, '192.0.2.2:80': server.port },
  });
  using a = new Client(bench.port);
  using b = new Client(bench.port);
  using fresh = new Client(bench.port);
  await a.send(get('a.example.org')).take('part');
  await b.send(get('b.example.org')).take('part');
  bench.engine.configure(rules([rule('Allow', 'only-b', ['b.example.org'])]));
  await a.closed;
  assert.equal(a.error, 'ECONNRESET');
  await eventually('its server was reset', () => server.sockets.size === 1);
  assert.equal(b.socket.destroyed, false);
  await fresh.send(get('a.example.org')).take(DEFAULT_DENY);
  for (const socket of server.sockets) socket.write('x'.repeat(996));
  await b.take('x'.repeat(996));
});
