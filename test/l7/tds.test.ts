// The engine on connections to SQL Server: TDS 8.0 begins with TLS, TDS 7.x with a message that the engine answers itself.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';
import {
  type Bench,
  type BenchOptions,
  Client,
  eventually,
  makeCertificates,
  rule,
  rules,
  serve,
  startBench,
} from './bench.ts';
import { NOT_SUPPORTED, OFF, ON, prelogin, REQUIRED, tdsConnect, tdsHello, tdsServer } from './tds.ts';

const certificates = makeCertificates(['db.example.org', 'other.example.org']);
after(() => certificates[Symbol.dispose]());
const { ca } = certificates;

const sql = rule('Allow', 'sql', ['db.example.org'], 'mssql=1433');
const names = { 'db.example.org': ['192.0.2.1'], 'other.example.org': ['192.0.2.2'] };

const bench = (serverPort: number, options: BenchOptions = {}): Promise<Bench> =>
  startBench({
    port: 1433,
    rules: rules([sql]),
    names,
    servers: { '192.0.2.1:1433': serverPort },
    ...options,
  });

const records = ({ sink }: Bench) =>
  sink
    .ofType('AZFWApplicationRule')
    .map(({ Protocol, Action, Fqdn, Rule, ActionReason }) =>
      [Protocol, Action, Fqdn, Rule, ActionReason].join(' ').replaceAll(/ +/g, ' ').trim(),
    );

const failure = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
};

describe('TDS 7.x', () => {
  test('reaches the server that the hello names, encrypted end to end and verified', async () => {
    await using server = await tdsServer(certificates);
    await using to = await bench(server.port);
    const trace = Array.from({ length: 36 }, (_, index) => index);
    const message = prelogin(ON, { 3: [1, 2, 3, 4], 5: trace });
    const { socket, answer } = await tdsConnect(to.port, { servername: 'db.example.org', ca, message });
    assert.equal((await once(socket, 'data'))[0], 'asked for db.example.org\n');
    assert.equal(socket.authorized, true);
    socket.write('select 1');
    assert.equal((await once(socket, 'data'))[0], 'select 1');
    socket.destroy();
    assert.deepEqual([...(answer.options.get(1) ?? [])], [ON]);
    assert.deepEqual(server.heard, [message], 'the server hears what the client said');
    assert.deepEqual(to.dialled, ['192.0.2.1:1433']);
    assert.deepEqual(records(to), ['MSSQL Allow db.example.org sql']);
  });

  test('a client that would encrypt its login only encrypts everything, and so does its server', async () => {
    await using server = await tdsServer(certificates, client => prelogin(client.options.get(1)?.[0] ?? OFF));
    await using to = await bench(server.port);
    const { socket, answer } = await tdsConnect(to.port, {
      ...{ servername: 'db.example.org', ca, message: prelogin(OFF) },
    });
    assert.deepEqual([...(answer.options.get(1) ?? [])], [REQUIRED]);
    assert.equal((await once(socket, 'data'))[0], 'asked for db.example.org\n');
    socket.destroy();
  });

  test('a hello in many packets and single bytes is judged and replayed', async () => {
    await using server = await tdsServer(certificates);
    await using to = await bench(server.port);
    const { socket } = await tdsConnect(to.port, { servername: 'db.example.org', ca, packetSize: 7 });
    assert.equal((await once(socket, 'data'))[0], 'asked for db.example.org\n');
    socket.destroy();
    assert.deepEqual(to.reports, []);
  });

  test('another name, and none, are reset and reach nobody', async () => {
    await using to = await bench(1);
    assert.equal(await failure(tdsConnect(to.port, { servername: 'other.example.org', ca })), 'ECONNRESET');
    assert.equal(await failure(tdsConnect(to.port, { ca })), 'ECONNRESET');
    assert.deepEqual(records(to), [
      'MSSQL Deny other.example.org Default Action',
      'MSSQL Deny SNI TLS extension was missing',
    ]);
    assert.deepEqual(to.dialled, []);
  });

  test('a client that cannot encrypt hears that it must, and is not served', async () => {
    await using to = await bench(1);
    const socket = net.connect({ host: '127.0.0.1', port: to.port });
    const answer = await tdsHello(socket, prelogin(NOT_SUPPORTED));
    assert.deepEqual([...(answer.options.get(1) ?? [])], [REQUIRED]);
    socket.resume();
    await once(socket, 'end');
    socket.destroy();
    assert.deepEqual(records(to), [
      'MSSQL Deny Not a TLS connection: the client does not encrypt, so it names no server',
    ]);
  });

  test('what is no TDS is reset and logged; a probe that only connects is not logged', async () => {
    await using to = await bench(1, { limits: { headDeadlineMs: 150 } });
    using probe = new Client(to.port);
    probe.socket.end();
    await probe.closed;
    assert.equal(probe.error, undefined);
    assert.deepEqual(to.sink.records, []);
    using http = new Client(to.port);
    await http.send('GET / HTTP/1.1\r\n\r\n').closed;
    assert.equal(http.error, 'ECONNRESET');
    using slow = new Client(to.port);
    await slow.send('\x12\x01').closed;
    assert.equal(slow.error, 'ECONNRESET');
    assert.deepEqual(records(to), [
      'MSSQL Deny Not a connection to SQL Server: a packet has type 0x47 instead of 0x12',
      'MSSQL Deny Not a connection to SQL Server: no ClientHello within 150 ms',
    ]);
  });

  test('a hello that the server would pass over, for the sake of another behind it, is refused', async () => {
    await using to = await bench(1);
    const socket = net.connect({ host: '127.0.0.1', port: to.port });
    socket.on('error', () => undefined);
    await tdsHello(socket, prelogin(ON));
    socket.write(Buffer.from([0x12, 3, 0, 12, 0, 0, 1, 0, 22, 3, 1, 0]));
    await new Promise(resolve => socket.once('close', resolve));
    assert.match(records(to)[0] ?? '', /a packet asks to be ignored/);
    assert.deepEqual(to.dialled, []);
  });

  test('a hello that is no TLS is refused before any server is reached', async () => {
    await using to = await bench(1);
    const socket = net.connect({ host: '127.0.0.1', port: to.port });
    socket.on('error', () => undefined);
    await tdsHello(socket, prelogin(ON));
    socket.write(Buffer.from([0x12, 1, 0, 12, 0, 0, 1, 0, 1, 2, 3, 4]));
    await new Promise(resolve => socket.once('close', resolve));
    assert.match(records(to)[0] ?? '', /first byte of a record is not a handshake/);
    assert.deepEqual(to.dialled, []);
  });
});

describe('a server that breaks what the firewall said in its name', () => {
  const cases = [
    ['does not encrypt', () => prelogin(OFF), {}, /does not encrypt the whole connection/],
    ['has another mind on MARS', () => prelogin(ON, { 4: [0] }), { 4: [1] }, /multiple result sets/],
    ['has another mind on federation', () => prelogin(ON), { 6: [1] }, /federated authentication/],
    ['speaks HTTP', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), {}, /type 0x48 instead of 0x04/],
  ] as const;
  for (const [title, answer, options, reason] of cases)
    test(title, async () => {
      await using server = await tdsServer(certificates, answer);
      await using to = await bench(server.port);
      const message = prelogin(ON, options);
      const attempt = tdsConnect(to.port, { servername: 'db.example.org', ca, message });
      assert.equal(await failure(attempt), 'ECONNRESET');
      const [allowed, denied = '', ...more] = records(to);
      assert.equal(allowed, 'MSSQL Allow db.example.org sql');
      assert.match(denied, /^MSSQL Deny db\.example\.org The server cannot be connected to/);
      assert.match(denied, reason);
      assert.deepEqual(more, []);
    });

  test('says nothing', async () => {
    await using server = await serve(socket => socket.resume());
    await using to = await bench(server.port, { limits: { connectMs: 150 } });
    const attempt = tdsConnect(to.port, { servername: 'db.example.org', ca });
    assert.equal(await failure(attempt), 'ECONNRESET');
    assert.match(records(to)[1] ?? '', /no answer to PRELOGIN within 150 ms/);
  });
});

describe('TDS 8.0, and ports of several protocols', () => {
  /** Says its protocol, then echoes. */
  const tlsServer = async (greeting: string) => {
    const server = tls.createServer({ ...certificates, ALPNProtocols: ['tds/8.0', 'http/1.1'] }, socket => {
      socket.on('error', () => undefined);
      socket.write(`${greeting} ${socket.servername}\n`);
    });
    server.on('tlsClientError', () => undefined);
    const listening = await serve(socket => server.emit('connection', socket));
    return listening;
  };
  const greetingOf = async (port: number, servername: string, ALPNProtocols?: string[]) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ca,
      servername,
      ...(ALPNProtocols && { ALPNProtocols }),
    });
    socket.setEncoding('utf8');
    const [text] = await once(socket, 'data');
    socket.destroy();
    return text;
  };

  test('TLS on the port of SQL Server alone is TDS 8.0', async () => {
    await using server = await tlsServer('tds8');
    await using to = await bench(server.port);
    assert.equal(await greetingOf(to.port, 'db.example.org', ['tds/8.0']), 'tds8 db.example.org\n');
    assert.equal(await failure(greetingOf(to.port, 'other.example.org', ['tds/8.0'])), 'ECONNRESET');
    assert.deepEqual(records(to), [
      'MSSQL Allow db.example.org sql',
      'MSSQL Deny other.example.org Default Action',
    ]);
  });

  test('where rules name Https, Http and Mssql for a port, the client tells', async () => {
    await using web = await tlsServer('web');
    await using database = await tdsServer(certificates);
    const options = {
      port: 4433,
      rules: rules([
        rule('Allow', 'sql', ['db.example.org'], 'mssql=4433'),
        rule('Allow', 'web', ['other.example.org'], 'https=4433', 'http=4433'),
      ]),
      servers: { '192.0.2.1:4433': database.port, '192.0.2.2:4433': web.port },
    };
    await using to = await bench(1, options);
    const { socket } = await tdsConnect(to.port, { servername: 'db.example.org', ca });
    assert.equal((await once(socket, 'data'))[0], 'asked for db.example.org\n');
    socket.destroy();
    assert.equal(await greetingOf(to.port, 'other.example.org'), 'web other.example.org\n');
    assert.equal(
      await failure(greetingOf(to.port, 'db.example.org')),
      'ECONNRESET',
      'Https without its ALPN',
    );
    assert.equal(await failure(greetingOf(to.port, 'other.example.org', ['tds/8.0'])), 'ECONNRESET');
    using http = new Client(to.port);
    http.send('GET / HTTP/1.1\r\nHost: db.example.org:4433\r\n\r\n');
    assert.match(await http.take('\r\n'), /^HTTP\/1\.1 470 /);
    assert.deepEqual(records(to), [
      'MSSQL Allow db.example.org sql',
      'HTTPS Allow other.example.org web',
      'HTTPS Deny db.example.org Default Action',
      'MSSQL Deny other.example.org Default Action',
      'HTTP Deny db.example.org Default Action',
    ]);
  });

  test('1433 is answered without any rule, and denied by name', async () => {
    await using to = await bench(1, { rules: rules([]) });
    assert.equal(await failure(tdsConnect(to.port, { servername: 'db.example.org', ca })), 'ECONNRESET');
    assert.deepEqual(records(to), ['MSSQL Deny db.example.org Default Action']);
  });
});

test('new rules cut the connections to databases that they forbid', async () => {
  await using server = await tdsServer(certificates);
  await using to = await bench(server.port);
  const { socket } = await tdsConnect(to.port, { servername: 'db.example.org', ca });
  await once(socket, 'data');
  socket.on('error', () => undefined);
  const closed = new Promise(resolve => socket.once('close', resolve));
  to.engine.configure(rules([]));
  await closed;
  await eventually('nothing is open', () => to.engine.statistics.open === 0);
  assert.equal(records(to).at(-1), 'MSSQL Deny db.example.org Default Action');
});
