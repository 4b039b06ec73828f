// How large a policy and its program become: by the addresses that are named, never by the product of sources, destinations and
// ports. Measured in ranges held and in arrays made, which do not depend on the machine; and in JSON, which is what is sent.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AddressSet, ResolvedPolicy } from '#ir/policy.ts';
import { formatProgram } from '#ir/program-text.ts';
import { applicationRule, filters, natRule, nats, networkRule } from '#model/policy-fixture.ts';
import { compile } from './compile.ts';
import { type Json, SCOPE } from './fixture.ts';
import { CHILD, group, ipGroup, policy, resolved } from './policy-world.ts';

const idOf = (name: string) => `${SCOPE}/ipGroups/${name}`;
/** Addresses that do not touch, so that none can be merged. */
const large = (name: string, second: number, entries = 5000) =>
  ipGroup(
    idOf(name),
    ...Array.from({ length: entries }, (_, index) => `10.${second}.${index >> 7}.${(index & 127) * 2}`),
  );

/** Ranges in all distinct arrays that the rules hold. */
function rangesHeld({ natRules, networkRules, applicationRules }: ResolvedPolicy): number {
  const sets = new Set<AddressSet>();
  for (const { sources } of [...natRules, ...networkRules, ...applicationRules]) sets.add(sources);
  for (const { destinations } of networkRules) for (const set of destinations) sets.add(set);
  for (const { destinations } of applicationRules) if (destinations) sets.add(destinations);
  return [...sets].reduce((sum, set) => sum + set.length, 0);
}

const rangesOf = (found: ResolvedPolicy) =>
  Object.values(compile(found).netfilter.addressSets).reduce((sum, set) => sum + set.length, 0);

const UNLIMITED = { azureLimits: false };
const ofRules = (rules: readonly Json[], ...groups: readonly ReturnType<typeof large>[]) =>
  resolved([policy(CHILD), group(CHILD, 'g', 100, [filters(rules)]), ...groups], UNLIMITED);

describe('the size of a policy', () => {
  it('two IP groups of 5,000 entries on both sides of a rule hold 10,000 ranges', () => {
    const rule = networkRule({
      sourceAddresses: [],
      sourceIpGroups: [idOf('a')],
      destinationAddresses: [],
      destinationIpGroups: [idOf('b')],
      destinationPorts: ['80', '443', '8000-9000'],
    });
    const found = resolved([
      policy(CHILD),
      group(CHILD, 'g', 100, [filters([rule])]),
      large('a', 1),
      large('b', 2),
    ]);
    assert.equal(found.networkRules.length, 1);
    assert.equal(rangesHeld(found), 10_000);
    assert.equal(rangesOf(found), 10_000);
    assert.equal(compile(found).netfilter.networkClauses.length, 1);
  });

  const names = Array.from({ length: 10 }, (_, index) => `g${index}`);
  const groups = names.map((name, index) => large(name, index));
  /** Every rule names two of the groups and an address of its own on either side. */
  const crossed = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      networkRule({
        name: `r${index}`,
        sourceAddresses: [`172.16.${index >> 8}.${index & 255}`],
        sourceIpGroups: [idOf(`g${index % 10}`), idOf(`G${(index + 1) % 10}`)],
        destinationAddresses: [`172.17.${index >> 8}.${index & 255}`],
        destinationIpGroups: [idOf(`g${(index * 7) % 10}`), idOf(`g${(index * 3 + 1) % 10}`)],
      }),
    );

  it('10,000 rules over ten groups hold each group once, beside their own addresses', () => {
    const found = ofRules(crossed(10_000), ...groups);
    assert.equal(new Set(found.networkRules.map(({ ref }) => ref.rule)).size, 10_000);
    assert.equal(rangesHeld(found), 10 * 5000 + 2 * 10_000);
    assert.equal(rangesOf(found), 10 * 5000 + 2 * 10_000);
  });

  it('grows with rules as if the groups were not there', () => {
    const size = (count: number, ...more: typeof groups) =>
      formatProgram(compile(ofRules(crossed(count), ...more))).length;
    const [one, two, four] = [size(500, ...groups), size(1000, ...groups), size(2000, ...groups)];
    assert.ok(four - two < 2.2 * (two - one), `${one} ${two} ${four}`);
    assert.ok(two - one < one, `${one} ${two}`);
  });

  it('a rule in parts is one decision, and keeps its number', () => {
    const program = compile(ofRules(crossed(3), ...groups));
    assert.equal(program.netfilter.networkClauses.length, 9);
    assert.deepEqual(
      [...new Set(program.netfilter.networkClauses.map(({ decision }) => decision))],
      [1, 2, 3],
    );
    assert.equal(program.decisions.length, 4);
    const next = compile(ofRules(crossed(4).toReversed(), ...groups), { previous: program });
    assert.deepEqual(
      [1, 2, 3, 4].map(id => next.decisions[id]?.rule.rule),
      ['r0', 'r1', 'r2', 'r3'],
    );
  });

  it('a source or destination of everything makes the groups beside it needless', () => {
    const rule = networkRule({
      sourceIpGroups: [idOf('g0')],
      destinationAddresses: ['*'],
      destinationIpGroups: [idOf('g1')],
    });
    const found = ofRules([rule], ...groups);
    assert.deepEqual([found.networkRules.length, rangesHeld(found), rangesOf(found)], [1, 1, 0]);
  });

  it('application and NAT rules share groups too', () => {
    const sources = (index: number) => ({
      name: `r${index}`,
      sourceAddresses: [`172.16.0.${index}`],
      sourceIpGroups: [idOf('g0')],
    });
    const rules = Array.from({ length: 200 }, (_, index) => index);
    const found = resolved(
      [
        policy(CHILD),
        group(CHILD, 'g', 100, [
          filters(rules.map(index => applicationRule(sources(index)))),
          nats(rules.map(index => natRule({ ...sources(index), destinationPorts: [`${index + 1}`] }))),
        ]),
        ...groups,
      ],
      UNLIMITED,
    );
    assert.equal(rangesHeld(found), 5000 + 200);
  });
});
