// On random policies, what is said of a whole set of flows agrees with `decide` for flows out of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '#ir/decide.ts';
import type { Flow } from '#ir/decision.ts';
import { matchesFqdn, parseFqdnPattern } from '#net/fqdn.ts';
import { ALL_IPV4, includesAddress } from '#net/ipv4.ts';
import { type ReachQuery, ReachTable } from './reach.ts';
import { ADDRESSES, CLAIMED, NETWORK_NAMES, PATTERNS, PORTS, policies } from './small-world.ts';

const question = fc.record({
  pattern: fc.option(fc.constantFrom(...PATTERNS), { nil: undefined }),
  udp: fc.boolean(),
  name: fc.option(fc.constantFrom(...NETWORK_NAMES), { nil: undefined }),
  destination: fc.constantFrom(...ADDRESSES),
  port: fc.constantFrom(...PORTS),
});

test('what is said of all sources and names agrees with decide on each', () => {
  const seen = { allowed: 0, denied: 0, partly: 0 };
  fc.assert(
    fc.property(policies, question, (policy, { pattern, udp, name, destination, port }) => {
      const parsed = pattern === undefined ? undefined : parseFqdnPattern(pattern);
      const ports = [{ first: port, last: port }];
      const protocol = udp && !parsed ? 'UDP' : 'TCP';
      const query: ReachQuery = {
        services: [{ protocol, ports, ...(parsed && { claim: 'Https' as const }) }],
        destinations: [{ first: destination, last: destination }],
        ...(name !== undefined && { name }),
        ...(parsed && { targets: [{ pattern: parsed, tag: '' }] }),
      };
      const table = new ReachTable(policy, [query], [ALL_IPV4]);
      const claimed = parsed ? CLAIMED.filter(fqdn => matchesFqdn(parsed, fqdn)) : [undefined];
      for (const id of table.sourceClasses()) {
        const reach = table.reach(0, id);
        seen[reach.allowed ? (reach.denied ? 'partly' : 'allowed') : 'denied']++;
        const sources = table.addressesOf([id]);
        for (const source of ADDRESSES.filter(address => includesAddress(sources, address))) {
          for (const fqdn of claimed) {
            const flow: Flow = {
              ...{ protocol, source, destination, destinationPort: port, from: 'inside' },
              ...(fqdn !== undefined && { claim: { protocol: 'Https', fqdn } }),
            };
            const decision = decide(policy, flow, {
              namesOfAddress: () => new Set(name === undefined ? [] : [name]),
            });
            const allowed = decision.action === 'Allow';
            assert.ok(allowed ? reach.allowed : reach.denied, JSON.stringify({ flow, reach }));
            if (decision.action === 'Pending') continue;
            const rules: readonly unknown[] = allowed ? reach.allowedBy : reach.deniedBy;
            if (!allowed || decision.rule) assert.ok(rules.includes(decision.rule));
          }
        }
      }
    }),
    { numRuns: 2_000 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 30, `${what}: only ${count}`);
});
