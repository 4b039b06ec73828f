// DNS messages from bytes to bytes: the question comes back as it was asked, sizes are kept, nonsense does no harm.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode, encode, type OptAnswer, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { parseIpv4 } from '#net/ipv4.ts';
import { type InternetConfig, parseInternetConfig } from './config.ts';
import { answerDns } from './dns-message.ts';
import { NameService } from './names.ts';

const CONFIG: InternetConfig = {
  records: {
    'many.example.org': { addresses: Array.from({ length: 100 }, (_, index) => `192.0.2.${index + 1}`) },
    'some.example.org': { addresses: Array.from({ length: 20 }, (_, index) => `192.0.2.${index + 1}`) },
  },
};
const parsed = parseInternetConfig(CONFIG);
assert.ok('settings' in parsed);
const names = new NameService(parsed.settings);
const from = { asker: parseIpv4('10.42.1.4') ?? 0, server: parseIpv4('8.8.8.8') ?? 0 };

const query = (packet: Packet) => Buffer.from(encode({ type: 'query', id: 7, flags: 0x0100, ...packet }));
const answer = (message: Buffer, transport: 'udp' | 'tcp' = 'udp') =>
  answerDns(message, { ...from, transport }, names).response;
const opt = (fields: Partial<OptAnswer>): OptAnswer =>
  ({
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
    ...fields,
  }) as OptAnswer;

function rcodeOf(message: Buffer | undefined): number {
  assert.ok(message);
  return message.readUInt16BE(2) & 15;
}

describe('DNS messages', () => {
  it('answers with the same id and question, spelled as it was asked', () => {
    const response = answer(query({ questions: [{ type: 'A', name: 'MCR.Microsoft.com' }] }));
    assert.ok(response);
    const { id, flag_qr, flag_rd, flag_ra, questions, answers } = decode(response);
    assert.deepEqual([id, flag_qr, flag_rd, flag_ra], [7, true, true, true]);
    assert.equal(questions?.[0]?.name, 'MCR.Microsoft.com');
    assert.equal(answers?.[0]?.name, 'MCR.Microsoft.com');
  });

  it('truncates over UDP at 512 bytes, or at what EDNS offers up to 1,232', () => {
    const questions = [{ type: 'A' as const, name: 'some.example.org' }];
    const plain = answer(query({ questions }));
    assert.ok(plain && decode(plain).flag_tc && plain.length <= 512);
    const edns = answer(query({ questions, additionals: [opt({ udpPayloadSize: 4096 })] }));
    assert.ok(edns && !decode(edns).flag_tc && edns.length <= 1232);
    assert.equal(decode(edns).answers?.length, 20);
    const many = query({
      questions: [{ type: 'A', name: 'many.example.org' }],
      additionals: [opt({ udpPayloadSize: 65_535 })],
    });
    assert.ok(decode(answer(many) ?? Buffer.alloc(0)).flag_tc);
    assert.equal(decode(answer(many, 'tcp') ?? Buffer.alloc(0)).answers?.length, 100);
  });

  it('answers unknown EDNS versions with BADVERS', () => {
    const response = answer(
      query({ questions: [{ type: 'A', name: 'a.example' }], additionals: [opt({ ednsVersion: 1 })] }),
    );
    assert.ok(response);
    const [record] = decode(response).additionals ?? [];
    assert.ok(record?.type === 'OPT' && record.extendedRcode === 1);
  });

  it('refuses zone transfers and other classes', () => {
    assert.equal(rcodeOf(answer(query({ questions: [{ type: 'AXFR', name: 'a.example' }] }), 'tcp')), 5);
    assert.equal(
      rcodeOf(answer(query({ questions: [{ type: 'TXT', name: 'version.bind', class: 'CH' }] }))),
      5,
    );
  });

  it('says FORMERR to what it cannot read, NOTIMP to other operations', () => {
    assert.equal(rcodeOf(answer(query({ questions: [] }))), 1);
    const two = [
      { type: 'A' as const, name: 'a.example' },
      { type: 'A' as const, name: 'b.example' },
    ];
    assert.equal(rcodeOf(answer(query({ questions: two }))), 1);
    const whole = query({ questions: [{ type: 'A', name: 'a.example' }] });
    assert.equal(rcodeOf(answer(whole.subarray(0, whole.length - 3))), 1);
    assert.equal(
      rcodeOf(answer(query({ flags: 4 << 11, questions: [{ type: 'A', name: 'a.example' }] }))),
      4,
    );
  });

  it('does not answer answers, or what is too short for a header', () => {
    assert.equal(answer(Buffer.alloc(11)), undefined);
    assert.equal(answer(Buffer.from(encode({ type: 'response', id: 7, questions: [] }))), undefined);
  });

  it('survives any bytes, and what it answers can be read', () => {
    const header = fc.tuple(fc.uint8Array({ minLength: 2, maxLength: 2 }), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(header, ([id, rest]) => {
        const message = Buffer.concat([id, Buffer.from([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), rest]);
        const response = answer(message);
        assert.ok(response && response.readUInt16BE(0) === message.readUInt16BE(0));
        decode(response);
      }),
      { numRuns: 500 },
    );
  });
});
