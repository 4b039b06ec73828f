// A diff in few words: what is cut short says how much there is, and nothing speaks of ports that nobody uses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { application, network, policy, ports } from '#ir/fixture.ts';
import { diffPolicies } from './diff.ts';
import { describeDiff } from './diff-text.ts';

const textOf = (a: ReturnType<typeof policy>, b: ReturnType<typeof policy>, all = false): string => {
  const diff = diffPolicies(a, b);
  return [...describeDiff(diff, diff.entries, { unusable: [], all })].join('\n');
};

test('ports from 0 on are told from 1 on', () => {
  const all = network('all', { protocols: ['UDP'], destinationPorts: [{ first: 0, last: 65535 }] });
  const less = network('all', { protocols: ['UDP'], destinationPorts: ports('53-65535') });
  const text = textOf(policy({ networkRules: [less] }), policy({ networkRules: [all] }));
  assert.match(text, /\n {2}by {4}udp:1-52\n/);
});

test('of many names that are left out it is told how many, and all of them with --all', () => {
  const names = Array.from({ length: 20 }, (_, index) => `n${String(index).padStart(2, '0')}.example.org`);
  const web = (...others: Parameters<typeof application>[]) =>
    policy({ applicationRules: [...others.map(given => application(...given)), application('any', ['*'])] });
  const [a, b] = [policy({}), web(['some', names, { action: 'Deny' }])];
  assert.match(
    textOf(a, b),
    /\n {2}to {4}\* \(except 20 names, such as n00\.example\.org, n01\.example\.org, n02\.example\.org; --all lists them\)\n/,
  );
  const all = textOf(a, b, true);
  for (const name of names) assert.ok(all.includes(name), name);
});
