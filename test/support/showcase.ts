// What a user is promised, as checks with real packets in a running lab: the demo prints them as its result table, the
// tests run each as a test. A check returns what was seen and throws when it is not what was promised.
// They expect the set-up of examples/egress.sh and the hosts that `prepareHosts` adds; those of `POLICY` expect examples/policy.sh
// and the hosts of `prepareTeam`, those of `OFFLINE` nothing at all.

import { ADDRESSES } from './showcase/addresses.ts';
import { CHANGES } from './showcase/changes.ts';
import { EXPLAIN } from './showcase/explain.ts';
import type { Check } from './showcase/kit.ts';
import { CHECKS } from './showcase/traffic.ts';

export { type Check, FIREWALL, GROUP, INTERNET, prepareHosts } from './showcase/kit.ts';
export { OFFLINE } from './showcase/offline.ts';
export { POLICY, prepareTeam, TEAM } from './showcase/policy.ts';
export { BEFORE } from './showcase/traffic.ts';

/** In this order: later ones add rules and addresses. */
export const AFTER: readonly Check[] = [...CHECKS, ...CHANGES, ...ADDRESSES, ...EXPLAIN];
