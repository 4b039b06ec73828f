// The hello reader against hellos from real clients, hand-made odd ones, and random bytes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import fc from 'fast-check';
import { ClientHelloReader, type HelloResult, MAX_HELLO_BYTES, MAX_HELLO_WIRE_BYTES } from './tls.ts';

/** The first bytes a client sends to a server that says nothing. */
async function captured(connect: (port: number) => { stop(): void }): Promise<Buffer> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as net.AddressInfo).port);
  try {
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    socket.on('error', () => undefined);
    const chunks: Buffer[] = [];
    const reader = new ClientHelloReader();
    for await (const chunk of socket) {
      chunks.push(chunk);
      if (reader.push(chunk).status !== 'need-more') break;
    }
    socket.destroy();
    return Buffer.concat(chunks);
  } finally {
    client.stop();
    server.close();
  }
}

const nodeHello = (options: tls.ConnectionOptions): Promise<Buffer> =>
  captured(port => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    socket.on('error', () => undefined);
    return { stop: () => socket.destroy() };
  });

const programHello = (command: string, args: (port: number) => string[]): Promise<Buffer> =>
  captured(port => {
    const child = spawn(command, args(port), { stdio: 'ignore' });
    child.on('error', () => undefined);
    return { stop: () => child.kill() };
  });

function readAll(bytes: Uint8Array, cuts: readonly number[] = []): HelloResult {
  const reader = new ClientHelloReader();
  let result: HelloResult = { status: 'need-more' };
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < edges.length; index++)
    result = reader.push(bytes.subarray(edges[index - 1], edges[index]));
  return result;
}

const u8 = (value: number) => Buffer.from([value]);
const u16 = (value: number) => Buffer.from([value >>> 8, value & 255]);
const vector = (size: 1 | 2, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([size === 1 ? u8(body.length) : u16(body.length), body]);
};
const extension = (type: number, content: Uint8Array) => Buffer.concat([u16(type), vector(2, content)]);
const names = (...list: string[]) =>
  extension(
    0,
    vector(2, ...list.map(name => Buffer.concat([u8(0), vector(2, Buffer.from(name, 'latin1'))]))),
  );
const message = (...extensions: Uint8Array[]) => {
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    vector(1),
    vector(2, u16(0x1301)),
    vector(1, u8(0)),
    vector(2, ...extensions),
  ]);
  return Buffer.concat([u8(1), u8(body.length >>> 16), u16(body.length & 0xffff), body]);
};
const records = (bytes: Buffer, size = 16384) => {
  const list: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    list.push(Buffer.concat([Buffer.from([22, 3, 1]), vector(2, bytes.subarray(at, at + size))]));
  return Buffer.concat(list);
};
const hello = (...extensions: Uint8Array[]) => records(message(...extensions));
const sniOf = (bytes: Buffer) => {
  const result = readAll(bytes);
  assert.equal(result.status, 'hello', JSON.stringify(result));
  return result.status === 'hello' ? result.sni : undefined;
};

test('reads the name and the protocols of a hello that Node sends', async () => {
  const bytes = await nodeHello({ servername: 'www.example.org', ALPNProtocols: ['h2', 'http/1.1'] });
  const result = readAll(bytes);
  assert.deepEqual(result, {
    status: 'hello',
    sni: 'www.example.org',
    alpn: ['h2', 'http/1.1'],
    version: 0x0304,
  });
});

test('a hello of TLS 1.2 says so', async () => {
  const result = readAll(await nodeHello({ servername: 'a.example.org', maxVersion: 'TLSv1.2' }));
  assert.equal(result.status === 'hello' && result.version, 0x0303);
});

test('a client that names nobody is read as a hello without a name', async () => {
  assert.equal(sniOf(await nodeHello({})), undefined);
});

test('reads the hello of openssl s_client', async () => {
  const bytes = await programHello('openssl', port => [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    'openssl.example.org',
  ]);
  assert.equal(sniOf(bytes), 'openssl.example.org');
});

test('reads the hello of curl', async () => {
  const bytes = await programHello('curl', port => [
    '-sk',
    '--connect-to',
    `::127.0.0.1:${port}`,
    'https://Curl.Example.org/',
  ]);
  assert.equal(sniOf(bytes), 'curl.example.org');
});

test('the cuts between segments make no difference', async () => {
  const bytes = await nodeHello({ servername: 'cut.example.org' });
  const whole = readAll(bytes);
  assert.deepEqual(readAll(bytes, [...bytes.keys()]), whole, 'byte by byte');
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), cuts => {
      assert.deepEqual(readAll(bytes, cuts), whole);
    }),
    { numRuns: 200 },
  );
});

test('a hello spread over records reads the same, down to one byte a record', () => {
  const plain = message(names('records.example.org'));
  for (const size of [1, 2, 3, 4, 5, 17, 100, 16384])
    assert.equal(sniOf(records(plain, size)), 'records.example.org');
});

test('a hello with post-quantum key shares of 12 KiB is read; one beyond 16 KiB is refused at its length', () => {
  const large = hello(extension(51, Buffer.alloc(12 * 1024)), names('pq.example.org'));
  assert.equal(sniOf(large), 'pq.example.org');
  const tooLarge = hello(extension(51, Buffer.alloc(MAX_HELLO_BYTES)), names('pq.example.org'));
  const result = readAll(tooLarge.subarray(0, 9));
  assert.deepEqual(result, { status: 'not-tls', problem: 'the hello is longer than 16384 bytes' });
});

test('a hello in far too many records is refused before memory grows', () => {
  const bytes = records(message(extension(51, Buffer.alloc(12 * 1024))), 1);
  assert.ok(bytes.length > MAX_HELLO_WIRE_BYTES);
  assert.equal(readAll(bytes).status, 'not-tls');
});

test('names are lowered and lose one trailing dot', () => {
  assert.equal(sniOf(hello(names('WWW.Example.ORG'))), 'www.example.org');
  assert.equal(sniOf(hello(names('www.example.org.'))), 'www.example.org');
});

test('no extension, an empty list, an empty name and an IP literal are no name', () => {
  assert.equal(sniOf(hello()), undefined);
  assert.equal(sniOf(hello(names())), undefined);
  assert.equal(sniOf(hello(names(''))), undefined);
  assert.equal(sniOf(hello(extension(0, Buffer.alloc(0)))), undefined);
  assert.equal(sniOf(hello(names('192.0.2.7'))), undefined);
  assert.equal(sniOf(hello(names('2001:db8::1'))), undefined);
});

test('what servers may understand differently is refused', () => {
  const odd: [string, Buffer][] = [
    ['two names', hello(names('a.example.org', 'b.example.org'))],
    ['the extension twice', hello(names('a.example.org'), names('b.example.org'))],
    ['a blank', hello(names(' a.example.org'))],
    ['a NUL', hello(names('a.example.org\0.example.com'))],
    ['two dots', hello(names('a..example.org'))],
    ['two trailing dots', hello(names('a.example.org..'))],
    ['beyond ASCII', hello(names('b\u00fccher.example.org'))],
    ['a wildcard', hello(names('*.example.org'))],
    ['254 characters', hello(names(`${'a.'.repeat(126)}bcd`))],
    [
      'another name type',
      hello(extension(0, vector(2, Buffer.concat([u8(1), vector(2, Buffer.from('a'))])))),
    ],
  ];
  for (const [what, bytes] of odd) assert.equal(readAll(bytes).status, 'not-tls', what);
});

test('a record that goes on after the hello is refused, later records are not looked at', () => {
  const plain = message(names('a.example.org'));
  assert.equal(readAll(records(Buffer.concat([plain, plain]))).status, 'not-tls');
  assert.equal(sniOf(Buffer.concat([records(plain), Buffer.from('early data')])), 'a.example.org');
});

test('other protocols are recognised at their first byte', () => {
  for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x\r\n', '\x80\x2e\x01'])
    assert.equal(readAll(Buffer.from(text.slice(0, 1), 'latin1')).status, 'not-tls');
  assert.equal(readAll(Buffer.from([22, 2])).status, 'not-tls', 'version');
  assert.equal(readAll(Buffer.from([22, 3, 1, 0, 0])).status, 'not-tls', 'empty record');
  assert.equal(readAll(Buffer.from([22, 3, 1, 0x40, 1])).status, 'not-tls', 'long record');
  assert.equal(readAll(Buffer.from([22, 3, 1, 0, 4, 2])).status, 'not-tls', 'a ServerHello');
});

test('every prefix of a hello needs more; every single changed byte is read without an exception', () => {
  const bytes = hello(names('a.example.org'), extension(16, vector(2, vector(1, Buffer.from('h2')))));
  for (let length = 0; length < bytes.length; length++)
    assert.equal(readAll(bytes.subarray(0, length)).status, 'need-more', `${length} bytes`);
  for (let at = 0; at < bytes.length; at++)
    for (const change of [1, 0x80, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ change;
      readAll(changed);
    }
});

test('random bytes behind a valid record header never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, framed) => {
      const body = Buffer.from(bytes);
      const length = body.length;
      const wire = framed
        ? records(Buffer.concat([u8(1), u8(0), u16(length), body]))
        : Buffer.concat([Buffer.from([22, 3, 1]), body]);
      const result = readAll(
        wire,
        [3, 9, 40].filter(cut => cut < wire.length),
      );
      assert.ok(['need-more', 'not-tls', 'hello'].includes(result.status));
    }),
    { numRuns: 2000 },
  );
});
