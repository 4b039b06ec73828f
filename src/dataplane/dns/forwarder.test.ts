import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket from 'dns-packet';
import { type Answer, parseAnswer } from './answer.ts';
import { FakeClock } from './clock.ts';
import { Forwarder } from './forwarder.ts';
import { ownQuery, type Query } from './query.ts';
import type { UpstreamAnswer } from './upstreams.ts';

const answerTo = (query: Query): Answer =>
  parseAnswer(
    dnsPacket.encode({
      type: 'response',
      questions: [{ type: 'A', name: query.name }],
      answers: [{ type: 'A', name: query.name, ttl: 60, data: '192.0.2.1' }],
    }),
    query,
  ) ?? assert.fail(query.name);

/** A forwarder whose upstream answers when told. */
function held(options: { maxUnderWay: number; maxWaiting: number }) {
  const clock = new FakeClock();
  const asked: { query: Query; answer: () => void; fail: () => void }[] = [];
  const ask = (query: Query): Promise<UpstreamAnswer> =>
    new Promise((resolve, reject) =>
      asked.push({
        query,
        answer: () => resolve({ answer: answerTo(query), server: { address: 1, port: 53 } }),
        fail: () => reject(new Error('no')),
      }),
    );
  return { clock, asked, forwarder: new Forwarder({ clock, ask, ...options }) };
}
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('the forwarder', () => {
  it('has so many questions under way, so many waiting, and refuses the rest', async () => {
    const { asked, forwarder } = held({ maxUnderWay: 2, maxWaiting: 1 });
    const answers = ['a', 'b', 'c', 'd'].map(name => forwarder.fetch(ownQuery(name)));
    const outcomes = Promise.allSettled(answers);
    await settle();
    assert.deepEqual(
      asked.map(entry => entry.query.name),
      ['a', 'b'],
    );
    asked[0]?.fail();
    await settle();
    assert.deepEqual(
      asked.map(entry => entry.query.name),
      ['a', 'b', 'c'],
    );
    asked[1]?.answer();
    asked[2]?.answer();
    assert.deepEqual(
      (await outcomes).map(outcome => outcome.status),
      ['rejected', 'fulfilled', 'fulfilled', 'rejected'],
    );
    const later = forwarder.fetch(ownQuery('e'));
    await settle();
    asked[3]?.answer();
    await later;
  });

  it('refuses what waited longer than a client does', async () => {
    const { asked, clock, forwarder } = held({ maxUnderWay: 1, maxWaiting: 5 });
    void forwarder.fetch(ownQuery('a'));
    const old = forwarder.fetch(ownQuery('b'));
    clock.advance(4001);
    const young = forwarder.fetch(ownQuery('c'));
    await settle();
    asked[0]?.answer();
    await assert.rejects(old, /waited too long/);
    await settle();
    asked[1]?.answer();
    assert.equal((await young).answer.chain[0], 'c');
  });

  it('does not keep what servers answer that are no longer asked', async () => {
    const { asked, forwarder } = held({ maxUnderWay: 2, maxWaiting: 1 });
    const query = ownQuery('a');
    const first = forwarder.fetch(query);
    await settle();
    forwarder.forget();
    asked[0]?.answer();
    await first;
    assert.equal(forwarder.cached(query), undefined);
    const second = forwarder.fetch(query);
    await settle();
    asked[1]?.answer();
    await second;
    assert.ok(forwarder.cached(query));
  });
});
