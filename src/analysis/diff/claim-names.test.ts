// Sets of claimed names against the patterns themselves: every short name over three letters, every pattern over them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ApplicationTarget } from '#ir/policy.ts';
import { type FqdnPattern, matchesFqdn, parseTagPattern } from '#net/fqdn.ts';
import { namePatterns } from './claim-name-text.ts';
import { type ClaimDimension, claimDimension } from './claim-names.ts';

function words(letters: readonly string[], length: number): string[] {
  const shorter = length === 1 ? [''] : words(letters, length - 1);
  return [...new Set([...shorter, ...shorter.flatMap(word => letters.map(letter => word + letter))])];
}
const isName = (word: string) =>
  word !== '' && !word.startsWith('.') && !word.endsWith('.') && !word.includes('..');
const NAMES = words(['a', 'b', '.'], 6).filter(isName);

const text = fc.constantFrom(
  ...words(['a', 'b', '.'], 3).filter(word => !word.endsWith('.') && !word.includes('..')),
);
const pattern: fc.Arbitrary<FqdnPattern> = fc
  .oneof(
    { weight: 2, arbitrary: fc.constantFrom(...NAMES.filter(name => name.length < 5)) },
    { weight: 2, arbitrary: text.map(suffix => `*${suffix}`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...words(['a', 'b', '.'], 3)), text)
        .map(([prefix, suffix]) => `${prefix}*${suffix}`),
    },
  )
  .map(parseTagPattern)
  .filter(parsed => parsed !== undefined);
const targets = fc.array(pattern, { minLength: 1, maxLength: 4 });
const targetsOf = (patterns: readonly FqdnPattern[]): ApplicationTarget[] =>
  patterns.map(one => ({ pattern: one, tag: '' }));

/** The class of a name: that of the narrowest atoms, which are those that no other atom lies within. */
function holdersOf(lists: readonly (readonly FqdnPattern[])[], name: string): number[] {
  return lists.flatMap((patterns, clause) => (patterns.some(one => matchesFqdn(one, name)) ? [clause] : []));
}

/** Clauses that hold a class of the dimension. */
function holdersOfClass({ dimension }: ClaimDimension, count: number, id: number): number[] {
  return Array.from({ length: count }, (_, clause) => clause).filter(
    clause => dimension.classesOf.get(clause)?.includes(id) ?? true,
  );
}

const matches = (written: string, name: string) => {
  const parsed = parseTagPattern(written) ?? assert.fail(`${written} is no pattern`);
  return matchesFqdn(parsed, name);
};

describe('classes of claimed names', () => {
  it('hold each name once, with just the clauses whose targets hold it', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(fc.array(targets, { minLength: 1, maxLength: 4 }), lists => {
        const claims = claimDimension(lists.map(targetsOf));
        const described = claims.atoms.map((atoms, id) =>
          namePatterns(atoms, claims.lattice, { others: id === 0 }),
        );
        for (const name of NAMES) {
          const classes = described.flatMap((patterns, id) =>
            patterns.some(one => matches(one.pattern, name) && !one.except.some(out => matches(out, name)))
              ? [id]
              : [],
          );
          assert.equal(classes.length, 1, `${name} is in classes ${classes}`);
          assert.deepEqual(
            holdersOfClass(claims, lists.length, classes[0] ?? -1),
            holdersOf(lists, name),
            name,
          );
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it('can be joined, and still hold each of their names and no other', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(fc.array(targets, { minLength: 2, maxLength: 4 }), fc.nat(), (lists, bits) => {
        const claims = claimDimension(lists.map(targetsOf));
        const inSet = (id: number) => ((bits >> (id % 31)) & 1) === 1;
        const shown = namePatterns(
          claims.atoms.flatMap((atoms, id) => (inSet(id) ? atoms : [])),
          claims.lattice,
          { others: inSet(0) },
        );
        for (const { except } of shown)
          for (const out of except)
            assert.ok(!claims.lattice.around(out).some(wider => except.includes(wider)), 'left out twice');
        for (const name of NAMES) {
          const held = holdersOf(lists, name);
          const id = claims.atoms.findIndex(
            (_, one) => holdersOfClass(claims, lists.length, one).join() === held.join(),
          );
          const shownHere = shown.some(
            one => matches(one.pattern, name) && !one.except.some(out => matches(out, name)),
          );
          // Classes of the same clauses may be two, one of them for lists that hold every name.
          if (
            claims.atoms.filter((_, one) => holdersOfClass(claims, lists.length, one).join() === held.join())
              .length === 1
          )
            assert.equal(shownHere, inSet(id), name);
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});
