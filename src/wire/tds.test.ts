// The beginning of TDS 7.x: packets from bytes cut anywhere, PRELOGIN messages good and broken, and what the firewall answers
// in a server's name.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  answerPrelogin,
  brokenPromise,
  offersEncryption,
  PRELOGIN,
  type Prelogin,
  PreloginReader,
  parsePrelogin,
  preloginForServer,
  TABULAR_RESULT,
  TdsPacketReader,
  writePrelogin,
  writeTdsPacket,
} from './tds.ts';

const bytes = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** The sample of [MS-TDS] section 4.1: version 9.0, encryption on, instance, thread, no MARS. */
const SAMPLE = bytes(`
  12 01 00 2f 00 00 01 00
  00 00 1a 00 06  01 00 20 00 01  02 00 21 00 01  03 00 22 00 04  04 00 26 00 01  ff
  09 00 00 00 00 00  01  00  b8 0d 00 00  01`);

const prelogin = (options: Record<number, string>): Prelogin => ({
  options: new Map(Object.entries(options).map(([token, data]) => [Number(token), bytes(data)])),
});
const VERSION = '0c0007d00000';
const hexOf = ({ options }: Prelogin) =>
  Object.fromEntries([...options].map(([token, data]) => [token, data.toString('hex')]));

function read(type: number, ...chunks: readonly Buffer[]) {
  const reader = new PreloginReader(type);
  let result = reader.push(Buffer.alloc(0));
  for (const chunk of chunks) if (result.status === 'need-more') result = reader.push(chunk);
  return result;
}

function problemOf(type: number, ...chunks: readonly Buffer[]): string {
  const result = read(type, ...chunks);
  return result.status === 'not-tds' ? result.problem : result.status;
}

test('the sample of the specification is read, whole and byte by byte, with what follows it', () => {
  const expected = { 0: '090000000000', 1: '01', 2: '00', 3: 'b80d0000', 4: '01' };
  const follows = Buffer.from('more');
  const whole = read(PRELOGIN, Buffer.concat([SAMPLE, follows]));
  assert.ok(whole.status === 'prelogin');
  assert.deepEqual(hexOf(whole.prelogin), expected);
  assert.deepEqual(whole.rest, follows);
  const single = read(PRELOGIN, ...[...SAMPLE].map(byte => Buffer.from([byte])));
  assert.ok(single.status === 'prelogin');
  assert.deepEqual(hexOf(single.prelogin), expected);
  assert.equal(single.rest.length, 0);
});

test('a message is put together from several packets', () => {
  const part = (from: number, to: number, status: number) =>
    Buffer.concat([
      Buffer.from([PRELOGIN, status, 0, 8 + to - from, 0, 0, 1, 0]),
      SAMPLE.subarray(8 + from, 8 + to),
    ]);
  const result = read(PRELOGIN, Buffer.concat([part(0, 11, 0), part(11, 39, 1)]));
  assert.equal(result.status, 'prelogin');
});

test('what is written is read back', () => {
  const message = prelogin({ 0: VERSION, 1: '03', 2: '', 5: '', 6: '01' });
  const result = read(TABULAR_RESULT, writeTdsPacket(TABULAR_RESULT, writePrelogin(message)));
  assert.ok(result.status === 'prelogin');
  assert.deepEqual(hexOf(result.prelogin), hexOf(message));
});

describe('broken messages are refused', () => {
  const packet = (payload: string) => writeTdsPacket(PRELOGIN, bytes(payload));
  const cases: readonly [string, Buffer, RegExp][] = [
    ['another type', Buffer.concat([Buffer.from([0x10]), SAMPLE.subarray(1)]), /type 0x10 instead of 0x12/],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), /type 0x47/],
    [
      'a packet that its reader is to pass over',
      Buffer.concat([Buffer.from([0x12, 0x03]), SAMPLE.subarray(2)]),
      /asks to be ignored/,
    ],
    ['an empty packet', bytes('12 01 00 08 00 00 01 00'), /a packet is empty/],
    ['a packet longer than the limit', bytes('12 01 80 00 00 00 01 00'), /longer than 32767/],
    [
      'a message longer than the limit',
      writeTdsPacket(PRELOGIN, Buffer.alloc(4097, 0xff)),
      /longer than 4096/,
    ],
    ['no terminator', packet('00 0000 0006 01'), /no end/],
    ['an option beyond the end', packet(`00 000b 0006 01 0020 0001 ff ${VERSION}`), /beyond the message/],
    ['an option in the list', packet(`00 0000 0006 01 0005 0001 ff ${VERSION}01`), /into the list/],
    ['an option twice', packet(`00 000b 0006 00 000b 0006 ff ${VERSION}`), /option 0 is there twice/],
    [
      'the version not first',
      packet(`01 0011 0001 00 000b 0006 ff ${VERSION}01`),
      /first option is not the version/,
    ],
    ['a short version', packet(`00 000b 0004 01 000f 0001 ff 0c0007d0 01`), /not the version/],
    ['no encryption option', packet(`00 0006 0006 ff ${VERSION}`), /encryption option is missing/],
    ['no option at all', packet('ff'), /not the version/],
  ];
  for (const [title, message, problem] of cases)
    test(title, () => assert.match(problemOf(PRELOGIN, Buffer.from(message)), problem));

  test('a problem stays one', () => {
    const reader = new TdsPacketReader(PRELOGIN);
    assert.equal(reader.push(Buffer.from('GET')).status, 'not-tds');
    assert.equal(reader.push(SAMPLE).status, 'not-tds');
  });

  test('no bytes make it throw', () => {
    // A small generator with a fixed seed: every run tries the same messages.
    let seed = 7;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed >>> 8;
    };
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const message = Buffer.from(SAMPLE.subarray(8));
      for (let change = 0; change <= random() % 4; change++)
        message[random() % message.length] = random() & 0xff;
      const parsed = parsePrelogin(message.subarray(0, 1 + (random() % message.length)));
      if (!('problem' in parsed)) accepted++;
    }
    assert.ok(accepted > 0, 'some changes do no harm');
  });
});

describe('in the name of a server', () => {
  test('everything is encrypted, and what the client asks for is agreed to', () => {
    const client = prelogin({
      0: VERSION,
      1: '01',
      2: '4d00',
      3: '01020304',
      4: '01',
      5: '00'.repeat(36),
      6: '01',
    });
    assert.deepEqual(hexOf(answerPrelogin(client)), {
      0: VERSION,
      1: '01',
      2: '00',
      3: '',
      4: '01',
      5: '',
      6: '01',
    });
    const plain = prelogin({ 0: VERSION, 1: '00' });
    assert.deepEqual(hexOf(answerPrelogin(plain)), { 0: VERSION, 1: '03' });
  });

  test('the server hears that the login alone is not enough, and else what the client said', () => {
    assert.deepEqual(hexOf(preloginForServer(prelogin({ 0: VERSION, 1: '00', 7: 'aa' }))), {
      0: VERSION,
      1: '01',
      7: 'aa',
    });
    assert.deepEqual(hexOf(preloginForServer(prelogin({ 0: VERSION, 1: '80' }))), { 0: VERSION, 1: '81' });
    for (const value of ['01', '03'])
      assert.deepEqual(hexOf(preloginForServer(prelogin({ 0: VERSION, 1: value }))), {
        0: VERSION,
        1: value,
      });
  });

  test('a client that cannot encrypt is known', () => {
    assert.equal(offersEncryption(prelogin({ 0: VERSION, 1: '02' })), false);
    for (const value of ['00', '01', '03', '80'])
      assert.equal(offersEncryption(prelogin({ 0: VERSION, 1: value })), true, value);
  });

  test('a server that says something else is found out', () => {
    const broken = (client: Record<number, string>, server: Record<number, string>) =>
      brokenPromise(
        prelogin({ 0: VERSION, 1: '00', ...client }),
        prelogin({ 0: VERSION, 1: '01', ...server }),
      );
    assert.equal(broken({}, {}), undefined);
    assert.equal(broken({}, { 1: '03' }), undefined);
    assert.match(broken({}, { 1: '00' }) ?? '', /does not encrypt/);
    assert.match(broken({}, { 1: '02' }) ?? '', /does not encrypt/);
    assert.equal(broken({ 2: '00' }, { 2: '00' }), undefined);
    assert.match(broken({ 2: '4d00' }, { 2: '01' }) ?? '', /instance/);
    assert.equal(broken({ 4: '01' }, { 4: '01' }), undefined);
    assert.equal(broken({ 4: '00' }, {}), undefined, 'absent is no');
    assert.match(broken({ 4: '01' }, { 4: '00' }) ?? '', /MARS/);
    assert.equal(broken({ 6: '01' }, { 6: '01' }), undefined);
    assert.match(broken({ 6: '01' }, {}) ?? '', /federated/);
    assert.equal(broken({}, { 7: '00'.repeat(32) }), undefined);
    assert.match(broken({ 7: '00'.repeat(32) }, { 7: '00'.repeat(32) }) ?? '', /nonce/);
  });
});
