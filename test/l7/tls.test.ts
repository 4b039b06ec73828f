// The engine on TLS: judged by the name in the hello, connected to where that name lives, never answered in HTTP.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { limitsFor } from '#dataplane/l7/services.ts';
import { resetSocket } from '#netlink/reset-socket.ts';
import { Client, eventually, helloFor, makeCertificates, rule, rules, serve, startBench } from './bench.ts';

const certificates = makeCertificates(['a.example.org', 'b.example.org']);
after(() => certificates[Symbol.dispose]());
const names = { 'a.example.org': ['192.0.2.1'], 'b.example.org': ['192.0.2.2'] };

/** Says its own name, then echoes. */
async function tlsEcho(name: string) {
  const sockets = new Set<net.Socket>();
  const server = tls.createServer({ ...certificates, allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined);
    socket.write(`${name} sees ${socket.servername}\n`);
    socket.pipe(socket);
  });
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function tlsClient(port: number, servername: string | undefined): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    ca: certificates.ca,
    ...(servername ? { servername } : { checkServerIdentity: () => undefined }),
  });
  socket.setEncoding('utf8');
  await once(socket, 'secureConnect');
  return socket;
}

async function failure(port: number, servername?: string): Promise<string> {
  try {
    (await tlsClient(port, servername)).destroy();
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const reasons = (bench: {
  sink: { ofType(type: 'AZFWApplicationRule'): { Action: string; Fqdn: string; ActionReason: string }[] };
}) =>
  bench.sink
    .ofType('AZFWApplicationRule')
    .map(record => `${record.Action} ${record.Fqdn} ${record.ActionReason}`);

test('an allowed name is served end to end and verified; the client address plays no part', async () => {
  await using server = await tlsEcho('A');
  await using bench = await startBench({ port: 443, names, servers: { '192.0.2.1:443': server.port } });
  const socket = await tlsClient(bench.port, 'a.example.org');
  assert.equal((await once(socket, 'data'))[0], 'A sees a.example.org\n');
  assert.equal(socket.authorized, true);
  socket.write('ping');
  assert.equal((await once(socket, 'data'))[0], 'ping');
  socket.destroy();
  assert.deepEqual(bench.dialled, ['192.0.2.1:443']);
  assert.deepEqual(reasons(bench), ['Allow a.example.org ']);
  assert.equal(bench.sink.ofType('AZFWApplicationRule')[0]?.Protocol, 'HTTPS');
});

test('a denied name, no name, an unresolvable one and a forbidden address are reset and logged with the reason', async () => {
  await using bench = await startBench({
    port: 443,
    names: { 'loop.example.org': ['127.0.0.1', '0.0.0.0'] },
  });
  for (const name of ['www.example.com', undefined, 'nowhere.example.org', 'loop.example.org'])
    assert.equal(await failure(bench.port, name), 'ECONNRESET', name);
  assert.deepEqual(reasons(bench), [
    'Deny www.example.com Default Action',
    'Deny  SNI TLS extension was missing',
    'Deny nowhere.example.org The name could not be resolved: nowhere.example.org has no answer',
    'Deny loop.example.org The name resolves to an address that is never connected to',
  ]);
  assert.deepEqual(bench.dialled, []);
});

test('what is not TLS is reset and logged; a probe that only connects is not logged', async () => {
  await using bench = await startBench({ port: 443, limits: { headDeadlineMs: 100 } });
  using probe = new Client(bench.port);
  probe.socket.end();
  await probe.closed;
  assert.equal(probe.error, undefined);
  assert.deepEqual(bench.sink.records, []);
  using plain = new Client(bench.port);
  await plain.send('GET / HTTP/1.1\r\n').closed;
  assert.deepEqual([plain.error, plain.text], ['ECONNRESET', '']);
  using slow = new Client(bench.port);
  await slow.send('\x16\x03\x01').closed;
  assert.equal(slow.error, 'ECONNRESET');
  assert.deepEqual(reasons(bench), [
    'Deny  Not a TLS connection: the first byte of a record is not a handshake',
    'Deny  Not a TLS connection: no ClientHello within 100 ms',
  ]);
});

test('a hello in single bytes and over many records is judged and replayed unchanged', async () => {
  const hello = await helloFor('a.example.org');
  const split = Buffer.concat(
    Array.from({ length: Math.ceil((hello.length - 5) / 7) }, (_, index) => {
      const part = hello.subarray(5 + index * 7, Math.min(5 + (index + 1) * 7, hello.length));
      return Buffer.concat([Buffer.from([22, 3, 1, 0, part.length]), part]);
    }),
  );

  const received: Buffer[] = [];
  await using server = await serve(socket => socket.on('data', chunk => received.push(chunk)));
  await using bench = await startBench({ port: 443, names, servers: { '192.0.2.1:443': server.port } });
  for (const bytes of [hello, split]) {
    received.length = 0;
    using raw = new Client(bench.port);
    raw.socket.setNoDelay(true);
    for (const byte of bytes) {
      raw.socket.write(Buffer.from([byte]));
      await new Promise(resolve => setImmediate(resolve));
    }
    await eventually('all bytes arrived', () => Buffer.concat(received).length >= bytes.length);
    assert.deepEqual(Buffer.concat(received), bytes);
  }
});

test('each direction ends on its own', async () => {
  await using server = await serve(socket => {
    let text = '';
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
    });
    // Speaks only after the client has finished.
    socket.on('end', () => socket.end(`got ${text.length} bytes`));
  });
  await using bench = await startBench({ port: 443, names, servers: { '192.0.2.1:443': server.port } });
  const hello = await helloFor('a.example.org');
  using client = new Client(bench.port);
  client.socket.write(hello);
  client.send('x'.repeat(1000));
  client.socket.end();
  assert.equal(await client.rest(), `got ${hello.length + 1000} bytes`);
  await client.closed;
  assert.equal(client.error, undefined);
  await eventually('the connection is gone', () => bench.engine.statistics.open === 0);
});

test('a reset of one side reaches the other', async () => {
  await using server = await serve(socket => socket.once('data', () => resetSocket(socket)));
  await using bench = await startBench({ port: 443, names, servers: { '192.0.2.1:443': server.port } });
  using client = new Client(bench.port);
  client.socket.write(await helloFor('a.example.org'));
  await client.closed;
  assert.equal(client.error, 'ECONNRESET');

  const errors: string[] = [];
  await using quiet = await serve(socket =>
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? '')),
  );
  await using second = await startBench({ port: 443, names, servers: { '192.0.2.1:443': quiet.port } });
  using other = new Client(second.port);
  other.socket.write(await helloFor('a.example.org'));
  await eventually('the server has it', () => quiet.sockets.size === 1);
  resetSocket(other.socket);
  await eventually('the server was reset', () => errors.length === 1);
  assert.deepEqual(errors, ['ECONNRESET']);
  assert.deepEqual([...bench.reports, ...second.reports], []);
});

test('new rules cut exactly the forbidden connections; those still allowed go on', async () => {
  await using a = await tlsEcho('A');
  await using b = await tlsEcho('B');
  await using bench = await startBench({
    port: 443,
    names,
    servers: { '192.0.2.1:443': a.port, '192.0.2.2:443': b.port },
  });
  const first = await tlsClient(bench.port, 'a.example.org');
  const second = await tlsClient(bench.port, 'b.example.org');
  await Promise.all([once(first, 'data'), once(second, 'data')]);
  const reset = once(first, 'error');
  bench.engine.configure(rules([rule('Allow', 'only-b', ['b.example.org'])]));
  assert.equal(((await reset)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
  await eventually('the server of the cut one was told', () => a.sockets.size === 0);
  second.write('still here');
  assert.equal((await once(second, 'data'))[0], 'still here');
  second.destroy();
});

test('a threat feed that grows cuts what it lists as soon as the engine is told', async () => {
  await using server = await tlsEcho('A');
  let listed = false;
  const threatIntel = { mode: 'Deny', allowedAddresses: [], allowedFqdns: [] } as const;
  await using bench = await startBench({
    port: 443,
    names,
    threats: { ofName: () => (listed ? 'listed' : undefined), ofAddress: () => undefined },
    rules: rules([rule('Allow', 'org', ['*.example.org'])], { threatIntel }),
    servers: { '192.0.2.1:443': server.port },
  });
  const socket = await tlsClient(bench.port, 'a.example.org');
  await once(socket, 'data');
  bench.engine.judgeAgain();
  socket.write('still here');
  assert.equal((await once(socket, 'data'))[0], 'still here');
  const reset = once(socket, 'error');
  listed = true;
  bench.engine.judgeAgain();
  assert.equal(((await reset)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('rules that change while a name is being resolved cut the connection before it reaches a server', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  await using bench = await startBench({ port: 443, resolver: { resolve: () => promise } });
  using client = new Client(bench.port);
  client.socket.write(await helloFor('a.example.org'));
  await eventually('it was accepted', () => bench.engine.statistics.open === 1);
  await new Promise(done => setTimeout(done, 50));
  bench.engine.configure(rules([]));
  resolve([0xc0000201]);
  await client.closed;
  assert.equal(client.error, 'ECONNRESET');
  assert.deepEqual(bench.dialled, []);
  assert.deepEqual(bench.reports, []);
});

test('where rules name both protocols for a port the first byte tells', async () => {
  await using server = await tlsEcho('A');
  await using bench = await startBench({
    port: 8443,
    names,
    rules: rules([rule('Allow', 'both', ['a.example.org'], 'https=8443', 'http=8443')]),
    servers: { '192.0.2.1:8443': server.port },
  });
  const socket = await tlsClient(bench.port, 'a.example.org');
  assert.equal((await once(socket, 'data'))[0], 'A sees a.example.org\n');
  socket.destroy();
  using client = new Client(bench.port);
  await client.send('GET / HTTP/1.1\r\nHost: x.example.com:8443\r\n\r\n').take('470');
});

test('a client may hold as many connections as are still free, so that another always finds its share', async () => {
  await using bench = await startBench({ port: 443, limits: { maxConnections: 9 } });
  const open: net.Socket[] = [];
  const connectFrom = async (localAddress: string, count: number) => {
    for (let i = 0; i < count; i++) {
      const socket = net.connect({ host: '127.0.0.1', port: bench.port, localAddress });
      socket.on('error', () => undefined);
      open.push(socket);
      await once(socket, 'connect').catch(() => undefined);
    }
  };
  try {
    await connectFrom('127.0.0.1', 9);
    await eventually('the greedy one has its half', () => bench.engine.statistics.refusedAtLimit === 4);
    assert.equal(bench.engine.statistics.open, 5);
    await connectFrom('127.0.0.2', 9);
    await eventually('the next has half of the rest', () => bench.engine.statistics.refusedAtLimit === 11);
    await connectFrom('127.0.0.3', 1);
    await eventually('a third is served', () => bench.engine.statistics.open === 8);
    for (const socket of open.splice(0)) socket.destroy();
    await eventually('all are gone', () => bench.engine.statistics.open === 0);
    await connectFrom('127.0.0.1', 1);
    await eventually('the greedy one is welcome again', () => bench.engine.statistics.open === 1);
  } finally {
    for (const socket of open) socket.destroy();
  }
});

test('the files that the process may open bound its connections', () => {
  assert.deepEqual(limitsFor(20_000), { maxConnections: 7500 });
  assert.deepEqual(limitsFor(1_048_576), { maxConnections: 16_384 });
});

test('openssl s_client is served', async () => {
  await using server = await tlsEcho('A');
  await using bench = await startBench({ port: 443, names, servers: { '192.0.2.1:443': server.port } });
  const child = spawn('openssl', [
    ...['s_client', '-quiet', '-verify_return_error', '-CAfile', certificates.caFile],
    ...['-connect', `127.0.0.1:${bench.port}`, '-servername', 'a.example.org'],
  ]);
  try {
    assert.equal(String((await once(child.stdout, 'data'))[0]), 'A sees a.example.org\n');
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

/** The first flight of a real client. */
