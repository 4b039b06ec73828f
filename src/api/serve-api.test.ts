// The API over its real sockets: TLS with the state folder's authority, the Unix socket, files and modes, limits.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { MemoryStore } from '#store/memory-store.ts';
import { createTestApi, SUBSCRIPTION, TENANT } from './api-fixture.ts';
import { createApi } from './create-api.ts';
import { type ServeOptions, serveApi } from './serve-api.ts';
import { openTokens } from './state-files.ts';

interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

async function start(t: TestContext, options: Partial<ServeOptions> = {}) {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'postern-api-'));
  const socketPath = join(stateDir, 'api.sock');
  const clock = () => new Date();
  const tokens = openTokens({ stateDir, tenantId: TENANT, clock });
  const { api: other } = await createTestApi();
  const api = createApi({ ...other.options, store: new MemoryStore(), tokens, clock });
  let close: () => Promise<void> = async () => {};
  // Also where the server refuses to start.
  t.after(async () => {
    await close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  const server = await serveApi(api, { stateDir, socketPath, ...options });
  let closed = false;
  close = async () => {
    if (!closed) await server.close();
    closed = true;
  };
  const read = (name: string) => readFileSync(join(stateDir, name), 'utf8').trim();
  const send = (
    where: object,
    method: string,
    path: string,
    body?: string,
    headers: object = {},
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const make = 'socketPath' in where ? httpRequest : httpsRequest;
      const outgoing = make(
        { ...where, method, path, headers: { ...headers }, timeout: 5000, agent: false },
        incoming => {
          let text = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (chunk: string) => {
            text += chunk;
          });
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const { port } = new URL(server.url);
  const tls = { host: '127.0.0.1', port, ca: read('ca.pem') };
  const authorized = { Authorization: `Bearer ${read('token')}`, 'Content-Type': 'application/json' };
  return { server, close, stateDir, socketPath, send, tls, read, authorized, port };
}

const LIST = '/subscriptions?api-version=2019-11-01';

it('answers over TLS to whoever trusts the authority, by name and by address, and to nobody else', async t => {
  const { send, tls, authorized } = await start(t);
  for (const host of ['127.0.0.1', 'localhost'])
    assert.equal((await send({ ...tls, host }, 'GET', LIST, undefined, authorized)).status, 200, host);
  await assert.rejects(send({ ...tls, ca: undefined }, 'GET', LIST, undefined, authorized), /certificate/i);
});

it('answers over the Unix socket, which wants a token too', async t => {
  const { send, socketPath, authorized } = await start(t);
  assert.equal((await send({ socketPath }, 'GET', LIST, undefined, authorized)).status, 200);
  const refused = await send({ socketPath }, 'GET', LIST);
  assert.equal(refused.status, 401);
  assert.equal(JSON.parse(refused.text).error.code, 'AuthenticationFailed');
  assert.match(String(refused.headers['www-authenticate']), /^Bearer authorization_uri=/);
});

it('logs in with the client secret, and the token given works', async t => {
  const { send, tls, read, port } = await start(t);
  const login = (secret: string) => {
    const form = new URLSearchParams({
      client_id: 'any-app',
      grant_type: 'client_credentials',
      client_secret: secret,
      scope: `https://localhost:${port}//.default`,
    });
    return send(tls, 'POST', '/adfs/oauth2/token', form.toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
  };
  assert.equal((await login('wrong')).status, 401);
  const { access_token: token } = JSON.parse((await login(read('client-secret'))).text) as {
    access_token: string;
  };
  const answer = await send(tls, 'GET', LIST, undefined, { Authorization: `Bearer ${token}` });
  assert.equal(JSON.parse(answer.text).value[0].subscriptionId, SUBSCRIPTION);
});

it('writes the files thin clients read, and keeps secrets to their owner', async t => {
  const { server, stateDir, read, socketPath } = await start(t);
  const description = JSON.parse(read('api.json'));
  assert.equal(description.url, server.url);
  assert.equal(description.subscription, SUBSCRIPTION);
  assert.equal(description.tenant, TENANT);
  assert.equal(description.ca, join(stateDir, 'ca.pem'));
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  assert.equal(mode(stateDir), '700');
  for (const name of ['token', 'token-key', 'client-secret', 'ca-key.pem'])
    assert.equal(mode(join(stateDir, name)), '600', name);
  assert.equal(mode(socketPath), '600');
});

it('keeps its authority, key and secret over a restart', async t => {
  const first = await start(t);
  const before = ['ca.pem', 'client-secret', 'token-key'].map(first.read);
  await first.close();
  const second = await start(t, { stateDir: first.stateDir });
  assert.deepEqual(['ca.pem', 'client-secret', 'token-key'].map(second.read), before);
  assert.equal((await second.send(second.tls, 'GET', LIST, undefined, second.authorized)).status, 200);
});

it('refuses to listen where others could reach it, unless told to', async t => {
  for (const tlsHost of ['0.0.0.0', '::', '192.0.2.1', 'example.org'])
    await assert.rejects(start(t, { tlsHost }), /only loopback addresses/, tlsHost);
});

it('refuses a second API on the same socket, and replaces the socket of one that crashed', async t => {
  const first = await start(t);
  await assert.rejects(start(t, { stateDir: first.stateDir }), /in use: another control plane/);
  await first.close();
  const crash = `require('net').createServer().listen(${JSON.stringify(first.socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', crash]);
  assert.ok(statSync(first.socketPath).isSocket());
  const second = await start(t, { stateDir: first.stateDir });
  const { socketPath, authorized } = second;
  assert.equal((await second.send({ socketPath }, 'GET', LIST, undefined, authorized)).status, 200);
});

it('refuses a body that is too large, announced or not', async t => {
  const { send, tls, authorized } = await start(t);
  const path = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg?api-version=2021-04-01`;
  const body = JSON.stringify({ location: 'x'.repeat(5 * 1024 * 1024) });
  const chunked = await send(tls, 'PUT', path, body, { ...authorized, 'Transfer-Encoding': 'chunked' }).catch(
    String,
  );
  if (typeof chunked !== 'string') {
    assert.equal(chunked.status, 413);
    assert.equal(JSON.parse(chunked.text).error.code, 'RequestTooLarge');
  }
  // The server may cut the connection while the client is still sending; either way the next request is served.
  assert.equal((await send(tls, 'GET', LIST, undefined, authorized)).status, 200);
  const small = await send(tls, 'PUT', path, '{"location":"eastus"}', {
    ...authorized,
    'Transfer-Encoding': 'chunked',
  });
  assert.equal(small.status, 201, small.text);
});

it('names https addresses that the caller can reach in Location', async t => {
  const { send, tls, authorized, port } = await start(t);
  const path = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg?api-version=2021-04-01`;
  await send(tls, 'PUT', path, '{"location":"eastus"}', authorized);
  const deletion = await send({ ...tls, host: 'localhost' }, 'DELETE', path, undefined, authorized);
  assert.equal(deletion.status, 202);
  assert.ok(String(deletion.headers.location).startsWith(`https://localhost:${port}/subscriptions/`));
});

it('closes within a moment although a client hangs', async t => {
  const { close, socketPath, send, authorized } = await start(t);
  const hanging = connect(socketPath);
  hanging.on('error', () => {});
  await new Promise(resolve =>
    hanging.write('PUT /subscriptions HTTP/1.1\r\nContent-Length: 10\r\n', resolve),
  );
  assert.equal((await send({ socketPath }, 'GET', LIST, undefined, authorized)).status, 200);
  const begun = Date.now();
  await close();
  assert.ok(Date.now() - begun < 3000);
  hanging.destroy();
});

it('cuts a client off that sends its request too slowly', async t => {
  const limits = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 };
  const { socketPath, send, authorized } = await start(t, { limits });
  const token = authorized.Authorization;
  const beginnings = [
    'GET /subscriptions HTTP/1.1\r\nHost: localhost\r\n',
    `PUT /subscriptions/${SUBSCRIPTION}/resourcegroups/rg?api-version=2021-04-01 HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${token}\r\nContent-Length: 100\r\n\r\n{`,
  ];
  for (const beginning of beginnings) {
    const begun = Date.now();
    const socket = connect(socketPath);
    await new Promise(resolve => {
      socket.on('error', () => {});
      socket.on('close', resolve);
      socket.resume();
      socket.write(beginning);
    });
    assert.ok(Date.now() - begun < 3000, beginning);
  }
  assert.equal((await send({ socketPath }, 'GET', LIST, undefined, authorized)).status, 200);
});
