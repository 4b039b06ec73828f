// Tells every process that a test starts which network namespace is the runner's own, so that those which send packets can
// refuse to run there (clients/guard.ts).

import { readlinkSync } from 'node:fs';

export const RUNNER_NETNS = readlinkSync('/proc/self/ns/net');
process.env.POSTERN_RUNNER_NETNS = RUNNER_NETNS;
