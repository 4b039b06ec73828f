// On random policies and flows, a program says what `decide` says. A failure prints its seed and the smallest example.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { ResolvedPolicy } from '#ir/policy.ts';
import { formatProgram, parseProgram } from '#ir/program-text.ts';
import { randomFlows, randomRules, randomSettings, type World } from '#ir/random-policies.ts';
import { compile } from './compile.ts';
import { runProgram } from './testing.ts';

describe('a program says what decide says', () => {
  // A small world, so that rules overlap and flows hit them.
  const address = fc.integer({ min: 0x0a000000, max: 0x0a00001f });
  const port = fc.constantFrom(22, 53, 80, 443, 8443);
  const names = ['a.example.org', 'b.example.org', 'example.org', 'c.example.net'];
  const claimProtocols = ['Http', 'Https', 'Mssql'] as const;
  const PRIVATE = 0x0a000003;
  const own = [0x0a000001, 0x0a000002];
  const world: World = {
    ref: fc.uuid().map(rule => ({ policy: '', group: '', collection: 'c', rule })),
    address,
    port,
    addressParts: { maxLength: 3 },
    portParts: { minLength: 1, maxLength: 2 },
    mostDestinations: 3,
    networkNames: names,
    patterns: ['*', '*.example.org', '*example.org', 'a.example.org', 'c.example.net'],
    targets: { minLength: 1, maxLength: 12 },
    claimProtocols,
    own,
    privateAddress: PRIVATE,
    natAddresses: own,
    translated: { address, port },
  };
  const { nat, network, application } = randomRules(world);
  const policies: fc.Arbitrary<ResolvedPolicy> = fc.record({
    ...randomSettings(world),
    natRules: fc.array(nat, { maxLength: 3 }),
    networkRules: fc.array(network, { maxLength: 6 }),
    applicationRules: fc.array(application, { maxLength: 4 }),
    infrastructureRules: fc.array(
      application.map(rule => ({ ...rule, action: 'Allow' as const })),
      { maxLength: 1 },
    ),
    privateAddress: fc.constant(PRIVATE),
    publicIps: fc.constant(own.map(one => ({ name: 'pip', address: one }))),
  });
  const name = fc.constantFrom(...names);
  const flows = randomFlows({
    address,
    destination: fc.oneof(address, fc.constantFrom(...own, PRIVATE)),
    port,
    claim: fc.record({
      protocol: fc.constantFrom(...claimProtocols),
      fqdn: fc.option(name, { nil: undefined }),
    }),
  });
  const known = fc.array(fc.tuple(address, fc.uniqueArray(name, { maxLength: 2 })), { maxLength: 8 });

  it('on random policies and flows', context => {
    const seed = Date.now() | 0;
    context.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(
        policies,
        fc.array(flows, { minLength: 1, maxLength: 20 }),
        known,
        (policy, asked, resolved) => {
          const table = new Map(resolved.map(([at, names]) => [at, new Set(names)]));
          const namesOfAddress = (at: number) => table.get(at) ?? new Set<string>();
          const program = parseProgram(formatProgram(compile(policy)));
          for (const flow of asked)
            assert.deepEqual(
              runProgram(program, flow, namesOfAddress),
              decide(policy, flow, { namesOfAddress }),
            );
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});
