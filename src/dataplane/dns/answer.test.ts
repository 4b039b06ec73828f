import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket, { type Packet, type Answer as PacketAnswer } from 'dns-packet';
import fc from 'fast-check';
import { parseIpv4 } from '#net/ipv4.ts';
import { FLAG, readMessage, TYPE } from '#wire/dns.ts';
import { writeMessage, writeOpt, writeQuery } from '#wire/dns-write.ts';
import { type Answer, parseAnswer, renderAnswer } from './answer.ts';
import { AnswerCache } from './cache.ts';
import { ownQuery, parseQuery, type Query } from './query.ts';

const NAME = 'www.example.org';
const ask = (name: string, additionals: PacketAnswer[] = []): Query => {
  const parsed = parseQuery(
    dnsPacket.encode({
      type: 'query',
      id: 4711,
      flags: dnsPacket.RECURSION_DESIRED,
      questions: [{ type: 'A', name }],
      additionals,
    }),
  );
  return parsed.kind === 'ask' ? parsed.query : assert.fail(parsed.kind);
};
const upstream = (answers: PacketAnswer[], more: Packet = {}): Uint8Array =>
  dnsPacket.encode({ type: 'response', id: 1, questions: [{ type: 'A', name: NAME }], answers, ...more });
const a = (name: string, data: string, ttl = 300): PacketAnswer => ({ type: 'A', name, ttl, data });
const soa = (ttl: number, minimum: number): PacketAnswer => ({
  type: 'SOA',
  name: 'example.org',
  ttl,
  data: {
    mname: 'ns.example.org',
    rname: 'root.example.org',
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum,
  },
});
const parse = (bytes: Uint8Array, query: Query = ownQuery(NAME)): Answer =>
  parseAnswer(bytes, query) ?? assert.fail('no answer');
const opt = (udpPayloadSize: number): PacketAnswer =>
  ({ type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [] }) as unknown as PacketAnswer;

describe('how long an answer is kept', () => {
  const cases: [string, Uint8Array, number][] = [
    ['the smallest TTL of its answers', upstream([a(NAME, '192.0.2.1', 300), a(NAME, '192.0.2.2', 60)]), 60],
    ['at most one hour', upstream([a(NAME, '192.0.2.1', 86_400)]), 3600],
    ['not at all with TTL 0', upstream([a(NAME, '192.0.2.1', 0)]), 0],
    ['not at all with a TTL whose top bit is set', upstream([a(NAME, '192.0.2.1', 0x80000001)]), 0],
    ['no address: the minimum of the SOA', upstream([], { authorities: [soa(900, 120)] }), 120],
    ['no address: the TTL of the SOA when smaller', upstream([], { authorities: [soa(30, 120)] }), 30],
    ['negative: at most half an hour', upstream([], { flags: 3, authorities: [soa(86_400, 86_400)] }), 1800],
    ['negative without SOA: not at all', upstream([], { flags: 3 }), 0],
    [
      'an alias without address is negative',
      upstream([{ type: 'CNAME', name: NAME, ttl: 50, data: 'x.example' }], { authorities: [soa(90, 90)] }),
      50,
    ],
    ['a failure: not at all', upstream([a(NAME, '192.0.2.1')], { flags: 2 }), 0],
    [
      'a truncated one: not at all',
      upstream([a(NAME, '192.0.2.1')], { flags: dnsPacket.TRUNCATED_RESPONSE }),
      0,
    ],
  ];
  for (const [title, bytes, expected] of cases)
    it(title, () => assert.equal(parse(bytes).cacheSeconds, expected));
});

describe('addresses of an answer', () => {
  it('are those at the end of its aliases, whatever their order', () => {
    const answer = parse(
      upstream([
        a('two.example.net', '192.0.2.9'),
        { type: 'CNAME', name: 'one.example.net', ttl: 5, data: 'two.example.net' },
        { type: 'CNAME', name: NAME, ttl: 5, data: 'One.example.net' },
        a('stranger.example.net', '192.0.2.66'),
      ]),
    );
    assert.deepEqual(answer.addresses, [parseIpv4('192.0.2.9')]);
    assert.deepEqual(answer.chain, [NAME, 'one.example.net', 'two.example.net']);
  });

  it('aliases in a circle end', () => {
    const answer = parse(
      upstream([
        { type: 'CNAME', name: NAME, ttl: 5, data: 'b.example.net' },
        { type: 'CNAME', name: 'b.example.net', ttl: 5, data: NAME },
      ]),
    );
    assert.deepEqual(answer.chain, [NAME, 'b.example.net']);
  });
});

describe('an answer is not taken', () => {
  it('to another question, name, type, or from a query', () => {
    const bytes = upstream([a(NAME, '192.0.2.1')]);
    assert.equal(parseAnswer(bytes, ownQuery('other.example.org')), undefined);
    assert.equal(parseAnswer(bytes, ownQuery(NAME, 28)), undefined);
    assert.equal(
      parseAnswer(
        dnsPacket.encode({ type: 'query', questions: [{ type: 'A', name: NAME }] }),
        ownQuery(NAME),
      ),
      undefined,
    );
    assert.equal(parseAnswer(bytes.subarray(0, bytes.length - 1), ownQuery(NAME)), undefined);
  });
});

describe('an answer as the client gets it', () => {
  it('has the id and the spelling of the question, and aged TTLs', () => {
    const query = ask('wWw.eXample.ORG');
    const decoded = dnsPacket.decode(
      Buffer.from(renderAnswer(parse(upstream([a(NAME, '192.0.2.1', 100)])), query, 30, 512)),
    );
    assert.equal(decoded.id, 4711);
    assert.equal(decoded.questions?.[0]?.name, 'wWw.eXample.ORG');
    assert.deepEqual(
      decoded.answers?.map(record => ('ttl' in record ? record.ttl : 0)),
      [70],
    );
    assert.equal(decoded.flag_ra, true);
  });

  it('limits TTLs to what the cache would keep', () => {
    const decoded = dnsPacket.decode(
      Buffer.from(renderAnswer(parse(upstream([a(NAME, '192.0.2.1', 86_400)])), ask(NAME), 0, 512)),
    );
    assert.deepEqual(
      decoded.answers?.map(record => ('ttl' in record ? record.ttl : 0)),
      [3600],
    );
  });

  it('carries OPT only for a client that speaks EDNS, without the cookies of the upstream', () => {
    const cookie = Uint8Array.from([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    const blockedBy = Uint8Array.from([0, 15, 0, 2, 0, 15]);
    const options = Uint8Array.from([...cookie, ...blockedBy]);
    const plain = upstream([a(NAME, '192.0.2.1')]);
    const bytes = Uint8Array.from([...plain, ...writeOpt({ udpSize: 4096, dnssecOk: false, options })]);
    bytes[11] = 1;
    const answer = parse(bytes);
    const without = readMessage(renderAnswer(answer, ask(NAME), 0, 512));
    assert.equal(without?.records.length, 1);
    const reply = renderAnswer(answer, ask(NAME, [opt(1400)]), 0, 1400);
    const record = readMessage(reply)?.records[1] ?? assert.fail('no OPT');
    assert.equal(record.class, 1232);
    assert.deepEqual(reply.slice(record.dataOffset, record.end), blockedBy);
  });

  it('too large for the client is cut to a truncated one that still fits', () => {
    const answers = Array.from({ length: 60 }, (_, index) => a(NAME, `192.0.2.${index}`));
    const reply = renderAnswer(parse(upstream(answers)), ask(NAME), 0, 512);
    const decoded = dnsPacket.decode(Buffer.from(reply));
    assert.equal(decoded.flag_tc, true);
    assert.equal(decoded.answers?.length, 0);
    assert.ok(reply.length <= 512);
    assert.equal(
      readMessage(renderAnswer(parse(upstream(answers)), ask(NAME), 0, 65535))?.records.length,
      60,
    );
  });

  it('keeps records of unknown type byte for byte', () => {
    const query = ownQuery(NAME, 65);
    const data = [0, 1, 0, 0, 1, 0, 3, 2, 104, 50];
    const head = writeMessage(1, FLAG.QR, query.question, undefined);
    const bytes = Uint8Array.from([...head, 0xc0, 12, 0, 65, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
    bytes[7] = 1;
    const reply = renderAnswer(parse(bytes, query), query, 0, 512);
    assert.deepEqual([...reply.slice(-data.length)], data);
  });
});

describe('any answer', () => {
  it('however mangled, is refused or rendered as a well-formed message', () => {
    const original = upstream(
      [{ type: 'CNAME', name: NAME, ttl: 5, data: 'b.example.org' }, a('b.example.org', '192.0.2.1')],
      {
        authorities: [soa(1, 2)],
        additionals: [opt(1232)],
      },
    );
    const query = ask(NAME, [opt(1232)]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 5 }),
        fc.nat(90),
        (changes, age) => {
          const bytes = Uint8Array.from(original);
          for (const [index, value] of changes) bytes[index] = value;
          const answer = parseAnswer(bytes, query);
          if (!answer) return;
          const reply = renderAnswer(answer, query, age, 1232);
          assert.ok(readMessage(reply), Buffer.from(bytes).toString('hex'));
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('the cache', () => {
  const answer = (ttl: number): Answer => parse(upstream([a(NAME, '192.0.2.1', ttl)]));

  it('keeps an answer for its time and not longer', () => {
    const cache = new AnswerCache();
    cache.put('k', answer(60), 0);
    assert.equal(cache.get('k', 59_999)?.ageSeconds, 59);
    assert.equal(cache.get('k', 60_000), undefined);
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });

  it('drops the least recently used beyond its entries', () => {
    const cache = new AnswerCache({ maxEntries: 2 });
    cache.put('a', answer(60), 0);
    cache.put('b', answer(60), 0);
    cache.get('a', 1);
    cache.put('c', answer(60), 2);
    assert.deepEqual(
      ['a', 'b', 'c'].map(key => cache.get(key, 3) !== undefined),
      [true, false, true],
    );
  });

  it('drops beyond its bytes, and counts them rightly', () => {
    const one = new AnswerCache();
    one.put('a', answer(60), 0);
    const cache = new AnswerCache({ maxBytes: one.bytes * 2 });
    for (const key of ['a', 'b', 'c', 'a']) cache.put(key, answer(60), 0);
    assert.deepEqual([cache.size, cache.bytes], [2, one.bytes * 2]);
    cache.put('a', answer(0), 0);
    assert.deepEqual([cache.size, cache.bytes], [1, one.bytes]);
  });
});

describe('a query', () => {
  const encode = (packet: Packet): Uint8Array => dnsPacket.encode({ type: 'query', id: 9, ...packet });
  const good = encode({ questions: [{ type: 'A', name: NAME }] });
  const changed = (index: number, value: number): Uint8Array => {
    const bytes = Uint8Array.from(good);
    bytes[index] = value;
    return bytes;
  };
  const cases: [string, Uint8Array, string, number | undefined][] = [
    ['well-formed', good, 'ask', undefined],
    ['shorter than a header', good.subarray(0, 11), 'drop', undefined],
    ['that is an answer', changed(2, 0x80), 'drop', undefined],
    ['with another opcode', changed(2, 0x28), 'refuse', 4],
    ['without question', changed(5, 0), 'refuse', 1],
    ['with bytes behind it', Uint8Array.from([...good, 0]), 'refuse', 1],
    ['cut short', good.subarray(0, good.length - 1), 'refuse', 1],
    ['that claims a record it lacks', changed(11, 1), 'refuse', 1],
    [
      'with an answer in it',
      encode({ questions: [{ type: 'A', name: NAME }], answers: [a(NAME, '192.0.2.1')] }),
      'refuse',
      1,
    ],
    ['for a zone transfer', encode({ questions: [{ type: 'AXFR', name: NAME }] }), 'refuse', 5],
    ['of class CH', encode({ questions: [{ type: 'TXT', class: 'CH', name: 'version.bind' }] }), 'refuse', 5],
    ['of type ANY', writeQuery(9, NAME, TYPE.ANY), 'ask', undefined],
    [
      'with EDNS version 1',
      Uint8Array.from([...changed(11, 1), 0, 0, 41, 4, 0, 0, 1, 0, 0, 0, 0]),
      'refuse',
      16,
    ],
  ];
  for (const [title, bytes, kind, rcode] of cases)
    it(`${title}: ${kind}${rcode === undefined ? '' : ` ${rcode}`}`, () => {
      const parsed = parseQuery(bytes);
      assert.equal(parsed.kind, kind);
      if (parsed.kind !== 'refuse') return;
      assert.equal(parsed.rcode, rcode);
      const reply = readMessage(parsed.reply) ?? assert.fail('malformed reply');
      assert.equal(reply.header.id, 9);
      assert.equal(reply.header.rcode, (rcode ?? 0) & 15);
    });

  it('of random bytes never throws, and refusals are well-formed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const parsed = parseQuery(bytes);
        if (parsed.kind === 'refuse') assert.ok(readMessage(parsed.reply));
      }),
      { numRuns: 3000 },
    );
  });
});
