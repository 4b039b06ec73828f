// The transparent L7 engine as a process of its own, for the test that sends it real packets: names and certificates
// are the test's, log records go to standard output, one JSON line each.

import { writeSync } from 'node:fs';
import { L7Engine } from '#dataplane/l7/engine.ts';
import { ip, rule, rules } from './bench.ts';

const NAMES: Readonly<Record<string, string>> = {
  'a.example.org': '192.0.2.1',
  'b.example.org': '192.0.2.2',
  'loop.example.org': '127.0.0.1',
};

const engine = new L7Engine({
  resolver: {
    resolve: async name => {
      const address = NAMES[name];
      return address === undefined ? [] : [ip(address)];
    },
  },
  log: { write: record => writeSync(1, `${JSON.stringify(record)}\n`) },
  forbiddenAddresses: () => [],
  hasName: () => false,
});
engine.configure(rules([rule('Allow', 'org', ['*.example.org'])]));
await engine.listen(15001);
writeSync(1, 'ready\n');
