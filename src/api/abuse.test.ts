// The API's sockets under abuse: whatever bytes arrive over TLS or the Unix socket, it answers with a refusal or closes,
// and serves the next honest request. A crash would end the test's own process.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { buildNetwork, createTestApi, SUBSCRIPTION, TENANT, type TestApi } from './api-fixture.ts';
import { createApi } from './create-api.ts';
import { type ApiServer, serveApi } from './serve-api.ts';
import { openTokens } from './state-files.ts';

const G = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg`;
const VERSION = 'api-version=2021-04-01';
const PATIENCE_MS = 10_000;
/** Growth of the whole process, client and server together, that no abuse below may exceed. */
const MOST_GROWTH_BYTES = 300 * 1024 * 1024;

describe('the API under abuse', { timeout: 120_000 }, () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'postern-abuse-'));
  let server: ApiServer;
  let test: TestApi;
  let port = 0;
  let token = '';
  let ca = '';
  const startedWith = process.memoryUsage().rss;

  before(async () => {
    test = await createTestApi();
    await buildNetwork(test);
    const clock = () => new Date();
    const tokens = openTokens({ stateDir, tenantId: TENANT, clock });
    const limits = {
      headersTimeout: 700,
      requestTimeout: 1000,
      handshakeTimeout: 700,
      connectionsCheckingInterval: 100,
    };
    const api = createApi({ ...test.api.options, tokens, clock });
    server = await serveApi(api, { stateDir, socketPath: join(stateDir, 'api.sock'), limits });
    port = Number(new URL(server.url).port);
    token = readFileSync(join(stateDir, 'token'), 'utf8').trim();
    ca = readFileSync(join(stateDir, 'ca.pem'), 'utf8');
  });
  after(async () => {
    await server.close();
    rmSync(stateDir, { recursive: true, force: true });
    const growth = process.memoryUsage().rss - startedWith;
    assert.ok(growth < MOST_GROWTH_BYTES, `the process grew by ${Math.round(growth / 1e6)} MB`);
  });

  const open: Readonly<Record<string, () => Socket>> = {
    'the Unix socket': () => connect(join(stateDir, 'api.sock')),
    TLS: () => connectTls({ host: '127.0.0.1', port, ca }),
  };
  const authorized = () => `Host: localhost\r\nAuthorization: Bearer ${token}\r\n`;

  /** Status of an honest request on a new connection; what came of it otherwise. */
  const honest = (): Promise<number | string> =>
    new Promise(resolve => {
      const path = `${G}?${VERSION}`;
      const headers = { Authorization: `Bearer ${token}` };
      request({ host: '127.0.0.1', port, ca, path, headers, agent: false }, response => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', error => resolve(error.message))
        .end();
    });

  /** Sends bytes; what came back until the server closed or, having answered, fell silent. */
  async function send(socket: Socket, bytes: string | Buffer): Promise<string> {
    let text = '';
    const ended = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error(`neither answered nor closed within ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => {
        text += chunk;
        if (text.includes('\r\n\r\n')) socket.end();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    socket.write(bytes);
    await ended;
    return text;
  }

  const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\n${authorized()}${more}\r\n`;
  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

  /** What may come back: 0 is a closed connection. */
  const REQUESTS: readonly (readonly [
    name: string,
    bytes: () => string | Buffer,
    statuses: readonly number[],
  ])[] = [
    [
      'random bytes',
      () => Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 197 + 31) % 256)),
      [0, 400],
    ],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', [0, 400, 505]],
    [
      'an upgrade to HTTP/2',
      () =>
        get(
          `${G}?${VERSION}`,
          'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
        ),
      [200],
    ],
    [
      'an upgrade to WebSocket',
      () => get(`${G}?${VERSION}`, 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
      [200, 400],
    ],
    ['CONNECT', () => `CONNECT localhost:22 HTTP/1.1\r\n${authorized()}\r\n`, [0, 400, 404, 405]],
    ['TRACE', () => `TRACE / HTTP/1.1\r\n${authorized()}\r\n`, [400, 404, 405]],
    ['a method nobody knows', () => `FROB ${G}?${VERSION} HTTP/1.1\r\n${authorized()}\r\n`, [0, 400, 405]],
    ['OPTIONS *', () => `OPTIONS * HTTP/1.1\r\n${authorized()}\r\n`, [400, 404, 405]],
    ['a URL in the request line', () => get(`https://elsewhere.example${G}?${VERSION}`), [200, 400]],
    ['no path', () => get('nonsense'), [400, 404]],
    ['a header of 1 MiB', () => get(G, `X-Long: ${'x'.repeat(1 << 20)}\r\n`), [0, 431]],
    [
      '10,000 headers',
      () => get(G, Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1\r\n`).join('')),
      [0, 431],
    ],
    [
      'a token of 20,000 characters',
      () =>
        `GET ${G}?${VERSION} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${'a.'.repeat(10_000)}\r\n\r\n`,
      [401],
    ],
    ['a path of 100,000 characters', () => get(`/${'x'.repeat(100_000)}`), [0, 414, 431]],
    [
      'an id of 20,000 characters',
      () => get(`${G}/providers/Microsoft.Network/virtualNetworks/${'x'.repeat(20_000)}?${VERSION}`),
      [400, 404],
    ],
    ['a path of 5,000 words', () => get(`${'/a'.repeat(5000)}?${VERSION}`), [400, 404]],
    ['5,000 parameters', () => get(`${G}?${VERSION}${'&a=1'.repeat(5000)}`), [200, 400]],
    ['a null byte in the path', () => get(`${G}%00?${VERSION}`), [400, 404]],
    ['a raw null byte', () => get(`${G}\0?${VERSION}`), [0, 400]],
    [
      'an encoded slash',
      () => get(`/subscriptions/${SUBSCRIPTION}/resourceGroups/a%2frg?${VERSION}`),
      [400, 404],
    ],
    ['dots that lead nowhere else', () => get(`${G}/../../../../../../etc/passwd?${VERSION}`), [400, 404]],
    ['encoded dots', () => get(`${G}/%2e%2e/%2E%2e/..%2f..%2fetc%2fpasswd?${VERSION}`), [400, 404]],
    ['a malformed percent-encoding', () => get(`${G}%zz%?${VERSION}`), [400, 404]],
    ['a path that is not UTF-8', () => get(`${G}%ff%fe?${VERSION}`), [400, 404]],
    ['backslashes', () => get(`\\..\\${G}?${VERSION}`), [0, 200, 400, 404]],
    ['no Host', () => `GET ${G}?${VERSION} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n\r\n`, [400]],
    [
      'an empty Host',
      () => `GET ${G}?${VERSION} HTTP/1.1\r\nHost:\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      [200, 400],
    ],
    [
      'a Host that is none',
      () => `GET ${G}?${VERSION} HTTP/1.1\r\nHost: a b[/@:\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      [400],
    ],
    [
      'two lengths',
      () =>
        `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}  `,
      [0, 400],
    ],
    [
      'a length and chunks',
      () =>
        `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      [0, 400],
    ],
    [
      'a negative length',
      () => `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: -1\r\n\r\n`,
      [0, 400],
    ],
    [
      'a length of 2^60',
      () => `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: 1152921504606846976\r\n\r\n{`,
      [0, 400, 413],
    ],
    [
      'a chunk of 2^60',
      () =>
        `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n{`,
      [0, 400, 408, 413],
    ],
    [
      'an expectation',
      () => `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Expect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}`,
      [400, 417],
    ],
    [
      'a name out of the prototype',
      () =>
        get(
          `/subscriptions/${SUBSCRIPTION}/resourceGroups/__proto__/providers/constructor/toString?${VERSION}`,
        ),
      [400, 404],
    ],
    [
      'a body out of the prototype',
      () =>
        put(
          '{"location":"eastus","__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"tags":{"__proto__":"x"}}',
        ),
      [200, 201, 400],
    ],
    [
      'a body with lone surrogates',
      () => put('{"location":"eastus","tags":{"\\ud800":"\\udfff"}}'),
      [200, 201, 400],
    ],
    ['a number beyond all', () => put('{"location":1e999}'), [400]],
  ];
  function put(body: string): string {
    return `PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  for (const [way, connected] of Object.entries(open))
    for (const [name, bytes, statuses] of REQUESTS)
      it(`${name}, over ${way}`, async () => {
        const status = statusOf(await send(connected(), bytes()));
        assert.ok(statuses.includes(status), `${status} is not among ${statuses.join(', ')}`);
        assert.equal(await honest(), 200);
      });

  it('plain HTTP, half a handshake and an offer of HTTP/2 alone on the TLS port', async () => {
    assert.equal(statusOf(await send(connect(port, '127.0.0.1'), get(G))), 0);
    const half = connect(port, '127.0.0.1');
    assert.equal(await send(half, Buffer.from([0x16, 3, 1, 0x40, 0, 1])), '');
    const h2 = connectTls({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'] });
    assert.ok([0, 200, 400].includes(statusOf(await send(h2, get(`${G}?${VERSION}`)))));
    assert.equal(await honest(), 200);
  });

  it('clients that say nothing or little are cut off, and others are served meanwhile', async () => {
    const sockets = [...Array(40)].flatMap((_, index) => {
      const [socket, tls, raw] = [
        connect(join(stateDir, 'api.sock')),
        connectTls({ host: '127.0.0.1', port, ca }),
        connect(port, '127.0.0.1'),
      ];
      socket.write(index % 2 === 0 ? 'G' : `GET ${G} HTTP/1.1\r\nX-A: `);
      tls.write(`PUT ${G}?${VERSION} HTTP/1.1\r\n${authorized()}Content-Length: 100\r\n\r\n{`);
      return [socket, tls, raw];
    });
    const closed = Promise.all(
      sockets.map(
        socket =>
          new Promise(resolve =>
            socket
              .on('error', () => {})
              .on('close', resolve)
              .resume(),
          ),
      ),
    );
    const drips = setInterval(() => {
      for (const socket of sockets) if (socket.writable && socket.bytesWritten > 0) socket.write('a');
    }, 50);
    assert.equal(await honest(), 200);
    await closed;
    clearInterval(drips);
    assert.equal(await honest(), 200);
  });

  it('a thousand requests at once are answered or closed', async () => {
    const answers = await Promise.all([...Array(1000)].map(honest));
    const served = answers.filter(answer => answer === 200).length;
    const refused = answers.filter(answer => typeof answer === 'string').length;
    assert.equal(served + refused, 1000);
    assert.ok(served >= 200, `${served} were served`);
    assert.equal(await honest(), 200);
  });

  it('a client that asks and asks without waiting is cut off', async () => {
    const flood = get(`/subscriptions/${SUBSCRIPTION}/locations?${VERSION}`).repeat(5000);
    for (const connected of Object.values(open)) {
      const text = await send(connected(), flood);
      assert.ok(text.split('HTTP/1.1 200').length <= 17, 'too many answers');
    }
    assert.equal(await honest(), 200);
    const growth = process.memoryUsage().rss - startedWith;
    assert.ok(growth < MOST_GROWTH_BYTES, `the process grew by ${Math.round(growth / 1e6)} MB`);
  });

  it('a connection that waits for each answer lives on', async () => {
    const socket = connect(join(stateDir, 'api.sock'));
    for (let turn = 0; turn < 50; turn++) {
      socket.write(get(`${G}?${VERSION}`));
      const chunk: Buffer = await new Promise(resolve => socket.once('data', resolve));
      assert.equal(statusOf(chunk.toString('latin1')), 200);
    }
    socket.destroy();
  });
});
