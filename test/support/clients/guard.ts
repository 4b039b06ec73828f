// Imported first by everything here that sends packets: ends the program when it runs in the network namespace of the test
// runner, or is not told which one that is. Nothing may leave the namespaces that the tests made.

import { readlinkSync } from 'node:fs';

const runner = process.env.POSTERN_RUNNER_NETNS;
if (runner === undefined || runner === readlinkSync('/proc/self/ns/net')) {
  process.stderr.write(
    "this client sends packets and will not run in the test runner's own network namespace\n",
  );
  process.exit(97);
}
