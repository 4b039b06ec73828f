import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import {
  addressOf,
  aliasOf,
  FLAG,
  readHeader,
  readMessage,
  readName,
  readQuestion,
  soaMinimumOf,
  TYPE,
} from './dns.ts';
import { flagNames, rcodeName, typeName } from './dns-names.ts';
import { writeMessage, writeQuery, writeQuestion } from './dns-write.ts';

const bytesOf = (...parts: (number | string)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap(part => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])),
  );
const HEADER = new Array<number>(12).fill(0);

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map(labels => labels.join('.'));

describe('a message is walked without being decoded', () => {
  it('finds question, records and their data', () => {
    const bytes = dnsPacket.encode({
      type: 'response',
      id: 77,
      flags: dnsPacket.RECURSION_DESIRED,
      questions: [{ type: 'A', name: 'WWW.Example.org' }],
      answers: [
        { type: 'CNAME', name: 'www.example.org', ttl: 60, data: 'cdn.example.net' },
        { type: 'A', name: 'cdn.example.net', ttl: 30, data: '192.0.2.7' },
      ],
      authorities: [
        {
          type: 'SOA',
          name: 'example.org',
          ttl: 300,
          data: {
            mname: 'ns.example.org',
            rname: 'a.example.org',
            serial: 1,
            refresh: 2,
            retry: 3,
            expire: 4,
            minimum: 55,
          },
        },
      ],
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 1232,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    });
    const message = readMessage(bytes);
    assert.ok(message);
    assert.equal(message.header.id, 77);
    assert.equal(message.header.flags, FLAG.QR | FLAG.RD);
    assert.equal(message.question?.name, 'www.example.org');
    assert.equal(message.end, bytes.length);
    const [alias, address, soa, opt] = message.records;
    assert.ok(alias && address && soa && opt);
    assert.equal(aliasOf(bytes, alias), 'cdn.example.net');
    assert.equal(addressOf(bytes, address), 0xc0000207);
    assert.equal(address.ttl, 30);
    assert.equal(soaMinimumOf(bytes, soa), 55);
    assert.deepEqual(
      [soa.section, opt.section, opt.type, opt.class],
      ['authority', 'additional', TYPE.OPT, 1232],
    );
  });

  it('refuses two questions, a record beyond the end and fewer than twelve bytes', () => {
    const query = writeQuery(1, 'example.org', TYPE.A);
    assert.equal(readHeader(query.subarray(0, 11)), undefined);
    const twoQuestions = Uint8Array.from(query);
    twoQuestions[5] = 2;
    assert.equal(readMessage(twoQuestions), undefined);
    const missingAnswer = Uint8Array.from(query);
    missingAnswer[7] = 1;
    assert.equal(readMessage(missingAnswer), undefined);
  });
});

describe('a name', () => {
  const cases: [string, Uint8Array, string | undefined][] = [
    ['the root', bytesOf(...HEADER, 0), ''],
    ['plain labels, lower-cased', bytesOf(...HEADER, 3, 'WwW', 1, 'a', 0), 'www.a'],
    ['a dot inside a label is escaped', bytesOf(...HEADER, 3, 'a.b', 1, 'c', 0), 'a\\.b.c'],
    ['bytes beyond ASCII are escaped', bytesOf(...HEADER, 2, 0xff, 0x20, 0), '\\255\\032'],
    ['a pointer to itself', bytesOf(...HEADER, 0xc0, 12), undefined],
    ['a pointer forwards', bytesOf(...HEADER, 0xc0, 14, 0), undefined],
    ['a pointer into the header', bytesOf(...HEADER, 0xc0, 0), undefined],
    ['a label that passes the end', bytesOf(...HEADER, 9, 'abc'), undefined],
    ['no end', bytesOf(...HEADER, 3, 'abc'), undefined],
    ['a reserved label type', bytesOf(...HEADER, 0x40, 0), undefined],
    [
      'more than 255 bytes',
      bytesOf(...HEADER, ...Array.from({ length: 5 }, () => [63, 'a'.repeat(63)]).flat(), 0),
      undefined,
    ],
  ];
  for (const [title, bytes, expected] of cases)
    it(title, () => assert.equal(readName(bytes, 12)?.name, expected));

  it('two pointers at each other end the walk', () => {
    const bytes = bytesOf(...HEADER, 1, 'a', 0xc0, 16, 0xc0, 12);
    assert.equal(readName(bytes, 12), undefined);
    assert.equal(readName(bytes, 16), undefined);
  });

  it('a pointer backwards is followed and the end is after the pointer', () => {
    const bytes = bytesOf(...HEADER, 3, 'org', 0, 1, 'a', 0xc0, 12);
    assert.deepEqual(readName(bytes, 17), { name: 'a.org', end: 21, compressed: true });
  });
});

describe('random bytes', () => {
  it('never throw and never lead beyond the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), bytes => {
        const message = readMessage(bytes);
        if (!message) return;
        assert.ok(message.end <= bytes.length);
        for (const record of message.records) {
          assert.ok(record.end <= bytes.length);
          addressOf(bytes, record);
          aliasOf(bytes, record);
          soaMinimumOf(bytes, record);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('and a real message with bytes changed neither', () => {
    const original = dnsPacket.encode({
      type: 'response',
      questions: [{ type: 'A', name: 'www.example.org' }],
      answers: [
        { type: 'CNAME', name: 'www.example.org', ttl: 60, data: 'example.org' },
        { type: 'A', name: 'example.org', ttl: 30, data: '192.0.2.7' },
      ],
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(original.length),
        (changes, length) => {
          const bytes = Uint8Array.from(original);
          for (const [index, value] of changes) bytes[index] = value;
          const message = readMessage(bytes.subarray(0, length));
          if (message) assert.ok(message.end <= length);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('any name written is read back, by this walker and by dns-packet', () => {
    fc.assert(
      fc.property(name, fc.nat(65535), (text, id) => {
        const query = writeQuery(id, text, TYPE.AAAA);
        assert.equal(readQuestion(query)?.name, text);
        const decoded = dnsPacket.decode(Buffer.from(query));
        assert.deepEqual(
          [decoded.id, decoded.questions?.[0]?.name, decoded.questions?.[0]?.type],
          [id, text, 'AAAA'],
        );
      }),
    );
  });
});

it('a message with EDNS is one that dns-packet reads', () => {
  const bytes = writeMessage(9, FLAG.QR | 3, writeQuestion('', TYPE.NS), { udpSize: 1232, dnssecOk: true });
  const decoded = dnsPacket.decode(Buffer.from(bytes));
  const opt = decoded.additionals?.[0];
  assert.ok(opt?.type === 'OPT');
  assert.deepEqual([opt.udpPayloadSize, opt.flag_do, decoded.questions?.[0]?.name], [1232, true, '.']);
});

it('numbers have the names that logs use', () => {
  assert.deepEqual(
    [typeName(65), typeName(65280), rcodeName(3), rcodeName(12)],
    ['HTTPS', 'TYPE65280', 'NXDOMAIN', 'RCODE12'],
  );
  assert.equal(flagNames(FLAG.QR | FLAG.RD | FLAG.RA), 'qr,rd,ra');
});
